//! TLS against a server with a certificate of its own.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use compiler::artifact::HttpVersion;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::user::{ClientTls, Hidden};

/// A certificate for `localhost` and 127.0.0.1, made for this test, signed by its own key, valid until 2120.
const CERTIFICATE: &str = "\
MIIBaTCCAQ6gAwIBAgIBATAKBggqhkjOPQQDAjAWMRQwEgYDVQQDDAt2b2xsZXkgdGVzdDAgFw0yMDAxMDEwMDAw\
MDBaGA8yMTIwMDEwMTAwMDAwMFowFjEUMBIGA1UEAwwLdm9sbGV5IHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMB\
BwNCAAQwfuU9vORRyIWhEYKqQSLvcj2ag0/z5ayksaZ4HP2Az8lQ5Y3yK7b5LgQeHSOGFecvfEvGn4IsfxsGfKPx\
3TYHo0swSTAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwDAYDVR0TAQH/BAIwADAdBgNVHQ4EFgQUdYHBeqPF\
z4gfK5QJ2OsWwvF+IEUwCgYIKoZIzj0EAwIDSQAwRgIhAMn3EO/gDDh7jXGJPj7vgenM+ttNcC87p+gy9hSzJbS0\
AiEAgwf7qIPhRcbjY4YbW9yhOl2QVz/s+AKiN+PQM39GIRs=";

/// The key of [`CERTIFICATE`]; nobody trusts it.
const KEY: &str = "\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgJ7hzbXsl+pYwoLRbm8vgQmhIqhg503WCWMCnVdVo\
jZGhRANCAAQwfuU9vORRyIWhEYKqQSLvcj2ag0/z5ayksaZ4HP2Az8lQ5Y3yK7b5LgQeHSOGFecvfEvGn4IsfxsG\
fKPx3TYH";

fn certificate() -> CertificateDer<'static> {
    CertificateDer::from(STANDARD.decode(CERTIFICATE).unwrap())
}

fn pem(kind: &str, base64: &str) -> String {
    format!("-----BEGIN {kind}-----\n{base64}\n-----END {kind}-----\n")
}

/// Writes the certificate to a file.
fn certificate_file(folder: &Path) -> PathBuf {
    let path = folder.join("ca.pem");
    fs::write(&path, pem("CERTIFICATE", CERTIFICATE)).unwrap();
    path
}

fn trusting(folder: &Path) -> ClientTls {
    let path = certificate_file(folder).to_str().unwrap().to_owned();
    ClientTls { ca: Some(path), ..ClientTls::default() }
}

fn acceptor(protocol: &str, clients: bool) -> TlsAcceptor {
    let key = PrivatePkcs8KeyDer::from(STANDARD.decode(KEY).unwrap());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = if clients {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate()).unwrap();
        let roots = Arc::new(roots);
        let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(roots, provider);
        config.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        config.with_no_client_auth()
    };
    let mut config = config.with_single_cert(vec![certificate()], key.into()).unwrap();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// Answers every request of a connection with 204; tells whether each connection resumed a session.
async fn server(clients: bool) -> (u16, std::sync::mpsc::Receiver<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = acceptor("http/1.1", clients);
    let (resumed, told) = std::sync::mpsc::sync_channel(16);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let kind = stream.get_ref().1.handshake_kind();
            resumed.send(kind == Some(rustls::HandshakeKind::Resumed)).ok();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while let Ok(byte) = stream.read_u8().await {
                    head.push(byte);
                    if head.ends_with(b"\r\n\r\n") {
                        head.clear();
                        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
                        stream.flush().await.unwrap();
                    }
                }
            });
        }
    });
    (port, told)
}

fn encrypted(port: u16, tls: ClientTls) -> Target {
    Target { tls: Some(tls), host: "localhost".to_owned(), ..target(port, 1 << 20) }
}

fn driver(port: u16, tls: ClientTls) -> HttpDriver {
    HttpDriver::new(vec![encrypted(port, tls)], Clock::real()).unwrap()
}

#[test]
fn a_trusted_server_is_spoken_to_and_another_is_not() {
    local(async {
        let folder = tempfile::tempdir().unwrap();
        let (port, _told) = server(false).await;
        let pool = driver(port, trusting(folder.path())).pool();
        for turn in 0..2 {
            let outcome = pool.send(&get("/")).await;
            assert_eq!((outcome.failure, outcome.status), (None, Some(204)));
            // What is counted is HTTP, not the handshake around it.
            assert_eq!(outcome.bytes_received, "HTTP/1.1 204 No Content\r\n\r\n".len() as u64);
            let phases = outcome.phases;
            assert_eq!((phases.dns.is_some(), phases.tls.is_some()), (turn == 0, turn == 0));
        }
        assert_eq!(format!("{pool:?}"), "HttpPool { idle: 1, sessions: 0 }");
        let wary = driver(port, ClientTls::default()).pool().send(&get("/")).await;
        let (kind, detail) = failure(&wary);
        assert_eq!(kind, FailureKind::Connect);
        assert!(detail.starts_with("tls: invalid peer certificate"), "{detail}");
        let careless = ClientTls { verify: false, ..ClientTls::default() };
        assert_eq!(driver(port, careless).pool().send(&get("/")).await.status, Some(204));
        let other = Some("other.example".to_owned());
        let other = ClientTls { server_name: other, ..trusting(folder.path()) };
        let outcome = driver(port, other).pool().send(&get("/")).await;
        assert!(failure(&outcome).1.contains("not valid for name"), "{outcome:?}");
    });
}

