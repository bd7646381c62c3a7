//! Artifacts: one spelling, a digest that holds, rules that are checked again, and a published schema.

use std::collections::BTreeMap;

use compiler::artifact::{
    ARTIFACT_SCHEMA, Action, Artifact, Call, Load, OpenStage, SlotSet, Step, Transaction,
    WaitAction, seal_digest, to_bytes,
};
use compiler::explain::Options;
use compiler::unit::Rate;
use compiler::verify::{ArtifactError, load, verify};

use crate::sample;

fn edited(edit: impl FnOnce(&mut Artifact)) -> String {
    let mut artifact = sample::artifact();
    edit(&mut artifact);
    seal_digest(&mut artifact);
    match load(&to_bytes(&artifact)) {
        Err(ArtifactError::Invariant { rule }) => rule,
        other => panic!("no rule is broken: {other:?}"),
    }
}

#[test]
fn what_is_sealed_loads() {
    let artifact = sample::artifact();
    let bytes = to_bytes(&artifact);
    assert_eq!(load(&bytes).unwrap(), artifact);
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("{\n  \"artifact\": 1,\n  \"plan\": \"checkout\",\n"));
    assert!(text.ends_with(&format!("  \"digest\": \"{}\"\n}}\n", artifact.digest)));
    // The digest is over the same bytes with an empty one: whoever has b3sum can check it.
    let unsealed = text.replace(&artifact.digest, "");
    assert_eq!(compiler::artifact::digest_of(unsealed.as_bytes()), artifact.digest);
}

#[test]
fn an_edited_artifact_is_refused() {
    let text = String::from_utf8(to_bytes(&sample::artifact())).unwrap();
    let edited = text.replace("\"max_in_flight\": 300", "\"max_in_flight\": 301");
    assert!(matches!(load(edited.as_bytes()), Err(ArtifactError::Digest { .. })));
    let spaced = text.replacen("  \"seed\": 7", "  \"seed\":  7", 1);
    assert_eq!(load(spaced.as_bytes()), Err(ArtifactError::Spelling { line: 5 }));
}

#[test]
fn another_format_is_named() {
    let text = String::from_utf8(to_bytes(&sample::artifact())).unwrap();
    let newer = text.replacen("\"artifact\": 1", "\"artifact\": 2", 1);
    let error = load(newer.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "it has artifact format 2; this program reads format 1");
    for other in
        ["", "[]", "{}", "null", "{\"artifact\": 1}", "{\"artifact\": \"1\"}", "\u{feff}{}"]
    {
        assert!(load(other.as_bytes()).is_err(), "{other}");
    }
}

/// A transaction of two steps that each call `next`, or that wait.
fn twice(next: Option<&str>) -> Transaction {
    let action = |next: Option<&str>| match next {
        Some(next) => Action::Call(Call { transaction: next.to_owned(), with: BTreeMap::new() }),
        None => Action::Wait(WaitAction::Constant { length_ns: 1 }),
    };
    let steps = ["a", "b"].map(|name| Step::new(name.to_owned(), action(next)));
    Transaction { params: Vec::new(), steps: steps.to_vec(), returns: BTreeMap::new() }
}

#[test]
fn calls_of_calls_end_and_are_few() {
    let tower = |levels: usize| {
        move |artifact: &mut Artifact| {
            for level in 0..levels {
                let next = (level > 0).then(|| format!("t{}", level - 1));
                artifact.transactions.insert(format!("t{level}"), twice(next.as_deref()));
            }
        }
    };
    let mut fits = sample::artifact();
    tower(12)(&mut fits);
    assert_eq!(verify(&fits), Ok(()));
    let rule = edited(tower(40));
    assert!(rule.contains("at most 10000 steps"), "{rule}");
    let rule = edited(|artifact| {
        tower(12)(artifact);
        artifact.transactions.insert("t0".to_owned(), twice(Some("t11")));
    });
    assert_eq!(rule, "no transaction calls itself");
    let rule = edited(|artifact| {
        tower(12)(artifact);
        let top = twice(Some("t11")).steps;
        artifact.before = top;
    });
    assert!(rule.contains("at most 10000 steps"), "{rule}");
}

