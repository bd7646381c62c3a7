//! (pure) `sinks`: where measurements go while a run lasts.

use crate::artifact::{
    DatabaseSink, DatadogSink, ElasticAuth, ElasticSink, FileSink, InfluxSink, InfluxStore,
    KafkaSink, LokiSink, OtlpProtocol, OtlpSink, Piece, PrometheusSink, Sink, SinkAuth, SinkTarget,
    SplunkSink, StatsdSink, Text, WebhookSink,
};
use crate::diagnostic::Diagnostic;
use crate::model::endpoint::{BROKERS, sasl};
use crate::model::lower::{Lower, Site, Use};
use crate::model::name::Section;
use crate::model::settings::{Address, Form, Settings};
use crate::syntax::Node;
use crate::unit::SECOND_NS;

/// Time between two reports where the plan does not say.
const INTERVAL_NS_DEFAULT: u64 = 5 * SECOND_NS;

/// Longest attempt to send one where the plan does not say.
const TIMEOUT_NS_DEFAULT: u64 = 10 * SECOND_NS;

const WEB: Form = Form { schemes: &["http://", "https://"], example: "http://127.0.0.1:8086" };

/// A sink with what its templates read.
#[derive(Clone, Debug)]
pub struct SinkPlan {
    /// As the artifact has it.
    pub value: Sink,
    /// Its addresses, to be checked with all vars.
    pub addresses: Vec<Address>,
    /// What its templates read.
    pub uses: Vec<Use>,
}

