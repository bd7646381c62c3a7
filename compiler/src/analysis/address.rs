//! (pure) Addresses: `scheme://user:password@host:port/path` and `host:port`, with vars put in.

use std::collections::BTreeMap;

use crate::artifact::{Json, Piece, SlotSource, Text};
use crate::model::scalar;

/// Stands for what a secret puts in, which nobody knows.
pub(super) const SECRET: char = '\u{0}';

/// Puts vars in; `None` where one is missing or has filters.
pub(super) fn render(text: &Text, vars: &BTreeMap<&str, &Json>) -> Option<String> {
    let mut out = String::new();
    for piece in &text.0 {
        match piece {
            Piece::Literal(literal) => out.push_str(literal),
            Piece::Slot(slot) => match &slot.from {
                SlotSource::Var(name) if slot.filters.is_empty() => {
                    out.push_str(&scalar(vars.get(name.as_str())?)?);
                }
                SlotSource::Secret(_) => out.push(SECRET),
                _ => return None,
            },
        }
    }
    Some(out)
}

/// Returns whether an address holds a password that is no secret.
pub(super) fn has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let Some((user, _)) = authority.rsplit_once('@') else { return false };
    let password = user.split_once(':').map(|(_, password)| password);
    password.is_some_and(|password| !password.is_empty() && !password.contains(SECRET))
}

/// Checks an address that begins with one of `schemes`, or `host:port` where there are none or an empty one.
pub(super) fn check(url: &str, schemes: &[&str]) -> Result<(), String> {
    if url.starts_with(SECRET) {
        return Ok(());
    }
    let bare = schemes.contains(&"") && !url.contains("://");
    if schemes.is_empty() || bare {
        if url.contains("://") {
            return Err("it is `host:port`, without a scheme".to_owned());
        }
        let (name, port) = split_port(url);
        if port.is_none() {
            return Err("it has no port".to_owned());
        }
        return host(name, port).map_err(str::to_owned);
    }
    let schemes = || schemes.iter().filter(|scheme| !scheme.is_empty());
    let Some(rest) = schemes().find_map(|scheme| url.strip_prefix(scheme)) else {
        let known: Vec<String> = schemes().map(|scheme| format!("`{scheme}`")).collect();
        return Err(format!("it begins with none of {}", known.join(", ")));
    };
    // The rest of `sqlite:` is a path.
    if schemes().any(|scheme| url.starts_with(scheme) && !scheme.ends_with("://")) {
        return if rest.is_empty() { Err("it names no file".to_owned()) } else { Ok(()) };
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if !path.chars().all(|c| c.is_ascii_graphic() || c == SECRET) {
        return Err("its path holds a character that no URL can".to_owned());
    }
    let (_, authority) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (name, port) = split_port(authority);
    host(name, port).map_err(str::to_owned)
}

/// Checks `http(s)://host[:port][/prefix]`.
pub(super) fn check_origin(url: &str) -> Result<(), String> {
    if url.contains(SECRET) {
        return Ok(());
    }
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let Some(rest) = rest else {
        return Err("it does not begin with `http://` or `https://`".to_owned());
    };
    let (authority, _) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if url.contains(['?', '#']) {
        return Err("it has a query or fragment".to_owned());
    }
    if authority.contains('@') {
        return Err("it holds a user name".to_owned());
    }
    check(url, &["http://", "https://"])
}

/// Splits off the port, behind the last colon outside of the brackets of an IPv6 address.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rfind(':') {
        Some(at) if !authority[at..].contains(']') => {
            (&authority[..at], Some(&authority[at + 1..]))
        }
        _ => (authority, None),
    }
}

fn host(host: &str, port: Option<&str>) -> Result<(), &'static str> {
    let secret = |text: &str| text.contains(SECRET);
    let good = |port: &str| secret(port) || port.parse::<u16>().is_ok_and(|port| port > 0);
    if port.is_some_and(|port| !good(port)) {
        return Err("its port is not a number from 1 to 65535");
    }
    let bracketed = host.starts_with('[') && host.ends_with(']') && host.len() > 1;
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | SECRET);
    let good = if bracketed {
        host[1..host.len() - 1].parse::<std::net::Ipv6Addr>().is_ok()
    } else {
        !host.is_empty() && host.chars().all(name)
    };
    if good { Ok(()) } else { Err("it has no proper host") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_scheme_host_and_port() {
        for good in ["http://a", "https://a.b:8443/x/y", "http://[::1]:80", "http://127.0.0.1:1"] {
            assert_eq!(check_origin(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "a:80",
            "ftp://a",
            "http://",
            "http://a:0",
            "http://a:x",
            "http://a:70000",
            "http://u@a",
            "http://a/?x",
            "http://a b",
            "http://[x]",
            "http://a/é",
            "http://]:1[",
            "http://[",
        ] {
            assert!(check_origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn other_addresses_have_their_own_form() {
        for (good, schemes) in [
            ("nats://a:4222", &["nats://"][..]),
            ("postgres://u:\u{0}@a/db?x=1", &["postgres://"]),
            ("sqlite:shop.db", &["sqlite:"]),
            ("\u{0}", &["postgres://"]),
            ("a:50051", &["https://", ""]),
            ("https://a:50051", &["https://", ""]),
            ("a:9092", &[]),
            ("[::1]:9092", &[]),
        ] {
            assert_eq!(check(good, schemes), Ok(()), "{good}");
        }
        for (bad, schemes) in [
            ("a:4222", &["nats://"][..]),
            ("sqlite:", &["sqlite:"]),
            ("a", &[]),
            ("a", &["https://", ""]),
            ("ftp://a:1", &["https://", ""]),
            ("http://a:1", &[]),
            (":1", &[]),
        ] {
            assert!(check(bad, schemes).is_err(), "{bad}");
        }
    }

    #[test]
    fn passwords_in_addresses_are_seen() {
        assert!(has_password("postgres://u:secret@a/db"));
        assert!(!has_password("postgres://u:\u{0}@a/db"));
        assert!(!has_password("postgres://u@a/db?x=a:b@c"));
        assert!(!has_password("a:b@c"));
    }
}
