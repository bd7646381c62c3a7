//! Endpoints, actions and sinks of every kind: their artifact loads, its schema describes it, and mutants of it are judged.

use std::path::Path;

use compiler::artifact::{ARTIFACT_SCHEMA, Artifact, seal_digest, to_bytes};
use compiler::cli::{files, judge};
use compiler::diagnostic::Diagnostics;
use compiler::verify::load;
use compiler::{Overrides, explain};
use serde_json::Value;

use crate::artifact::mutate;
use crate::golden;

fn artifact() -> Artifact {
    let path = golden::repository().join("plans/every-endpoint.yaml");
    let files = files::load_plan(&path, None).unwrap();
    let mut sink = Diagnostics::new();
    let artifact = compiler::compile(&files, &Overrides::default(), &mut sink);
    assert!(sink.into_sorted().is_empty());
    artifact.unwrap()
}

#[test]
fn every_kind_loads_and_is_in_the_schema() {
    let bytes = to_bytes(&artifact());
    assert_eq!(load(&bytes).as_ref(), Ok(&artifact()));
    let schema: Value = serde_json::from_str(ARTIFACT_SCHEMA).unwrap();
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let text = String::from_utf8(bytes).unwrap();
    for kind in ["scram_sha512", "amqp_exchange", "redis_stream", "oauth2", "native_histograms"] {
        assert!(text.contains(kind), "`{kind}` is in the artifact");
    }
}