type Target = fn(&mut Settings<'_, '_, '_>) -> Option<SinkTarget>;

/// Every kind of sink by its key.
const KINDS: [(&str, Target); 14] = [
    ("timescale", |s| Some(SinkTarget::Timescale(database(s)))),
    ("postgres", |s| Some(SinkTarget::Postgres(database(s)))),
    ("influx", influx),
    ("prometheus", prometheus),
    ("otlp", otlp),
    ("loki", loki),
    ("datadog", datadog),
    ("splunk", splunk),
    ("statsd", statsd),
    ("jsonl", |s| Some(SinkTarget::Jsonl(file(s)?))),
    ("csv", |s| Some(SinkTarget::Csv(file(s)?))),
    ("webhook", webhook),
    ("kafka", kafka),
    ("elastic", elastic),
];

pub(super) fn lower(top: Node<'_>, work: &mut Lower<'_>) -> Section<SinkPlan> {
    Section::lower(top, "sinks", |_, node| sink(node, work))
}

fn sink(node: Node<'_>, work: &mut Lower<'_>) -> Option<SinkPlan> {
    work.take_uses();
    let mut settings = Settings::new(node, work);
    let (word, target) = KINDS.iter().find(|(word, _)| node.entry(word).is_some())?;
    let to = settings.inner(word, target);
    let value = Sink {
        interval_ns: settings.length("interval", INTERVAL_NS_DEFAULT),
        timeout_ns: settings.length("timeout", TIMEOUT_NS_DEFAULT),
        required: settings.flag("required", false),
        labels: settings.pairs("labels", Site::Label),
        to: to?,
    };
    let (whole, addresses) = (settings.whole, settings.addresses);
    let uses = work.take_uses();
    whole.then_some(SinkPlan { value, addresses, uses })
}

fn database(settings: &mut Settings<'_, '_, '_>) -> DatabaseSink {
    const URL: Form = Form {
        schemes: &["postgres://", "postgresql://"],
        example: "postgres://volley:{{ secrets.db_password }}@127.0.0.1:5432/metrics",
    };
    let url = settings.address("url", Site::Setting, URL);
    let schema = settings.literal("schema", "the name of a schema");
    DatabaseSink { url, schema: schema.map_or_else(|| "volley".to_owned(), |name| name.value) }
}

fn influx(settings: &mut Settings<'_, '_, '_>) -> Option<SinkTarget> {
    let url = settings.address("url", Site::Setting, WEB);
    let (has_database, has_bucket) = {
        let has = |key: &str| settings.node.entry(key).is_some();
        (has("database") || has("login"), has("org") || has("bucket") || has("token"))
    };
    let wanted: &[&str] = match (has_database, has_bucket) {
        (true, false) => &["database"],
        (false, true) => &["org", "bucket", "token"],
        (true, true) => return conflict(settings),
        (false, false) => &["bucket"],
    };
    for key in wanted {
        if settings.node.entry(key).is_none() {
            let message = format!("`{key}` is missing in an `influx` sink");
            let span = settings.node.span();
            let found = Diagnostic::error("plan::schema::missing-key", span, message);
            settings.work.push(found.label(format!("has no `{key}`")).help(
                "write `database` (and `login`) for version 1, or `org`, `bucket` and `token` for version 2",
            ));
            return None;
        }
    }
    let store = if has_database {
        let database = settings.text("database");
        InfluxStore::Database { database: settings.must(database), login: settings.login("login") }
    } else {
        let (org, bucket) = (settings.text("org"), settings.text("bucket"));
        let token = settings.credential("token");
        InfluxStore::Bucket {
            org: settings.must(org),
            bucket: settings.must(bucket),
            token: settings.must(token),
        }
    };
    Some(SinkTarget::Influx(InfluxSink { url, store }))
}

fn conflict(settings: &mut Settings<'_, '_, '_>) -> Option<SinkTarget> {
    let entry = settings.node.entry("database").or_else(|| settings.node.entry("login"));
    let span = entry.map_or(settings.node.span(), |(entry, _)| entry.key_span);
    let message = "an `influx` sink is of version 1 or of version 2, not of both";
    let found = Diagnostic::error("plan::endpoint::setting", span, message);
    settings.work.push(found.label("of version 1").help(
        "keep `database` and `login` for version 1, or `org`, `bucket` and `token` for version 2",
    ));
    None
}

/// Reads `login` or `token`.
fn auth(settings: &mut Settings<'_, '_, '_>) -> Option<SinkAuth> {
    if let Some(login) = settings.login("login") {
        return Some(SinkAuth::Login(login));
    }
    settings.credential("token").map(SinkAuth::Token)
}

fn prometheus(settings: &mut Settings<'_, '_, '_>) -> Option<SinkTarget> {
    Some(SinkTarget::Prometheus(PrometheusSink {
        url: settings.address("url", Site::Setting, WEB),
        auth: auth(settings),
        headers: settings.headers(Site::Setting),
        native_histograms: settings.flag("native_histograms", false),
    }))
}

fn otlp(settings: &mut Settings<'_, '_, '_>) -> Option<SinkTarget> {
    let protocols = [("http", OtlpProtocol::Http), ("grpc", OtlpProtocol::Grpc)];
    Some(SinkTarget::Otlp(OtlpSink {
        url: settings.address("url", Site::Setting, WEB),
        protocol: settings.word("protocol", &protocols, OtlpProtocol::Http),
        headers: settings.headers(Site::Setting),
    }))
}

fn loki(settings: &mut Settings<'_, '_, '_>) -> Option<SinkTarget> {
    Some(SinkTarget::Loki(LokiSink {
        url: settings.address("url", Site::Setting, WEB),
        tenant: settings.text("tenant"),
        auth: auth(settings),
    }))
}

fn datadog(settings: &mut Settings<'_, '_, '_>) -> Option<SinkTarget> {
    let site = settings.text("site");
    let api_key = settings.credential("api_key");
    Some(SinkTarget::Datadog(DatadogSink {
        site: site.unwrap_or_else(|| Text(vec![Piece::Literal("datadoghq.com".to_owned())])),
        api_key: settings.must(api_key),
    }))
}

fn splunk(settings: &mut Settings<'_, '_, '_>) -> Option<SinkTarget> {
    let url = settings.address("url", Site::Setting, WEB);
    let token = settings.credential("token");
    Some(SinkTarget::Splunk(SplunkSink {
        url,
        token: settings.must(token),
        index: settings.text("index"),
    }))
}

fn statsd(settings: &mut Settings<'_, '_, '_>) -> Option<SinkTarget> {
    const ADDRESS: Form = Form { schemes: &[], example: "127.0.0.1:8125" };
    let prefix = settings.literal("prefix", "the beginning of names");
    Some(SinkTarget::Statsd(StatsdSink {
        address: settings.address("address", Site::Setting, ADDRESS),
        prefix: prefix.map_or_else(|| "volley".to_owned(), |prefix| prefix.value),
        tags: settings.flag("tags", false),
    }))
}

/// Reads the name of a file in the results folder.
fn file(settings: &mut Settings<'_, '_, '_>) -> Option<FileSink> {
    let path = settings.literal("path", "the name of a file")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !path.value.chars().all(plain) || path.value.starts_with('.') || path.value.is_empty() {
        let message = format!("`{}` is no name of a file in the results folder", path.value);
        let found = Diagnostic::error("plan::file::path", path.span, message);
        let help = "write a name of letters, digits, `.`, `_` and `-`: `metrics.jsonl`";
        settings.work.push(found.label("not a plain name").help(help));
        return None;
    }
    Some(FileSink { path: path.value })
}

fn webhook(settings: &mut Settings<'_, '_, '_>) -> Option<SinkTarget> {
    Some(SinkTarget::Webhook(WebhookSink {
        url: settings.address("url", Site::Setting, WEB),
        headers: settings.headers(Site::Setting),
    }))
}

fn kafka(settings: &mut Settings<'_, '_, '_>) -> Option<SinkTarget> {
    let topic = settings.text("topic");
    Some(SinkTarget::Kafka(KafkaSink {
        brokers: settings.address_list("brokers", BROKERS),
        topic: settings.must(topic),
        sasl: settings.inner("sasl", sasl),
        tls: settings.tls(),
    }))
}

fn elastic(settings: &mut Settings<'_, '_, '_>) -> Option<SinkTarget> {
    let url = settings.address("url", Site::Setting, WEB);
    let index = settings.text("index");
    let auth = match settings.login("login") {
        Some(login) => Some(ElasticAuth::Login(login)),
        None => settings.credential("api_key").map(ElasticAuth::ApiKey),
    };
    Some(SinkTarget::Elastic(ElasticSink { url, index: settings.must(index), auth }))
}
