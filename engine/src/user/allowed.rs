//! (pure) Which servers requests may go to.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::Host;

/// Servers that requests may go to; by default all.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AllowedTargets(Vec<AllowedTarget>);

/// A host, and the one port of it that is allowed, or all.
///
/// Names are compared whole and without regard to case, addresses by value. A name allows whatever it resolves to; it
/// does not allow the same server by its address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AllowedTarget {
    host: String,
    port: Option<u16>,
}

/// Why a text is no `HOST[:PORT]`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "write HOST or HOST:PORT: a whole name or an address, without scheme, path or `*`; [::1]:80 for IPv6"
)]
pub struct NoTarget;

impl FromStr for AllowedTarget {
    type Err = NoTarget;

    fn from_str(text: &str) -> Result<AllowedTarget, NoTarget> {
        let (host, port) = match text.rsplit_once(':') {
            // An address of IPv6 has colons of its own.
            _ if text.parse::<IpAddr>().is_ok() || text.ends_with(']') => (text, None),
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        };
        let port = port.map(|port| port.parse::<u16>().ok().filter(|port| *port > 0));
        let port = port.map(|port| port.ok_or(NoTarget)).transpose()?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let host = match (bare.parse::<IpAddr>(), Host::parse(host)) {
            (Ok(address), _) => address.to_string(),
            // Spelled as in a URL: other spellings of an address, names with letters beyond ASCII.
            (Err(_), Ok(Host::Domain(name))) if !name.contains('*') => name,
            (Err(_), Ok(Host::Ipv4(address))) => address.to_string(),
            (Err(_), Ok(_) | Err(_)) => return Err(NoTarget),
        };
        Ok(AllowedTarget { host, port })
    }
}

impl fmt::Display for AllowedTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.port, self.host.contains(':')) {
            (None, _) => f.write_str(&self.host),
            (Some(port), false) => write!(f, "{}:{port}", self.host),
            (Some(port), true) => write!(f, "[{}]:{port}", self.host),
        }
    }
}

impl AllowedTargets {
    /// Returns these servers alone; all if there is none.
    pub fn only(targets: Vec<AllowedTarget>) -> AllowedTargets {
        AllowedTargets(targets)
    }

    /// Returns whether requests may go to `port` of `host`, a name or an address without brackets.
    pub fn allow(&self, host: &str, port: u16) -> bool {
        let fits = |allowed: &AllowedTarget| {
            allowed.host.eq_ignore_ascii_case(host)
                && allowed.port.is_none_or(|allowed| allowed == port)
        };
        self.0.is_empty() || self.0.iter().any(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(allowed: &str, host: &str, port: u16) -> bool {
        AllowedTargets::only(vec![allowed.parse().unwrap()]).allow(host, port)
    }

    #[test]
    fn hosts_are_compared_whole() {
        assert!(allows("Shop.example", "shop.EXAMPLE", 80));
        assert!(allows("shop.example:443", "shop.example", 443));
        assert!(!allows("shop.example:443", "shop.example", 80));
        assert!(!allows("shop.example", "a.shop.example", 80));
        assert!(!allows("shop.example", "shop.example.evil.test", 80));
        assert!(!allows("shop.example", "shop.example.", 80));
        assert!(!allows("localhost", "127.0.0.1", 80));
        assert!(allows("bücher.example", "xn--bcher-kva.example", 80));
        assert!(AllowedTargets::default().allow("anywhere", 1));
    }

    #[test]
    fn addresses_are_compared_by_value() {
        assert!(allows("127.0.0.1:80", "127.0.0.1", 80));
        assert!(allows("127.1", "127.0.0.1", 80));
        assert!(!allows("127.0.0.1", "127.0.0.2", 80));
        for allowed in ["::1", "[::1]", "[::1]:80", "[0:0::1]:80"] {
            assert!(allows(allowed, "::1", 80), "{allowed}");
        }
        assert!(!allows("[::1]:80", "::1", 81));
        assert_eq!("[::1]:80".parse::<AllowedTarget>().unwrap().to_string(), "[::1]:80");
        assert_eq!("a:80".parse::<AllowedTarget>().unwrap().to_string(), "a:80");
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for text in [
            "", ":80", "a:", "a:0", "a:65536", "http://a", "a/b", "u@a", "*.a", "*", "a b", "[::1",
            "a:1:2",
        ] {
            assert_eq!(text.parse::<AllowedTarget>(), Err(NoTarget), "{text}");
        }
    }
}
