//! (pure) The words and signs of a condition; those of other languages are named with ours.

use std::ops::Range;

use super::SYNTAX;
use crate::artifact::{Bound, Json, Piece, Text};
use crate::template::{Call, Fault, Word};

/// One word or sign.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Or,
    And,
    Not,
    In,
    Bound(Bound),
    Open,
    Close,
    OpenList,
    CloseList,
    Comma,
    Literal(Json),
    Name(Call),
    End,
}

/// Signs, longest first.
const SIGNS: [(&str, Token); 11] = [
    ("==", Token::Bound(Bound::Equal)),
    ("!=", Token::Bound(Bound::NotEqual)),
    ("<=", Token::Bound(Bound::AtMost)),
    (">=", Token::Bound(Bound::AtLeast)),
    ("<", Token::Bound(Bound::Less)),
    (">", Token::Bound(Bound::Greater)),
    ("(", Token::Open),
    (")", Token::Close),
    ("[", Token::OpenList),
    ("]", Token::CloseList),
    (",", Token::Comma),
];

/// Signs of other languages, longest first, with what to do.
const FOREIGN_SIGNS: [(&str, &str); 14] = [
    ("===", "write `==`"),
    ("!==", "write `!=`"),
    ("&&", "write `and`"),
    ("||", "write `or`"),
    ("<>", "write `!=`"),
    ("=~", "conditions have no patterns: capture what the pattern finds, and compare that"),
    ("{{", "write the name alone, as in `list.ids` or `poll.state == \"done\"`"),
    ("${", "write the name alone, as in `vars.x`"),
    ("$.", "capture the value in a step, and read it as `<step>.<capture>`"),
    ("=", "write `==`"),
    ("!", "write `not`"),
    ("&", "write `and`"),
    ("|", "a condition has no filters: capture or declare the value as it is compared"),
    ("?", "a condition only compares; use `choose` to do one thing or another"),
];

/// Words of other languages, with ours.
const FOREIGN_WORDS: [(&str, &str); 17] = [
    ("AND", "write `and`"),
    ("OR", "write `or`"),
    ("NOT", "write `not`"),
    ("IN", "write `in`"),
    ("eq", "write `==`"),
    ("ne", "write `!=`"),
    ("lt", "write `<`"),
    ("le", "write `<=`"),
    ("gt", "write `>`"),
    ("ge", "write `>=`"),
    ("is", "write `==`"),
    ("equals", "write `==`"),
    ("xor", "write `!=` between two booleans"),
    ("contains", "write the list on the right: `\"a\" in list.names`"),
    ("matches", "conditions have no patterns: capture what the pattern finds, and compare that"),
    ("startsWith", "conditions have no functions: capture the part that you compare"),
    ("like", "conditions have no patterns: capture what the pattern finds, and compare that"),
];

