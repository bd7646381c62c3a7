//! (pure) CSS selectors: whether a text is one, by the grammar of Selectors Level 4 without name spaces.

use std::ops::Range;

/// Deepest nesting of `:not(:is(…))`.
const DEPTH_MAX: usize = 16;

/// What is wrong with a selector, and where.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) range: Range<usize>,
    pub(super) what: &'static str,
}

/// Pseudo-classes whose argument is a list of selectors.
const OF_SELECTORS: [&str; 6] = ["not", "is", "where", "has", "host", "slotted"];

/// Checks a list of selectors.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    let mut scan = Scan { text, at: 0 };
    scan.list(0)?;
    if scan.at < text.len() {
        return Err(scan.fault("this belongs to no selector"));
    }
    Ok(())
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
}

impl Scan<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn space(&mut self) -> bool {
        let before = self.at;
        self.at += self.rest().len() - self.rest().trim_start().len();
        self.at > before
    }

    fn fault(&self, what: &'static str) -> Fault {
        let len = self.peek().map_or(0, char::len_utf8);
        Fault { range: self.at..self.at + len, what }
    }

    /// `complex, complex`
    fn list(&mut self, depth: usize) -> Result<(), Fault> {
        if depth > DEPTH_MAX {
            return Err(self.fault("nested too deeply"));
        }
        loop {
            self.space();
            // `:has(> img)` begins with a combinator.
            if depth > 0 && self.peek().is_some_and(|c| ">+~".contains(c)) {
                self.at += 1;
                self.space();
            }
            self.complex(depth)?;
            if !self.eat(',') {
                return Ok(());
            }
        }
    }

    /// `compound > compound compound`
    fn complex(&mut self, depth: usize) -> Result<(), Fault> {
        self.compound(depth)?;
        loop {
            let spaced = self.space();
            match self.peek() {
                Some('>' | '+' | '~') => {
                    self.at += 1;
                    self.space();
                    self.compound(depth)?;
                }
                None | Some(',' | ')') => return Ok(()),
                Some(_) if spaced => self.compound(depth)?,
                Some(_) => return Err(self.fault("this belongs to no selector")),
            }
        }
    }

    /// `div#a.b[c]:d`
    fn compound(&mut self, depth: usize) -> Result<(), Fault> {
        let start = self.at;
        if !self.eat('*') {
            self.name();
        }
        loop {
            match self.peek() {
                Some('#') => self.named("an id follows `#`")?,
                Some('.') => self.named("a class follows `.`")?,
                Some('[') => self.attribute()?,
                Some(':') => self.pseudo(depth)?,
                _ if self.at > start => return Ok(()),
                _ => return Err(self.fault("a selector is missing here")),
            }
        }
    }

    fn named(&mut self, what: &'static str) -> Result<(), Fault> {
        self.at += 1;
        if self.name() { Ok(()) } else { Err(self.fault(what)) }
    }

    /// Reads an identifier; escapes are `\` and a character.
    fn name(&mut self) -> bool {
        let start = self.at;
        while let Some(c) = self.peek() {
            let first = self.rest().len() == self.text.len() - start;
            if c == '\\' {
                self.at += 1;
                match self.peek() {
                    Some(escaped) => self.at += escaped.len_utf8(),
                    None => return false,
                }
            } else if c.is_alphabetic() || c == '_' || c == '-' || !c.is_ascii() {
                self.at += c.len_utf8();
            } else if c.is_ascii_digit() && !first {
                self.at += 1;
            } else {
                break;
            }
        }
        self.at > start && &self.text[start..self.at] != "-"
    }

    /// `[name]`, `[name ^= "value" i]`
    fn attribute(&mut self) -> Result<(), Fault> {
        let open = self.at;
        self.at += 1;
        self.space();
        if !self.name() {
            return Err(self.fault("the name of an attribute follows `[`"));
        }
        self.space();
        if self.peek() != Some(']') && self.peek().is_some() {
            if self.peek().is_some_and(|c| "~|^$*".contains(c)) {
                self.at += 1;
            }
            if !self.eat('=') {
                return Err(self.fault("`=` or `]` belongs here"));
            }
            self.space();
            match self.peek() {
                Some('"' | '\'') => self.string()?,
                _ if self.name() => {}
                _ => return Err(self.fault("a value in quotes belongs here")),
            }
            if self.space() && self.peek().is_some_and(|c| "iIsS".contains(c)) {
                self.at += 1;
                self.space();
            }
        }
        if self.eat(']') {
            return Ok(());
        }
        Err(Fault { range: open..open + 1, what: "this bracket is not closed" })
    }

    fn string(&mut self) -> Result<(), Fault> {
        let open = self.at;
        let mut chars = self.rest().char_indices();
        let quote = chars.next().map(|(_, quote)| quote);
        let mut escaped = false;
        for (at, c) in chars {
            if !escaped && Some(c) == quote {
                self.at = open + at + 1;
                return Ok(());
            }
            escaped = c == '\\' && !escaped;
        }
        Err(Fault { range: open..open + 1, what: "this quote is not closed" })
    }

    /// `:hover`, `::before`, `:nth-child(2n + 1)`, `:not(a)`
    fn pseudo(&mut self, depth: usize) -> Result<(), Fault> {
        self.at += 1;
        self.eat(':');
        let start = self.at;
        if !self.name() {
            return Err(self.fault("the name of a pseudo-class follows `:`"));
        }
        let of_selectors = OF_SELECTORS.contains(&&self.text[start..self.at]);
        let open = self.at;
        if !self.eat('(') {
            return Ok(());
        }
        if of_selectors {
            self.list(depth + 1)?;
        } else {
            self.arguments()?;
        }
        if self.eat(')') {
            return Ok(());
        }
        Err(Fault { range: open..open + 1, what: "this parenthesis is not closed" })
    }

    /// Anything up to the closing parenthesis.
    fn arguments(&mut self) -> Result<(), Fault> {
        let mut open = 0;
        while let Some(c) = self.peek() {
            match c {
                '"' | '\'' => {
                    self.string()?;
                    continue;
                }
                '(' => open += 1,
                ')' if open == 0 => return Ok(()),
                ')' => open -= 1,
                _ => {}
            }
            self.at += c.len_utf8();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_told_from_other_texts() {
        for good in [
            "#orders",
            "*",
            "li.open > a, .x ~ b + c d",
            "[data-id='7']",
            "a[href ^= \"/x\" i]:not(.y, :hover)",
            "button:nth-child(2n + 1)::before",
            "div:has(> img)",
            ".a\\:b",
            "é-1",
            "my-element",
        ] {
            assert!(check(good).is_ok(), "{good}: {:?}", check(good));
        }
        for (bad, at) in [
            ("", ""),
            ("#", ""),
            ("div >", ""),
            ("a[b", "["),
            ("a[b='c]", "'"),
            ("a..b", "."),
            ("a:not(b", "("),
            ("a,,b", ","),
            ("//div", "/"),
            ("a)", ")"),
            ("text=Log in", "="),
            ("#1", "1"),
        ] {
            let fault = check(bad).unwrap_err();
            assert_eq!(&bad[fault.range], at, "{bad}");
        }
    }

    #[test]
    fn any_text_is_judged() {
        arbtest::arbtest(|unstructured| {
            let text: String = (0..unstructured.int_in_range(0..=30)?)
                .map(|_| {
                    Ok(*unstructured.choose(&[
                        '#', '.', '[', ']', '(', ')', ':', 'a', '\\', '"', 'é', ' ', ',', '>', '=',
                        '1',
                    ])?)
                })
                .collect::<arbtest::arbitrary::Result<_>>()?;
            if let Err(fault) = check(&text) {
                assert!(text.get(fault.range).is_some(), "{text}");
            }
            Ok(())
        })
        .budget_ms(300);
    }
}
