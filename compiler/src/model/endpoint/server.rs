//! (pure) Other servers: `websocket`, `sse`, `grpc`, `sql`, `tcp`.

use crate::artifact::{
    Endpoint, GrpcEndpoint, SqlEndpoint, SseEndpoint, TcpEndpoint, WebsocketEndpoint,
};
use crate::model::data;
use crate::model::endpoint::{
    BODY_BYTES_DEFAULT, CONNECT_NS_DEFAULT, TIMEOUT_NS_DEFAULT, tracking,
};
use crate::model::lower::Site;
use crate::model::settings::{Form, Settings};
use crate::source::Spanned;

/// Most connections that a pool can have.
const POOL_MAX: u32 = 10_000;

/// Lowers a WebSocket server.
pub(super) fn websocket(settings: &mut Settings<'_, '_, '_>) -> Option<Endpoint> {
    const URL: Form = Form { schemes: &["ws://", "wss://"], example: "ws://127.0.0.1:8080" };
    Some(Endpoint::Websocket(WebsocketEndpoint {
        url: settings.address("url", Site::BaseUrl, URL),
        headers: settings.headers(Site::Header),
        subprotocols: settings.texts("subprotocols"),
        tls: settings.tls(),
        ping_every_ns: settings.length_or_none("ping_every", 0),
        max_message_bytes: settings.size("max_message", BODY_BYTES_DEFAULT),
        connect_timeout_ns: settings.length("connect_timeout", CONNECT_NS_DEFAULT),
        timeout_ns: settings.length("timeout", TIMEOUT_NS_DEFAULT),
        tracking: tracking(settings),
    }))
}

/// Lowers a server of server-sent events.
pub(super) fn sse(settings: &mut Settings<'_, '_, '_>) -> Option<Endpoint> {
    const URL: Form = Form { schemes: &["http://", "https://"], example: "http://127.0.0.1:8080" };
    Some(Endpoint::Sse(SseEndpoint {
        url: settings.address("url", Site::BaseUrl, URL),
        headers: settings.headers(Site::Header),
        tls: settings.tls(),
        reconnect: settings.flag("reconnect", false),
        max_event_bytes: settings.size("max_event", BODY_BYTES_DEFAULT),
        connect_timeout_ns: settings.length("connect_timeout", CONNECT_NS_DEFAULT),
        timeout_ns: settings.length("timeout", TIMEOUT_NS_DEFAULT),
        tracking: tracking(settings),
    }))
}

/// Lowers a gRPC server; without `protos` it is asked by reflection.
pub(super) fn grpc(
    settings: &mut Settings<'_, '_, '_>,
    files: &mut Vec<Spanned<String>>,
) -> Option<Endpoint> {
    const URL: Form = Form { schemes: &["http://", "https://", ""], example: "127.0.0.1:50051" };
    if let Some(protos) = settings.node.get("protos") {
        for item in protos.items() {
            match data::path(item, settings.work) {
                Some(path) => files.push(path),
                None => settings.whole = false,
            }
        }
    }
    Some(Endpoint::Grpc(GrpcEndpoint {
        target: settings.address("target", Site::BaseUrl, URL),
        protos: files.iter().map(|path| path.value.clone()).collect(),
        headers: settings.headers(Site::Header),
        tls: settings.tls(),
        max_message_bytes: settings.size("max_message", BODY_BYTES_DEFAULT),
        connect_timeout_ns: settings.length("connect_timeout", CONNECT_NS_DEFAULT),
        timeout_ns: settings.length("timeout", TIMEOUT_NS_DEFAULT),
        tracking: tracking(settings),
    }))
}

/// Lowers a database.
pub(super) fn sql(settings: &mut Settings<'_, '_, '_>) -> Option<Endpoint> {
    const URL: Form = Form {
        schemes: &["postgres://", "postgresql://", "mysql://", "mariadb://", "sqlite:"],
        example: "postgres://shop:{{ secrets.db_password }}@127.0.0.1:5432/shop",
    };
    Some(Endpoint::Sql(SqlEndpoint {
        url: settings.address("url", Site::Setting, URL),
        tls: settings.tls(),
        pool: settings.number("pool", 10, 1..=POOL_MAX),
        connect_timeout_ns: settings.length("connect_timeout", CONNECT_NS_DEFAULT),
        timeout_ns: settings.length("timeout", TIMEOUT_NS_DEFAULT),
    }))
}

/// Lowers a plain TCP server.
pub(super) fn tcp(settings: &mut Settings<'_, '_, '_>) -> Option<Endpoint> {
    const ADDRESS: Form = Form { schemes: &[], example: "127.0.0.1:7000" };
    Some(Endpoint::Tcp(TcpEndpoint {
        address: settings.address("address", Site::Setting, ADDRESS),
        tls: settings.tls(),
        max_message_bytes: settings.size("max_message", BODY_BYTES_DEFAULT),
        connect_timeout_ns: settings.length("connect_timeout", CONNECT_NS_DEFAULT),
        timeout_ns: settings.length("timeout", TIMEOUT_NS_DEFAULT),
    }))
}
