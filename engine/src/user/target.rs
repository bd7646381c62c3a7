//! (pure) An endpoint's rendered address → where to connect.

use compiler::artifact::HttpEndpoint;
use url::{Host, Url};

use super::{PrepareError, Target};

/// Reads `base_url` as rendered for one group.
pub(super) fn read(
    endpoint: (&str, &HttpEndpoint),
    group: &str,
    base_url: &str,
) -> Result<Target, PrepareError> {
    let (name, endpoint) = endpoint;
    let refuse = |reason: &'static str| PrepareError::BaseUrl {
        endpoint: name.to_owned(),
        group: group.to_owned(),
        reason,
    };
    let url = Url::parse(base_url).map_err(|_| refuse("it is no URL"))?;
    let (tls, port_default) = match url.scheme() {
        "http" => (false, 80),
        "https" => (true, 443),
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
        max_body_bytes: endpoint.max_body_bytes,
    })
}

#[cfg(test)]
mod tests {
    use compiler::artifact::Text;

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

    #[test]
    fn addresses_are_taken_apart() {
        let check = |url: &str, expected: (&str, u16, bool, &str, &str)| {
            let target = read(("shop", &endpoint()), "eu", url).unwrap();
            let (host, port, tls) = (target.host.as_str(), target.port, target.tls);
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
            let error = read(("shop", &endpoint()), "eu", url).unwrap_err().to_string();
            assert!(error.starts_with("endpoint `shop` of group `eu`"), "{error}");
            assert!(!error.contains("pw"), "{error}");
        }
    }
}
