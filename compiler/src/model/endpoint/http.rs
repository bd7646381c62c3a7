//! (pure) `http`: an origin, and what its requests share.

use crate::artifact::{Endpoint, HttpAuth, HttpEndpoint, HttpOptions, HttpVersion, Tracking};
use crate::model::endpoint::{BODY_BYTES_DEFAULT, TIMEOUT_NS_DEFAULT, tracking};
use crate::model::lower::Site;
use crate::model::settings::{Form, Settings};

const ORIGIN: Form = Form { schemes: &["http://", "https://"], example: "http://127.0.0.1:8080" };

/// Lowers an HTTP endpoint.
pub(super) fn http(settings: &mut Settings<'_, '_, '_>) -> Option<Endpoint> {
    let base_url = settings.address("base_url", Site::BaseUrl, ORIGIN);
    for address in &mut settings.addresses {
        address.base_url = true;
    }
    let headers = settings.headers(Site::Header);
    let timeout_ns = settings.length("timeout", TIMEOUT_NS_DEFAULT);
    let max_body_bytes = settings.size("max_body", BODY_BYTES_DEFAULT);
    let (tracking, tracking_names) = match tracking(settings) {
        Tracking::Headers => (true, None),
        Tracking::None => (false, None),
        Tracking::Named(names) => (true, Some(names)),
    };
    let versions =
        [("auto", HttpVersion::Auto), ("1.1", HttpVersion::Http1), ("2", HttpVersion::Http2)];
    let options = HttpOptions {
        redirects: settings.number(
            "redirects",
            HttpOptions::REDIRECTS,
            0..=HttpOptions::REDIRECTS_MAX,
        ),
        tracking_names,
        tls: settings.tls(),
        version: settings.word("version", &versions, HttpVersion::Auto),
        cookies: settings.flag("cookies", true),
        decompress: settings.flag("decompress", true),
        max_header_bytes: settings.size("max_header", HttpOptions::MAX_HEADER_BYTES),
        connect_timeout_ns: settings.length("connect_timeout", 0),
        first_byte_timeout_ns: settings.length("first_byte_timeout", 0),
        resolve_ns: settings.length_or_none("resolve_every", HttpOptions::RESOLVE_NS),
        auth: settings.inner("auth", auth),
        proxy: proxy(settings),
    };
    Some(Endpoint::Http(HttpEndpoint {
        base_url,
        headers,
        timeout_ns,
        tracking,
        max_body_bytes,
        options: Box::new(options),
    }))
}

fn proxy(settings: &mut Settings<'_, '_, '_>) -> Option<crate::artifact::Text> {
    const PROXY: Form = Form { schemes: &["http://"], example: "http://127.0.0.1:3128" };
    settings.node.entry("proxy")?;
    Some(settings.address("proxy", Site::Setting, PROXY))
}

fn auth(auth: &mut Settings<'_, '_, '_>) -> Option<HttpAuth> {
    const TOKEN: Form =
        Form { schemes: &["http://", "https://"], example: "https://login.example/token" };
    if let Some(login) = auth.login("basic") {
        return Some(HttpAuth::Basic { user: login.user, password: login.password });
    }
    if auth.node.entry("bearer").is_some() {
        return auth.credential("bearer").map(|token| HttpAuth::Bearer { token });
    }
    auth.inner("oauth2", |oauth2| {
        let token_url = oauth2.address("token_url", Site::Setting, TOKEN);
        let client_id = oauth2.text("client_id");
        let client_secret = oauth2.credential("client_secret");
        let scopes = oauth2.literals("scopes", "a scope");
        Some(HttpAuth::Oauth2 {
            token_url,
            client_id: oauth2.must(client_id),
            client_secret: oauth2.must(client_secret),
            scopes: scopes.into_iter().map(|scope| scope.value).collect(),
            audience: oauth2.text("audience"),
        })
    })
}
