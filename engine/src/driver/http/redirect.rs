//! Redirects (RFC 9110 §15.4), each hop a request of its own that is counted and named.

use std::rc::Rc;

use http::Method;
use url::{Host, Url};

use super::{Ended, HttpPool, ORIGINS_MAX, Progress, Server, Worker, protocol, protocols};
use crate::driver::connect::Connector;
use crate::driver::tls;
use crate::exchange::{Failure, Request};
use crate::user::{ClientTls, Target};

impl HttpPool {
    /// Follows a chain of redirects from the first hop's `location` to its end.
    pub(super) async fn follow(
        &self,
        first: Rc<Server>,
        request: &Request,
        location: String,
        progress: &mut Progress,
    ) -> Result<(), Ended> {
        let deadline = progress.outcome.sent.saturating_add(request.timeout_ns);
        let (mut server, mut request, mut location) = (first, request.clone(), location);
        let most = request.redirects;
        for hop in 1..=most {
            let status = progress.outcome.status.take().unwrap_or(0);
            progress.outcome.hops.push(status);
            let next = self.worker.next(&server, &request, &location, (status, hop));
            (server, request) = next.map_err(Ended::Failed)?;
            let answer = self.hop(&server, &request, deadline, progress).await?;
            match answer.location.filter(|_| progress.is_redirected()) {
                Some(next) => location = next,
                None => return Ok(()),
            }
        }
        let why = format!("more than {most} redirects");
        Err(Ended::Failed(protocol(&why)))
    }
}

impl Worker {
    /// Returns where a redirect leads to, and what is sent there.
    fn next(
        &self,
        server: &Server,
        request: &Request,
        location: &str,
        (status, hop): (u16, u32),
    ) -> Result<(Rc<Server>, Request), Failure> {
        let url = resolve(&server.target, request.head.path(), location)?;
        let to = self.origin(server, &url)?;
        let method = method(&request.method, status);
        let keeps_body = method == request.method;
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let host = (to.place != server.place).then_some(to.target.authority.as_str());
        let head = request.head.redirected((&method, path), hop, host, keeps_body);
        let body = if keeps_body { request.body.clone() } else { bytes::Bytes::new() };
        Ok((Rc::clone(&to), Request { target: to.place, method, head, body, ..request.clone() }))
    }

    /// Returns the server of a URL; one that is not known yet is added.
    fn origin(&self, from: &Server, url: &Url) -> Result<Rc<Server>, Failure> {
        let target =
            target_of(url).ok_or_else(|| refused(url.as_str(), "it is no HTTP address"))?;
        let alike = |known: &Target| {
            (known.tls.is_some(), known.port) == (target.tls.is_some(), target.port)
                && known.host == target.host
        };
        if alike(&from.target)
            && let Some(same) = self.server(from.place)
        {
            return Ok(same);
        }
        let known = self.servers.borrow().iter().find(|known| alike(&known.target)).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let mut servers = self.servers.borrow_mut();
        let place = servers.len();
        if place >= self.targets + ORIGINS_MAX {
            let why = format!("redirects led to more than {ORIGINS_MAX} servers already");
            return Err(refused(url.as_str(), &why));
        }
        let version = target.version;
        let tls = target.tls.as_ref().map(|options| tls::connector(options, protocols(version)));
        let tls = tls.transpose().map_err(|error| refused(url.as_str(), &error.to_string()))?;
        let target = Target {
            max_body_bytes: from.target.max_body_bytes,
            max_header_bytes: from.target.max_header_bytes,
            connect_timeout_ns: from.target.connect_timeout_ns,
            first_byte_timeout_ns: from.target.first_byte_timeout_ns,
            resolve_ns: from.target.resolve_ns,
            ..target
        };
        let connector = Connector::new(&target, self.clock.clone(), tls);
        let server = Rc::new(Server { place, connector, target });
        servers.push(Rc::clone(&server));
        Ok(server)
    }
}

/// Returns the address that `location` names for who asked for `path`.
fn resolve(target: &Target, path: &str, location: &str) -> Result<Url, Failure> {
    let scheme = if target.tls.is_some() { "https" } else { "http" };
    let base = Url::parse(&format!("{scheme}://{}{path}", target.authority));
    let url = base.and_then(|base| base.join(location));
    url.map_err(|error| refused(location, &error.to_string()))
}

fn refused(location: &str, why: &str) -> Failure {
    protocol(&format!("the redirect to `{location}` cannot be followed: {why}"))
}

fn target_of(url: &Url) -> Option<Target> {
    let tls = match url.scheme() {
        "http" => None,
        "https" => Some(ClientTls::default()),
        _ => return None,
    };
    let host = match url.host()? {
        Host::Domain(domain) => domain.to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    Some(Target { tls, ..Target::new(&host, url.port_or_known_default()?) })
}

/// Returns the method of the next request: what was posted is fetched, as browsers do; 307 and 308 keep the method.
fn method(method: &Method, status: u16) -> Method {
    match (status, method) {
        (303, method) if *method != Method::HEAD => Method::GET,
        (301 | 302, &Method::POST) => Method::GET,
        (_, method) => method.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_change_as_in_browsers() {
        let check = |status, from: Method, to: Method| assert_eq!(method(&from, status), to);
        for status in [301, 302] {
            check(status, Method::POST, Method::GET);
            check(status, Method::PUT, Method::PUT);
        }
        check(303, Method::PUT, Method::GET);
        check(303, Method::HEAD, Method::HEAD);
        check(307, Method::POST, Method::POST);
        check(308, Method::DELETE, Method::DELETE);
    }

    #[test]
    fn locations_are_read_from_where_they_were_said() {
        let check = |location: &str, to: &str| {
            let url = resolve(&Target::new("a.example", 80), "/x/y?z=1", location).unwrap();
            assert_eq!(url.as_str(), to);
        };
        check("/b", "http://a.example/b");
        check("b?c#d", "http://a.example/x/b?c#d");
        check("?q", "http://a.example/x/y?q");
        check("//b.example/", "http://b.example/");
        check("https://b.example:8443", "https://b.example:8443/");
        assert!(resolve(&Target::new("a.example", 80), "/", "http://[").is_err());
        assert!(target_of(&Url::parse("ftp://a/").unwrap()).is_none());
    }
}
