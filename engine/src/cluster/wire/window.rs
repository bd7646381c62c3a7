//! (pure) A window as bytes: its rows as JSON, then histograms in the V2-deflate format, each behind its length.
//!
//! ```text
//! u32 length · rows as JSON · { u32 series · u32 length · histogram }*      all numbers big-endian
//! ```

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::WireError;
use crate::metrics::{ErrorRow, LedgerRow, SecondRow, StepRow, Window, latency};

/// Stands in the place of a series for how late arrivals were sent.
const LATENESS: u32 = u32::MAX;

/// Stands in the place of a series for how late the workers' timers were.
const LAG: u32 = u32::MAX - 1;

/// What of a window is JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Rows {
    from_ms: u64,
    to_ms: u64,
    ledger: Vec<LedgerRow>,
    steps: Vec<StepRow>,
    errors: Vec<ErrorRow>,
    seconds: Vec<SecondRow>,
    clamped: u64,
    cpu_percent: u32,
    rss_bytes: u64,
    #[serde(default)]
    descriptors: u64,
}

/// Returns `window` as bytes.
///
/// # Errors
/// A section is longer than 4 GiB.
pub fn encode_window(window: &Window) -> Result<Bytes, WireError> {
    let rows = Rows {
        from_ms: window.from_ms,
        to_ms: window.to_ms,
        ledger: window.ledger.clone(),
        steps: window.steps.clone(),
        errors: window.errors.clone(),
        seconds: window.seconds.clone(),
        clamped: window.clamped,
        cpu_percent: window.cpu_percent,
        rss_bytes: window.rss_bytes,
        descriptors: window.descriptors,
    };
    let json = serde_json::to_vec(&rows).map_err(|error| WireError::Window(error.to_string()))?;
    let mut bytes = BytesMut::with_capacity(json.len() + 4);
    put_section(&mut bytes, &json)?;
    for (series, histogram) in &window.histograms {
        bytes.put_u32(*series);
        put_section(&mut bytes, &latency::encode(histogram))?;
    }
    for (index, histogram) in [(LATENESS, &window.lateness), (LAG, &window.lag)] {
        if let Some(histogram) = histogram {
            bytes.put_u32(index);
            put_section(&mut bytes, &latency::encode(histogram))?;
        }
    }
    Ok(bytes.freeze())
}

/// Returns the window that `bytes` hold, of a run with `series` histograms.
///
/// # Errors
/// Too short, rows that are none, a series twice or unknown, a histogram that is none of ours.
pub fn decode_window(mut bytes: Bytes, series: usize) -> Result<Window, WireError> {
    let bad = |what: String| WireError::Window(what);
    let json = take_section(&mut bytes)?;
    let rows: Rows = serde_json::from_slice(&json).map_err(|error| bad(error.to_string()))?;
    let mut window = Window {
        from_ms: rows.from_ms,
        to_ms: rows.to_ms,
        ledger: rows.ledger,
        steps: rows.steps,
        errors: rows.errors,
        seconds: rows.seconds,
        clamped: rows.clamped,
        cpu_percent: rows.cpu_percent,
        rss_bytes: rows.rss_bytes,
        descriptors: rows.descriptors,
        ..Window::default()
    };
    while bytes.has_remaining() {
        let index = take_u32(&mut bytes)?;
        let section = take_section(&mut bytes)?;
        let known = [LATENESS, LAG].contains(&index)
            || usize::try_from(index).is_ok_and(|index| index < series);
        if !known {
            return Err(bad(format!("series {index} of {series}")));
        }
        let histogram = latency::decode(&section).map_err(|error| bad(error.to_string()))?;
        let before = match index {
            LATENESS => window.lateness.replace(histogram),
            LAG => window.lag.replace(histogram),
            series => window.histograms.insert(series, histogram),
        };
        if before.is_some() {
            return Err(bad(format!("series {index} twice")));
        }
    }
    Ok(window)
}

fn put_section(bytes: &mut BytesMut, section: &[u8]) -> Result<(), WireError> {
    let length = u32::try_from(section.len()).map_err(|_| WireError::TooLarge(section.len()))?;
    bytes.put_u32(length);
    bytes.put_slice(section);
    Ok(())
}

fn take_u32(bytes: &mut Bytes) -> Result<u32, WireError> {
    bytes.try_get_u32().map_err(|_| WireError::Window("ends early".to_owned()))
}

fn take_section(bytes: &mut Bytes) -> Result<Bytes, WireError> {
    let length = usize::try_from(take_u32(bytes)?).unwrap_or(usize::MAX);
    if length > bytes.remaining() {
        return Err(WireError::Window("ends early".to_owned()));
    }
    Ok(bytes.split_to(length))
}
