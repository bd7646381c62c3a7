//! Where results go: a folder that is made before the load, what is written into it after, what is said of it.

use std::fs;
use std::path::{Path, PathBuf};

use compiler::exit::Exit;
use time::OffsetDateTime;
use time::macros::format_description;

use super::load::Loaded;
use super::{Format, Refusal, RunArgs};
use crate::cli::{chain, complain, say};
use crate::clock::Clock;
use crate::metrics::Ending;
use crate::report::{self, Kind, RunResult, Template};

/// Returns the results folder's path; it must be absent or empty.
pub(super) fn results_folder(args: &RunArgs, loaded: &Loaded) -> Result<PathBuf, Refusal> {
    let Some(out) = &args.out else {
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        let seconds = i64::try_from(Clock::real().unix_ms() / 1000).unwrap_or(0);
        let now = OffsetDateTime::from_unix_timestamp(seconds)
            .ok()
            .and_then(|now| now.format(&format).ok())
            .unwrap_or_default();
        let name = format!("{}-{now}-{}", loaded.artifact.plan, loaded.run);
        return Ok(Path::new("results").join(name));
    };
    match std::fs::read_dir(out).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(out.clone()),
        Ok(false) => Err(Refusal::usage(format!("results folder {} is not empty", out.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(out.clone()),
        Err(error) => {
            Err(Refusal::usage(format!("cannot use results folder {}: {error}", out.display())))
        }
    }
}

/// Makes the results folder and tries it, so that no load is sent whose results cannot be kept.
pub(super) fn prepare(out: PathBuf) -> Result<PathBuf, Refusal> {
    let probe = out.join(".volley");
    let tried = fs::create_dir_all(&out)
        .and_then(|()| fs::write(&probe, "results follow\n"))
        .and_then(|()| fs::remove_file(&probe));
    match tried {
        Ok(()) => Ok(out),
        Err(error) => Err(Refusal::usage(format!(
            "cannot write into the results folder {}: {error}",
            out.display()
        ))),
    }
}

/// Writes the results; where the folder takes them no more, into one for temporary files, loudly.
pub(super) fn write(
    out: &Path,
    result: &RunResult,
    kinds: &[Kind],
    template: Option<&Template>,
) -> Result<Vec<PathBuf>, Refusal> {
    let error = match report::write(out, result, kinds, template) {
        Ok(written) => return Ok(written),
        Err(error) => chain(&error),
    };
    let rescue = std::env::temp_dir().join(format!("volley-{}", result.run.id));
    let rescued = fs::create_dir_all(&rescue).map_err(|error| error.to_string()).and_then(|()| {
        report::write(&rescue, result, kinds, template).map_err(|error| chain(&error))
    });
    let message = match rescued {
        Ok(_) => format!("{error}; the results are in {} instead", rescue.display()),
        Err(again) => format!("{error}; nor there: {again}; the results are lost"),
    };
    Err(Refusal::new(Exit::Internal, message))
}

/// Says how it ended and where the results are.
pub(super) fn conclude(args: &RunArgs, result: &RunResult, ending: &Ending, written: &[PathBuf]) {
    match ending {
        Ending::Complete
        | Ending::Interrupted
        | Ending::Aborted(_)
        | Ending::TooManyFailures(_)
        | Ending::Overloaded(_) => {}
        Ending::ArtifactRefused(why) | Ending::ClusterFailed(why) | Ending::Internal(why) => {
            // The summary for people says it too.
            if args.quiet || args.format == Format::Json {
                complain(why);
            }
        }
    }
    if args.quiet {
        return;
    }
    let files = written.iter().map(|path| path.display().to_string());
    match args.format {
        Format::Human => {
            say(&report::summary(result));
            let names: String = files.map(|name| format!("  {name}\n")).collect();
            say(&format!("\nresults\n{names}"));
        }
        Format::Json => {
            let line = serde_json::json!({
                "what": "result", "outcome": result.run.outcome,
                "exit_code": result.run.exit_code, "files": files.collect::<Vec<String>>(),
            });
            say(&format!("{line}\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_takes_no_files_is_refused_before_the_load() {
        let folder = tempfile::tempdir().unwrap();
        let good = folder.path().join("a/b");
        assert_eq!(prepare(good.clone()).ok(), Some(good.clone()));
        assert_eq!(fs::read_dir(&good).unwrap().count(), 0, "nothing is left in it");
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let refusal = prepare(file.join("sub")).err().unwrap();
        assert_eq!(refusal.exit, Exit::Usage);
        assert!(refusal.message.contains("file/sub"), "{}", refusal.message);
    }
}
