//! The driver against servers on the loopback.

mod redirects;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, Method, StatusCode, Uri};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::exchange::Wanted;

fn target(port: u16, max_body_bytes: u64) -> Target {
    Target { max_body_bytes, ..Target::new("127.0.0.1", port) }
}

fn pool(port: u16) -> HttpPool {
    HttpDriver::new(vec![target(port, 1 << 20)], Clock::real()).unwrap().pool()
}

fn request(method: Method, path: &str, body: &'static str) -> Request {
    let body = Bytes::from_static(body.as_bytes());
    Request { body, ..Request::new(method, path, 20_000_000_000) }.header("host", "shop")
}

fn get(path: &str) -> Request {
    request(Method::GET, path, "")
}

/// Answers each connection by `answer`, given its number.
async fn raw_server<F>(answer: impl Fn(u64, TcpStream) -> F + 'static) -> u16
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::task::spawn_local(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(number, stream));
        }
    });
    port
}

/// Reads a request without a body.
async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
}

fn local(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test);
}

fn failure(outcome: &Outcome) -> (FailureKind, &str) {
    let failure = outcome.failure.as_ref().unwrap();
    (failure.kind, failure.detail.as_str())
}

async fn echo(
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, String) {
    let mut answer = HeaderMap::new();
    answer.insert("x-host", headers[HOST].clone());
    let length = headers.get("content-length").map_or("-", |length| length.to_str().unwrap());
    let text = format!("{method} {uri} {length} {}", String::from_utf8_lossy(&body));
    (StatusCode::CREATED, answer, text)
}

#[test]
fn every_method_and_body_arrives() {
    local(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(echo);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let pool = pool(port);
        let check = async |method: Method, body: &'static str, expected: &str| {
            let outcome = pool.send(&request(method, "/a?b=1", body)).await;
            assert_eq!(outcome.failure, None);
            assert_eq!(outcome.status, Some(201));
            assert_eq!(outcome.body, expected);
            assert_eq!(outcome.headers["x-host"], "shop");
            assert!(outcome.sent <= outcome.ended);
            assert!(outcome.bytes_sent > body.len() as u64 + 20);
            assert!(outcome.bytes_received > expected.len() as u64 + 20);
        };
        check(Method::GET, "", "GET /a?b=1 - ").await;
        check(Method::POST, "{}", "POST /a?b=1 2 {}").await;
        check(Method::POST, "", "POST /a?b=1 0 ").await;
        check(Method::PUT, "x", "PUT /a?b=1 1 x").await;
        check(Method::PATCH, "xy", "PATCH /a?b=1 2 xy").await;
        check(Method::DELETE, "", "DELETE /a?b=1 - ").await;
        check(Method::OPTIONS, "", "OPTIONS /a?b=1 - ").await;
        check(Method::HEAD, "", "").await;
        check(Method::GET, "", "GET /a?b=1 - ").await;
        let unwanted = Request { wanted: Wanted::default(), ..get("/") };
        assert!(pool.send(&unwanted).await.body.is_empty());
    });
}

async fn count(State(count): State<Arc<AtomicU64>>) -> &'static str {
    count.fetch_add(1, Ordering::Relaxed);
    "counted"
}

/// Counts the connections that are accepted.
struct Counting(TcpListener, Arc<AtomicU64>);

impl axum::serve::Listener for Counting {
    type Io = TcpStream;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (TcpStream, std::net::SocketAddr) {
        let accepted = self.0.accept().await.unwrap();
        self.1.fetch_add(1, Ordering::Relaxed);
        accepted
    }

    fn local_addr(&self) -> std::io::Result<std::net::SocketAddr> {
        self.0.local_addr()
    }
}

#[test]
fn connections_are_used_again() {
    local(async {
        let (connections, requests) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(count).with_state(Arc::clone(&requests));
        let listener = Counting(listener, Arc::clone(&connections));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let pool = pool(port);
        for _ in 0..20 {
            let outcome = pool.send(&get("/")).await;
            assert_eq!((outcome.status, &*outcome.body), (Some(200), &b"counted"[..]));
        }
        assert_eq!(requests.load(Ordering::Relaxed), 20);
        assert_eq!(connections.load(Ordering::Relaxed), 1);
        let get = get("/");
        let outcomes = tokio::join!(pool.send(&get), pool.send(&get), pool.send(&get));
        assert_eq!((outcomes.0.status, outcomes.1.status), (Some(200), Some(200)));
        assert_eq!(connections.load(Ordering::Relaxed), 3);
        assert_eq!(format!("{pool:?}"), "HttpPool { idle: 3, sessions: 0 }");
    });
}

