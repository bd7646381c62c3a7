//! (pure) The head of a response: its status, its headers, and how its body is delimited (RFC 9112 §2 to §6, §9.3).

use std::mem::MaybeUninit;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::body::Body;

/// Most header lines of a response.
const LINES_MAX: usize = 128;

/// What of a response is known once its head is read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Its headers, if they were wanted.
    pub(super) headers: HeaderMap,
    /// Where a redirect leads to.
    pub(super) location: Option<String>,
    /// `None` for no body.
    pub(super) body: Option<Body>,
    /// Whether the connection may be used again behind the body.
    pub(super) keep_alive: bool,
}

/// What is asked of a head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// Whether the request was a HEAD, whose response has no body.
    pub(super) head_only: bool,
    /// Whether its headers are kept.
    pub(super) headers: bool,
    /// Whether redirects are followed.
    pub(super) redirects: bool,
    /// Most bytes of the head, and of what chunks hold beside the body.
    pub(super) max_bytes: u64,
}

/// Reads a head from the beginning of `bytes`; returns it and its length, `None` if it is not whole yet.
///
/// # Errors
/// Why it is none, for people.
pub(super) fn read(bytes: &[u8], reading: Reading) -> Result<Option<(Head, usize)>, String> {
    let mut lines = [const { MaybeUninit::uninit() }; LINES_MAX];
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let length = match config.parse_response_with_uninit_headers(&mut parsed, bytes, &mut lines) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(format!("the response has more than {LINES_MAX} headers"));
        }
        Err(error) => return Err(format!("what came is no HTTP/1.1 response: {error}")),
    };
    if length as u64 > reading.max_bytes {
        return Err(too_large(reading.max_bytes));
    }
    let mut framing = Framing::new(parsed.version == Some(1));
    let status = parsed.code.unwrap_or(0);
    let follows = reading.redirects && (300..400).contains(&status);
    let (mut headers, mut location) = (HeaderMap::new(), None);
    for line in parsed.headers.iter() {
        framing.line(line.name, line.value)?;
        if follows && line.name.eq_ignore_ascii_case("location") {
            location = Some(String::from_utf8_lossy(line.value).into_owned());
        }
        if reading.headers {
            // The parser takes no other names and values than these do.
            let (name, value) =
                (HeaderName::from_bytes(line.name.as_bytes()), HeaderValue::from_bytes(line.value));
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.append(name, value);
            }
        }
    }
    let (body, keep_alive) = framing.end(status, reading);
    Ok(Some((Head { status, headers, location, body, keep_alive }, length)))
}

/// Says that a head is too large.
pub(super) fn too_large(max_bytes: u64) -> String {
    format!("the head of the response is larger than {max_bytes} bytes")
}

/// What the headers say about the body and the connection.
struct Framing {
    length: Option<u64>,
    /// Whether there is a transfer encoding, and whether the last one is `chunked`.
    encoded: Option<bool>,
    keep_alive: bool,
}

impl Framing {
    fn new(version_1_1: bool) -> Framing {
        Framing { length: None, encoded: None, keep_alive: version_1_1 }
    }

