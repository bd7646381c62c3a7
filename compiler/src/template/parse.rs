//! [pure] From a scalar's value to literals and `{{ … }}` expressions; goes on after each error.

use super::{Arg, ArgValue, Call, Expr, Fault, Part, Word};
use crate::artifact::{Json, Piece, Text};

/// Deepest nesting of list literals in an argument.
const LIST_DEPTH_MAX: usize = 16;

const SYNTAX: &str = "plan::template::syntax";

/// Splits `value` into literals and slots; each broken `{{ … }}` is one fault and is left out.
pub fn parse(value: &str) -> (Vec<Part>, Vec<Fault>) {
    let mut parts = Vec::new();
    let mut faults = Vec::new();
    let mut at = 0;
    while let Some(open) = value[at..].find("{{").map(|found| at + found) {
        if open > at {
            parts.push(Part::Literal(value[at..open].to_owned()));
        }
        let mut cursor = Cursor { text: value, at: open + 2 };
        match cursor.expr(open) {
            Ok(expr) => {
                at = expr.range.end;
                parts.push(Part::Slot(expr));
            }
            Err(fault) => {
                faults.push(fault);
                at = resume(value, open + 2);
            }
        }
    }
    if at < value.len() {
        parts.push(Part::Literal(value[at..].to_owned()));
    }
    (parts, faults)
}

