//! (pure) Conditions of steps: `poll.state == "done" and not login.new`, parsed with the place of every part.

mod scan;

use std::ops::Range;

use self::scan::{Scan, Token};
use crate::artifact::{Bound, Json};
use crate::template::{Call, Fault};

/// Deepest nesting of parentheses, lists and `not`.
const DEPTH_MAX: usize = 32;

/// Longest condition or value, in bytes.
const LENGTH_MAX: usize = 10_000;

const SYNTAX: &str = "plan::expression::syntax";

/// A condition whose names are not resolved yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// `a and b`
    All(Vec<Test>),
    /// `a or b`
    Any(Vec<Test>),
    /// `not a`
    Not(Box<Test>),
    /// `a == b`
    Compare {
        /// What is compared.
        left: Operand,
        /// How.
        bound: Bound,
        /// With what.
        right: Operand,
    },
    /// `a in [b, c]`
    In {
        /// The value.
        value: Operand,
        /// The list.
        list: Operand,
    },
    /// A value that is a boolean itself.
    Is(Operand),
}

/// A value of a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// What it is.
    pub value: OperandValue,
    /// Where it stands, in bytes of the text.
    pub range: Range<usize>,
}

/// What a value of a condition is.
#[derive(Clone, Debug, PartialEq)]
pub enum OperandValue {
    /// A number, a text, `true`, `false` or `null`.
    Literal(Json),
    /// A name as templates have it.
    Name(Call),
    /// `[a, "b"]`
    List(Vec<Operand>),
}

/// Parses a condition.
///
/// # Errors
/// The first thing that is not of the grammar, with what to write instead.
pub fn parse_condition(text: &str) -> Result<Test, Fault> {
    short(text, "the condition", "decide by fewer values, such as one that a step captures")?;
    let mut parser = Parser { scan: Scan::new(text)?, depth: 0 };
    let test = parser.any()?;
    match parser.scan.peek() {
        Token::End => Ok(test),
        _ => Err(parser.scan.unexpected("`and`, `or` or the end")),
    }
}

/// Parses one value: a name, or a literal.
///
/// # Errors
/// Anything else, or anything behind it.
pub fn parse_operand(text: &str) -> Result<Operand, Fault> {
    short(text, "the value", "write a long list as one of YAML, or name a var that holds it")?;
    let mut parser = Parser { scan: Scan::new(text)?, depth: 0 };
    let operand = parser.operand()?;
    match parser.scan.peek() {
        Token::End => Ok(operand),
        _ => Err(parser.scan.unexpected("the end")),
    }
}

/// Refuses a text that is too long to be read with the place of every part.
fn short(text: &str, what: &str, help: &str) -> Result<(), Fault> {
    if text.len() <= LENGTH_MAX {
        return Ok(());
    }
    let first = text.chars().next().map_or(0, char::len_utf8);
    let message = format!("{what} has more than {LENGTH_MAX} bytes");
    Err(Fault::new(SYNTAX, 0..first, message).label("begins here").help(help))
}

