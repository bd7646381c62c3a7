//! (pure) Names of secrets → values, read by whoever may read.

use std::collections::BTreeMap;

use compiler::artifact::SecretSource;

/// Resolves every secret through `read`, which looks into the environment, a file, or a file of secrets.
///
/// # Errors
/// The names of those that are missing, in order.
pub fn resolve(
    sources: &BTreeMap<String, SecretSource>,
    read: &dyn Fn(&SecretSource) -> Option<String>,
) -> Result<BTreeMap<String, String>, Vec<String>> {
    let mut secrets = BTreeMap::new();
    let mut missing = Vec::new();
    for (name, source) in sources {
        match read(source) {
            Some(value) => {
                secrets.insert(name.clone(), value);
            }
            None => missing.push(name.clone()),
        }
    }
    if missing.is_empty() { Ok(secrets) } else { Err(missing) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_missing_is_named() {
        let env = |name: &str| SecretSource::Env(name.to_owned());
        let sources = BTreeMap::from([
            ("a".to_owned(), env("A")),
            ("b".to_owned(), SecretSource::File("/run/b".to_owned())),
            ("c".to_owned(), env("C")),
        ]);
        let read = |source: &SecretSource| match source {
            SecretSource::Env(name) if name == "A" => Some("1".to_owned()),
            SecretSource::Env(_) | SecretSource::File(_) => None,
        };
        assert_eq!(resolve(&sources, &read), Err(vec!["b".to_owned(), "c".to_owned()]));
        let all = |_: &SecretSource| Some("x".to_owned());
        assert_eq!(resolve(&sources, &all).map(|secrets| secrets.len()), Ok(3));
    }
}
