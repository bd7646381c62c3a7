//! `volley report`: makes the views of a result again, offline.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use compiler::exit::Exit;

use crate::report::{Kind, ReportError, read, read_template, write_views};

/// Options of `volley report`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  volley report results/checkout-20260801T120000Z-k3v9x0q2ab\n  \
                        volley report result.json --report md,junit --out ci\n  \
                        volley report result.json --report html --template slack.json"
)]
pub struct ReportArgs {
    /// A result.json, or the folder that holds it.
    #[arg(value_name = "RESULT")]
    pub result: PathBuf,
    /// Which views, of html, md, txt, csv and junit.
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "html,md,txt,csv,junit"
    )]
    pub report: Vec<Kind>,
    /// A template of your own; its view is user-<its file name>.
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,
    /// Where the views go; default: beside the result.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Writes the views and names them, one a line, on `out`.
///
/// Exits with 2 when the result, the template or the folder cannot be used, else with 0 whatever the result says.
pub fn run(args: &ReportArgs, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    match report(args) {
        Ok(written) => {
            let named = written.iter().try_for_each(|path| writeln!(out, "{}", path.display()));
            named.map_or(Exit::Usage, |()| Exit::Passed)
        }
        Err(error) => {
            // A closed error stream leaves only the exit code to tell.
            write_chain(&error, err).unwrap_or_default();
            Exit::Usage
        }
    }
}

fn report(args: &ReportArgs) -> Result<Vec<PathBuf>, ReportError> {
    let result = read(&args.result)?;
    let template = args.template.as_deref().map(read_template).transpose()?;
    let beside =
        if args.result.is_dir() { Some(args.result.as_path()) } else { args.result.parent() };
    let folder = args.out.clone().or(beside.map(PathBuf::from)).unwrap_or_default();
    if let Some(folder) = &args.out {
        std::fs::create_dir_all(folder)
            .map_err(|source| ReportError::Write { path: folder.clone(), source })?;
    }
    write_views(&folder, &result, &args.report, template.as_ref())
}

fn write_chain(error: &ReportError, err: &mut dyn Write) -> io::Result<()> {
    write!(err, "error: {error}")?;
    let mut source = error.source();
    while let Some(cause) = source {
        write!(err, ": {cause}")?;
        source = cause.source();
    }
    writeln!(err)
}

#[cfg(test)]
mod tests {
    use compiler::exit::Exit;

    use super::{ReportArgs, run};
    use crate::report::{Kind, sample, to_json};

    fn report(result: &[u8], report: Vec<Kind>) -> (Exit, Vec<String>, String) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("result.json"), result).unwrap();
        let args =
            ReportArgs { result: folder.path().to_owned(), report, template: None, out: None };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = run(&args, &mut out, &mut err);
        let mut names: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        (exit, names, String::from_utf8(err).unwrap())
    }

    #[test]
    fn views_are_made_beside_the_result() {
        let bytes = to_json(&sample::passing()).unwrap();
        let (exit, names, err) = report(&bytes, vec![Kind::Csv, Kind::Html]);
        assert_eq!((exit, err.as_str()), (Exit::Passed, ""));
        assert_eq!(names, ["report.html", "result.json", "series.csv"]);
    }

    #[test]
    fn another_format_and_no_result_at_all_are_refused_with_the_reason() {
        let (exit, names, err) = report(br#"{"format": 2, "run": []}"#, vec![Kind::Html]);
        assert_eq!((exit, names.len()), (Exit::Usage, 1));
        assert!(err.contains("has the result format 2, this program reads 1"), "{err}");
        let (exit, _, err) = report(b"{\"format\": 1}", vec![Kind::Html]);
        assert_eq!(exit, Exit::Usage);
        assert!(err.contains("is no result: missing field `run`"), "{err}");
        let (exit, _, _) = report(b"not json", vec![Kind::Html]);
        assert_eq!(exit, Exit::Usage);
    }
}
