//! (pure) Results that nobody has taken, as they are kept: in memory, and as text that outlives the process.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::cluster::wire::{FinalReport, Kept, WireError, decode_window, encode_window};
use crate::metrics::Window;

/// Version of the text.
const FORMAT: u32 = 1;

/// Everything that a coordinator must still get of a run.
#[derive(Clone, Debug)]
pub(crate) struct Results {
    pub(crate) run: String,
    /// The process that executed the share.
    pub(crate) process: String,
    pub(crate) epoch: u64,
    /// Number of the last window that has one.
    pub(crate) last_seq: u64,
    /// Windows that were sent under their numbers and may not have arrived.
    pub(crate) flying: BTreeMap<u64, Arc<Window>>,
    /// Windows that have no number yet.
    pub(crate) waiting: Vec<Window>,
    /// The final report; its `last_seq` is written anew when it is sent.
    pub(crate) report: FinalReport,
}

/// First line of the text.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    v: u32,
    run: String,
    process: String,
    epoch: u64,
    last_seq: u64,
    windows: usize,
    report: FinalReport,
}

/// Each further line.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    seq: Option<u64>,
    body: String,
}

/// Why text is no results.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("it is no JSON of this version: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Window(#[from] WireError),
    #[error("it is cut off or of format {0}")]
    Shape(u32),
}

impl Results {
    /// Returns what a hello says of them.
    pub(crate) fn kept(&self) -> Kept {
        let from_seq = self.flying.keys().next().copied().unwrap_or(self.last_seq + 1);
        Kept { run: self.run.clone(), process: self.process.clone(), from_seq }
    }

    /// Returns them as text, one line for the whole and one for each window.
    ///
    /// # Errors
    /// A window is too large, or something cannot be said in JSON.
    pub(crate) fn to_text(&self) -> Result<String, KeptError> {
        let head = Head {
            v: FORMAT,
            run: self.run.clone(),
            process: self.process.clone(),
            epoch: self.epoch,
            last_seq: self.last_seq,
            windows: self.flying.len() + self.waiting.len(),
            report: self.report.clone(),
        };
        let mut text = serde_json::to_string(&head)?;
        let flying = self.flying.iter().map(|(seq, window)| (Some(*seq), window.as_ref()));
        for (seq, window) in flying.chain(self.waiting.iter().map(|window| (None, window))) {
            let body = STANDARD.encode(encode_window(window)?);
            text.push('\n');
            text.push_str(&serde_json::to_string(&Line { seq, body })?);
        }
        text.push('\n');
        Ok(text)
    }

    /// Reads what [`Results::to_text`] wrote.
    ///
    /// # Errors
    /// It is none of that, or not all of it.
    pub(crate) fn from_text(text: &str) -> Result<Results, KeptError> {
        let mut lines = text.lines();
        let head = Head::read(lines.next().unwrap_or_default())?;
        let (mut flying, mut waiting) = (BTreeMap::new(), Vec::new());
        for line in lines.by_ref().take(head.windows) {
            let line: Line = serde_json::from_str(line)?;
            let body = STANDARD.decode(line.body).map_err(|_| KeptError::Shape(head.v))?;
            let window = decode_window(Bytes::from(body), usize::MAX)?;
            match line.seq {
                Some(seq) => drop(flying.insert(seq, Arc::new(window))),
                None => waiting.push(window),
            }
        }
        if flying.len() + waiting.len() != head.windows {
            return Err(KeptError::Shape(head.v));
        }
        let Head { v: _, run, process, epoch, last_seq, windows: _, report } = head;
        Ok(Results { run, process, epoch, last_seq, flying, waiting, report })
    }
}

/// Returns what a hello says of the results that `text` holds, of which it reads no more than it must.
///
/// # Errors
/// Its first lines are not those of results.
pub(crate) fn kept_of(text: impl BufRead) -> Result<Kept, KeptError> {
    let mut lines = text.lines();
    let head = Head::read(&lines.next().transpose()?.unwrap_or_default())?;
    let first = lines.next().transpose()?.map(|line| serde_json::from_str(&line));
    let first: Option<Line> = first.transpose()?;
    let from_seq = first.and_then(|line| line.seq).unwrap_or(head.last_seq + 1);
    Ok(Kept { run: head.run, process: head.process, from_seq })
}

impl Head {
    fn read(line: &str) -> Result<Head, KeptError> {
        let head: Head = serde_json::from_str(line)?;
        if head.v == FORMAT { Ok(head) } else { Err(KeptError::Shape(head.v)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{LedgerRow, latency};

    fn window(second: u64) -> Window {
        let mut histogram = latency::new_histogram();
        latency::record(&mut histogram, 700 + second);
        let row = LedgerRow { lanes: 1, upto: second + 1, started: 1, ..LedgerRow::default() };
        Window {
            from_ms: second * 1_000,
            to_ms: second * 1_000 + 1_000,
            ledger: vec![row],
            histograms: BTreeMap::from([(3, histogram)]),
            ..Window::default()
        }
    }

    fn results() -> Results {
        Results {
            run: "k3v9x0q2ab".to_owned(),
            process: "p".to_owned(),
            epoch: 1,
            last_seq: 5,
            flying: (4..=5).map(|seq| (seq, Arc::new(window(seq)))).collect(),
            waiting: vec![window(6)],
            report: FinalReport { fenced: true, last_seq: 5, ..FinalReport::default() },
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let (ours, text) = (results(), results().to_text().unwrap());
        let read = Results::from_text(&text).unwrap();
        assert_eq!(read.to_text().unwrap(), text);
        assert_eq!(read.report, ours.report);
        assert_eq!(read.flying[&5].ledger, ours.flying[&5].ledger);
        assert_eq!(read.waiting[0].histograms, ours.waiting[0].histograms);
        let (run, process) = ("k3v9x0q2ab".to_owned(), "p".to_owned());
        let kept = Kept { run, process, from_seq: 4 };
        assert_eq!((ours.kept(), kept_of(text.as_bytes()).unwrap()), (kept.clone(), kept));
        let delivered = Results { flying: BTreeMap::new(), ..results() };
        let text = delivered.to_text().unwrap();
        assert_eq!((delivered.kept().from_seq, kept_of(text.as_bytes()).unwrap().from_seq), (6, 6));
    }

    #[test]
    fn what_is_cut_off_or_of_another_version_is_refused() {
        let text = results().to_text().unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(Results::from_text(&lines[..3].join("\n")).is_err());
        assert!(Results::from_text(&text[..text.len() - 9]).is_err());
        assert!(Results::from_text("").is_err());
        let later = text.replacen("\"v\":1", "\"v\":2", 1);
        assert!(Results::from_text(&later).is_err() && kept_of(later.as_bytes()).is_err());
    }
}
