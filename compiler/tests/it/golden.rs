//! Golden files: compared, or rewritten when `UPDATE_GOLDEN` is set.

#![expect(clippy::disallowed_methods, reason = "the tests read and write golden files")]

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Holds `bytes` against the file at `path` below the repository's root.
#[track_caller]
pub(crate) fn check(path: &str, bytes: &[u8]) {
    let file = repository().join(path);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, bytes).unwrap();
        return;
    }
    let golden = fs::read(&file).unwrap_or_default();
    let (golden, now) = (String::from_utf8_lossy(&golden), String::from_utf8_lossy(bytes));
    let differs = golden.lines().zip(now.lines()).position(|(a, b)| a != b);
    let line = differs.unwrap_or_else(|| golden.lines().count().min(now.lines().count()));
    assert!(
        golden == now,
        "{path}:{}: differs; run with UPDATE_GOLDEN=1 and review the diff\n golden: {:?}\n    now: {:?}",
        line + 1,
        golden.lines().nth(line),
        now.lines().nth(line),
    );
}
