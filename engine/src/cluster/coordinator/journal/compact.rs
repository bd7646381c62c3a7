//! A journal that has grown is written anew: the last word on everything, and of each node's windows their sum.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::{Line, Past, WindowLine, put};
use crate::cluster::wire::{decode_window, encode_window};
use crate::metrics::Window;

/// Returns where the new journal is written before it takes the old one's place.
pub(crate) fn beside(journal: &Path) -> PathBuf {
    journal.with_extension("jsonl.new")
}

/// Writes what the first `length` bytes of `journal` say to [`beside`] it, of a run with `series` histograms, and returns
/// the file, on disk, and its length.
///
/// # Errors
/// The old one does not hold or the new one cannot be written; the old one stands.
pub(crate) fn compact(journal: &Path, length: u64, series: usize) -> io::Result<(File, u64)> {
    let lines = BufReader::new(File::open(journal)?.take(length));
    let mut past = Past::read(lines, None).map_err(io::Error::other)?;
    let windows = std::mem::take(&mut past.windows);
    let run = past.run.clone();
    let path = beside(journal);
    let file = File::create(&path)?;
    let mut out = BufWriter::new(&file);
    let mut text = Vec::new();
    let mut written = 0;
    let mut write = |line: Line| -> io::Result<()> {
        text.clear();
        put(&mut text, &run, line)?;
        written += text.len() as u64;
        out.write_all(&text)
    };
    let reports = std::mem::take(&mut past.reports);
    past.lines().into_iter().try_for_each(&mut write)?;
    // One node at a time: merged windows are large while they are histograms.
    let mut of_node: BTreeMap<usize, Vec<_>> = BTreeMap::new();
    for (node, seq, body) in windows {
        of_node.entry(node).or_default().push((seq, body));
    }
    for (node, windows) in of_node {
        let last = windows.last().map_or(0, |(seq, _)| *seq);
        let decoded = windows.into_iter().map(|(_, body)| decode_window(body, series));
        let mut sum: Option<Window> = None;
        for window in decoded {
            let window = window.map_err(io::Error::other)?;
            match &mut sum {
                Some(sum) => sum.absorb(window),
                None => sum = Some(window),
            }
        }
        let body = encode_window(&sum.unwrap_or_default()).map_err(io::Error::other)?;
        write(Line::Window(WindowLine::new(node, last, &body)))?;
    }
    let finals = reports.into_iter().map(|(node, report)| Line::Final { node, report });
    finals.into_iter().try_for_each(write)?;
    out.flush()?;
    drop(out);
    file.sync_all()?;
    Ok((file, written))
}

/// Removes what a compaction that was broken off has left.
pub(crate) fn clean(journal: &Path) {
    // It is there only after an accident.
    fs::remove_file(beside(journal)).unwrap_or_default();
}