#[test]
fn mutants_are_judged_as_the_schema_says() {
    let value: Value = serde_json::from_slice(&to_bytes(&artifact())).unwrap();
    let schema: Value = serde_json::from_str(ARTIFACT_SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    arbtest::arbtest(|unstructured| {
        let mut value = value.clone();
        for section in ["endpoints", "sinks", "scenarios"] {
            mutate(&mut value[section], unstructured)?;
        }
        let shaped = validator.is_valid(&value);
        let Ok(mut artifact) = serde_json::from_value::<Artifact>(value) else {
            assert!(!shaped, "the schema accepts what the types refuse");
            return Ok(());
        };
        seal_digest(&mut artifact);
        if let Ok(loaded) = load(&to_bytes(&artifact)) {
            assert!(validator.is_valid(&serde_json::to_value(&loaded).unwrap()));
            explain::explain(&loaded, explain::Options::default()).unwrap();
        }
        Ok(())
    })
    .budget_ms(3_000);
}

/// Checks what is told of a plan with these endpoints and steps: each line, from 1 at the first step, and its code.
fn told(endpoints: &str, steps: &[&str], expected: &[(u32, &str)]) {
    let mut text = format!(
        "version: 1\nname: p\nendpoints: {{ {endpoints} }}\nscenarios:\n  s:\n    load: {{ open: [ {{ rate: 1/s, for: 9s }} ] }}\n    steps:\n"
    );
    steps.iter().for_each(|step| text.push_str(&format!("      - {step}\n")));
    let (files, found) = judge("p.yaml", text.clone().into_bytes(), Path::new("")).unwrap();
    let line = |at: u32| files.plan().place(at).line.saturating_sub(7);
    let seen: Vec<(u32, &str)> = found
        .iter()
        .map(|f| (line(f.primary.span.lo), f.code.trim_start_matches("plan::")))
        .collect();
    assert_eq!(seen, expected, "{text}\n{found:#?}");
}

#[test]
fn connections_are_judged_by_what_they_can_do() {
    let postgres = "db: { sql: { url: \"postgres://u@a/db\" } }";
    let mysql = "db: { sql: { url: \"mysql://u@a/db\" } }";
    let q = "{ step: a, sql: { query: \"select ?\", params: [1] } }";
    let dollar = "{ step: a, sql: { query: 'select $1', params: [1] } }";
    told(postgres, &[q], &[(1, "sql::params")]);
    told(mysql, &[q], &[]);
    told(postgres, &[dollar], &[]);
    told(mysql, &[dollar], &[(1, "sql::params")]);
    told(postgres, &["{ step: a, sql: { query: \"select '{}'::jsonb ? 'a'\" } }"], &[]);

    // Which database a secret names is not known.
    let secret = "db: { sql: { url: \"{{ secrets.url }}\" } } }\nsecrets: { url: { env: URL }";
    let operator = "{ step: a, sql: { query: \"select '{}'::jsonb ? 'a'\" } }";
    told(secret, &[operator], &[]);
    told(secret, &[q], &[]);
    // Its second line moves the steps one down.
    told(secret, &[&q.replace("[1]", "[1, 2]")], &[(2, "sql::params")]);
    told("db: { sql: { url: \"sqlite:a.db\" } }", &[operator], &[(1, "sql::params")]);

    let amqp = "bus: { amqp: { url: \"amqp://a\" } }";
    let fanout = "{ step: a, publish: { exchange: all, routing_key: \"\", text: x } }";
    told(amqp, &[fanout], &[]);
    told(amqp, &["{ step: a, publish: { queue: \"\", text: x } }"], &[(1, "channel::name")]);

    let grpc = "g: { grpc: { target: \"a:50051\" } }";
    let call = |more: &str| format!("{{ step: a, grpc: {{ method: p.S/C }}, {more} }}");
    told(grpc, &[&call("expect: { status: [ok, not_found] }")], &[]);
    told(grpc, &[&call("expect: { status: 200 }")], &[(1, "answer::kind")]);
    told(grpc, &["{ step: a, grpc: { service: p.S, method: C } }"], &[(1, "schema::unknown-key")]);
    told("g: { grpc: { target: a } }", &[&call("timeout: 1s")], &[(0, "endpoint::address")]);

    let shop = "shop: { http: { base_url: \"http://a\" } }";
    let ok = "{ step: a, http: { get: / }, expect: { status: ok } }";
    told(shop, &[ok], &[(1, "answer::kind")]);
    let page = "{ step: a, browser: { actions: [ { goto: /admin } ] } }";
    let home = "{ step: b, http: { get: / } }";
    told(shop, &[page, home], &[(1, "endpoint::address")]);
    let poll = "{ step: b, await: { get: /, every: 5s, until: { status: 200 }, within: 5s } }";
    told(shop, &["{ step: a, http: { get: / } }", poll], &[(2, "await::poll")]);

    let line = "line: { tcp: { address: \"a:1\" } }";
    let silent = "{ step: a, tcp: { text: a }, expect: { body: { contains: b } } }";
    told(line, &[silent], &[(1, "answer::kind")]);
}

#[test]
fn what_a_message_has_can_be_captured() {
    let log = "log: { kafka: { brokers: [\"a:1\"] } }";
    let bus = "bus: { nats: { servers: [\"nats://a\"] } }";
    let ends = "match: { json: \"$.id\", equals: \"{{ arrival.id }}\" }, within: 1s }";
    let kafka =
        format!("{{ step: b, await: {{ topic: x, {ends}, capture: {{ k: {{ key: true }} }} }}");
    let nats = kafka.replace("topic", "subject");
    let subject = nats.replace("key: true", "subject: 'x\\.(\\w+)'");
    told(
        log,
        &[
            "{ step: a, publish: { topic: x, text: a } }",
            &kafka,
            "{ step: c, publish: { topic: x, text: \"{{ b.k }}\" } }",
        ],
        &[],
    );
    let first = "{ step: a, publish: { subject: x, text: a } }";
    let last = "{ step: c, publish: { subject: x, text: \"{{ b.k }}\" } }";
    told(bus, &[first, &nats, last], &[(2, "answer::kind")]);
    told(bus, &[first, &subject, last], &[]);
    told(bus, &["{ step: a, await: { subject: x, within: 1s } }"], &[(1, "await::no-sender")]);
    let key = "{ step: b, await: { topic: x, key: y, within: 1s } }";
    told(log, &["{ step: a, publish: { topic: x, text: a } }", key], &[(2, "schema::unknown-key")]);
}