/// Returns where to go on after a broken slot whose inside begins at `from`: behind its `}}`, or at the next `{{`.
fn resume(value: &str, from: usize) -> usize {
    let rest = &value[from..];
    let close = rest.find("}}").map(|at| from + at + 2);
    let open = rest.find("{{").map(|at| from + at);
    match (close, open) {
        (Some(close), Some(open)) => close.min(open),
        (Some(at), None) | (None, Some(at)) => at,
        (None, None) => value.len(),
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, token: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// `path [| filter]… }}`; `open` is where `{{` stands.
    fn expr(&mut self, open: usize) -> Result<Expr, Fault> {
        self.skip_space();
        if self.rest().starts_with("}}") {
            let range = open..self.at + 2;
            return Err(Fault::new(SYNTAX, range, "the template is empty")
                .label("nothing between the braces")
                .help("name a value, such as `{{ vars.x }}`, or leave the braces out"));
        }
        let head = self.call(open)?;
        let mut filters = Vec::new();
        while self.eat("|") {
            filters.push(self.call(open)?);
        }
        if self.eat("}}") {
            return Ok(Expr { range: open..self.at, head, filters });
        }
        Err(self.unexpected(open, "`|` or `}}`"))
    }

    fn call(&mut self, open: usize) -> Result<Call, Fault> {
        let path = self.path(open)?;
        let start = path.first().map_or(self.at, |word| word.range.start);
        let mut end = path.last().map_or(self.at, |word| word.range.end);
        let mut args = None;
        if self.eat("(") {
            let mut list = Vec::new();
            if !self.eat(")") {
                loop {
                    list.push(self.arg(open)?);
                    if self.eat(")") {
                        break;
                    }
                    if !self.eat(",") {
                        return Err(self.unexpected(open, "`,` or `)`"));
                    }
                }
            }
            args = Some(list);
            end = self.at;
        }
        Ok(Call { path, args, range: start..end })
    }

    fn path(&mut self, open: usize) -> Result<Vec<Word>, Fault> {
        let mut path = vec![self.word(open)?];
        while self.eat(".") {
            path.push(self.word(open)?);
        }
        Ok(path)
    }

    fn word(&mut self, open: usize) -> Result<Word, Fault> {
        self.skip_space();
        let first = |c: char| c.is_ascii_alphabetic() || c == '_';
        if !self.peek().is_some_and(first) {
            return Err(self.unexpected(open, "a name"));
        }
        let rest = self.rest();
        let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let range = self.at..self.at + len;
        self.at = range.end;
        Ok(Word { text: self.text[range.clone()].to_owned(), range })
    }

    fn arg(&mut self, open: usize) -> Result<Arg, Fault> {
        self.skip_space();
        let start = self.at;
        let value = match self.peek() {
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let path = self.path(open)?;
                match literal_word(&path) {
                    Some(json) => ArgValue::Literal(json),
                    None => ArgValue::Path(path),
                }
            }
            _ => ArgValue::Literal(self.literal(open, 0)?),
        };
        Ok(Arg { value, range: start..self.at })
    }

    /// A string, number, list, `true`, `false` or `null`.
    fn literal(&mut self, open: usize, depth: usize) -> Result<Json, Fault> {
        self.skip_space();
        match self.peek() {
            Some(quote @ ('"' | '\'')) => self.string(open, quote),
            Some('[') if depth < LIST_DEPTH_MAX => self.list(open, depth),
            Some(c) if c == '-' || c.is_ascii_digit() => self.number(),
            Some(c) if c.is_ascii_alphabetic() => {
                let start = self.at;
                let path = self.path(open)?;
                literal_word(&path).ok_or_else(|| {
                    Fault::new(SYNTAX, start..self.at, "a list holds literals only")
                        .label("not a literal")
                        .help("put text in quotes: `[\"a\", \"b\"]`")
                })
            }
            _ => Err(self.unexpected(open, "a value")),
        }
    }

    fn list(&mut self, open: usize, depth: usize) -> Result<Json, Fault> {
        self.at += 1;
        let mut items = Vec::new();
        if self.eat("]") {
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.literal(open, depth + 1)?);
            if self.eat("]") {
                return Ok(Json::List(items));
            }
            if !self.eat(",") {
                return Err(self.unexpected(open, "`,` or `]`"));
            }
        }
    }

    fn string(&mut self, open: usize, quote: char) -> Result<Json, Fault> {
        let start = self.at;
        let mut value = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, 't')) => value.push('\t'),
                    Some((_, escaped @ ('"' | '\'' | '\\'))) => value.push(escaped),
                    _ => {
                        let range = start + at..(start + at + 2).min(self.text.len());
                        let range = range.start..ceil_boundary(self.text, range.end);
                        return Err(Fault::new(SYNTAX, range, "the text has an unknown escape")
                            .help(r#"the escapes are `\n`, `\t`, `\\`, `\"` and `\'`"#));
                    }
                },
                c if c == quote => {
                    self.at = start + at + 1;
                    return Ok(text(value));
                }
                c => value.push(c),
            }
        }
        let range = start..self.text.len();
        Err(Fault::new(SYNTAX, range, "the text in quotes does not end")
            .label(format!("no closing `{quote}`"))
            .help(format!(
                "close the template that begins at byte {open} with `{quote}` and `}}}}`"
            )))
    }

    fn number(&mut self) -> Result<Json, Fault> {
        let start = self.at;
        let rest = self.rest();
        let len = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '+' | '.'))
            .unwrap_or(rest.len());
        let range = start..start + len;
        let written = &self.text[range.clone()];
        if serde_json::from_str::<serde_json::Number>(written).is_err() {
            return Err(Fault::new(SYNTAX, range, format!("`{written}` is not a number"))
                .help("write numbers as JSON does: `3`, `-1`, `0.5`"));
        }
        let number = Json::Number(written.to_owned());
        self.at = range.end;
        Ok(number)
    }

    fn unexpected(&self, open: usize, wanted: &str) -> Fault {
        let Some(found) = self.peek() else {
            let range = open..open + 2;
            return Fault::new("plan::template::unclosed", range, "the template is not closed")
                .label("opened here")
                .help("close it with `}}`");
        };
        let range = self.at..self.at + found.len_utf8();
        let after_word = self.text[..self.at].ends_with(|c: char| c.is_ascii_alphanumeric());
        let help = match found {
            '-' if after_word => {
                "names that templates read have no hyphen: use `_` where the name is given"
            }
            '+' | '-' | '*' | '/' | '=' | '<' | '>' | '!' => {
                "templates read values and do not compute; apply filters with `|`"
            }
            '[' => "a template reads a whole value; capture the item that you need",
            _ => "a template is a name and filters, such as `{{ login.token | url }}`",
        };
        Fault::new(SYNTAX, range, format!("the template has `{found}` where {wanted} belongs"))
            .label(format!("expected {wanted}"))
            .help(help)
    }
}

