//! [pure] Latencies in histograms, and histograms as bytes: HdrHistogram's V2 format, deflated.

use std::io::Read;

use flate2::read::ZlibDecoder;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use thiserror::Error;

use super::Histogram;

/// Smallest latency that a histogram tells from its neighbour, in microseconds.
pub const LATENCY_US_MIN: u64 = 1;

/// Largest latency that a histogram holds, in microseconds: one hour. Larger ones are clamped and counted.
pub const LATENCY_US_MAX: u64 = 3_600_000_000;

/// Significant digits that a histogram keeps.
const DIGITS: u8 = 3;

/// Largest histogram without compression, in bytes: every one of its 23 552 counts in five bytes, and the header.
const PLAIN_BYTES_MAX: usize = 128 * 1024;

/// Bytes before the counts in the plain format.
const HEADER_BYTES: usize = 40;

/// First four bytes of the compressed format, big-endian.
const COMPRESSED_COOKIE: u32 = 0x1c84_9314;

/// First four bytes of the plain format, big-endian.
const PLAIN_COOKIE: u32 = 0x1c84_9313;

/// Why bytes are no histogram of ours.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum DecodeError {
    /// It does not begin as a compressed histogram does, or ends too early.
    #[error("not a compressed V2 histogram")]
    Format,
    /// It holds more than any of our histograms can.
    #[error("histogram is too large")]
    TooLarge,
    /// Another range or precision: it could not be merged.
    #[error("histogram is not from 1 us to 1 h with three digits")]
    Range,
    /// The counts do not decode.
    #[error("counts of the histogram are broken")]
    Counts,
}

/// Returns an empty histogram from 1 µs to 1 h with three digits.
pub fn new_histogram() -> Histogram {
    match Histogram::new_with_bounds(LATENCY_US_MIN, LATENCY_US_MAX, DIGITS) {
        Ok(histogram) => histogram,
        Err(error) => unreachable!("constant bounds: {error}"),
    }
}

/// Records a latency in microseconds; returns whether it was beyond the range and clamped.
pub fn record(histogram: &mut Histogram, us: u64) -> bool {
    histogram.saturating_record(us);
    us > LATENCY_US_MAX
}

