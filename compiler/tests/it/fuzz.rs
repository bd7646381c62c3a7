//! Plans with random damage: nothing panics, and each is either good or says what is wrong.

#![expect(clippy::disallowed_methods, reason = "the test reads the plans that it damages")]

use std::fs;
use std::path::Path;

use compiler::cli::judge;
use compiler::diagnostic::Severity;
use compiler::source::Texts;

#[test]
fn damaged_plans_are_judged() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/rejected");
    let mut entries: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    entries.sort();
    let plans: Vec<Vec<u8>> = entries.iter().map(|path| fs::read(path).unwrap()).collect();
    let pieces: [&[u8]; 16] = [
        b"{{",
        b"}}",
        b"[",
        b"}",
        b"'",
        b"\"",
        b"\n",
        b"  ",
        b": ",
        b"- ",
        b"*a",
        b"&a ",
        b"\t",
        b"#",
        b"\xff",
        "é".as_bytes(),
    ];
    arbtest::arbtest(|u| {
        let mut bytes = u.choose(&plans)?.clone();
        for _ in 0..u.int_in_range(1..=4)? {
            let at = u.int_in_range(0..=bytes.len())?;
            let end = (at + u.int_in_range(0..=12)?).min(bytes.len());
            let piece: Vec<u8> = match u.int_in_range(0..=2)? {
                0 => Vec::new(),
                1 => u.choose(&pieces)?.to_vec(),
                _ => bytes[at..end].repeat(2),
            };
            bytes.splice(at..end, piece);
        }
        let (files, found) = judge("p.yaml", bytes, &folder).unwrap();
        for finding in &found {
            for label in std::iter::once(&finding.primary).chain(&finding.more) {
                assert!(label.span.lo <= label.span.hi, "{finding:?}");
                assert!(
                    label.span.hi as usize <= files.text_of(label.span.file).text().len(),
                    "{finding:?}"
                );
            }
            assert!(!finding.help.is_empty(), "{finding:?}");
        }
        // A plan that is neither good nor bad would be a gap between the stages.
        let gap = found.iter().any(|finding| finding.message.contains("no check has named"));
        let source = files.plan();
        assert!(!gap, "{}", source.text());
        let errors = found.iter().any(|finding| finding.severity == Severity::Error);
        assert!(errors || source.text().contains("scenarios"));
        Ok(())
    })
    .budget_ms(3_000);
}
