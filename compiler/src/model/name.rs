//! [pure] Names that a plan gives: which texts are names, and sections of named things.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::Node;
use crate::template::ROOTS;

/// Longest name in bytes.
const NAME_BYTES_MAX: usize = 63;

/// Which characters a name may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Style {
    /// `[a-z][a-z0-9_-]{0,62}`: plans, scenarios, groups, endpoints, thresholds.
    Dashed,
    /// Without hyphen, because templates read it: vars, secrets, data, captures.
    Plain,
    /// As [`Style::Plain`], and no first word of a template: steps.
    Step,
}

/// Named things in plan order.
#[derive(Clone, Debug)]
pub struct Section<T> {
    /// The things.
    pub items: Vec<Named<T>>,
    /// Whether nothing of it was lost to an error; otherwise a name that is missing may have stood there.
    pub complete: bool,
    /// Where the section's key stands, if the plan has the section.
    pub span: Option<Span>,
}

/// A thing with its name.
#[derive(Clone, Debug)]
pub struct Named<T> {
    /// The name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// The thing; `None` when it is broken, which has been reported.
    pub value: Option<T>,
}

impl<T> Default for Section<T> {
    fn default() -> Section<T> {
        Section { items: Vec::new(), complete: true, span: None }
    }
}

impl<T> Section<T> {
    /// Lowers the section `key` of `top` one entry after the other.
    pub(crate) fn lower(
        top: Node<'_>,
        key: &str,
        mut each: impl FnMut(&str, Node<'_>) -> Option<T>,
    ) -> Section<T> {
        let Some((entry, node)) = top.entry(key) else { return Section::default() };
        let items = node
            .entries()
            .map(|(entry, value)| {
                let lowered = if value.is_hole() { None } else { each(&entry.key, value) };
                Named { name: entry.key.clone(), span: entry.key_span, value: lowered }
            })
            .collect();
        Section { items, complete: !node.is_hole(), span: Some(entry.key_span) }
    }

    /// Returns the thing named `name`, broken or not.
    pub fn get(&self, name: &str) -> Option<&Named<T>> {
        self.items.iter().find(|item| item.name == name)
    }

    /// Returns what is named `name` if it is whole.
    pub fn value(&self, name: &str) -> Option<&T> {
        self.get(name).and_then(|item| item.value.as_ref())
    }

    /// Returns the names in plan order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(|item| item.name.as_str())
    }

    /// Returns the things that are whole, with their names.
    pub fn whole(&self) -> impl Iterator<Item = (&Named<T>, &T)> {
        self.items.iter().filter_map(|item| item.value.as_ref().map(|value| (item, value)))
    }

    /// Reports every name that is none.
    pub(crate) fn check_names(&self, what: &str, style: Style, sink: &mut Diagnostics) {
        for item in &self.items {
            check_name(&item.name, item.span, what, style, sink);
        }
    }
}

/// Reports `name` unless it is one of the given style.
pub(crate) fn check_name(
    name: &str,
    span: Span,
    what: &str,
    style: Style,
    sink: &mut Diagnostics,
) -> bool {
    if style == Style::Step && ROOTS.contains(&name) {
        let found = Diagnostic::error(
            "plan::name::reserved",
            span,
            format!("`{name}` cannot be the name of a step"),
        );
        let help = format!("templates read `{name}` as something else; choose another name");
        sink.push(found.label("reserved").help(help));
        return false;
    }
    let dash = style == Style::Dashed;
    let good = name.len() <= NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| {
            c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || (dash && c == '-')
        });
    if good {
        return true;
    }
    let letters = if dash { "letters, digits, `_` and `-`" } else { "letters, digits and `_`" };
    let mut help = format!("begin with a lowercase letter; then lowercase {letters}, 63 in all at most");
    if !dash && name.contains('-') {
        help = format!("templates read it, so it has no hyphen: `{}`", name.replace('-', "_"));
    }
    let found =
        Diagnostic::error("plan::name::invalid", span, format!("`{name}` is no name for {what}"));
    sink.push(found.label("not a name").help(help));
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    #[test]
    fn names_follow_their_patterns() {
        let good = |name: &str, style: Style| {
            let span = Span { file: FileId(0), lo: 0, hi: 1 };
            check_name(name, span, "a thing", style, &mut Diagnostics::new())
        };
        for name in ["a", "eu", "a-b", "a_b9", &"a".repeat(63)] {
            assert!(good(name, Style::Dashed), "{name}");
        }
        for name in ["", "A", "9a", "a.b", "é", "a b", &"a".repeat(64)] {
            assert!(!good(name, Style::Dashed), "{name}");
        }
        assert!(!good("a-b", Style::Plain));
        assert!(good("vars", Style::Plain));
        assert!(!good("vars", Style::Step));
        assert!(!good("now", Style::Step));
        assert!(good("login", Style::Step));
    }
}
