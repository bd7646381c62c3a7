//! (pure) Templates: `{{ path | filter(args) }}` inside a scalar, parsed to slots that know their bytes.

mod parse;
mod slot;

use std::ops::Range;

pub use self::parse::parse;
pub use self::slot::{FILTERS, NAMES, ROOTS, Read, Resolved, resolve};
use crate::artifact::Json;
use crate::diagnostic::Near;

/// A stretch of a scalar's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// As it stands.
    Literal(String),
    /// What stands between `{{` and `}}`.
    Slot(Expr),
}

/// One `{{ … }}`: where a value comes from and what is done to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// From `{{` to `}}`, in bytes of the value.
    pub range: Range<usize>,
    /// Where the value comes from.
    pub head: Call,
    /// Filters, in order.
    pub filters: Vec<Call>,
}

/// A dotted name, with arguments if it is called.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The name's parts, such as `vars` and `shop`.
    pub path: Vec<Word>,
    /// Arguments; `None` without parentheses.
    pub args: Option<Vec<Arg>>,
    /// From the first byte of the name to the closing parenthesis.
    pub range: Range<usize>,
}

/// One part of a dotted name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Word {
    /// The name.
    pub text: String,
    /// Where it stands.
    pub range: Range<usize>,
}

/// An argument of a function or filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// Its value.
    pub value: ArgValue,
    /// Where it stands.
    pub range: Range<usize>,
}

/// What an argument is.
#[derive(Clone, Debug, PartialEq)]
pub enum ArgValue {
    /// A literal.
    Literal(Json),
    /// A dotted name.
    Path(Vec<Word>),
}

/// What is wrong with a text inside a scalar, with a place in the scalar's value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// Code of the diagnostic.
    pub code: &'static str,
    /// Where, in bytes of the value.
    pub range: Range<usize>,
    /// Headline.
    pub message: String,
    /// What is at the place.
    pub label: String,
    /// What to do.
    pub help: String,
    /// The word that was meant at the place, if that is certain.
    pub meant: Option<Box<str>>,
}

impl Fault {
    /// Returns a fault without help.
    pub fn new(code: &'static str, range: Range<usize>, message: impl Into<String>) -> Fault {
        Fault {
            code,
            range,
            message: message.into(),
            label: "here".to_owned(),
            help: String::new(),
            meant: None,
        }
    }

    /// Says what is at the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Fault {
        self.label = label.into();
        self
    }

    /// Asks whether `near` was meant.
    #[must_use]
    pub fn suggest(mut self, near: Near<'_>) -> Fault {
        self.help = format!("did you mean `{}`?", near.word);
        self.meant = near.sure.then(|| near.word.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Fault {
        self.help = help.into();
        self
    }
}

impl Call {
    /// Returns the name as written, without spaces.
    pub fn name(&self) -> String {
        dotted(&self.path)
    }
}

/// Joins a dotted name.
pub(crate) fn dotted(path: &[Word]) -> String {
    path.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(".")
}

/// Returns whether a text holds the start of a template.
pub fn has_template(value: &str) -> bool {
    value.contains("{{")
}
