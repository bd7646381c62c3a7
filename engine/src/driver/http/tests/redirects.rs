//! Chains of redirects against servers on the loopback.

use super::*;

/// Answers each request of a connection by `answer`, given its head; keeps the connection open.
async fn server(answer: impl Fn(&str) -> String + Clone + Send + 'static) -> u16 {
    raw_server(move |_, mut stream| {
        let answer = answer.clone();
        async move {
            loop {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { return };
                    head.push(byte);
                }
                let head = String::from_utf8(head).unwrap();
                let length = head.split_once("content-length: ").map_or(0, |(_, rest)| {
                    rest.split_once("\r\n").and_then(|(length, _)| length.parse().ok()).unwrap()
                });
                let mut body = vec![0; length];
                stream.read_exact(&mut body).await.unwrap();
                stream.write_all(answer(&head).as_bytes()).await.unwrap();
            }
        }
    })
    .await
}

fn to(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} X\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}

/// Answers with the head of the request.
fn say(head: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{head}", head.len())
}

/// Returns a request as a plan's step renders it.
fn tracked(method: Method, path: &str, body: &'static str) -> Request {
    let request = request(method, path, body).header("content-type", "text/plain");
    let mut request = request.header("authorization", "secret");
    request.head.begin_tracking();
    let request = request.header("x-volley-arrival", "r.s.7").header("x-volley-step", "buy");
    Request { redirects: 10, ..request }
}

#[test]
fn each_hop_is_named_and_counted() {
    local(async {
        let port = server(|head| match head.split(' ').nth(1).unwrap() {
            "/a" => to(302, "b?c=1"),
            "/b?c=1" => to(307, "/d"),
            _ => say(head),
        })
        .await;
        let pool = pool(port);
        let outcome = pool.send(&tracked(Method::POST, "/a", "body")).await;
        assert_eq!((outcome.failure, outcome.status), (None, Some(200)));
        assert_eq!(outcome.hops, [302, 307]);
        let last = String::from_utf8(outcome.body.to_vec()).unwrap();
        assert_eq!(
            last,
            "GET /d HTTP/1.1\r\nhost: shop\r\nauthorization: secret\r\nx-volley-arrival: r.s.7\r\n\
             x-volley-step: buy~2\r\n\r\n"
        );
        assert!(outcome.bytes_sent > 300 && outcome.bytes_received > 200);
        assert_eq!(format!("{pool:?}"), "HttpPool { idle: 1, sessions: 0 }");
        let unfollowed = Request { redirects: 0, ..tracked(Method::GET, "/a", "") };
        let outcome = pool.send(&unfollowed).await;
        assert_eq!((outcome.status, outcome.hops.len()), (Some(302), 0));
        assert_eq!(outcome.headers["location"], "b?c=1");
        let kept = pool.send(&tracked(Method::POST, "/b?c=1", "body")).await;
        let kept = String::from_utf8(kept.body.to_vec()).unwrap();
        assert!(kept.starts_with("POST /d ") && kept.contains("content-length: 4"), "{kept}");
    });
}

#[test]
fn another_origin_learns_nothing_but_the_arrival() {
    local(async {
        let other = server(say).await;
        let port = server(move |_| to(308, &format!("http://127.0.0.1:{other}/x"))).await;
        let pool = pool(port);
        for _ in 0..2 {
            let outcome = pool.send(&tracked(Method::POST, "/", "body")).await;
            let last = String::from_utf8(outcome.body.to_vec()).unwrap();
            assert_eq!(
                last,
                format!(
                    "POST /x HTTP/1.1\r\nhost: 127.0.0.1:{other}\r\ncontent-type: text/plain\r\n\
                     x-volley-arrival: r.s.7\r\nx-volley-step: buy~1\r\ncontent-length: 4\r\n\r\n"
                )
            );
        }
        assert_eq!(format!("{pool:?}"), "HttpPool { idle: 2, sessions: 0 }");
    });
}

#[test]
fn a_chain_ends_somewhere() {
    local(async {
        let port = server(|head| match head.split(' ').nth(1).unwrap() {
            "/ftp" => to(302, "ftp://a/"),
            "/none" => "HTTP/1.1 302 X\r\ncontent-length: 0\r\n\r\n".to_owned(),
            _ => to(302, "/again"),
        })
        .await;
        let pool = pool(port);
        let endless = pool.send(&tracked(Method::GET, "/", "")).await;
        assert_eq!(failure(&endless), (FailureKind::Protocol, "more than 10 redirects"));
        assert_eq!((endless.hops.len(), endless.status), (10, Some(302)));
        let nowhere = pool.send(&tracked(Method::GET, "/ftp", "")).await;
        assert_eq!(
            failure(&nowhere).1,
            "the redirect to `ftp://a/` cannot be followed: it is no HTTP address"
        );
        // Without a place to go to, it is an answer.
        assert_eq!(pool.send(&tracked(Method::GET, "/none", "")).await.status, Some(302));
    });
}

#[test]
fn nothing_goes_to_a_server_that_is_not_allowed() {
    local(async {
        let other = server(|_| panic!("nobody may come here")).await;
        let port = server(move |head| match head.split(' ').nth(1).unwrap() {
            "/out" => to(302, &format!("http://127.0.0.1:{other}/x")),
            "/name" => to(302, &format!("http://localhost:{other}/x")),
            _ => say(head),
        })
        .await;
        let allowed = vec![format!("127.0.0.1:{port}").parse().unwrap()];
        let allowed = AllowedTargets::only(allowed);
        let targets = vec![target(port, 1 << 20), target(other, 1 << 20)];
        let pool = HttpDriver::within(allowed, targets, Clock::real()).unwrap().pool();
        assert_eq!(pool.send(&tracked(Method::GET, "/in", "")).await.status, Some(200));
        for (path, host) in [("/out", "127.0.0.1"), ("/name", "localhost")] {
            let outcome = pool.send(&tracked(Method::GET, path, "")).await;
            let why = format!("{host}:{other} is not among the allowed targets here");
            assert_eq!(failure(&outcome), (FailureKind::Denied, why.as_str()));
            assert_eq!(outcome.hops, [302]);
        }
        let direct = Request { target: 1, ..tracked(Method::GET, "/", "") };
        assert_eq!(failure(&pool.send(&direct).await).0, FailureKind::Denied);
    });
}