struct Parser<'a> {
    scan: Scan<'a>,
    depth: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Test, Fault> {
        let mut parts = vec![self.all()?];
        while self.scan.eat(&Token::Or)? {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Test::Any))
    }

    fn all(&mut self) -> Result<Test, Fault> {
        let mut parts = vec![self.not()?];
        while self.scan.eat(&Token::And)? {
            parts.push(self.not()?);
        }
        Ok(one_or(parts, Test::All))
    }

    fn not(&mut self) -> Result<Test, Fault> {
        if !matches!(self.scan.peek(), Token::Not) {
            return self.comparison();
        }
        self.deeper()?;
        self.scan.next()?;
        let inner = self.not()?;
        self.depth -= 1;
        Ok(Test::Not(Box::new(inner)))
    }

    fn comparison(&mut self) -> Result<Test, Fault> {
        if matches!(self.scan.peek(), Token::Open) {
            self.deeper()?;
            self.scan.next()?;
            let inner = self.any()?;
            if !self.scan.eat(&Token::Close)? {
                return Err(self.scan.unexpected("`)`"));
            }
            self.depth -= 1;
            return match self.scan.peek() {
                Token::Bound(_) | Token::In => Err(self
                    .scan
                    .fault("what stands in parentheses is a condition and compares with nothing")
                    .label("compared here")
                    .help("compare values, and join comparisons with `and`, `or`, `not`")),
                _ => Ok(inner),
            };
        }
        let left = self.operand()?;
        let test = match self.scan.peek().clone() {
            Token::Bound(bound) => {
                self.scan.next()?;
                Test::Compare { left, bound, right: self.operand()? }
            }
            Token::In => {
                self.scan.next()?;
                Test::In { value: left, list: self.operand()? }
            }
            Token::Not => {
                return Err(self
                    .scan
                    .fault("`not` stands in front of a comparison")
                    .help("write `not a in [1, 2]`, or compare with `!=`"));
            }
            _ => return Ok(Test::Is(left)),
        };
        match self.scan.peek() {
            Token::Bound(_) | Token::In => Err(self
                .scan
                .fault("a comparison has two sides")
                .label("a third one")
                .help("join two comparisons with `and`: `a < b and b < c`")),
            _ => Ok(test),
        }
    }

    fn operand(&mut self) -> Result<Operand, Fault> {
        let start = self.scan.at();
        let value = match self.scan.peek().clone() {
            Token::Literal(json) => {
                self.scan.next()?;
                OperandValue::Literal(json)
            }
            Token::Name(call) => {
                if let [word] = call.path.as_slice()
                    && !matches!(word.text.as_str(), "item" | "seed")
                {
                    return Err(bare_word(&word.text, call.range));
                }
                if call.path.first().is_some_and(|word| word.text == "rand") {
                    return Err(Fault::new(SYNTAX, call.range, "a condition draws nothing")
                        .label("a draw")
                        .help("draw it in `let` of the scenario, and read it as `let.x`; to do something for a share of the arrivals write `choose` with weights"));
                }
                self.scan.next()?;
                OperandValue::Name(call)
            }
            Token::OpenList => OperandValue::List(self.list()?),
            _ => return Err(self.scan.unexpected("a name or a value")),
        };
        Ok(Operand { value, range: start..self.scan.end_of_last() })
    }

    fn list(&mut self) -> Result<Vec<Operand>, Fault> {
        self.deeper()?;
        self.scan.next()?;
        let mut items = Vec::new();
        if !self.scan.eat(&Token::CloseList)? {
            loop {
                items.push(self.operand()?);
                if self.scan.eat(&Token::CloseList)? {
                    break;
                }
                if !self.scan.eat(&Token::Comma)? {
                    return Err(self.scan.unexpected("`,` or `]`"));
                }
            }
        }
        self.depth -= 1;
        Ok(items)
    }

    fn deeper(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth <= DEPTH_MAX {
            return Ok(());
        }
        let message = format!("the condition is nested more than {DEPTH_MAX} deep");
        Err(self.scan.fault(&message).label("too deep").help("write it flatter"))
    }
}

fn one_or(mut parts: Vec<Test>, many: impl FnOnce(Vec<Test>) -> Test) -> Test {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            parts.extend(last);
            many(parts)
        }
    }
}

/// Says that a word is neither a name nor a text.
fn bare_word(word: &str, range: Range<usize>) -> Fault {
    let help = match word {
        "True" | "TRUE" | "yes" => "write `true`".to_owned(),
        "False" | "FALSE" | "no" => "write `false`".to_owned(),
        "None" | "nil" | "undefined" | "NULL" => "write `null`".to_owned(),
        _ => format!(
            "put text in quotes, `\"{word}\"`, and say where a name is from: `vars.{word}`, `<step>.{word}`"
        ),
    };
    let message = format!("`{word}` is neither a name nor a text");
    Fault::new("plan::template::unknown-name", range, message).label("unknown name").help(help)
}

#[cfg(test)]
mod tests;
