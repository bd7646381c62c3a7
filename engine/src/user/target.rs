//! (pure) An endpoint's rendered address → where to connect.

use std::fmt;

use compiler::artifact::{HttpEndpoint, HttpOptions, HttpVersion, Text, Tls};
use url::{Host, Url};

use super::PrepareError;

/// A server that requests go to: an endpoint as seen from one group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// Name of the endpoint.
    pub endpoint: String,
    /// Name of the group.
    pub group: String,
    /// Host name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is encrypted; `None` for not at all.
    pub tls: Option<ClientTls>,
    /// Version of HTTP.
    pub version: HttpVersion,
    /// Value of the `host` header: the host, and the port unless it is the scheme's own.
    pub authority: String,
    /// Path before every request's own, without a slash at its end; requests hold it already.
    pub prefix: String,
    /// Largest head of a response in bytes.
    pub max_header_bytes: u64,
    /// Largest response body in bytes.
    pub max_body_bytes: u64,
    /// Longest wait for a connection in nanoseconds; 0 for the request's limit alone.
    pub connect_timeout_ns: u64,
    /// Longest wait for the first byte of a response in nanoseconds; 0 for the request's limit alone.
    pub first_byte_timeout_ns: u64,
    /// How long an answer of the resolver holds for new connections, in nanoseconds; 0 to ask for each.
    pub resolve_ns: u64,
}

/// TLS as a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientTls {
    /// Path of a PEM file with the roots to trust; Mozilla's without it.
    pub ca: Option<String>,
    /// Path of a PEM file with the client's certificate.
    pub cert: Option<String>,
    /// PEM text of the client's key.
    pub key: Option<Hidden>,
    /// Whether the server's certificate is checked.
    pub verify: bool,
    /// Name that the certificate must have; the host's without it.
    pub server_name: Option<String>,
    /// Whether sessions are resumed.
    pub resumption: bool,
}

/// A text that is never shown.
#[derive(Clone, Eq, PartialEq)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

impl Default for ClientTls {
    fn default() -> ClientTls {
        ClientTls {
            ca: None,
            cert: None,
            key: None,
            verify: true,
            server_name: None,
            resumption: true,
        }
    }
}

impl Target {
    /// Returns a plain server with the limits that hold where a plan says nothing.
    pub fn new(host: &str, port: u16) -> Target {
        let written = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let authority =
            if [80, 443].contains(&port) { written } else { format!("{written}:{port}") };
        Target {
            endpoint: String::new(),
            group: String::new(),
            host: host.to_owned(),
            port,
            tls: None,
            version: HttpVersion::Auto,
            authority,
            prefix: String::new(),
            max_header_bytes: HttpOptions::MAX_HEADER_BYTES,
            max_body_bytes: 1 << 20,
            connect_timeout_ns: 0,
            first_byte_timeout_ns: 0,
            resolve_ns: HttpOptions::RESOLVE_NS,
        }
    }
}

/// Renders a setting of TLS; `None` if a value of it has no text.
type RenderText<'a> = &'a dyn Fn(&Text) -> Result<String, PrepareError>;

/// Reads the TLS options of an endpoint.
pub(super) fn client_tls(tls: &Tls, render: RenderText<'_>) -> Result<ClientTls, PrepareError> {
    let text = |text: &Option<Text>| text.as_ref().map(render).transpose();
    Ok(ClientTls {
        ca: text(&tls.ca)?,
        cert: text(&tls.cert)?,
        key: text(&tls.key)?.map(Hidden),
        verify: tls.verify,
        server_name: text(&tls.server_name)?,
        resumption: tls.resumption,
    })
}

/// Reads `base_url` as rendered for one group.
pub(super) fn read(
    endpoint: (&str, &HttpEndpoint),
    group: &str,
    base_url: &str,
    render: RenderText<'_>,
) -> Result<Target, PrepareError> {
    let (name, endpoint) = endpoint;
    let refuse = |reason: &'static str| PrepareError::BaseUrl {
        endpoint: name.to_owned(),
        group: group.to_owned(),
        reason,
    };
    let url = Url::parse(base_url).map_err(|_| refuse("it is no URL"))?;
    let options = &endpoint.options;
    let (tls, port_default) = match url.scheme() {
        "http" if options.tls.is_some() => {
            return Err(refuse(
                "it is not encrypted, but the endpoint has `tls`; write `https://`",
            ));
        }
        "http" => (None, 80),
        "https" => {
            let own = options.tls.as_ref().map(|tls| client_tls(tls, render)).transpose()?;
            (Some(own.unwrap_or_default()), 443)
        }
        _ => return Err(refuse("its scheme is neither `http` nor `https`")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it holds a user name; send an `authorization` header instead"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("it holds a query or a fragment; these belong to the steps"));
    }
    let (host, written) = match url.host().ok_or_else(|| refuse("it has no host"))? {
        Host::Domain(domain) => (domain.to_owned(), domain.to_owned()),
        Host::Ipv4(address) => (address.to_string(), address.to_string()),
        Host::Ipv6(address) => (address.to_string(), format!("[{address}]")),
    };
    let authority = url.port().map_or_else(|| written.clone(), |port| format!("{written}:{port}"));
    Ok(Target {
        endpoint: name.to_owned(),
        group: group.to_owned(),
        host,
        port: url.port().unwrap_or(port_default),
        tls,
        authority,
        prefix: url.path().trim_end_matches('/').to_owned(),
        version: options.version,
        max_header_bytes: options.max_header_bytes,
        max_body_bytes: endpoint.max_body_bytes,
        connect_timeout_ns: options.connect_timeout_ns,
        first_byte_timeout_ns: options.first_byte_timeout_ns,
        resolve_ns: options.resolve_ns,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> HttpEndpoint {
        HttpEndpoint {
            base_url: Text::default(),
            headers: Vec::new(),
            timeout_ns: 1,
            tracking: true,
            max_body_bytes: 9,
            options: Box::default(),
        }
    }

    fn nothing(_: &Text) -> Result<String, PrepareError> {
        Ok(String::new())
    }

    #[test]
    fn addresses_are_taken_apart() {
        let check = |url: &str, expected: (&str, u16, bool, &str, &str)| {
            let target = read(("shop", &endpoint()), "eu", url, &nothing).unwrap();
            let (host, port, tls) = (target.host.as_str(), target.port, target.tls.is_some());
            assert_eq!((host, port, tls, &*target.authority, &*target.prefix), expected);
        };
        check("http://shop.example", ("shop.example", 80, false, "shop.example", ""));
        check("https://shop.example:443/api/", ("shop.example", 443, true, "shop.example", "/api"));
        check("http://127.0.0.1:8080/a b", ("127.0.0.1", 8080, false, "127.0.0.1:8080", "/a%20b"));
        check("https://[::1]:8443", ("::1", 8443, true, "[::1]:8443", ""));
        check(
            "http://bücher.example",
            ("xn--bcher-kva.example", 80, false, "xn--bcher-kva.example", ""),
        );
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for url in
            ["", "shop", "ftp://a", "http://", "http://u:pw@a", "http://a/?q=pw", "http://a/#pw"]
        {
            let error = read(("shop", &endpoint()), "eu", url, &nothing).unwrap_err().to_string();
            assert!(error.starts_with("endpoint `shop` of group `eu`"), "{error}");
            assert!(!error.contains("pw"), "{error}");
        }
    }
}
