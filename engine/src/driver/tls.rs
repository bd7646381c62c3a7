//! TLS as a client, with ring as its provider.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::user::ClientTls;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file of certificates.
    #[error("`{path}`: {source}")]
    File {
        /// Its path.
        path: String,
        /// Why it cannot be used.
        source: pem::Error,
    },
    /// A file without a certificate.
    #[error("`{0}` holds no certificate")]
    Empty(String),
    /// The client's key; its text is not repeated.
    #[error("the client's key is no private key in PEM")]
    Key,
    /// A certificate without its key, or a key without its certificate.
    #[error("`cert` and `key` belong together")]
    Half,
    /// What the library says.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

/// Returns what all connections of a worker with these options share; offers `protocols`, best first.
///
/// # Errors
/// A file cannot be read, or holds no certificate or key.
pub(super) fn connector(
    options: &ClientTls,
    protocols: &[&[u8]],
) -> Result<TlsConnector, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = if options.verify {
        builder.with_root_certificates(roots(options.ca.as_deref())?)
    } else {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)))
    };
    let mut config = match (&options.cert, &options.key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(cert), Some(key)) => {
            let key = PrivateKeyDer::from_pem_slice(key.0.as_bytes()).map_err(|_| TlsError::Key)?;
            builder.with_client_auth_cert(certificates(cert)?, key)?
        }
        (Some(_), None) | (None, Some(_)) => return Err(TlsError::Half),
    };
    if !options.resumption {
        config.resumption = Resumption::disabled();
    }
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Returns the roots to trust: those of a file, else Mozilla's.
fn roots(path: Option<&str>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    match path {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate)?;
            }
        }
    }
    Ok(roots)
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |source| TlsError::File { path: path.to_owned(), source };
    let certificates = CertificateDer::pem_file_iter(path).map_err(failed)?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    if certificates.is_empty() {
        return Err(TlsError::Empty(path.to_owned()));
    }
    Ok(certificates)
}

/// Shakes hands over `stream`.
///
/// # Errors
/// What went wrong, for people.
pub(super) async fn shake_hands(
    connector: &TlsConnector,
    name: &str,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, String> {
    let name = ServerName::try_from(name.to_owned()).map_err(|error| format!("tls: {error}"))?;
    connector.connect(name, stream).await.map_err(|error| why(&error))
}

/// Says why a handshake failed; of a mistake that is made often, also what to do.
fn why(error: &std::io::Error) -> String {
    let own = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    match own {
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(other)))
            if other.to_string().contains("CaUsedAsEndEntity") =>
        {
            "tls: the server shows the certificate of an authority as its own; give it one that is no authority's \
             (`basicConstraints=CA:FALSE`)"
                .to_owned()
        }
        _ => format!("tls: {error}"),
    }
}

/// Takes any certificate (`verify: false`), though the handshake must still be signed with its key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