/// A text, one token ahead.
pub(super) struct Scan<'a> {
    text: &'a str,
    token: Token,
    /// Where the token stands.
    range: Range<usize>,
    /// Where the token before it ends.
    last_end: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Result<Scan<'a>, Fault> {
        let mut scan = Scan { text, token: Token::End, range: 0..0, last_end: 0 };
        scan.next()?;
        Ok(scan)
    }

    pub(super) fn peek(&self) -> &Token {
        &self.token
    }

    /// Returns where the token begins.
    pub(super) fn at(&self) -> usize {
        self.range.start
    }

    pub(super) fn end_of_last(&self) -> usize {
        self.last_end
    }

    pub(super) fn eat(&mut self, wanted: &Token) -> Result<bool, Fault> {
        let found = self.token == *wanted;
        if found {
            self.next()?;
        }
        Ok(found)
    }

    /// Says something of the token.
    pub(super) fn fault(&self, message: &str) -> Fault {
        Fault::new(SYNTAX, self.range.clone(), message)
    }

    pub(super) fn unexpected(&self, wanted: &str) -> Fault {
        if self.token == Token::End {
            let end = self.text.trim_end().len();
            let from = self.text[..end].char_indices().next_back().map_or(0, |(at, _)| at);
            return Fault::new(
                SYNTAX,
                from..end,
                format!("the condition ends where {wanted} belongs"),
            )
            .label("ends here")
            .help("write it as `poll.state == \"done\"`");
        }
        let found = &self.text[self.range.clone()];
        let help = match &self.token {
            Token::Name(call) => {
                let foreign = FOREIGN_WORDS.iter().find(|(word, _)| *word == call.name());
                foreign.map_or("join conditions with `and` or `or`", |(_, help)| *help)
            }
            _ => "write it as `poll.state == \"done\"`",
        };
        self.fault(&format!("the condition has `{found}` where {wanted} belongs"))
            .label(format!("expected {wanted}"))
            .help(help)
    }

    /// Goes on to the next token.
    pub(super) fn next(&mut self) -> Result<(), Fault> {
        self.last_end = self.range.end;
        let rest = &self.text[self.last_end..];
        let start = self.last_end + (rest.len() - rest.trim_start().len());
        let rest = &self.text[start..];
        let (token, len) = match rest.chars().next() {
            None => (Token::End, 0),
            Some(quote @ ('"' | '\'')) => self.quoted(start, quote)?,
            Some(c) if c.is_ascii_digit() => self.number(start)?,
            Some('-') if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                self.number(start)?
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => self.word(start)?,
            Some(c) => self.sign(start, c)?,
        };
        self.token = token;
        self.range = start..start + len;
        Ok(())
    }

    fn sign(&self, start: usize, c: char) -> Result<(Token, usize), Fault> {
        let rest = &self.text[start..];
        let ours = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign));
        let foreign = FOREIGN_SIGNS.iter().find(|(sign, _)| rest.starts_with(sign));
        match (ours, foreign) {
            (Some((sign, token)), foreign)
                if foreign.is_none_or(|(other, _)| other.len() <= sign.len()) =>
            {
                Ok((token.clone(), sign.len()))
            }
            (_, Some((sign, help))) => {
                let range = start..start + sign.len();
                let message = match *sign {
                    "{{" | "${" => "a name stands here without braces".to_owned(),
                    _ => format!("`{sign}` is no sign of a condition"),
                };
                Err(Fault::new(SYNTAX, range, message).label("not known here").help(*help))
            }
            _ => {
                let help = if "+-*/%".contains(c) {
                    "a condition compares and does not compute"
                } else {
                    "write it as `poll.state == \"done\"`"
                };
                let range = start..start + c.len_utf8();
                Err(Fault::new(
                    SYNTAX,
                    range,
                    format!("`{}` is no sign of a condition", c.escape_debug()),
                )
                .label("not known here")
                .help(help))
            }
        }
    }

    fn quoted(&self, start: usize, quote: char) -> Result<(Token, usize), Fault> {
        let mut value = String::new();
        let mut chars = self.text[start..].char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, 't')) => value.push('\t'),
                    Some((_, escaped @ ('"' | '\'' | '\\'))) => value.push(escaped),
                    other => {
                        let len = 1 + other.map_or(0, |(_, c)| c.len_utf8());
                        let range = start + at..start + at + len;
                        return Err(Fault::new(SYNTAX, range, "the text has an unknown escape")
                            .help(r#"the escapes are `\n`, `\t`, `\\`, `\"` and `\'`"#));
                    }
                },
                c if c == quote => {
                    let pieces =
                        if value.is_empty() { Vec::new() } else { vec![Piece::Literal(value)] };
                    return Ok((Token::Literal(Json::Text(Text(pieces))), at + 1));
                }
                c => value.push(c),
            }
        }
        let range = start..self.text.len();
        Err(Fault::new(SYNTAX, range, "the text in quotes does not end")
            .label(format!("no closing `{quote}`"))
            .help(format!("close it with `{quote}`")))
    }

    fn number(&self, start: usize) -> Result<(Token, usize), Fault> {
        let rest = &self.text[start..];
        let part = |(at, c): (usize, char)| {
            !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%'))
                && !(matches!(c, '-' | '+') && (at == 0 || rest[..at].ends_with(['e', 'E'])))
        };
        let len = rest.char_indices().find(|found| part(*found)).map_or(rest.len(), |(at, _)| at);
        let written = &rest[..len];
        if serde_json::from_str::<serde_json::Number>(written).is_ok() {
            return Ok((Token::Literal(Json::Number(written.to_owned())), len));
        }
        let range = start..start + len;
        Err(Fault::new(SYNTAX, range, format!("`{written}` is not a number"))
            .label("not a number")
            .help(
                "write numbers as JSON does, `3`, `-1`, `0.5`, without a unit; put text in quotes",
            ))
    }

    fn word(&self, start: usize) -> Result<(Token, usize), Fault> {
        let mut path = Vec::new();
        let mut at = start;
        loop {
            let rest = &self.text[at..];
            let len =
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let range = at..at + len;
            if len == 0 || rest.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(Fault::new(SYNTAX, start..at, "a name ends with `.`")
                    .label("a part is missing")
                    .help("write `<step>.<capture>`, such as `poll.state`"));
            }
            at = range.end;
            path.push(Word { text: self.text[range.clone()].to_owned(), range });
            if !self.text[at..].starts_with('.') {
                break;
            }
            at += 1;
        }
        self.after_name(start, at)?;
        let word = match path.as_slice() {
            [only] => only.text.as_str(),
            _ => "",
        };
        let token = match word {
            "and" => Token::And,
            "or" => Token::Or,
            "not" => Token::Not,
            "in" => Token::In,
            "true" => Token::Literal(Json::Bool(true)),
            "false" => Token::Literal(Json::Bool(false)),
            "null" => Token::Literal(Json::Null),
            _ => Token::Name(Call { path, args: None, range: start..at }),
        };
        Ok((token, at - start))
    }

    /// Refuses what makes a call, an index or a hyphened name of a name.
    fn after_name(&self, start: usize, end: usize) -> Result<(), Fault> {
        let name = &self.text[start..end];
        let keyword = matches!(name, "and" | "or" | "not" | "in");
        let (message, help) = match self.text[end..].chars().next() {
            Some('(') if !keyword => (
                format!("`{name}` is called, and conditions call nothing"),
                "draw or compute it before: `let` keeps a value for the transaction",
            ),
            Some('[') if !keyword => (
                format!("an item of `{name}` is read, and conditions read whole values"),
                "capture the item that you need: `{ json: \"$.items[0].id\" }`",
            ),
            Some('-') if !keyword => (
                format!("`{name}-` is no name"),
                "names have no hyphen: use `_` where the name is given",
            ),
            _ => return Ok(()),
        };
        Err(Fault::new(SYNTAX, start..end + 1, message).label("not a name").help(help))
    }
}
