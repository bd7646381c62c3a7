//! Endpoints: what steps speak to, one connection of one kind each.
//!
//! Settings are rendered once on each node when a run starts, so they read vars and secrets only; headers are rendered
//! for each request. Every setting is explicit: a plan's defaults are filled in.

use serde::{Deserialize, Serialize};

use super::{
    AmqpEndpoint, GrpcEndpoint, KafkaEndpoint, MqttEndpoint, NameValue, NatsEndpoint,
    RedisEndpoint, SqlEndpoint, SseEndpoint, TcpEndpoint, Text, Tls, Tracking, WebsocketEndpoint,
};

/// A connection of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Endpoint {
    /// An HTTP server.
    Http(HttpEndpoint),
    /// NATS servers.
    Nats(NatsEndpoint),
    /// Kafka brokers, or what speaks their protocol.
    Kafka(KafkaEndpoint),
    /// An AMQP 0.9.1 broker.
    Amqp(AmqpEndpoint),
    /// An MQTT broker.
    Mqtt(MqttEndpoint),
    /// A Redis server.
    Redis(RedisEndpoint),
    /// A WebSocket server.
    Websocket(WebsocketEndpoint),
    /// A server of server-sent events.
    Sse(SseEndpoint),
    /// A gRPC server.
    Grpc(GrpcEndpoint),
    /// A database.
    Sql(SqlEndpoint),
    /// A plain TCP server.
    Tcp(TcpEndpoint),
}

/// The kinds of endpoints.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum EndpointKind {
    /// HTTP.
    Http,
    /// NATS.
    Nats,
    /// Kafka.
    Kafka,
    /// AMQP 0.9.1.
    Amqp,
    /// MQTT.
    Mqtt,
    /// Redis.
    Redis,
    /// WebSocket.
    Websocket,
    /// Server-sent events.
    Sse,
    /// gRPC.
    Grpc,
    /// SQL.
    Sql,
    /// TCP.
    Tcp,
}

impl EndpointKind {
    /// All kinds, each with its key in a plan.
    pub const ALL: [(&'static str, EndpointKind); 11] = [
        ("http", EndpointKind::Http),
        ("nats", EndpointKind::Nats),
        ("kafka", EndpointKind::Kafka),
        ("amqp", EndpointKind::Amqp),
        ("mqtt", EndpointKind::Mqtt),
        ("redis", EndpointKind::Redis),
        ("websocket", EndpointKind::Websocket),
        ("sse", EndpointKind::Sse),
        ("grpc", EndpointKind::Grpc),
        ("sql", EndpointKind::Sql),
        ("tcp", EndpointKind::Tcp),
    ];

    /// Returns its key in a plan.
    pub fn word(self) -> &'static str {
        EndpointKind::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

impl Endpoint {
    /// Returns its kind.
    pub fn kind(&self) -> EndpointKind {
        match self {
            Endpoint::Http(_) => EndpointKind::Http,
            Endpoint::Nats(_) => EndpointKind::Nats,
            Endpoint::Kafka(_) => EndpointKind::Kafka,
            Endpoint::Amqp(_) => EndpointKind::Amqp,
            Endpoint::Mqtt(_) => EndpointKind::Mqtt,
            Endpoint::Redis(_) => EndpointKind::Redis,
            Endpoint::Websocket(_) => EndpointKind::Websocket,
            Endpoint::Sse(_) => EndpointKind::Sse,
            Endpoint::Grpc(_) => EndpointKind::Grpc,
            Endpoint::Sql(_) => EndpointKind::Sql,
            Endpoint::Tcp(_) => EndpointKind::Tcp,
        }
    }

    /// Returns how its requests name their arrival; [`Tracking::None`] where they cannot.
    pub fn tracking(&self) -> Tracking {
        match self {
            Endpoint::Http(http) => match (&http.options.tracking_names, http.tracking) {
                (Some(names), _) => Tracking::Named(names.clone()),
                (None, true) => Tracking::Headers,
                (None, false) => Tracking::None,
            },
            Endpoint::Nats(nats) => nats.tracking.clone(),
            Endpoint::Kafka(kafka) => kafka.tracking.clone(),
            Endpoint::Amqp(amqp) => amqp.tracking.clone(),
            Endpoint::Mqtt(mqtt) => mqtt.tracking.clone(),
            Endpoint::Redis(redis) => redis.tracking.clone(),
            Endpoint::Websocket(websocket) => websocket.tracking.clone(),
            Endpoint::Sse(sse) => sse.tracking.clone(),
            Endpoint::Grpc(grpc) => grpc.tracking.clone(),
            Endpoint::Sql(_) | Endpoint::Tcp(_) => Tracking::None,
        }
    }

    /// Returns the headers that its requests share.
    pub fn headers(&self) -> &[NameValue] {
        match self {
            Endpoint::Http(http) => &http.headers,
            Endpoint::Websocket(websocket) => &websocket.headers,
            Endpoint::Sse(sse) => &sse.headers,
            Endpoint::Grpc(grpc) => &grpc.headers,
            Endpoint::Nats(_)
            | Endpoint::Kafka(_)
            | Endpoint::Amqp(_)
            | Endpoint::Mqtt(_)
            | Endpoint::Redis(_)
            | Endpoint::Sql(_)
            | Endpoint::Tcp(_) => &[],
        }
    }
}

/// An HTTP server as seen by its steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpEndpoint {
    /// `http://host:port/prefix`; rendered once per node when a run starts: vars and secrets only.
    pub base_url: Text,
    /// Headers of every request; rendered as a step's are, vars, secrets and everything else an arrival knows.
    pub headers: Vec<NameValue>,
    /// Longest wait for one response, for steps that do not say.
    pub timeout_ns: u64,
    /// Whether requests carry `x-volley-arrival` and `x-volley-step`.
    pub tracking: bool,
    /// Largest response body that is read, in bytes; a larger one fails the step.
    pub max_body_bytes: u64,
    /// What few plans set; left out where all of it is the default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub options: Box<HttpOptions>,
}

fn is_default(options: &HttpOptions) -> bool {
    *options == HttpOptions::default()
}

/// What few plans set of an HTTP endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpOptions {
    /// Most redirects that are followed; 0 for none.
    pub redirects: u32,
    /// Other names for the tracking headers.
    pub tracking_names: Option<TrackingNames>,
    /// TLS other than with the system's roots and no certificate of its own.
    pub tls: Option<Tls>,
    /// Version of the protocol.
    pub version: HttpVersion,
    /// Whether each user keeps cookies.
    pub cookies: bool,
    /// Whether compressed bodies are asked for and decoded.
    pub decompress: bool,
    /// Largest head of a response, in bytes; a larger one fails the step.
    pub max_header_bytes: u64,
    /// Longest wait for a connection; 0 for the request's time-out alone.
    pub connect_timeout_ns: u64,
    /// Longest wait for the first byte of a response; 0 for the request's time-out alone.
    pub first_byte_timeout_ns: u64,
    /// How long an answer of the resolver holds for new connections; 0 to ask for each.
    pub resolve_ns: u64,
    /// Who the requests come from.
    pub auth: Option<HttpAuth>,
    /// `http://host:port` of a proxy.
    pub proxy: Option<Text>,
}

