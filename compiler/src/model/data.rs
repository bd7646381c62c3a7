//! (pure) `data` and `secrets`: what arrivals differ by, and what is read on each node.

use crate::artifact::{Per, SecretSource, Take};
use crate::diagnostic::Diagnostic;
use crate::model::lower::Lower;
use crate::model::name::Section;
use crate::source::{Spanned, join};
use crate::syntax::Node;

/// A data file as the plan declares it; its content is for the analysis.
#[derive(Clone, Debug)]
pub struct DataFile {
    /// Path as written.
    pub path: Spanned<String>,
    /// How rows are taken.
    pub take: Take,
    /// What a row is fixed for.
    pub per: Per,
}

pub(super) fn lower(top: Node<'_>, work: &mut Lower<'_>) -> Section<DataFile> {
    Section::lower(top, "data", |_, node| data(node, work))
}

fn data(node: Node<'_>, work: &mut Lower<'_>) -> Option<DataFile> {
    let path = node.get("file").and_then(|file| path(file, work));
    let take = match node.get("take") {
        Some(take) => {
            let words =
                [("unique", Take::Unique), ("circular", Take::Circular), ("random", Take::Random)];
            work.one_of(take, &words)
        }
        None => Some(Take::Circular),
    };
    let per = match node.get("per") {
        Some(per) => work.one_of(per, &[("arrival", Per::Arrival), ("user", Per::User)]),
        None => Some(Per::Arrival),
    };
    Some(DataFile { path: path?, take: take?, per: per? })
}

/// Lowers the path of a file, which is relative to the text that names it; the path returned is relative to the plan.
pub(super) fn path(node: Node<'_>, work: &mut Lower<'_>) -> Option<Spanned<String>> {
    let mut path = work.literal(node, "a path")?;
    let text = path.value.as_str();
    let drive = text.as_bytes().get(1) == Some(&b':');
    if text.is_empty() || text.starts_with('/') || text.contains('\\') || drive {
        let message = format!("`{text}` is not a path that every machine can follow");
        let found = Diagnostic::error("plan::file::path", path.span, message);
        work.push(
            found
                .label("not a relative path")
                .help("write it relative to this file, with `/`: `data/users.csv`"),
        );
        return None;
    }
    path.value = join(work.source.folder(node.value_span().file), text);
    Some(path)
}

pub(super) fn secrets(top: Node<'_>, work: &mut Lower<'_>) -> Section<SecretSource> {
    Section::lower(top, "secrets", |_, node| {
        if let Some(env) = node.get("env") {
            let name = work.literal(env, "the name of an environment variable")?;
            let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.value.is_empty() || !name.value.chars().all(good) {
                // The text is not repeated: it may be the secret itself.
                let message = "what `env` holds is not the name of an environment variable";
                let found = Diagnostic::error("plan::secret::source", name.span, message);
                let help = "write the variable's name, never the secret: `{ env: SHOP_TOKEN }`";
                work.push(found.label("not a name").help(help));
                return None;
            }
            return Some(SecretSource::Env(name.value));
        }
        let file = work.literal(node.get("file")?, "the path of a file")?;
        Some(SecretSource::File(file.value))
    })
}
