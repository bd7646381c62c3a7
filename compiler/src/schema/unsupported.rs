//! (pure) What the plan language has and this version cannot do yet: one table, asked before a key is called unknown.

/// Keys by the context that they stand in, as [`super::fault::context`] names it.
const KEYS: &[(&str, &[&str])] =
    &[("plan", &["observe", "metrics"]), ("scenario", &["on_fail", "retry"]), ("step", &["let"])];

/// Words that a key of the slice may have in the full language.
const VALUES: &[(&str, &[&str])] = &[];

/// Returns whether `key` in `context` belongs to the full language.
pub(super) fn is_key(context: &str, key: &str) -> bool {
    listed(KEYS, context, key)
}

/// Returns whether `value` of the key at `context` belongs to the full language.
pub(super) fn is_value(context: &str, value: &str) -> bool {
    listed(VALUES, context, value)
}

fn listed(table: &[(&str, &[&str])], context: &str, word: &str) -> bool {
    table.iter().any(|(known, words)| *known == context && words.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_nothing_that_the_schema_knows() {
        for (context, keys) in KEYS {
            let known = super::super::fault::known_keys(context);
            assert!(!known.is_empty(), "{context} is no context of the schema");
            for key in *keys {
                assert!(!known.iter().any(|known| known == key), "{context}: {key} is known");
            }
        }
    }
}
