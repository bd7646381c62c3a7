//! Where secrets come from on this machine: a file of secrets, the environment, or a file each.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use compiler::artifact::SecretSource;

use crate::cluster::node::ReadSecret;

/// Returns what reads a secret: from `--secrets-file` if that has the variable, else from the environment; files as they are.
///
/// # Errors
/// The file cannot be read, or a line of it is not `NAME=value`; a sentence for the operator that holds no value.
pub(super) fn reader(secrets_file: Option<&Path>) -> Result<ReadSecret, String> {
    let listed = match secrets_file {
        Some(file) => {
            let shown = file.display();
            let text = fs::read_to_string(file)
                .map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
            parse(&text).map_err(|line| format!("`{shown}`, line {line}: not `NAME=value`"))?
        }
        None => BTreeMap::new(),
    };
    Ok(Arc::new(move |source| match source {
        SecretSource::Env(name) => listed.get(name).cloned().or_else(|| env::var(name).ok()),
        SecretSource::File(path) => {
            let text = fs::read_to_string(path).ok()?;
            let text = text.strip_suffix('\n').unwrap_or(&text);
            Some(text.strip_suffix('\r').unwrap_or(text).to_owned())
        }
    }))
}

/// Reads `NAME=value` lines; empty lines and those that begin with `#` are skipped. Fails with the number of a bad line.
fn parse(text: &str) -> Result<BTreeMap<String, String>, usize> {
    let mut listed = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once('=').ok_or(at + 1)?;
        if name.trim().is_empty() {
            return Err(at + 1);
        }
        listed.insert(name.trim().to_owned(), value.to_owned());
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_secrets_goes_before_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list");
        let single = folder.path().join("single");
        fs::write(&list, "# ours\n\nPATH=x=y \n").unwrap();
        fs::write(&single, "s\n\n").unwrap();
        let read = reader(Some(&list)).unwrap();
        let env = |name: &str| SecretSource::Env(name.to_owned());
        assert_eq!(read(&env("PATH")), Some("x=y ".to_owned()));
        assert_eq!(read(&env("VOLLEY_HAS_NO_SUCH_VARIABLE")), None);
        assert_eq!(reader(None).unwrap()(&env("PATH")), env::var("PATH").ok());
        let file = SecretSource::File(single.display().to_string());
        assert_eq!(read(&file), Some("s\n".to_owned()));
        fs::write(&list, "A=1\nnonsense\n").unwrap();
        let error = reader(Some(&list)).err().unwrap();
        assert!(error.ends_with("line 2: not `NAME=value`"), "{error}");
    }
}
