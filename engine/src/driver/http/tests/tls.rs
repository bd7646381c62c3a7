//! TLS against a server with a certificate of its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::driver::tls::connector_with;

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

fn acceptor() -> TlsAcceptor {
    let key = PrivatePkcs8KeyDer::from(STANDARD.decode(KEY).unwrap());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate()], key.into())
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// Answers every request of a connection with 204.
async fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = acceptor();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = Vec::new();
            while let Ok(byte) = stream.read_u8().await {
                head.push(byte);
                if head.ends_with(b"\r\n\r\n") {
                    head.clear();
                    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
                    stream.flush().await.unwrap();
                }
            }
        }
    });
    port
}

#[test]
fn a_trusted_server_is_spoken_to_and_another_is_not() {
    local(async {
        let port = server().await;
        let targets =
            vec![Target { tls: true, host: "localhost".to_owned(), ..target(port, 1 << 20) }];
        let mut roots = RootCertStore::empty();
        roots.add(certificate()).unwrap();
        let trusting = Some(connector_with(roots).unwrap());
        let driver = HttpDriver::with_tls(&targets, Clock::real(), trusting).unwrap();
        let pool = driver.pool();
        for _ in 0..2 {
            let outcome = pool.send(get("/")).await;
            assert_eq!((outcome.failure, outcome.status), (None, Some(204)));
            // What is counted is HTTP, not the handshake around it.
            assert_eq!(outcome.bytes_received, "HTTP/1.1 204 No Content\r\n\r\n".len() as u64);
        }
        assert_eq!(format!("{pool:?}"), "HttpPool { idle: 1 }");
        drop(pool);
        let wary = HttpDriver::new(targets, Clock::real()).unwrap().pool();
        let outcome = wary.send(get("/")).await;
        let (kind, detail) = failure(&outcome);
        assert_eq!(kind, FailureKind::Connect);
        assert!(detail.starts_with("tls: invalid peer certificate"), "{detail}");
    });
}