#[test]
fn rules_are_checked_again() {
    let rule = edited(|artifact| {
        artifact.scenarios.get_mut("browse").unwrap().seats.remove("us/0");
    });
    assert_eq!(rule, "each slot of scenario `browse` has one seat");
    let rule = edited(|artifact| {
        let seats = &mut artifact.scenarios.get_mut("browse").unwrap().seats;
        let twice: SlotSet = seats["eu/0"].clone();
        seats.insert("us/0".to_owned(), twice);
    });
    assert_eq!(rule, "each slot of scenario `browse` has one seat");
    let rule = edited(|artifact| {
        let seats = &mut artifact.scenarios.get_mut("browse").unwrap().seats;
        let owned = seats.remove("us/0").unwrap();
        seats.insert("us/1".to_owned(), owned);
    });
    assert_eq!(rule, "scenario `browse` is dealt to declared seats, not to `us/1`");
    let rule = edited(|artifact| artifact.slots += 1);
    assert_eq!(rule, "`slots` is the sum of all scenarios, 516");
    let rule = edited(|artifact| {
        artifact.scenarios.get_mut("checkout").unwrap().steps[0].needs.push("order".to_owned());
    });
    let cycle = "in scenario `checkout`, no step needs itself, directly or over others";
    assert_eq!(rule, cycle);
    let rule = edited(|artifact| {
        artifact.scenarios.get_mut("checkout").unwrap().steps[0].capture.clear();
    });
    let lost = "in scenario `checkout`, in step `order`, capture `token` of step `login` exists";
    assert_eq!(rule, lost);
    let rule = edited(|artifact| {
        artifact.scenarios.get_mut("checkout").unwrap().planned += 1;
    });
    assert_eq!(rule, "in scenario `checkout`, `planned` is 450");
    let rule = edited(|artifact| {
        artifact.scenarios.get_mut("checkout").unwrap().data.get_mut("users").unwrap().rows = 501;
    });
    assert_eq!(rule, "in scenario `checkout`, rows of `users` are within the file");
    let rule = edited(|artifact| artifact.nodes.tuning.beat_ns = 0);
    assert_eq!(rule, "`beat_ns` is above 0 and at most one day");
    let rule = edited(|artifact| {
        let Load::Open(load) = &mut artifact.scenarios.get_mut("checkout").unwrap().load else {
            panic!("checkout is open");
        };
        let rate = Rate { count: 1, per_ns: 0 };
        load.stages.push(OpenStage::Count { rate, count: 1 });
    });
    let rate =
        "in scenario `checkout`, a rate is a fraction in lowest terms with at most six decimals";
    assert_eq!(rule, rate);
    assert_eq!(verify(&sample::artifact()), Ok(()));
}

#[test]
fn the_published_schema_is_the_format() {
    let value: serde_json::Value = serde_json::from_slice(&to_bytes(&sample::artifact())).unwrap();
    let errors: Vec<String> = schema()
        .iter_errors(&value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    for place in ["", "/nodes", "/scenarios/checkout", "/scenarios/checkout/steps/0", "/delivery"] {
        let mut wider = value.clone();
        let object = wider.pointer_mut(place).and_then(serde_json::Value::as_object_mut).unwrap();
        object.insert("extra".to_owned(), 1.into());
        assert!(!schema().is_valid(&wider), "`{place}` is closed");
    }
}

fn schema() -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(ARTIFACT_SCHEMA).unwrap()).unwrap()
}

#[test]
fn any_bytes_are_judged_without_a_panic() {
    let bytes = to_bytes(&sample::artifact());
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let schema = schema();
    arbtest::arbtest(|unstructured| {
        let mut value = value.clone();
        for _ in 0..unstructured.int_in_range(1..=3)? {
            mutate(&mut value, unstructured)?;
        }
        // A mutated artifact is sealed again, so that the rules are reached and not only the digest.
        let shaped = schema.is_valid(&value);
        let Ok(mut artifact) = serde_json::from_value::<Artifact>(value) else {
            assert!(!shaped, "the schema accepts what the types refuse");
            return Ok(());
        };
        seal_digest(&mut artifact);
        let bytes = to_bytes(&artifact);
        if let Ok(loaded) = load(&bytes) {
            let value = serde_json::to_value(&loaded).unwrap();
            assert!(schema.is_valid(&value), "the schema refuses what loads");
            compiler::explain::explain(&loaded, Options::default()).unwrap();
        }
        Ok(())
    })
    .budget_ms(4_000);
    arbtest::arbtest(|unstructured| {
        assert!(load(unstructured.bytes(unstructured.len())?).is_err());
        Ok(())
    })
    .budget_ms(500);
}

/// Walks to a random place and puts something else there.
pub(crate) fn mutate(
    value: &mut serde_json::Value,
    unstructured: &mut arbtest::arbitrary::Unstructured<'_>,
) -> arbtest::arbitrary::Result<()> {
    use serde_json::Value;
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let at = unstructured.choose_index(fields.len())?;
            let (_, inner) = fields.iter_mut().nth(at).unwrap();
            mutate(inner, unstructured)
        }
        Value::Array(items) if !items.is_empty() => {
            let at = unstructured.choose_index(items.len())?;
            if unstructured.ratio(1, 8)? {
                items.remove(at);
                return Ok(());
            }
            mutate(&mut items[at], unstructured)
        }
        Value::Number(_) => {
            let numbers = [0, 1, 2, 255, 1 << 31, u64::from(u32::MAX), 1 << 53, u64::MAX];
            *value = (*unstructured.choose(&numbers)?).into();
            Ok(())
        }
        Value::String(text) => {
            let texts = ["", "x", "login", "#2", "users", "0-257", "258-515", "eu/0", "-", "1e9"];
            (*unstructured.choose(&texts)?).clone_into(text);
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Object(_) | Value::Array(_) => Ok(()),
    }
}