/// Returns the histogram as bytes: V2, deflated.
pub fn encode(histogram: &Histogram) -> Vec<u8> {
    let mut bytes = Vec::new();
    match V2DeflateSerializer::new().serialize(histogram, &mut bytes) {
        Ok(_) => bytes,
        Err(error) => unreachable!("a vector takes every byte: {error}"),
    }
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// The bytes are no histogram with our range and precision. Never panics, never takes more than a fixed amount of
/// memory, whatever the bytes.
pub fn decode(bytes: &[u8]) -> Result<Histogram, DecodeError> {
    if word(bytes, 0)? != COMPRESSED_COOKIE {
        return Err(DecodeError::Format);
    }
    let length = usize::try_from(word(bytes, 4)?).map_err(|_| DecodeError::TooLarge)?;
    let body = bytes.get(8..).filter(|body| body.len() == length).ok_or(DecodeError::Format)?;
    let mut plain = Vec::new();
    let limit = u64::try_from(PLAIN_BYTES_MAX).unwrap_or(u64::MAX) + 1;
    ZlibDecoder::new(body).take(limit).read_to_end(&mut plain).map_err(|_| DecodeError::Format)?;
    if plain.len() > PLAIN_BYTES_MAX {
        return Err(DecodeError::TooLarge);
    }
    check_header(&plain)?;
    // Five bytes hold every 32-bit count; a longer run of continued bytes is forged, and the library would overflow on it.
    let counts = plain.get(HEADER_BYTES..).unwrap_or_default();
    if counts.windows(5).any(|run| run.iter().all(|byte| *byte >= 0x80)) {
        return Err(DecodeError::Counts);
    }
    Deserializer::new().deserialize(&mut plain.as_slice()).map_err(|_| DecodeError::Counts)
}

fn check_header(plain: &[u8]) -> Result<(), DecodeError> {
    let counts = plain.len().checked_sub(HEADER_BYTES).ok_or(DecodeError::Format)?;
    let says = usize::try_from(word(plain, 4)?).map_err(|_| DecodeError::TooLarge)?;
    if word(plain, 0)? != PLAIN_COOKIE || says != counts {
        return Err(DecodeError::Format);
    }
    let long = |at| -> Result<u64, DecodeError> {
        Ok(u64::from(word(plain, at)?) << 32 | u64::from(word(plain, at + 4)?))
    };
    let ours = word(plain, 12)? == u32::from(DIGITS)
        && long(16)? == LATENCY_US_MIN
        && long(24)? == LATENCY_US_MAX;
    if ours { Ok(()) } else { Err(DecodeError::Range) }
}

/// Returns the big-endian word at `at`.
fn word(bytes: &[u8], at: usize) -> Result<u32, DecodeError> {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    four.map(u32::from_be_bytes).ok_or(DecodeError::Format)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn latencies_beyond_the_range_are_clamped_and_said() {
        let mut histogram = new_histogram();
        assert!(!record(&mut histogram, 0));
        assert!(!record(&mut histogram, LATENCY_US_MAX));
        assert!(record(&mut histogram, LATENCY_US_MAX + 1));
        assert_eq!(histogram.len(), 3);
        assert!(histogram.max() >= LATENCY_US_MAX);
    }

    #[test]
    fn foreign_ranges_and_bombs_are_refused() {
        let foreign = Histogram::new_with_bounds(1, 60_000_000, 3).unwrap();
        assert_eq!(decode(&encode(&foreign)), Err(DecodeError::Range));
        let mut bomb = Vec::new();
        let zeros = std::io::repeat(0).take(16 << 20);
        flate2::read::ZlibEncoder::new(zeros, flate2::Compression::fast())
            .read_to_end(&mut bomb)
            .unwrap();
        let mut bytes = COMPRESSED_COOKIE.to_be_bytes().to_vec();
        bytes.extend(u32::try_from(bomb.len()).unwrap().to_be_bytes());
        bytes.extend(bomb);
        assert_eq!(decode(&bytes), Err(DecodeError::TooLarge));
        assert_eq!(decode(b"short"), Err(DecodeError::Format));
    }

    /// Compresses any plain bytes behind a valid header.
    fn forged(counts: &[u8]) -> Vec<u8> {
        let mut plain = PLAIN_COOKIE.to_be_bytes().to_vec();
        plain.extend(u32::try_from(counts.len()).unwrap().to_be_bytes());
        plain.extend(0_u32.to_be_bytes());
        plain.extend(u32::from(DIGITS).to_be_bytes());
        plain.extend(LATENCY_US_MIN.to_be_bytes());
        plain.extend(LATENCY_US_MAX.to_be_bytes());
        plain.extend(1.0_f64.to_be_bytes());
        plain.extend(counts);
        let mut body = Vec::new();
        flate2::read::ZlibEncoder::new(plain.as_slice(), flate2::Compression::fast())
            .read_to_end(&mut body)
            .unwrap();
        let mut bytes = COMPRESSED_COOKIE.to_be_bytes().to_vec();
        bytes.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        bytes.extend(body);
        bytes
    }

    proptest! {
        #[test]
        fn bytes_and_histogram_are_the_same(values in vec(0_u64..LATENCY_US_MAX, 0..500)) {
            let mut histogram = new_histogram();
            for value in values {
                record(&mut histogram, value);
            }
            prop_assert_eq!(decode(&encode(&histogram)), Ok(histogram));
        }

        #[test]
        fn forged_counts_never_panic(counts in vec(any::<u8>(), 0..300)) {
            if let Ok(histogram) = decode(&forged(&counts)) {
                prop_assert_eq!(decode(&encode(&histogram)), Ok(histogram));
            }
        }

        #[test]
        fn any_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
            prop_assert!(decode(&bytes).is_err());
        }
    }
}
