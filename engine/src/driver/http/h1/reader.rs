//! (pure) Pieces of bytes → a response, read to its end.

use http::Method;

use super::super::{Progress, closed, protocol, too_large};
use super::Bounds;
use super::body::{Body, Fed};
use super::head::{self, Head, Reading};
use crate::exchange::{Failure, Request, Wanted};

/// Reads a response from whatever pieces it comes in.
pub(super) struct Reader {
    reading: Reading,
    wanted: Wanted,
    max_body_bytes: u64,
    /// The beginning of a head that is not whole yet.
    partial: Vec<u8>,
    pub(super) head: Option<Head>,
    /// Bytes of the body so far.
    body_bytes: u64,
    pub(super) kept: Vec<u8>,
    /// How many pieces came.
    pub(super) reads: u32,
}

impl Reader {
    pub(super) fn new(request: &Request, bounds: Bounds) -> Reader {
        Reader {
            reading: Reading {
                head_only: request.method == Method::HEAD,
                headers: request.wanted.headers,
                redirects: request.redirects > 0,
                max_bytes: bounds.max_head_bytes,
            },
            wanted: request.wanted,
            max_body_bytes: bounds.max_body_bytes,
            partial: Vec::new(),
            head: None,
            body_bytes: 0,
            kept: Vec::new(),
            reads: 0,
        }
    }

    /// Reads a piece; returns whether the response has ended.
    pub(super) fn feed(&mut self, piece: &[u8], progress: &mut Progress) -> Result<bool, Failure> {
        self.reads += 1;
        if self.head.is_some() {
            return self.feed_body(piece);
        }
        if self.partial.is_empty() {
            return self.feed_head(piece, progress);
        }
        let from = self.partial.len().saturating_sub(3);
        self.partial.extend_from_slice(piece);
        // Parsed again only when it can be whole, so that a head in many small pieces costs no more than one in few.
        if !ends_head(&self.partial[from..]) {
            return self.keep_partial();
        }
        let whole = std::mem::take(&mut self.partial);
        self.feed_head(&whole, progress)
    }

    fn feed_head(&mut self, mut bytes: &[u8], progress: &mut Progress) -> Result<bool, Failure> {
        loop {
            let read = head::read(bytes, self.reading);
            let Some((head, length)) = read.map_err(|why| protocol(&why))? else {
                self.partial.extend_from_slice(bytes);
                return self.keep_partial();
            };
            bytes = &bytes[length..];
            match head.status {
                101 => return Err(protocol("the server switched to another protocol unasked")),
                // Interim responses announce the one that counts.
                100..=199 => continue,
                status => progress.outcome.status = Some(status),
            }
            if let Some(Body::Length(length)) = head.body {
                if length > self.max_body_bytes {
                    return Err(too_large(self.max_body_bytes));
                }
                if self.wanted.body {
                    self.kept.reserve_exact(usize::try_from(length).unwrap_or(0).min(1 << 20));
                }
            }
            self.head = Some(head);
            return self.feed_body(bytes);
        }
    }

    fn keep_partial(&self) -> Result<bool, Failure> {
        if self.partial.len() as u64 > self.reading.max_bytes {
            return Err(protocol(&head::too_large(self.reading.max_bytes)));
        }
        Ok(false)
    }

    fn feed_body(&mut self, bytes: &[u8]) -> Result<bool, Failure> {
        let Some(head) = &mut self.head else { return Ok(false) };
        let Some(body) = &mut head.body else {
            head.keep_alive &= bytes.is_empty();
            return Ok(true);
        };
        let (total, kept, wanted) = (&mut self.body_bytes, &mut self.kept, self.wanted.body);
        let fed = body.feed(bytes, &mut |data: &[u8]| {
            *total += data.len() as u64;
            if wanted {
                kept.extend_from_slice(data);
            }
        });
        let fed = fed.map_err(protocol)?;
        if self.body_bytes > self.max_body_bytes {
            return Err(too_large(self.max_body_bytes));
        }
        match fed {
            Fed::More => Ok(false),
            Fed::Ended(at) => {
                // Nobody has asked for what follows.
                head.keep_alive &= at == bytes.len();
                Ok(true)
            }
        }
    }

    /// Takes the end of the connection; returns whether it ended the response.
    pub(super) fn end(&mut self, progress: &Progress) -> Result<bool, Failure> {
        self.reads += 1;
        match self.head.as_ref().map(|head| &head.body) {
            Some(Some(Body::UntilClose)) => Ok(true),
            _ => Err(match &progress.write_failed {
                Some(why) => protocol(&format!("the connection broke: {why}")),
                None => closed(),
            }),
        }
    }
}

/// Returns whether an empty line is in it.
fn ends_head(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|two| two == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}
