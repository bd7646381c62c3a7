//! Each rejected plan of the stages after the schema holds one mistake, and that gives one diagnostic.

#![expect(clippy::disallowed_methods, reason = "the test reads plans of the repository")]

use std::path::{Path, PathBuf};

use compiler::code;
use compiler::diagnostic::Diagnostics;
use compiler::parts::{file_paths, included};
use compiler::source::{FileId, Files, Source, Texts};
use compiler::{Overrides, compile};

#[test]
fn each_mistake_gives_one_diagnostic() {
    let read = |path: PathBuf| std::fs::read(path).ok();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/rejected");
    // The plans of syntax and schema hold several mistakes each.
    let early = ["plan::syntax::", "plan::schema::", "plan::yaml::"];
    let codes = code::all().map(|code| code.code);
    let codes = codes.filter(|code| !early.iter().any(|prefix| code.starts_with(prefix)));
    let mut seen = 0;
    let mut wrong = Vec::new();
    for code in codes {
        let name = format!("{}.yaml", code.trim_start_matches("plan::").replace("::", "-"));
        let Some(text) = read(folder.join(&name)).and_then(|bytes| String::from_utf8(bytes).ok())
        else {
            continue;
        };
        let source = Source::new(FileId(0), name, text);
        let mut files = Files::new(source.clone());
        let mut parts = included(&source, "");
        while let Some(path) = parts.pop() {
            if let Some(bytes) = read(folder.join(&path)) {
                files.add_part(path.as_str(), path.as_str(), bytes);
                let part = files.part(&path).unwrap();
                let inner = included(&part.source, files.folder(part.source.id()));
                parts.extend(inner.into_iter().filter(|path| files.part(path).is_none()));
            }
        }
        for path in file_paths(&files) {
            if let Some(bytes) = read(folder.join(&path)) {
                files.add(path, bytes);
            }
        }
        let mut sink = Diagnostics::new();
        let artifact = compile(&files, &Overrides::default(), &mut sink);
        let clean = sink.is_clean();
        assert_eq!(artifact.is_some(), clean, "{code}");
        let found = sink.into_sorted();
        let given: Vec<&str> = found.iter().map(|found| found.code).collect();
        if given != [code] {
            wrong.push((
                code,
                found.iter().map(|d| (d.code, d.message.clone())).collect::<Vec<_>>(),
            ));
        }
        assert!(
            found.is_empty() || !found[0].help.is_empty() && found[0].primary.message != "here",
            "{found:#?}"
        );
        seen += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 50, "{seen}");
}
