//! Where results go: a folder that is made before the load, what is written into it after, what is said of it.

use std::fs;
use std::path::{Path, PathBuf};

use compiler::exit::Exit;
use time::OffsetDateTime;
use time::macros::format_description;

use super::dry_run;
use super::load::Loaded;
use super::{Format, Refusal, RunArgs};
use crate::cli::{chain, complain, say};
use crate::clock::Clock;
use crate::cluster::coordinator::journal;
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
        Ok(false) => Err(Refusal::usage(not_empty(out))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(out.clone()),
        Err(error) => {
            Err(Refusal::usage(format!("cannot use results folder {}: {error}", out.display())))
        }
    }
}

/// Says why a folder that is not empty cannot be used, and what to do with one whose run is not over.
fn not_empty(out: &Path) -> String {
    let place = out.display();
    match journal::run_in(out) {
        Some(run) => format!(
            "results folder {place} holds the journal of run {run}, whose coordinator was lost: collect it with \
             --resume {run}, or name another folder"
        ),
        None => format!("results folder {place} is not empty"),
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

/// What was kept of the results.
pub(super) struct Kept {
    /// Files that hold them.
    pub(super) files: Vec<PathBuf>,
    /// Why they are not all where they were asked for; the run's verdict holds all the same.
    pub(super) trouble: Option<String>,
}

impl Kept {
    /// Returns what the program ends with: the run's own end, unless results not in their place weigh more.
    pub(super) fn exit(&self, result: &RunResult) -> Exit {
        let own = Exit::from_code(result.run.exit_code).unwrap_or(Exit::Internal);
        match self.trouble {
            None => own,
            Some(_) => Exit::strongest(&[own, Exit::Internal]),
        }
    }
}

/// Writes the results; where the folder takes them no more, into one in `rescue_in`, loudly.
pub(super) fn write(
    out: &Path,
    rescue_in: &Path,
    result: &RunResult,
    kinds: &[Kind],
    template: Option<&Template>,
) -> Kept {
    let error = match report::write(out, result, kinds, template) {
        Ok(files) => return Kept { files, trouble: None },
        Err(error) => chain(&error),
    };
    let rescue = rescue_in.join(format!("volley-{}", result.run.id));
    let rescued = fs::create_dir_all(&rescue).map_err(|error| error.to_string()).and_then(|()| {
        report::write(&rescue, result, kinds, template).map_err(|error| chain(&error))
    });
    match rescued {
        Ok(files) => {
            let trouble = format!("{error}; the results are in {} instead", rescue.display());
            Kept { files, trouble: Some(trouble) }
        }
        Err(again) => {
            // A view that cannot be made takes nothing from the result itself.
            let results = [out, &rescue].map(|folder| folder.join("result.json"));
            let files: Vec<PathBuf> = results.into_iter().filter(|file| file.is_file()).collect();
            let lost = if files.is_empty() { "the results are lost" } else { "a part is missing" };
            Kept { files, trouble: Some(format!("{error}; nor there: {again}; {lost}")) }
        }
    }
}

/// Says how it ended and where the results are.
pub(super) fn conclude(args: &RunArgs, result: &RunResult, ending: &Ending, kept: &Kept) {
    if let Some(trouble) = &kept.trouble {
        complain(trouble);
    }
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
    let files = kept.files.iter().map(|path| path.display().to_string());
    match args.format {
        Format::Human => {
            say(&match args.dry_run {
                true => dry_run::summary(result, ending),
                false => report::summary(result),
            });
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
    use crate::metrics::Totals;
    use crate::report::sample;

    /// Returns the sample's result, ended with `exit`.
    fn result(exit: Exit) -> RunResult {
        let artifact = sample::artifact();
        let totals = Totals::new(&artifact);
        let record = sample::record(&artifact, &totals);
        let mut result = RunResult::build(&artifact, &record, &totals);
        result.run.exit_code = exit.code();
        result
    }

    #[test]
    fn rescued_results_keep_the_verdict() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let result = result(Exit::ThresholdMissed);
        let kept = write(&gone, folder.path(), &result, &[Kind::Csv], None);
        let names: Vec<&str> =
            kept.files.iter().filter_map(|file| file.file_name()?.to_str()).collect();
        assert_eq!(names, ["result.json", "series.csv"]);
        let written = report::read(&kept.files[0]).unwrap();
        assert_eq!(written.run.exit_code, Exit::ThresholdMissed.code());
        let trouble = kept.trouble.as_deref().unwrap();
        assert!(trouble.contains("gone/result.json") && trouble.contains("instead"), "{trouble}");
    }

    #[test]
    fn results_out_of_their_place_weigh_as_the_contract_says() {
        let troubled = |trouble: Option<&str>, own| {
            let trouble = trouble.map(str::to_owned);
            Kept { files: Vec::new(), trouble }.exit(&result(own))
        };
        assert_eq!(troubled(None, Exit::ThresholdMissed), Exit::ThresholdMissed);
        assert_eq!(troubled(Some("full"), Exit::Passed), Exit::Internal);
        assert_eq!(troubled(Some("full"), Exit::ThresholdMissed), Exit::Internal);
        assert_eq!(troubled(Some("full"), Exit::Interrupted), Exit::Interrupted);
    }

    #[test]
    fn lost_results_are_called_lost() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let kept = write(&gone, &file, &result(Exit::Passed), &[], None);
        assert_eq!(kept.files, Vec::<PathBuf>::new());
        assert!(kept.trouble.unwrap().ends_with("the results are lost"));
    }

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