#[test]
fn sessions_are_resumed_unless_the_plan_says_no() {
    local(async {
        let folder = tempfile::tempdir().unwrap();
        let (port, told) = server(false).await;
        for resumption in [true, false] {
            let driver = driver(port, ClientTls { resumption, ..trusting(folder.path()) });
            for _ in 0..2 {
                // A pool of its own opens a connection of its own.
                assert_eq!(driver.pool().send(&get("/")).await.status, Some(204));
            }
            let resumed: Vec<bool> = told.try_iter().collect();
            assert_eq!(resumed, [false, resumption]);
        }
    });
}

#[test]
fn a_client_shows_its_certificate() {
    local(async {
        let folder = tempfile::tempdir().unwrap();
        let (port, _told) = server(true).await;
        let tls = trusting(folder.path());
        let key = Some(Hidden(pem("PRIVATE KEY", KEY)));
        let known = ClientTls { cert: tls.ca.clone(), key: key.clone(), ..tls.clone() };
        assert_eq!(format!("{:?}", known.key), "Some(Hidden)");
        assert_eq!(driver(port, known).pool().send(&get("/")).await.status, Some(204));
        assert!(driver(port, tls.clone()).pool().send(&get("/")).await.failure.is_some());
        let refused = |tls: ClientTls, why: &str| {
            let error = HttpDriver::new(vec![encrypted(port, tls)], Clock::real()).unwrap_err();
            let why_not = std::error::Error::source(&error).unwrap().to_string();
            assert!(why_not.contains(why), "{why_not}");
        };
        refused(
            ClientTls { cert: tls.ca.clone(), ..tls.clone() },
            "`cert` and `key` belong together",
        );
        let no_key = Some(Hidden("nonsense".to_owned()));
        refused(ClientTls { cert: tls.ca.clone(), key: no_key, ..tls.clone() }, "no private key");
        refused(ClientTls { ca: Some("/nowhere.pem".to_owned()), ..tls }, "`/nowhere.pem`: ");
    });
}

/// Answers requests of HTTP/2 with what they were, over TLS or plain; tells how many connections there were.
async fn h2_server(tls: bool) -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            if tls {
                let stream = acceptor("h2", false).accept(stream).await.unwrap();
                tokio::spawn(serve_h2(stream));
            } else {
                tokio::spawn(serve_h2(stream));
            }
        }
    });
    (port, connections)
}

async fn serve_h2(
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
) {
    let mut connection = ::h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        tokio::spawn(async move {
            let (head, mut body) = request.into_parts();
            let mut bytes = 0;
            while let Some(Ok(data)) = body.data().await {
                bytes += data.len();
                body.flow_control().release_capacity(data.len()).unwrap();
            }
            if head.uri.path() == "/never" {
                std::future::pending::<()>().await;
            }
            let text = format!("{} {} {bytes}", head.method, head.uri);
            let response = http::Response::builder().status(201).header("x-id", "a1");
            let mut stream = respond.send_response(response.body(()).unwrap(), false).unwrap();
            stream.send_data(Bytes::from(text), true).unwrap();
        });
    }
}

#[test]
fn http_2_is_spoken_where_the_server_offers_it() {
    local(async {
        let folder = tempfile::tempdir().unwrap();
        let (port, connections) = h2_server(true).await;
        let pool = driver(port, trusting(folder.path())).pool();
        let (one, other) = (get("/a"), get("/b?c"));
        let (one, other) = tokio::join!(pool.send(&one), pool.send(&other));
        assert_eq!((one.failure, one.status), (None, Some(201)));
        assert_eq!(
            (&*one.body, one.headers["x-id"].to_str().unwrap()),
            (&b"GET https://shop/a 0"[..], "a1")
        );
        assert_eq!(other.body, "GET https://shop/b?c 0");
        assert_eq!(connections.load(Ordering::Relaxed), 1);
        assert_eq!(format!("{pool:?}"), "HttpPool { idle: 0, sessions: 1 }");
        let large = Bytes::from(vec![b'x'; 3 << 20]);
        let posted = Request { body: large, ..request(Method::POST, "/", "") };
        let outcome = pool.send(&posted).await;
        assert_eq!(outcome.body, "POST https://shop/ 3145728");
        assert!(outcome.bytes_sent > 3 << 20 && outcome.phases.first_byte.is_some());
        let hasty = Request { timeout_ns: 100_000_000, ..get("/never") };
        let outcome = pool.send(&hasty).await;
        assert_eq!(failure(&outcome), (FailureKind::Timeout, "no response within 100ms"));
        assert_eq!(pool.send(&get("/a")).await.status, Some(201));
        assert_eq!(connections.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn http_2_is_spoken_to_a_plain_server_if_the_plan_says_so() {
    local(async {
        let (port, _) = h2_server(false).await;
        let target = Target { version: HttpVersion::Http2, ..target(port, 5) };
        let pool = HttpDriver::new(vec![target], Clock::real()).unwrap().pool();
        let outcome = pool.send(&get("/a")).await;
        assert_eq!(outcome.status, Some(201));
        assert_eq!(
            failure(&outcome),
            (FailureKind::BodyTooLarge, "the body is larger than 5 bytes")
        );
        let (port, _told) = server(false).await;
        let folder = tempfile::tempdir().unwrap();
        let only =
            Target { version: HttpVersion::Http2, ..encrypted(port, trusting(folder.path())) };
        let pool = HttpDriver::new(vec![only], Clock::real()).unwrap().pool();
        assert_eq!(failure(&pool.send(&get("/")).await).0, FailureKind::Connect);
    });
}
