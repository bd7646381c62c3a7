//! Results outlive the process, for as long as they may, and full disks lose nothing at once.

use super::*;
use crate::cluster::wire::FinalReport;

fn results(run: &str) -> Results {
    Results {
        run: run.to_owned(),
        process: "p".to_owned(),
        epoch: 1,
        last_seq: 7,
        flying: std::collections::BTreeMap::new(),
        waiting: Vec::new(),
        report: FinalReport::default(),
    }
}

fn kept(run: &str) -> Kept {
    Kept { run: run.to_owned(), process: "p".to_owned(), from_seq: 8 }
}

fn shelf(folder: Option<&Path>, agent: &str, keep: Duration) -> Shelf {
    let options = KeepOptions { folder: folder.map(Path::to_owned), keep };
    Shelf::new(options, "c", agent, Clock::real())
}

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn the_next_process_of_the_name_finds_them_until_they_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    shelf(Some(folder.path()), "a", HOUR).put(results("run1")).unwrap();
    let next = shelf(Some(folder.path()), "a", HOUR);
    assert_eq!(next.kept(), [kept("run1")]);
    assert_eq!(next.get(&kept("run1")).unwrap().last_seq, 7);
    assert_eq!(shelf(Some(folder.path()), "b", HOUR).kept(), []);
    next.remove(&kept("run1"));
    assert!(next.kept().is_empty() && next.get(&kept("run1")).is_none());
}

#[test]
fn only_their_user_may_read_them() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    shelf(Some(folder.path()), "a", HOUR).put(results("run1")).unwrap();
    let mode = fs::metadata(folder.path().join("c/a/run1-p.kept")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_is_too_old_goes_whoever_kept_it() {
    let folder = tempfile::tempdir().unwrap();
    shelf(Some(folder.path()), "a", HOUR).put(results("run1")).unwrap();
    assert_eq!(shelf(Some(folder.path()), "b", Duration::ZERO).kept(), []);
    assert!(!folder.path().join("c/a/run1-p.kept").exists());
}

#[test]
fn where_no_file_is_taken_memory_keeps_the_latest() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let full = shelf(Some(&file), "a", HOUR);
    let why = full.put(results("run1")).unwrap_err();
    assert!(why.contains("in memory alone") && why.contains("file/c/a"), "{why}");
    assert!(full.get(&kept("run1")).is_some());
    let without = shelf(None, "a", HOUR);
    for run in 0..=IN_MEMORY_MAX {
        without.put(results(&format!("run{run}"))).unwrap();
    }
    assert!(without.get(&kept("run0")).is_none() && without.get(&kept("run1")).is_some());
    without.remove(&kept("run1"));
    assert!(without.get(&kept("run1")).is_none());
}

#[test]
fn a_run_whose_name_leads_elsewhere_gets_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = shelf(Some(folder.path()), "a", HOUR);
    shelf.put(results("../../out")).unwrap();
    assert!(shelf.get(&kept("../../out")).is_some(), "it is kept in memory");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_that_is_no_results_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = shelf(Some(folder.path()), "a", HOUR);
    shelf.put(results("run1")).unwrap();
    fs::write(folder.path().join("c/a/run2-p.kept"), "{").unwrap();
    assert_eq!(shelf.kept().len(), 1);
    assert!(shelf.get(&kept("run2")).is_none());
}
