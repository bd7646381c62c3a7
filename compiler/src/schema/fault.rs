//! (pure) The validator and its findings, in the order of the plan, one for each mistake.

use std::sync::LazyLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

/// The schema of plans, JSON Schema draft 2020-12; editors use the same text.
pub const PLAN_SCHEMA: &str = include_str!("../../../schemas/plan.schema.json");

/// The schema as a value, for looking up what is known where.
static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(PLAN_SCHEMA).unwrap_or(Value::Bool(true)));

/// Built once: that takes longer than judging a plan. A test proves that it can be built.
static VALIDATOR: LazyLock<Option<Validator>> = LazyLock::new(|| {
    jsonschema::draft202012::options()
        .with_pattern_options(PatternOptions::regex())
        .build(&SCHEMA)
        .ok()
});

/// One violation, at a place in the plan.
pub(super) struct Fault {
    /// JSON pointer into the plan.
    pub(super) pointer: String,
    /// Where in the language, such as `http_endpoint` or `open_stage.rate`.
    pub(super) context: String,
    /// What is violated.
    pub(super) violation: Violation,
}

impl Fault {
    /// Returns whether it is about what a value is, and not about keys.
    pub(super) fn is_of_value(&self) -> bool {
        !matches!(
            self.violation,
            Violation::UnknownKey(_) | Violation::MissingKey(_) | Violation::KeyName(_)
        )
    }
}

/// What is violated; the words come later.
pub(super) enum Violation {
    /// A key that the mapping does not have.
    UnknownKey(String),
    /// A key that the mapping must have.
    MissingKey(String),
    /// A key that is no name.
    KeyName(String),
    /// The value has the wrong type; the types that it may have.
    Type(Vec<String>),
    /// A text that is not of the form that the context asks for.
    Form,
    /// Not one of these.
    Choice(Vec<String>),
    /// Nothing in it.
    Empty,
    /// Not this many items.
    Length(u64),
    /// Below or above this.
    Range(String),
    /// An item twice.
    Repeated,
}

/// Violations that are told; nobody reads more, and each is compared with every word that may have been meant.
pub(super) const FAULTS_MAX: usize = 2_000;

/// Returns the violations in `plan`: all of them, or one more than [`FAULTS_MAX`].
pub(super) fn find(plan: &Value) -> Vec<Fault> {
    let errors = VALIDATOR.iter().flat_map(|validator| validator.iter_errors(plan));
    errors.flat_map(|error| faults(&error)).take(FAULTS_MAX + 1).collect()
}

/// Returns the keys that a mapping in `context` may have.
pub(super) fn known_keys(context: &str) -> Vec<String> {
    let properties = definition(context).and_then(|schema| schema.get("properties"));
    let keys = properties.and_then(Value::as_object).map(|map| map.keys().cloned().collect());
    keys.unwrap_or_default()
}

/// Returns the description of `key` in `context`, for the help of a missing key.
pub(super) fn description(context: &str, key: &str) -> Option<&'static str> {
    let schema = definition(context)?.get("properties")?.get(key)?;
    let own = schema.get("description").and_then(Value::as_str);
    own.or_else(|| {
        let target = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
        SCHEMA.pointer(target)?.get("description")?.as_str()
    })
}

fn definition(context: &str) -> Option<&'static Value> {
    let schema: &'static Value = &SCHEMA;
    let (name, properties) = context.split_once('.').unwrap_or((context, ""));
    let mut at = if name == "plan" { schema } else { schema.get("$defs")?.get(name)? };
    for property in properties.split('.').filter(|property| !property.is_empty()) {
        at = at.get("properties")?.get(property)?;
    }
    Some(at)
}

/// Returns where in the language the schema's `path` is: the last definition and the properties below it.
pub(super) fn context(path: &str) -> String {
    let tokens: Vec<&str> = path.split('/').skip(1).collect();
    let start = tokens.iter().rposition(|token| *token == "$defs");
    let (name, rest) = match start {
        Some(at) => (tokens.get(at + 1).copied().unwrap_or(""), tokens.get(at + 2..)),
        None => ("plan", tokens.get(..)),
    };
    let mut context = name.to_owned();
    for pair in rest.unwrap_or(&[]).chunks_exact(2) {
        if pair[0] == "properties" {
            context.push('.');
            context.push_str(pair[1]);
        }
    }
    context
}

