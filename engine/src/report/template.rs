//! (pure) Templates: ours and a user's own, with the same filters, and limits that a broken one meets early.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde_json::Number;
use thiserror::Error;

use super::chart::escape;
use super::format;
use super::model::{RunResult, Threshold};
use super::view::view;

/// Instructions that one rendering may take: a report of a thousand steps needs a small part of it.
const FUEL: u64 = 5_000_000;

/// Depth of nested calls and includes.
const RECURSION_MAX: usize = 64;

/// Why a template did not render.
#[derive(Debug, Error)]
#[error("template `{name}` cannot be rendered")]
pub struct TemplateError {
    /// File name of the template.
    pub name: String,
    #[source]
    source: minijinja::Error,
}

/// A template of the user's own.
#[derive(Clone, Debug)]
pub struct Template {
    name: String,
    source: String,
}

impl Template {
    /// Takes a template's file name and text.
    ///
    /// # Errors
    /// It does not parse: better known before a run than after it.
    pub fn new(name: &str, source: String) -> Result<Template, TemplateError> {
        let parsed = environment().template_from_named_str(name, &source).map(|_| ());
        parsed.map_err(|source| TemplateError { name: name.to_owned(), source })?;
        Ok(Template { name: name.to_owned(), source })
    }

    /// Returns its file name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn render(&self, result: &RunResult) -> Result<String, TemplateError> {
        render(&self.name, &self.source, result, Value::UNDEFINED)
    }
}

/// Renders a template over a result: `result` is the JSON file, `view` the verdict in words.
///
/// `name` decides how values are escaped: `.html` and `.xml` as HTML, `.json` and `.yaml` as JSON, else not at all.
///
/// # Errors
/// The template does not parse, reads a name that does not exist, or takes too long.
pub(super) fn render(
    name: &str,
    source: &str,
    result: &RunResult,
    extra: Value,
) -> Result<String, TemplateError> {
    let environment = environment();
    let context = minijinja::context! {
        result => Value::from(Serde(result)),
        view => Value::from(Serde(view(result))),
        extra => extra,
    };
    let template = environment.template_from_named_str(name, source);
    let rendered = template.and_then(|template| template.render(context));
    rendered.map_err(|source| TemplateError { name: name.to_owned(), source })
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(RECURSION_MAX);
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build();
    if let Ok(syntax) = syntax {
        environment.set_syntax(syntax);
    }
    environment.set_auto_escape_callback(|name| match name.rsplit('.').next() {
        Some("html" | "htm" | "xml") => AutoEscape::Html,
        Some("json" | "yaml" | "yml") => AutoEscape::Json,
        _ => AutoEscape::None,
    });
    environment.add_filter("us", format::duration);
    environment.add_filter("offset", format::offset);
    environment.add_filter("n", format::count);
    environment.add_filter("pct", format::percent);
    environment.add_filter("bytes", format::bytes);
    environment.add_filter("share", |part: u64, whole: u64| format::share(part, whole));
    environment.add_filter("line", |text: String| text.replace(char::is_control, " "));
    environment.add_filter("left", |text: String, width: usize| pad(&text, width, true));
    environment.add_filter("fit", |text: String, width: usize| fit(&text, width));
    environment.add_filter("wrap", |text: String, indent: usize| wrap(&text, indent));
    environment.add_filter("right", |text: String, width: usize| pad(&text, width, false));
    environment.add_filter("md", markdown);
    environment.add_filter("md_prose", markdown_prose);
    environment.add_filter("prose", |text: String| Value::from_safe_string(prose(&text)));
    environment.add_filter("observed", observed);
    environment
}

/// Pads with spaces by characters; a longer text is kept whole.
fn pad(text: &str, width: usize, left: bool) -> String {
    let missing = " ".repeat(width.saturating_sub(text.chars().count()));
    if left { format!("{text}{missing}") } else { format!("{missing}{text}") }
}

/// Breaks a paragraph between words before column 100; each further line is indented. A longer word stays whole.
fn wrap(text: &str, indent: usize) -> String {
    let mut wrapped = String::new();
    let mut column = indent;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > indent && column + 1 + width > 100 {
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(indent));
            column = indent;
        } else if column > indent {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += width;
    }
    wrapped
}

