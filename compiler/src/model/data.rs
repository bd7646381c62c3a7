//! (pure) `data` and `secrets`: what arrivals differ by, and what is read on each node.

use crate::artifact::{Format, OnEnd, Per, SecretSource, Take};
use crate::diagnostic::Diagnostic;
use crate::model::lower::Lower;
use crate::model::name::Section;
use crate::source::{Span, Spanned, join};
use crate::syntax::Node;
use crate::template::has_template;

/// Data as the plan declares it; the content of a file is for the analysis.
#[derive(Clone, Debug)]
pub struct DataPlan {
    /// Where its rows are from.
    pub origin: Origin,
    /// How rows are taken.
    pub take: Take,
    /// What a row is fixed for.
    pub per: Per,
    /// What happens when a unique list is used up.
    pub on_end: OnEnd,
}

/// Where the rows of data are from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A file.
    File {
        /// Its path, relative to the plan.
        path: Spanned<String>,
        /// What it is written in.
        format: Format,
    },
    /// A list that `before` captures.
    List {
        /// The step.
        step: String,
        /// Its capture.
        capture: String,
        /// Where both are named.
        span: Span,
    },
}

impl DataPlan {
    /// Returns the step of `before` and its capture that rows are items of.
    pub fn list(&self) -> Option<(&str, &str)> {
        match &self.origin {
            Origin::File { .. } => None,
            Origin::List { step, capture, .. } => Some((step, capture)),
        }
    }
}

pub(super) fn lower(top: Node<'_>, work: &mut Lower<'_>) -> Section<DataPlan> {
    Section::lower(top, "data", |_, node| data(node, work))
}

fn data(node: Node<'_>, work: &mut Lower<'_>) -> Option<DataPlan> {
    let origin = match (node.get("file"), node.get("from")) {
        (Some(node), _) => file(node, work),
        (None, Some(node)) => list(node, work),
        (None, None) => None,
    };
    let take = match node.get("take") {
        Some(take) => {
            let words =
                [("unique", Take::Unique), ("circular", Take::Circular), ("random", Take::Random)];
            work.one_of(take, &words)
        }
        None => None,
    };
    let per = match node.get("per") {
        Some(per) => work.one_of(per, &[("arrival", Per::Arrival), ("user", Per::User)]),
        None => Some(Per::Arrival),
    };
    let on_end = match node.get("on_end") {
        Some(word) => work.one_of(word, &[("fail", OnEnd::Fail), ("stop", OnEnd::Stop)]),
        None => Some(OnEnd::Fail),
    };
    Some(DataPlan { origin: origin?, take: take?, per: per?, on_end: on_end? })
}

fn file(node: Node<'_>, work: &mut Lower<'_>) -> Option<Origin> {
    let path = path(node, work)?;
    let name = path.value.rsplit('/').next().unwrap_or(&path.value).to_ascii_lowercase();
    let format = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("csv") => Format::Csv,
        Some("jsonl" | "ndjson") => Format::Jsonl,
        Some("json") => Format::Json,
        _ => {
            let message = format!("`{}` is no kind of data file that is read", path.value);
            let found = Diagnostic::error("plan::data::format", path.span, message);
            let help = "save it as `.csv` with a header line, as `.jsonl` or `.ndjson` with a JSON value a line, or as `.json` with a list";
            work.push(found.label("unknown ending").help(help));
            return None;
        }
    };
    Some(Origin::File { path, format })
}

/// Reads `before.login.tokens`.
fn list(node: Node<'_>, work: &mut Lower<'_>) -> Option<Origin> {
    let Some(text) = node.as_str() else {
        work.wrong_kind(node, "the name of a list");
        return None;
    };
    let span = node.span();
    let bare = text.trim().trim_start_matches("{{").trim_end_matches("}}").trim();
    let names: Vec<&str> = bare.split('.').collect();
    if let (["before", step, capture], false) = (names.as_slice(), has_template(text)) {
        let (step, capture) = ((*step).to_owned(), (*capture).to_owned());
        return Some(Origin::List { step, capture, span });
    }
    let help = match names.as_slice() {
        ["before", _, _] => format!("write the name alone: `from: {bare}`"),
        _ => "name a capture of the run's `before`: `from: before.login.tokens`".to_owned(),
    };
    let message = format!("`{text}` is not the name of a list");
    let found = Diagnostic::error("plan::data::from", span, message);
    work.push(found.label("not `before.STEP.CAPTURE`").help(help));
    None
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