fn faults(error: &ValidationError<'_>) -> Vec<Fault> {
    use ValidationErrorKind as Of;
    let context = context(error.schema_path().as_str());
    let pointer = error.instance_path().as_str();
    let one = |violation| {
        vec![Fault { pointer: pointer.to_owned(), context: context.clone(), violation }]
    };
    match error.kind() {
        Of::AdditionalProperties { unexpected } | Of::UnevaluatedProperties { unexpected } => {
            let keys = unexpected.iter().cloned().map(Violation::UnknownKey);
            keys.flat_map(one).collect()
        }
        Of::Required { property } => {
            let key = property.as_str().unwrap_or_default().to_owned();
            // The schema may say that a key is required beside a reference.
            let found = error.schema_path().as_str().contains("/thresholds/");
            let context = if found { "threshold".to_owned() } else { context.clone() };
            let pointer = pointer.to_owned();
            vec![Fault { pointer, context, violation: Violation::MissingKey(key) }]
        }
        Of::PropertyNames { error } => {
            let key = error.instance().as_str().unwrap_or_default().to_owned();
            one(Violation::KeyName(key))
        }
        Of::Type { .. } => one(Violation::Type(types(error))),
        Of::Enum { options } => {
            let options = options.as_array().into_iter().flatten();
            one(Violation::Choice(options.filter_map(Value::as_str).map(str::to_owned).collect()))
        }
        Of::Constant { expected_value } => one(Violation::Choice(vec![expected_value.to_string()])),
        Of::MinItems { limit } | Of::MaxItems { limit } if *limit != 1 => {
            one(Violation::Length(*limit))
        }
        Of::MinItems { .. } | Of::MinProperties { .. } | Of::MinLength { .. } => {
            one(Violation::Empty)
        }
        Of::Minimum { limit } => one(Violation::Range(format!("at least {limit}"))),
        Of::Maximum { limit } => one(Violation::Range(format!("at most {limit}"))),
        Of::UniqueItems => one(Violation::Repeated),
        _ => one(Violation::Form),
    }
}

/// Returns the types that the schema allows where `error` is a type error.
fn types(error: &ValidationError<'_>) -> Vec<String> {
    match SCHEMA.pointer(error.schema_path().as_str()) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => {
            many.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_can_be_built_and_describes_every_key() {
        assert!(VALIDATOR.is_some());
        let mut contexts = vec!["plan".to_owned()];
        let definitions = SCHEMA["$defs"].as_object().unwrap();
        contexts.extend(definitions.keys().cloned());
        contexts.extend(["open_stage.rate", "closed_stage.users"].map(str::to_owned));
        for context in contexts {
            for key in known_keys(&context) {
                assert!(description(&context, &key).is_some(), "{context}.{key}");
            }
        }
    }

    #[test]
    fn every_mapping_is_closed() {
        fn walk(at: &Value, path: &str) {
            if let Value::Object(map) = at {
                if map.contains_key("properties") && path != "/" {
                    assert!(map.contains_key("additionalProperties"), "{path} is open");
                }
                assert!(!map.contains_key("oneOf") && !map.contains_key("anyOf"), "{path}");
                map.iter().for_each(|(key, value)| walk(value, &format!("{path}/{key}")));
            }
        }
        walk(&SCHEMA, "");
    }

    #[test]
    fn contexts_name_the_last_definition() {
        assert_eq!(context("/properties/name/$ref"), "plan.name");
        assert_eq!(
            context("/$defs/open_stage/properties/rate/additionalProperties"),
            "open_stage.rate"
        );
        assert_eq!(context("/$defs/duration/pattern"), "duration");
        assert_eq!(context("/additionalProperties"), "plan");
    }
}