/// Pads to a column, and cuts what is too long for it in the middle: names differ most at their ends.
fn fit(text: &str, width: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() < width {
        return pad(text, width, true);
    }
    let keep = width.saturating_sub(2);
    let (head, tail) = (keep - keep / 2, keep / 2);
    let cut = letters[..head].iter().chain(&['…']).chain(&letters[letters.len() - tail..]);
    pad(&cut.collect::<String>(), width, true)
}

/// Makes a text safe as the cell of a Markdown table: one line, and nothing in it is markup.
fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                safe.push('\\');
                safe.push(letter);
            }
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            letter if letter.is_control() => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}

/// Makes a message safe for Markdown, and keeps what stands in backticks as code.
fn markdown_prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return markdown(text);
    }
    let mut safe = String::with_capacity(text.len());
    for (at, part) in parts.iter().enumerate() {
        if at % 2 == 0 {
            safe.push_str(&markdown(part));
        } else {
            safe.push('`');
            safe.push_str(&part.replace(char::is_control, " "));
            safe.push('`');
        }
    }
    safe
}

/// Escapes a message for HTML and sets what stands in backticks as code.
fn prose(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    let mut parts = text.split('`').peekable();
    let mut quoted = false;
    while let Some(part) = parts.next() {
        match (quoted, parts.peek().is_some()) {
            (false, _) => html.push_str(&escape(part)),
            (true, true) => {
                html.push_str("<code>");
                html.push_str(&escape(part));
                html.push_str("</code>");
            }
            (true, false) => {
                html.push('`');
                html.push_str(&escape(part));
            }
        }
        quoted = !quoted;
    }
    html
}

/// Writes what a threshold saw: takes `observed` and `unit` of a threshold of the result.
fn observed(value: Option<f64>, unit: &str) -> Result<String, minijinja::Error> {
    let unit = serde_json::from_value(serde_json::Value::from(unit)).map_err(|source| {
        minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, "not a unit of thresholds")
            .with_source(source)
    })?;
    let whole = |value: f64| format!("{value:.0}").parse::<u64>().map(Number::from).ok();
    let number = value.and_then(|value| match unit {
        super::model::Unit::Us | super::model::Unit::Count => whole(value),
        super::model::Unit::Share | super::model::Unit::PerSecond => Number::from_f64(value),
    });
    let threshold = Threshold {
        name: String::new(),
        require: String::new(),
        scenario: None,
        step: None,
        group: None,
        split: None,
        window: None,
        observed: number,
        unit,
        verdict: crate::metrics::threshold::Verdict::NoData,
    };
    Ok(format::observed(&threshold))
}

#[cfg(test)]
mod tests {
    use minijinja::value::Value;

    use super::{markdown, markdown_prose, prose, render};
    use crate::report::sample;

    #[test]
    fn a_template_that_reads_nothing_or_never_ends_is_an_error() {
        let result = sample::passing();
        let rendered = |source: &str| render("own.txt", source, &result, Value::UNDEFINED);
        assert_eq!(rendered("{{ result.run.plan }} {{ 1500|us }}").unwrap(), "checkout 1.50 ms");
        assert!(rendered("{{ result.run.plam }}").is_err());
        assert!(
            rendered(
                "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}"
            )
            .is_err()
        );
    }

    #[test]
    fn names_in_markdown_messages_stay_code() {
        assert_eq!(markdown_prose("`a_b` is <c_d>"), "`a_b` is &lt;c\\_d&gt;");
        assert_eq!(markdown_prose("odd ` one"), "odd \\` one");
    }

    #[test]
    fn messages_are_escaped_and_names_in_them_are_code() {
        assert_eq!(prose("`a<b>` is & was"), "<code>a&lt;b&gt;</code> is &amp; was");
        assert_eq!(prose("one ` <i>"), "one ` &lt;i&gt;");
    }

    #[test]
    fn markdown_cells_hold_no_markup() {
        assert_eq!(markdown("a|b\n<i>`x`"), "a\\|b &lt;i&gt;\\`x\\`");
    }
}
