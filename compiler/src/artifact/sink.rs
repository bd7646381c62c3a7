//! Sinks: where measurements go while a run lasts. The coordinator alone writes, with the plan's own vars.

use serde::{Deserialize, Serialize};

use super::{Login, NameValue, Sasl, Text, Tls};

/// A place that measurements are sent to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sink {
    /// Time between two reports.
    pub interval_ns: u64,
    /// Longest attempt to send one.
    pub timeout_ns: u64,
    /// Whether a loss of measurements fails the run.
    pub required: bool,
    /// Labels besides those of the run.
    pub labels: Vec<NameValue>,
    /// Where to.
    pub to: SinkTarget,
}

/// Kinds of sinks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SinkTarget {
    /// Postgres with the TimescaleDB extension.
    Timescale(DatabaseSink),
    /// Postgres.
    Postgres(DatabaseSink),
    /// InfluxDB.
    Influx(InfluxSink),
    /// Prometheus remote write.
    Prometheus(PrometheusSink),
    /// OpenTelemetry.
    Otlp(OtlpSink),
    /// Grafana Loki.
    Loki(LokiSink),
    /// Datadog.
    Datadog(DatadogSink),
    /// Splunk's HTTP event collector.
    Splunk(SplunkSink),
    /// StatsD.
    Statsd(StatsdSink),
    /// A file of JSON lines.
    Jsonl(FileSink),
    /// A CSV file.
    Csv(FileSink),
    /// JSON to an address of the user's.
    Webhook(WebhookSink),
    /// A Kafka topic.
    Kafka(KafkaSink),
    /// Elasticsearch or OpenSearch.
    Elastic(ElasticSink),
}

/// A Postgres database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSink {
    /// `postgres://host:port/database`
    pub url: Text,
    /// Schema that the tables are in.
    pub schema: String,
}

/// InfluxDB, by its line protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InfluxSink {
    /// `http://host:port`
    pub url: Text,
    /// Where in it.
    pub store: InfluxStore,
}

/// Where in InfluxDB.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum InfluxStore {
    /// Of version 1.
    Database {
        /// Database.
        database: Text,
        /// Who writes.
        login: Option<Login>,
    },
    /// Of version 2 and later.
    Bucket {
        /// Organisation.
        org: Text,
        /// Bucket.
        bucket: Text,
        /// Token, a secret.
        token: Text,
    },
}

/// Who writes over HTTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SinkAuth {
    /// A name and a password.
    Login(Login),
    /// A bearer token, a secret.
    Token(Text),
}

/// Prometheus remote write 1.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrometheusSink {
    /// Address of the receiver, `http://host:port/api/v1/write`.
    pub url: Text,
    /// Who writes.
    pub auth: Option<SinkAuth>,
    /// Headers of every request.
    pub headers: Vec<NameValue>,
    /// Whether histograms are sent, besides percentiles.
    pub native_histograms: bool,
}

/// OpenTelemetry metrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtlpSink {
    /// `http://host:4318`
    pub url: Text,
    /// How it is spoken to.
    pub protocol: OtlpProtocol,
    /// Headers of every request.
    pub headers: Vec<NameValue>,
}

/// How OpenTelemetry is spoken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtlpProtocol {
    /// Protobuf over HTTP.
    Http,
    /// gRPC.
    Grpc,
}

/// Grafana Loki.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LokiSink {
    /// `http://host:3100`
    pub url: Text,
    /// Tenant, `x-scope-orgid`.
    pub tenant: Option<Text>,
    /// Who writes.
    pub auth: Option<SinkAuth>,
}

/// Datadog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatadogSink {
    /// Site, such as `datadoghq.com`.
    pub site: Text,
    /// Key, a secret.
    pub api_key: Text,
}

/// Splunk's HTTP event collector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplunkSink {
    /// `https://host:8088`
    pub url: Text,
    /// Token, a secret.
    pub token: Text,
    /// Index; the token's where there is none.
    pub index: Option<Text>,
}

/// StatsD over UDP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatsdSink {
    /// `host:port`
    pub address: Text,
    /// Beginning of every name.
    pub prefix: String,
    /// Whether labels are sent as DogStatsD tags.
    pub tags: bool,
}

/// A file in the results folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSink {
    /// Its name.
    pub path: String,
}

/// JSON to an address of the user's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSink {
    /// Where to.
    pub url: Text,
    /// Headers of every request.
    pub headers: Vec<NameValue>,
}

/// A Kafka topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaSink {
    /// `host:port` of each broker.
    pub brokers: Vec<Text>,
    /// Topic.
    pub topic: Text,
    /// Who writes.
    pub sasl: Option<Sasl>,
    /// TLS; without it the connection is plain.
    pub tls: Option<Tls>,
}

/// Elasticsearch or OpenSearch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElasticSink {
    /// `http://host:9200`
    pub url: Text,
    /// Index or data stream.
    pub index: Text,
    /// Who writes.
    pub auth: Option<ElasticAuth>,
}

/// Who writes to Elasticsearch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ElasticAuth {
    /// A name and a password.
    Login(Login),
    /// A key, a secret.
    ApiKey(Text),
}
