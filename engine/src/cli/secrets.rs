//! Reads secrets on this machine: environment, files, `--secrets-file`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use compiler::artifact::SecretSource;

/// Reads a file of `NAME=value` lines; blank lines and lines that begin with `#` are left out.
///
/// # Errors
/// The file cannot be read, or a line has no `=`; the message names the line, never its content.
pub(super) fn read_file(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("cannot read secrets file {}: {error}", path.display()))?;
    let mut secrets = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let (name, value) = line
            .split_once('=')
            .ok_or_else(|| format!("{}:{}: not a `NAME=value` line", path.display(), at + 1))?;
        secrets.insert(name.trim().to_owned(), value.to_owned());
    }
    Ok(secrets)
}

/// Returns the value behind `source`: a name from `file` first, then the environment; a file's text without its last line end.
pub(super) fn look_up(source: &SecretSource, file: &BTreeMap<String, String>) -> Option<String> {
    match source {
        SecretSource::Env(name) => file.get(name).cloned().or_else(|| std::env::var(name).ok()),
        SecretSource::File(path) => fs::read_to_string(path).ok().map(|text| {
            let text = text.strip_suffix('\n').unwrap_or(&text);
            text.strip_suffix('\r').unwrap_or(text).to_owned()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secrets_file_is_names_and_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets");
        fs::write(&path, "# ours\n\nTOKEN=a=b \r\nEMPTY=\n").unwrap();
        let secrets = read_file(&path).unwrap();
        assert_eq!(secrets["TOKEN"], "a=b ");
        assert_eq!(secrets["EMPTY"], "");
        fs::write(&path, "TOKEN=x\nhunter2\n").unwrap();
        let error = read_file(&path).unwrap_err();
        assert!(error.contains(":2:") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_file_secret_loses_its_last_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "s3cret\n").unwrap();
        let source = SecretSource::File(path.to_str().unwrap().to_owned());
        assert_eq!(look_up(&source, &BTreeMap::new()).as_deref(), Some("s3cret"));
    }
}