    fn line(&mut self, name: &str, value: &[u8]) -> Result<(), String> {
        // Cheapest first: most lines are none of these.
        match name.len() {
            14 if name.eq_ignore_ascii_case("content-length") => {
                for part in tokens(value) {
                    let length = std::str::from_utf8(part).ok().filter(|text| {
                        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
                    });
                    let length = length.and_then(|text| text.parse().ok());
                    let length = length.ok_or("`content-length` is no number")?;
                    if self.length.is_some_and(|before| before != length) {
                        return Err("the response has two values of `content-length`".to_owned());
                    }
                    self.length = Some(length);
                }
            }
            17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                let last = tokens(value).last().unwrap_or_default();
                self.encoded = Some(last.eq_ignore_ascii_case(b"chunked"));
            }
            10 if name.eq_ignore_ascii_case("connection") => {
                for token in tokens(value) {
                    if token.eq_ignore_ascii_case(b"close") {
                        self.keep_alive = false;
                        break;
                    }
                    self.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns the body, and whether the connection can be used again behind it.
    fn end(self, status: u16, reading: Reading) -> (Option<Body>, bool) {
        if reading.head_only || (100..200).contains(&status) || [204, 304].contains(&status) {
            return (None, self.keep_alive);
        }
        match (self.encoded, self.length) {
            // A length beside an encoding means nothing, and who sends both is not trusted further.
            (Some(true), length) => {
                (Some(Body::chunked(reading.max_bytes)), self.keep_alive && length.is_none())
            }
            (Some(false), _) | (None, None) => (Some(Body::UntilClose), false),
            (None, Some(0)) => (None, self.keep_alive),
            (None, Some(length)) => (Some(Body::Length(length)), self.keep_alive),
        }
    }
}

/// Returns the parts of a list of a header's value.
fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READING: Reading =
        Reading { head_only: false, headers: true, redirects: true, max_bytes: 1_000 };

    fn head(lines: &str) -> Head {
        read(format!("HTTP/1.1 200 OK\r\n{lines}\r\n").as_bytes(), READING).unwrap().unwrap().0
    }

    #[test]
    fn bodies_are_delimited_as_the_standard_says() {
        let check = |lines: &str, body: Option<Body>, keep_alive: bool| {
            let head = head(lines);
            assert_eq!((head.body, head.keep_alive), (body, keep_alive), "{lines}");
        };
        check("Content-Length: 5\r\n", Some(Body::Length(5)), true);
        check("content-length: 5, 5\r\ncontent-length: 5\r\n", Some(Body::Length(5)), true);
        check("content-length: 0\r\n", None, true);
        check("transfer-encoding: gzip, Chunked\r\n", Some(Body::chunked(1_000)), true);
        check(
            "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
            Some(Body::chunked(1_000)),
            false,
        );
        check("transfer-encoding: gzip\r\n", Some(Body::UntilClose), false);
        check("", Some(Body::UntilClose), false);
        check("connection: x, Close\r\ncontent-length: 5\r\n", Some(Body::Length(5)), false);
        let old = |lines: &str| {
            let head = format!("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n{lines}\r\n");
            read(head.as_bytes(), READING).unwrap().unwrap().0.keep_alive
        };
        assert!(!old("") && old("connection: Keep-Alive\r\n"));
        for (status, head_only) in [(204, false), (304, false), (103, false), (200, true)] {
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 9\r\n\r\n");
            let reading = Reading { head_only, ..READING };
            assert_eq!(read(head.as_bytes(), reading).unwrap().unwrap().0.body, None, "{status}");
        }
    }

    #[test]
    fn what_is_kept_is_what_was_asked_for() {
        let bytes =
            b"HTTP/1.1 302 Found\r\nLocation: /a\r\nx: 1\r\nX: 2\r\ncontent-length: 0\r\n\r\nrest";
        let (kept, length) = read(bytes, READING).unwrap().unwrap();
        assert_eq!(length, bytes.len() - 4);
        assert_eq!((kept.status, kept.location.as_deref()), (302, Some("/a")));
        assert_eq!(kept.headers.get_all("x").iter().collect::<Vec<_>>(), ["1", "2"]);
        let reading = Reading { headers: false, redirects: false, ..READING };
        let (plain, _) = read(bytes, reading).unwrap().unwrap();
        assert!(plain.headers.is_empty() && plain.location.is_none());
        assert_eq!(read(&bytes[..30], READING), Ok(None));
    }

    #[test]
    fn what_is_no_head_says_why() {
        let refused = |bytes: &str, why: &str| {
            let error = read(bytes.as_bytes(), READING).unwrap_err();
            assert!(error.contains(why), "{error}");
        };
        refused("SMTP ready\r\n\r\n", "what came is no HTTP/1.1 response: ");
        refused("HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "is no number");
        refused("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "is no number");
        refused("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "two values");
        let large = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(1_000));
        refused(&large, "the head of the response is larger than 1000 bytes");
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: 1\r\n".repeat(129));
        refused(&many, "more than 128 headers");
    }
}
