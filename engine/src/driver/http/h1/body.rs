//! (pure) Bytes behind a head → the body in them, and where it ends (RFC 9112 §6 and §7).

/// How a body is delimited, and how far it has been read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Body {
    /// So many bytes are still to come.
    Length(u64),
    /// In chunks.
    Chunked(Chunked),
    /// Until the connection ends.
    UntilClose,
}

/// A chunked body (RFC 9112 §7.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Chunked {
    state: State,
    /// Size of the present chunk, then what is left of it.
    left: u64,
    /// Bytes of extensions and trailers, which are thrown away, and how many there may be.
    extra: u64,
    extra_max: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// At the first digit of a size.
    FirstDigit,
    /// Within a size.
    Digits,
    /// Behind a size, before the line's end.
    Extension,
    /// Within a chunk's bytes.
    Data,
    /// At the line end behind a chunk.
    DataEnd,
    /// At the beginning of a line behind the last chunk.
    LineStart,
    /// Within a trailer.
    Trailer,
    /// Behind the CR of an empty line.
    LastCr,
}

/// What a stretch of bytes brought.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fed {
    /// All of it belonged to the body, and more is to come.
    More,
    /// The body ended behind so many bytes of it.
    Ended(usize),
}

impl Body {
    /// Returns a chunked body, with at most so many bytes of extensions and trailers.
    pub(super) fn chunked(extra_max: u64) -> Body {
        Body::Chunked(Chunked { state: State::FirstDigit, left: 0, extra: 0, extra_max })
    }

    /// Reads `bytes`, and gives what of them is content to `data`.
    ///
    /// # Errors
    /// What is wrong with the chunks, for people.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        data: &mut impl FnMut(&[u8]),
    ) -> Result<Fed, &'static str> {
        match self {
            Body::Length(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                data(&bytes[..taken]);
                *left -= taken as u64;
                Ok(if *left == 0 { Fed::Ended(taken) } else { Fed::More })
            }
            Body::Chunked(chunked) => chunked.feed(bytes, data),
            Body::UntilClose => {
                data(bytes);
                Ok(Fed::More)
            }
        }
    }
}

impl Chunked {
    fn feed(&mut self, bytes: &[u8], data: &mut impl FnMut(&[u8])) -> Result<Fed, &'static str> {
        let mut at = 0;
        while at < bytes.len() {
            if self.state == State::Data {
                let left = usize::try_from(self.left).unwrap_or(usize::MAX);
                let taken = left.min(bytes.len() - at);
                data(&bytes[at..at + taken]);
                at += taken;
                self.left -= taken as u64;
                if self.left == 0 {
                    self.state = State::DataEnd;
                }
                continue;
            }
            if self.step(bytes[at])? {
                return Ok(Fed::Ended(at + 1));
            }
            at += 1;
        }
        Ok(Fed::More)
    }

    /// Takes a byte outside of a chunk's data; returns whether it was the last one.
    fn step(&mut self, byte: u8) -> Result<bool, &'static str> {
        match (self.state, byte) {
            (State::FirstDigit | State::Digits, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                let size = self.left.checked_mul(16).and_then(|left| left.checked_add(digit));
                self.left = size.ok_or("a chunk's size is too large")?;
                self.state = State::Digits;
            }
            (State::Digits | State::Extension, b'\n') => {
                self.state = if self.left == 0 { State::LineStart } else { State::Data };
            }
            (State::Digits, b'\r') => self.state = State::Extension,
            (State::Digits, b';' | b' ' | b'\t') | (State::Extension, _) => {
                self.state = State::Extension;
                self.extra()?;
            }
            (State::DataEnd, b'\r') => {}
            (State::DataEnd, b'\n') => self.state = State::FirstDigit,
            (State::LineStart, b'\r') => self.state = State::LastCr,
            (State::LineStart | State::LastCr, b'\n') => return Ok(true),
            (State::Trailer, b'\n') => self.state = State::LineStart,
            (State::LineStart | State::Trailer, _) => {
                self.state = State::Trailer;
                self.extra()?;
            }
            (State::FirstDigit | State::Digits, _) => return Err("a chunk's size is no number"),
            (State::DataEnd, _) => return Err("a chunk is longer than its size"),
            (State::LastCr, _) => return Err("the chunks do not end with an empty line"),
            // The caller takes these bytes.
            (State::Data, _) => {}
        }
        Ok(false)
    }

    fn extra(&mut self) -> Result<(), &'static str> {
        self.extra += 1;
        if self.extra > self.extra_max {
            return Err("the chunks hold more than `max_header` bytes beside the body");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds `bytes` in pieces; returns the content and how many bytes were taken, if the body ended.
    fn read(mut body: Body, bytes: &[u8], piece: usize) -> Result<(Vec<u8>, Option<usize>), &str> {
        let mut content = Vec::new();
        let mut taken = 0;
        for piece in bytes.chunks(piece) {
            match body.feed(piece, &mut |data: &[u8]| content.extend_from_slice(data))? {
                Fed::More => taken += piece.len(),
                Fed::Ended(at) => return Ok((content, Some(taken + at))),
            }
        }
        Ok((content, None))
    }

    #[test]
    fn chunks_are_put_together_wherever_they_are_cut() {
        let bytes = b"5\r\nhello\r\n00B;name=value\r\n, big\r\nworl\r\n1\r\nd\r\n0\r\nx-sum: 1\r\n\r\nHTTP/1.1";
        for piece in 1..=bytes.len() {
            let (content, taken) = read(Body::chunked(100), bytes, piece).unwrap();
            assert_eq!(content, b"hello, big\r\nworld");
            assert_eq!(taken, Some(bytes.len() - "HTTP/1.1".len()));
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let refused = |bytes: &'static str, why: &str| {
            assert_eq!(read(Body::chunked(8), bytes.as_bytes(), 3).unwrap_err(), why);
        };
        refused("\r\n", "a chunk's size is no number");
        refused("5x\r\n", "a chunk's size is no number");
        refused("2\r\nabc", "a chunk is longer than its size");
        refused("10000000000000000\r\n", "a chunk's size is too large");
        refused("0\r\n\rx", "the chunks do not end with an empty line");
        let extra = "the chunks hold more than `max_header` bytes beside the body";
        refused("1;aaaaaaaaaaaa\r\n", extra);
        refused("0\r\na: aaaaaaaaaaaa\r\n", extra);
    }

    #[test]
    fn lengths_end_where_they_say_and_the_rest_is_not_taken() {
        assert_eq!(read(Body::Length(3), b"abcd", 2).unwrap(), (b"abc".to_vec(), Some(3)));
        assert_eq!(read(Body::Length(5), b"abcd", 4).unwrap(), (b"abcd".to_vec(), None));
        assert_eq!(read(Body::UntilClose, b"abcd", 1).unwrap(), (b"abcd".to_vec(), None));
    }

    proptest! {
        #[test]
        fn any_chunks_come_back(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6), piece in 1usize..50) {
            let mut bytes = Vec::new();
            for chunk in &chunks {
                bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
            let whole = bytes.len();
            prop_assert_eq!(read(Body::chunked(100), &bytes, piece), Ok((chunks.concat(), Some(whole))));
        }

        #[test]
        fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), piece in 1usize..50) {
            let one = read(Body::chunked(100), &bytes, piece);
            prop_assert_eq!(one, read(Body::chunked(100), &bytes, bytes.len().max(1)));
        }
    }
}
