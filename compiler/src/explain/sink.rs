//! (pure) Where measurements go while a run lasts, in words.

use serde::Serialize;

use super::label::{length_us, template};
use crate::artifact::{Artifact, InfluxStore, Sink, SinkTarget, Text};

/// A place that measurements are sent to.
#[derive(Clone, Debug, Serialize)]
pub struct SinkView {
    /// Its name.
    pub name: String,
    /// Its kind, as plans spell it.
    pub kind: &'static str,
    /// Where it is, secrets as the templates that read them.
    pub to: String,
    /// How often it is written to, in microseconds.
    pub interval_us: u64,
    /// Whether the run fails if it cannot be written to.
    pub required: bool,
}

/// Returns the plan's sinks by name.
pub(super) fn sinks(artifact: &Artifact) -> Vec<SinkView> {
    let view = |(name, sink): (&String, &Sink)| {
        let (kind, to) = target(&sink.to);
        SinkView {
            name: name.clone(),
            kind,
            to,
            interval_us: sink.interval_ns / 1_000,
            required: sink.required,
        }
    };
    artifact.sinks.iter().map(view).collect()
}

/// Returns how a sink is written to: `jsonl every 1s`.
pub(super) fn manner(sink: &SinkView) -> String {
    let required = if sink.required { ", required" } else { "" };
    format!("{} every {}{required}", sink.kind, length_us(sink.interval_us))
}

fn target(target: &SinkTarget) -> (&'static str, String) {
    let at = |url: &Text, within: &str| format!("{}, {within}", template(url));
    match target {
        SinkTarget::Timescale(sink) => {
            ("timescale", at(&sink.url, &format!("schema {}", sink.schema)))
        }
        SinkTarget::Postgres(sink) => {
            ("postgres", at(&sink.url, &format!("schema {}", sink.schema)))
        }
        SinkTarget::Influx(sink) => {
            let store = match &sink.store {
                InfluxStore::Database { database, login: _ } => {
                    format!("database {}", template(database))
                }
                InfluxStore::Bucket { org: _, bucket, token: _ } => {
                    format!("bucket {}", template(bucket))
                }
            };
            ("influx", at(&sink.url, &store))
        }
        SinkTarget::Prometheus(sink) => ("prometheus", template(&sink.url)),
        SinkTarget::Otlp(sink) => ("otlp", template(&sink.url)),
        SinkTarget::Loki(sink) => ("loki", template(&sink.url)),
        SinkTarget::Datadog(sink) => ("datadog", template(&sink.site)),
        SinkTarget::Splunk(sink) => ("splunk", template(&sink.url)),
        SinkTarget::Statsd(sink) => ("statsd", template(&sink.address)),
        SinkTarget::Jsonl(sink) => ("jsonl", sink.path.replace(char::is_control, " ")),
        SinkTarget::Csv(sink) => ("csv", sink.path.replace(char::is_control, " ")),
        SinkTarget::Webhook(sink) => ("webhook", template(&sink.url)),
        SinkTarget::Kafka(sink) => {
            let brokers: Vec<String> = sink.brokers.iter().map(template).collect();
            ("kafka", format!("{}, topic {}", brokers.join(" "), template(&sink.topic)))
        }
        SinkTarget::Elastic(sink) => {
            ("elastic", at(&sink.url, &format!("index {}", template(&sink.index))))
        }
    }
}
