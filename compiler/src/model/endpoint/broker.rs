//! (pure) Brokers: `nats`, `kafka`, `amqp`, `mqtt`, `redis`.

use crate::artifact::{
    Acks, AmqpEndpoint, Compression, Endpoint, KafkaEndpoint, MqttEndpoint, MqttVersion, NatsAuth,
    NatsEndpoint, RedisEndpoint, Sasl, SaslMechanism, Tracking,
};
use crate::diagnostic::Diagnostic;
use crate::model::endpoint::{CONNECT_NS_DEFAULT, TIMEOUT_NS_DEFAULT, tracking};
use crate::model::lower::Site;
use crate::model::settings::{Form, Settings};
use crate::unit::SECOND_NS;

/// Addresses of Kafka brokers.
pub(in crate::model) const BROKERS: Form = Form { schemes: &[], example: "127.0.0.1:9092" };

/// Lowers NATS servers.
pub(super) fn nats(settings: &mut Settings<'_, '_, '_>) -> Option<Endpoint> {
    const SERVERS: Form = Form {
        schemes: &["nats://", "tls://", "ws://", "wss://"],
        example: "nats://127.0.0.1:4222",
    };
    Some(Endpoint::Nats(NatsEndpoint {
        servers: settings.address_list("servers", SERVERS),
        auth: settings.inner("auth", nats_auth),
        tls: settings.tls(),
        jetstream: settings.flag("jetstream", false),
        connect_timeout_ns: settings.length("connect_timeout", CONNECT_NS_DEFAULT),
        timeout_ns: settings.length("timeout", TIMEOUT_NS_DEFAULT),
        tracking: tracking(settings),
    }))
}

fn nats_auth(auth: &mut Settings<'_, '_, '_>) -> Option<NatsAuth> {
    if let Some(login) = auth.login("login") {
        return Some(NatsAuth::Login(login));
    }
    if let Some(token) = auth.credential("token") {
        return Some(NatsAuth::Token(token));
    }
    if let Some(creds) = auth.credential("creds") {
        return Some(NatsAuth::Creds(creds));
    }
    auth.credential("nkey").map(NatsAuth::Nkey)
}

/// Lowers Kafka brokers.
pub(super) fn kafka(settings: &mut Settings<'_, '_, '_>) -> Option<Endpoint> {
    let acks = [("none", Acks::None), ("leader", Acks::Leader), ("all", Acks::All)];
    let compressions = [
        ("none", Compression::None),
        ("gzip", Compression::Gzip),
        ("snappy", Compression::Snappy),
        ("lz4", Compression::Lz4),
        ("zstd", Compression::Zstd),
    ];
    Some(Endpoint::Kafka(KafkaEndpoint {
        brokers: settings.address_list("brokers", BROKERS),
        sasl: settings.inner("sasl", sasl),
        tls: settings.tls(),
        acks: settings.word("acks", &acks, Acks::All),
        compression: settings.word("compression", &compressions, Compression::None),
        linger_ns: settings.length_or_none("linger", 0),
        timeout_ns: settings.length("timeout", TIMEOUT_NS_DEFAULT),
        tracking: tracking(settings),
    }))
}

/// Lowers who connects to Kafka.
pub(in crate::model) fn sasl(sasl: &mut Settings<'_, '_, '_>) -> Option<Sasl> {
    let mechanisms = [
        ("plain", SaslMechanism::Plain),
        ("scram-sha-256", SaslMechanism::ScramSha256),
        ("scram-sha-512", SaslMechanism::ScramSha512),
    ];
    let mechanism = sasl.word("mechanism", &mechanisms, SaslMechanism::Plain);
    let user = sasl.text("user");
    let password = sasl.credential("password");
    Some(Sasl { mechanism, user: sasl.must(user), password: sasl.must(password) })
}

/// Lowers an AMQP broker.
pub(super) fn amqp(settings: &mut Settings<'_, '_, '_>) -> Option<Endpoint> {
    const URL: Form =
        Form { schemes: &["amqp://", "amqps://"], example: "amqp://127.0.0.1:5672/shop" };
    Some(Endpoint::Amqp(AmqpEndpoint {
        url: settings.address("url", Site::Setting, URL),
        login: settings.login("login"),
        tls: settings.tls(),
        confirms: settings.flag("confirms", true),
        prefetch: settings.number("prefetch", 100, 1..=65_535),
        heartbeat_ns: settings.length("heartbeat", 30 * SECOND_NS),
        connect_timeout_ns: settings.length("connect_timeout", CONNECT_NS_DEFAULT),
        timeout_ns: settings.length("timeout", TIMEOUT_NS_DEFAULT),
        tracking: tracking(settings),
    }))
}

/// Lowers an MQTT broker; version 3.1.1 has no headers to track with.
pub(super) fn mqtt(settings: &mut Settings<'_, '_, '_>) -> Option<Endpoint> {
    const URL: Form = Form { schemes: &["mqtt://", "mqtts://"], example: "mqtt://127.0.0.1:1883" };
    let versions = [("3.1.1", MqttVersion::V311), ("5", MqttVersion::V5)];
    let version = settings.word("version", &versions, MqttVersion::V5);
    let tracking = match (version, settings.node.entry("tracking")) {
        (MqttVersion::V311, None) => Tracking::None,
        (_, _) => tracking(settings),
    };
    if let (MqttVersion::V311, false, Some((entry, _))) =
        (version, tracking == Tracking::None, settings.node.entry("tracking"))
    {
        let message = "messages of MQTT 3.1.1 have no headers to track with";
        let found = Diagnostic::error("plan::endpoint::setting", entry.key_span, message);
        settings.work.push(
            found
                .label("not in this version")
                .help("write `version: \"5\"`, or leave `tracking` out and match by the body"),
        );
        settings.whole = false;
    }
    Some(Endpoint::Mqtt(MqttEndpoint {
        url: settings.address("url", Site::Setting, URL),
        version,
        login: settings.login("login"),
        client_id: settings.text("client_id"),
        clean_start: settings.flag("clean_start", true),
        keep_alive_ns: settings.length("keep_alive", 30 * SECOND_NS),
        tls: settings.tls(),
        connect_timeout_ns: settings.length("connect_timeout", CONNECT_NS_DEFAULT),
        timeout_ns: settings.length("timeout", TIMEOUT_NS_DEFAULT),
        tracking,
    }))
}

/// Lowers a Redis server.
pub(super) fn redis(settings: &mut Settings<'_, '_, '_>) -> Option<Endpoint> {
    const URL: Form =
        Form { schemes: &["redis://", "rediss://"], example: "redis://127.0.0.1:6379" };
    Some(Endpoint::Redis(RedisEndpoint {
        url: settings.address("url", Site::Setting, URL),
        login: settings.login("login"),
        database: settings.number("database", 0, 0..=65_535),
        tls: settings.tls(),
        connect_timeout_ns: settings.length("connect_timeout", CONNECT_NS_DEFAULT),
        timeout_ns: settings.length("timeout", TIMEOUT_NS_DEFAULT),
        tracking: tracking(settings),
    }))
}