#[test]
fn many_at_once_are_each_answered_once() {
    local(async {
        let (connections, requests) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(count).with_state(Arc::clone(&requests));
        let listener = Counting(listener, Arc::clone(&connections));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let pool = pool(port);
        let mut users = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let pool = pool.clone();
            users.spawn_local(async move {
                for _ in 0..10 {
                    let outcome = pool.send(&get("/")).await;
                    assert_eq!((outcome.failure, &*outcome.body), (None, &b"counted"[..]));
                }
            });
        }
        while let Some(user) = users.join_next().await {
            user.unwrap();
        }
        assert_eq!(requests.load(Ordering::Relaxed), 1_000);
        assert!(connections.load(Ordering::Relaxed) <= 100);
    });
}

async fn same(body: Bytes) -> Bytes {
    body
}

#[test]
fn large_bodies_go_both_ways() {
    local(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let limit = axum::extract::DefaultBodyLimit::max(8 << 20);
        let router = Router::new().fallback(same).layer(limit);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let targets = vec![target(port, 8 << 20)];
        let pool = HttpDriver::new(targets, Clock::real()).unwrap().pool();
        let body: Bytes = (0..5u32 << 20).map(|at| at.to_le_bytes()[1]).collect();
        for _ in 0..2 {
            let request = Request { body: body.clone(), ..request(Method::POST, "/", "") };
            let outcome = pool.send(&request).await;
            assert_eq!(outcome.failure, None);
            assert!(outcome.body == body);
            assert!(outcome.bytes_sent > 5 << 20 && outcome.bytes_received > 5 << 20);
        }
        assert_eq!(format!("{pool:?}"), "HttpPool { idle: 1, sessions: 0 }");
    });
}