impl HttpOptions {
    /// Most redirects that are followed where a plan does not say.
    pub const REDIRECTS: u32 = 10;

    /// Most redirects that a plan can ask for.
    pub const REDIRECTS_MAX: u32 = 100;
    /// Largest head of a response where a plan does not say, in bytes.
    pub const MAX_HEADER_BYTES: u64 = 64 << 10;
    /// How long an answer of the resolver holds where a plan does not say: one that is kept for ever is another load.
    pub const RESOLVE_NS: u64 = 30_000_000_000;
}

impl Default for HttpOptions {
    fn default() -> HttpOptions {
        HttpOptions {
            redirects: HttpOptions::REDIRECTS,
            tracking_names: None,
            tls: None,
            version: HttpVersion::Auto,
            cookies: true,
            decompress: true,
            max_header_bytes: HttpOptions::MAX_HEADER_BYTES,
            connect_timeout_ns: 0,
            first_byte_timeout_ns: 0,
            resolve_ns: HttpOptions::RESOLVE_NS,
            auth: None,
            proxy: None,
        }
    }
}

/// Headers that name the arrival and the step of a request.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrackingNames {
    /// Header with `<run>.<scenario>.<number>`, in lowercase.
    pub arrival: String,
    /// Header with the step, in lowercase.
    pub step: String,
}

/// Versions of HTTP.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpVersion {
    /// What the server takes: 2 over TLS if it offers it, else 1.1.
    Auto,
    /// HTTP/1.1
    Http1,
    /// HTTP/2, over plain TCP with prior knowledge.
    Http2,
}

/// Who requests come from; becomes the `authorization` header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HttpAuth {
    /// A name and a password.
    Basic {
        /// Name.
        user: Text,
        /// Password, a secret.
        password: Text,
    },
    /// A token that the plan holds.
    Bearer {
        /// Token, a secret.
        token: Text,
    },
    /// A token got with OAuth 2 client credentials, kept and renewed by each node.
    Oauth2 {
        /// Where it is got.
        token_url: Text,
        /// The client.
        client_id: Text,
        /// Its secret.
        client_secret: Text,
        /// Scopes that are asked for.
        scopes: Vec<String>,
        /// Audience that is asked for.
        audience: Option<Text>,
    },
}