fn ceil_boundary(text: &str, at: usize) -> usize {
    (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// Reads `true`, `false` and `null`.
fn literal_word(path: &[Word]) -> Option<Json> {
    match path {
        [only] => match only.text.as_str() {
            "true" => Some(Json::Bool(true)),
            "false" => Some(Json::Bool(false)),
            "null" => Some(Json::Null),
            _ => None,
        },
        _ => None,
    }
}

/// Returns a JSON string without slots.
fn text(value: String) -> Json {
    Json::Text(Text(vec![Piece::Literal(value)]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slice(value: &str, range: std::ops::Range<usize>) -> &str {
        &value[range]
    }

    fn shape(value: &str) -> String {
        let (parts, faults) = parse(value);
        let mut out = String::new();
        for part in parts {
            match part {
                Part::Literal(text) => out.push_str(&format!("'{text}' ")),
                Part::Slot(expr) => {
                    out.push_str(&format!("<{}", expr.head.name()));
                    if let Some(args) = expr.head.args {
                        out.push_str(&format!("/{}", args.len()));
                    }
                    for filter in expr.filters {
                        let arity = filter.args.as_ref().map_or(0, Vec::len);
                        out.push_str(&format!("|{}/{arity}", filter.name()));
                    }
                    out.push_str("> ");
                }
            }
        }
        for fault in faults {
            out.push_str(&format!("!{}@{}", fault.code, slice(value, fault.range)));
        }
        out.trim_end().to_owned()
    }

    #[test]
    fn parts_are_found() {
        let check = |value: &str, expected: &str| assert_eq!(shape(value), expected, "{value}");
        check("plain", "'plain'");
        check("", "");
        check("{{ vars.x }}", "<vars.x>");
        check("{{vars.x}}/{{ a.b|url }}", "<vars.x> '/' <a.b|url/0>");
        check("{{ rand.int(1, 6) }}", "<rand.int/2>");
        check("{{ rand.pick([\"}}\", 'b', 3, null]) | text }}", "<rand.pick/1|text/0>");
        check("{{ a.b | default(\"x\") | raw }}!", "<a.b|default/1|raw/0> '!'");
        check("}} and { {", "'}} and { {'");
        check("é{{ vars.x }}é", "'é' <vars.x> 'é'");
    }

    #[test]
    fn each_broken_slot_is_one_fault() {
        let check = |value: &str, expected: &str| assert_eq!(shape(value), expected, "{value}");
        check("{{ }}", "!plan::template::syntax@{{ }}");
        check("{{ vars.x", "!plan::template::unclosed@{{");
        check(
            "{{ my-step.x }} {{ vars. }}",
            "' ' !plan::template::syntax@-!plan::template::syntax@}",
        );
        check("{{ a + b }}{{ vars.x }}", "<vars.x> !plan::template::syntax@+");
        check("{{ vars.x | }}", "!plan::template::syntax@}");
        check("{{ f(1 2) }}", "!plan::template::syntax@2");
        check("{{ f(01) }}", "!plan::template::syntax@01");
        check("{{ f(\"a) }}", "!plan::template::syntax@\"a) }}");
        check("{{ f('\\é') }}", "!plan::template::syntax@\\é");
        check("{{ a {{ vars.x }}", "<vars.x> !plan::template::syntax@{");
    }

    proptest! {
        #[test]
        fn any_text_parses_without_panic_and_faults_lie_in_it(value in "[{}|.()\\[\\],a-z\"'0-9 é\\\\-]{0,40}") {
            let (_, faults) = parse(&value);
            for fault in faults {
                prop_assert!(value.get(fault.range).is_some());
            }
        }
    }
}