#[test]
fn a_closed_connection_is_not_used_again() {
    local(async {
        // Each connection answers once and is closed without saying so before.
        let port = raw_server(|number, mut stream| async move {
            read_head(&mut stream).await;
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        let pool = pool(port);
        for number in 0..3 {
            let outcome = pool.send(&get("/")).await;
            assert_eq!(outcome.failure, None);
            assert_eq!(outcome.body, number.to_string());
            // The server had closed before its answer was read; the runtime only has to look at the socket.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

#[test]
fn a_connection_is_given_up_when_the_server_says_so_or_the_request_is_cut() {
    local(async {
        let port = raw_server(|number, mut stream| async move {
            read_head(&mut stream).await;
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\n";
            if number == 0 {
                stream.write_all(format!("{head}x").as_bytes()).await.unwrap();
            }
            read_head(&mut stream).await;
        })
        .await;
        let pool = pool(port);
        assert_eq!(pool.send(&get("/")).await.body, "x");
        assert_eq!(format!("{pool:?}"), "HttpPool { idle: 0, sessions: 0 }");
        let unanswered = get("/");
        tokio::select! {
            _outcome = pool.send(&unanswered) => panic!("the server never answers"),
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
        assert_eq!(format!("{pool:?}"), "HttpPool { idle: 0, sessions: 0 }");
    });
}

#[test]
fn a_request_that_was_sent_is_never_sent_again() {
    local(async {
        // The first request of a connection is answered; at the second the connection is closed.
        let port = raw_server(|_, mut stream| async move {
            read_head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            read_head(&mut stream).await;
        })
        .await;
        let pool = pool(port);
        assert_eq!(pool.send(&get("/")).await.status, Some(204));
        let second = pool.send(&get("/")).await;
        assert_eq!(failure(&second).0, FailureKind::Protocol, "{second:?}");
        assert_eq!(second.status, None);
        assert!(second.bytes_sent > 0);
    });
}

#[test]
fn time_limits_hold_in_every_phase() {
    local(async {
        let port = raw_server(|number, mut stream| async move {
            read_head(&mut stream).await;
            if number > 0 {
                let head = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1234";
                stream.write_all(head).await.unwrap();
            }
            // Holds the connection until the other side gives up.
            read_head(&mut stream).await;
        })
        .await;
        let pool = pool(port);
        let hasty = || Request { timeout_ns: 150_000_000, ..get("/") };
        let first = pool.send(&hasty()).await;
        assert_eq!(failure(&first), (FailureKind::Timeout, "no response within 150ms"));
        assert_eq!(first.status, None);
        let second = pool.send(&hasty()).await;
        assert_eq!(
            failure(&second),
            (FailureKind::Timeout, "the response did not end within 150ms")
        );
        assert_eq!(second.status, Some(200));
        assert!(second.ended - second.sent >= 150_000_000);
        assert_eq!(format!("{pool:?}"), "HttpPool { idle: 0, sessions: 0 }");
    });
}

#[test]
fn what_is_no_answer_is_a_failure_of_its_kind() {
    local(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = listener.local_addr().unwrap().port();
        drop(listener);
        let refused = pool(closed).send(&get("/")).await;
        assert_eq!(failure(&refused).0, FailureKind::Connect);
        assert!(
            failure(&refused).1.starts_with(&format!("127.0.0.1:{closed}: Connection refused"))
        );
        let port = raw_server(|number, mut stream| async move {
            read_head(&mut stream).await;
            let answer: &[u8] = match number {
                0 => b"SMTP ready\r\n\r\n",
                1 => b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12",
                _ => b"",
            };
            stream.write_all(answer).await.unwrap();
        })
        .await;
        let pool = pool(port);
        for _ in 0..3 {
            assert_eq!(failure(&pool.send(&get("/")).await).0, FailureKind::Protocol);
        }
        for path in ["no-slash", ""] {
            assert_eq!(failure(&pool.send(&get(path)).await).0, FailureKind::Render, "{path}");
        }
        let nowhere = pool.send(&Request { target: 7, ..get("/") }).await;
        assert_eq!(failure(&nowhere), (FailureKind::Connect, "there is no target 7 of 1"));
    });
}

#[test]
fn bodies_are_bounded_however_they_are_sent() {
    local(async {
        let port = raw_server(|number, mut stream| async move {
            read_head(&mut stream).await;
            let answer: &[u8] = match number {
                0 => b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n12345678901",
                1 => b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\n123456\r\n5\r\n78901\r\n0\r\n\r\n",
                _ => b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\n67890\r\n0\r\n\r\n",
            };
            stream.write_all(answer).await.unwrap();
            read_head(&mut stream).await;
        })
        .await;
        let driver = HttpDriver::new(vec![target(port, 10)], Clock::real()).unwrap();
        for _ in 0..2 {
            let outcome = driver.pool().send(&get("/")).await;
            let too_large = (FailureKind::BodyTooLarge, "the body is larger than 10 bytes");
            assert_eq!(failure(&outcome), too_large);
            assert_eq!(outcome.status, Some(200));
        }
        assert_eq!(driver.pool().send(&get("/")).await.body, "1234567890");
    });
}

#[test]
fn names_are_resolved() {
    local(async {
        let port = raw_server(|_, mut stream| async move {
            read_head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        })
        .await;
        let named = |host: &str| Target { host: host.to_owned(), ..target(port, 10) };
        let targets = vec![named("localhost"), named("nowhere.invalid")];
        let pool = HttpDriver::new(targets, Clock::real()).unwrap().pool();
        assert_eq!(pool.send(&get("/")).await.status, Some(204));
        let nowhere = pool.send(&Request { target: 1, ..get("/") }).await;
        assert!(matches!(failure(&nowhere).0, FailureKind::Connect | FailureKind::Timeout));
    });
}

#[test]
fn a_request_on_its_way_is_small() {
    local(async {
        let pool = pool(9);
        let request = get("/");
        let sending = pool.send(&request);
        let bytes = size_of_val(&sending);
        assert!(bytes <= 3_000, "each user and each arrival in flight holds {bytes} bytes");
    });
}
