//! Endpoints, actions and sinks of every kind: their artifact loads, its schema describes it, and mutants of it are judged.

use compiler::artifact::{ARTIFACT_SCHEMA, Artifact, seal_digest, to_bytes};
use compiler::cli::files;
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
