//! (pure) From a parsed `{{ … }}` to a typed slot: the closed list of names, functions and filters.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Arg, ArgValue, Call, Expr, Fault, Word, dotted};
use crate::artifact::{Filter, Json, Slot, SlotSource};
use crate::diagnostic::nearest;

/// First words of template names; no step may be called so.
pub const ROOTS: [&str; 14] = [
    "vars", "secrets", "data", "before", "user", "let", "params", "item", "arrival", "group",
    "run", "seed", "rand", "now",
];

/// Every filter.
pub const FILTERS: [&str; 10] =
    ["int", "number", "bool", "text", "json", "base64", "url", "hmac_sha256", "default", "raw"];

/// Whole names without a name of the user's in them.
pub const NAMES: [&str; 12] = [
    "item",
    "arrival.number",
    "arrival.id",
    "user.number",
    "group.name",
    "run.id",
    "seed",
    "now.unix_ms",
    "now.iso",
    "rand.int",
    "rand.uuid",
    "rand.pick",
];

const UNKNOWN_NAME: &str = "plan::template::unknown-name";
const ARGUMENTS: &str = "plan::template::arguments";

/// A name that a template reads, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// What is read.
    pub from: SlotSource,
    /// Where its name stands, in bytes of the value.
    pub range: Range<usize>,
    /// Whether it is a secret that only signs, or a var that is used when compiling: neither is sent.
    pub inside: bool,
}

/// What became of an expression.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// The slot; `None` if there is a fault.
    pub slot: Option<Slot>,
    /// Every name that is read.
    pub reads: Vec<Read>,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// Resolves names, functions and filters of `expr`; `vars` are the values for arguments, `draws` counts random draws.
///
/// Whether a data column, secret, var or capture exists is for the analysis to say.
pub fn resolve(expr: &Expr, vars: &BTreeMap<String, Json>, draws: &mut u32) -> Resolved {
    let mut work = Work { vars, out: Resolved::default() };
    let from = work.head(&expr.head, draws);
    let mut filters = Vec::new();
    for call in &expr.filters {
        filters.extend(work.filter(call));
    }
    if work.out.faults.is_empty() {
        work.out.slot = from.map(|from| Slot { from, filters });
    }
    work.out
}

struct Work<'a> {
    vars: &'a BTreeMap<String, Json>,
    out: Resolved,
}

impl Work<'_> {
    fn fault(&mut self, fault: Fault) {
        self.out.faults.push(fault);
    }

    fn head(&mut self, head: &Call, draws: &mut u32) -> Option<SlotSource> {
        let words: Vec<&str> = head.path.iter().map(|word| word.text.as_str()).collect();
        if words.first() == Some(&"rand") {
            return self.random(head, draws);
        }
        if head.args.is_some() && !NAMES.contains(&head.name().as_str()) && words[0] != "vars" {
            self.fault(unknown_function(head));
            return None;
        }
        if head.args.is_some() {
            let name = head.name();
            self.fault(
                Fault::new(ARGUMENTS, head.range.clone(), format!("`{name}` is not a function"))
                    .label("called here")
                    .help(format!("leave the parentheses out: `{{{{ {name} }}}}`")),
            );
            return None;
        }
        let from = match words.as_slice() {
            ["vars", name] => SlotSource::Var((*name).to_owned()),
            ["secrets", name] => SlotSource::Secret((*name).to_owned()),
            ["data", data, column] => {
                SlotSource::Data { data: (*data).to_owned(), column: (*column).to_owned() }
            }
            ["before", step, name] => {
                SlotSource::BeforeCapture { step: (*step).to_owned(), name: (*name).to_owned() }
            }
            ["user", step, name] => {
                SlotSource::UserCapture { step: (*step).to_owned(), name: (*name).to_owned() }
            }
            ["let", name] => SlotSource::Let((*name).to_owned()),
            ["params", name] => SlotSource::Param((*name).to_owned()),
            ["item"] => SlotSource::Item,
            ["arrival", "number"] => SlotSource::ArrivalNumber,
            ["arrival", "id"] => SlotSource::ArrivalId,
            ["user", "number"] => SlotSource::UserNumber,
            ["group", "name"] => SlotSource::GroupName,
            ["run", "id"] => SlotSource::RunId,
            ["seed"] => SlotSource::Seed,
            ["now", "unix_ms"] => SlotSource::NowUnixMs,
            ["now", "iso"] => SlotSource::NowIso,
            [step, name] if !ROOTS.contains(step) => {
                SlotSource::Capture { step: (*step).to_owned(), name: (*name).to_owned() }
            }
            _ => {
                let fault = unknown_name(head, self.vars);
                self.fault(fault);
                return None;
            }
        };
        self.out.reads.push(Read { from: from.clone(), range: head.range.clone(), inside: false });
        Some(from)
    }

    fn random(&mut self, head: &Call, draws: &mut u32) -> Option<SlotSource> {
        let name = head.name();
        if !NAMES.contains(&name.as_str()) {
            self.fault(unknown_function(head));
            return None;
        }
        let Some(args) = &head.args else {
            self.fault(
                Fault::new(ARGUMENTS, head.range.clone(), format!("`{name}` is a function"))
                    .label("no parentheses")
                    .help(format!("call it: `{{{{ {} }}}}`", usage(&name))),
            );
            return None;
        };
        let place = *draws;
        *draws = draws.saturating_add(1);
        let from = match (name.as_str(), args.as_slice()) {
            ("rand.uuid", []) => SlotSource::RandUuid { place },
            ("rand.int", [min, max]) => {
                let (low, high) = (self.integer(min), self.integer(max));
                let (low, high) = (low?, high?);
                if low > high {
                    let range = min.range.start..max.range.end;
                    let message = format!("`rand.int` has no number from {low} to {high}");
                    self.fault(
                        Fault::new(ARGUMENTS, range, message)
                            .label("the first is the larger")
                            .help("write the smaller number first"),
                    );
                    return None;
                }
                SlotSource::RandInt { min: low, max: high, place }
            }
            ("rand.pick", [list]) => SlotSource::RandPick { items: self.list(list)?, place },
            _ => {
                self.fault(wrong_arity(&name, head, args.len()));
                return None;
            }
        };
        self.out.reads.push(Read { from: from.clone(), range: head.range.clone(), inside: false });
        Some(from)
    }

    /// Returns the value of an argument; a var is read now.
    fn constant(&mut self, arg: &Arg) -> Option<Json> {
        let path = match &arg.value {
            ArgValue::Literal(json) => return Some(json.clone()),
            ArgValue::Path(path) => path,
        };
        if let [root, name] = path.as_slice()
            && root.text == "vars"
        {
            let from = SlotSource::Var(name.text.clone());
            self.out.reads.push(Read { from, range: arg.range.clone(), inside: true });
            // An unknown var is reported from its read; the slot is then never sealed.
            return Some(self.vars.get(&name.text).cloned().unwrap_or(Json::Null));
        }
        let message = format!("`{}` cannot be an argument", dotted(path));
        self.fault(
            Fault::new(ARGUMENTS, arg.range.clone(), message)
                .label("neither a literal nor a var")
                .help("arguments are decided when compiling: write a literal or `vars.x`"),
        );
        None
    }

    fn is_known(&self, arg: &Arg) -> bool {
        match &arg.value {
            ArgValue::Path(path) => path.get(1).is_some_and(|w| self.vars.contains_key(&w.text)),
            ArgValue::Literal(_) => true,
        }
    }

    fn integer(&mut self, arg: &Arg) -> Option<i64> {
        let value = self.constant(arg)?;
        let number = match &value {
            Json::Number(text) => text.parse::<i64>().ok(),
            _ => None,
        };
        if number.is_none() && self.is_known(arg) {
            self.fault(
                Fault::new(ARGUMENTS, arg.range.clone(), "`rand.int` takes two whole numbers")
                    .label("not a whole number")
                    .help("write it as `rand.int(1, 6)`; both ends can be drawn"),
            );
        }
        number
    }

    fn list(&mut self, arg: &Arg) -> Option<Vec<Json>> {
        let value = self.constant(arg)?;
        match value {
            Json::List(items) if !items.is_empty() => Some(items),
            _ if !self.is_known(arg) => None,
            _ => {
                self.fault(
                    Fault::new(
                        ARGUMENTS,
                        arg.range.clone(),
                        "`rand.pick` takes a list that is not empty",
                    )
                    .label("not such a list")
                    .help("write it as `rand.pick([\"a\", \"b\"])` or name a var that is a list"),
                );
                None
            }
        }
    }

    fn filter(&mut self, call: &Call) -> Option<Filter> {
        let name = call.name();
        let args = call.args.as_deref().unwrap_or_default();
        let filter = match (name.as_str(), args) {
            ("int", []) => Filter::Int,
            ("number", []) => Filter::Number,
            ("bool", []) => Filter::Bool,
            ("text", []) => Filter::Text,
            ("json", []) => Filter::Json,
            ("base64", []) => Filter::Base64,
            ("url", []) => Filter::Url,
            ("raw", []) => Filter::Raw,
            ("default", [value]) => Filter::Default(self.constant(value)?),
            ("hmac_sha256", [arg]) => Filter::HmacSha256(self.secret(arg)?),
            _ if FILTERS.contains(&name.as_str()) => {
                self.fault(wrong_arity(&name, call, args.len()));
                return None;
            }
            _ => {
                let range = call.range.clone();
                let code = "plan::template::unknown-filter";
                let fault = Fault::new(code, range, format!("there is no filter `{name}`"))
                    .label("unknown filter");
                let list = || FILTERS.map(|f| format!("`{f}`")).join(", ");
                self.fault(match nearest(&name, FILTERS) {
                    Some(near) => fault.suggest(near),
                    None => fault.help(format!("the filters are {}", list())),
                });
                return None;
            }
        };
        Some(filter)
    }

    fn secret(&mut self, arg: &Arg) -> Option<String> {
        let help = match &arg.value {
            ArgValue::Path(path) => match path.as_slice() {
                [name] => {
                    let from = SlotSource::Secret(name.text.clone());
                    self.out.reads.push(Read { from, range: arg.range.clone(), inside: true });
                    return Some(name.text.clone());
                }
                [_, name] => format!("write the name alone: `hmac_sha256({})`", name.text),
                _ => "write it as `hmac_sha256(signing_key)`".to_owned(),
            },
            ArgValue::Literal(_) => "declare the key under `secrets` and name it here".to_owned(),
        };
        let message = "`hmac_sha256` takes the name of a secret";
        let fault = Fault::new(ARGUMENTS, arg.range.clone(), message);
        self.fault(fault.label("not the name of a secret").help(help));
        None
    }
}

fn usage(name: &str) -> &'static str {
    match name {
        "rand.int" => "rand.int(1, 6)",
        "rand.uuid" => "rand.uuid()",
        "rand.pick" => "rand.pick([\"a\", \"b\"])",
        "default" => "… | default(\"none\")",
        "hmac_sha256" => "… | hmac_sha256(signing_key)",
        _ => "… | int",
    }
}

fn wrong_arity(name: &str, call: &Call, given: usize) -> Fault {
    let wanted = match name {
        "rand.int" => 2,
        "rand.pick" | "default" | "hmac_sha256" => 1,
        _ => 0,
    };
    let count = |n: usize| match n {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        n => format!("{n} arguments"),
    };
    let message = format!("`{name}` takes {}, not {}", count(wanted), count(given));
    let help = match wanted {
        0 if name != "rand.uuid" => format!("write it as `… | {name}`"),
        _ => format!("write it as `{}`", usage(name)),
    };
    Fault::new(ARGUMENTS, call.range.clone(), message)
        .label(format!("{} here", count(given)))
        .help(help)
}

fn unknown_function(head: &Call) -> Fault {
    let name = head.name();
    let functions = ["rand.int", "rand.uuid", "rand.pick"];
    let start = head.path.first().map_or(head.range.start, |word| word.range.start);
    let end = head.path.last().map_or(head.range.end, |word| word.range.end);
    let fault = Fault::new(UNKNOWN_NAME, start..end, format!("there is no function `{name}`"))
        .label("unknown function");
    match nearest(&name, functions) {
        _ if name.starts_with("now")
            || name.starts_with("date")
            || name.starts_with("timestamp") =>
        {
            fault.help("the time is read as `now.iso` or `now.unix_ms`")
        }
        Some(near) => fault.suggest(near),
        None => {
            fault.help("the functions are `rand.int(1, 6)`, `rand.uuid()` and `rand.pick([…])`")
        }
    }
}

fn unknown_name(head: &Call, vars: &BTreeMap<String, Json>) -> Fault {
    let name = head.name();
    let range = head.range.clone();
    let first = head.path.first().map_or("", |word| word.text.as_str());
    let fault =
        Fault::new(UNKNOWN_NAME, range, format!("`{name}` is not a name that a template knows"));
    let near =
        nearest(&name, NAMES).filter(|_| matches!(first, "group" | "run" | "arrival" | "now"));
    if let Some(near) = near {
        return fault.label("unknown name").suggest(near);
    }
    let help = match (first, head.path.as_slice()) {
        ("vars" | "secrets" | "let" | "params", [_]) => format!("say which one: `{first}.x`"),
        ("vars" | "secrets" | "let" | "params", [_, second, ..]) => {
            format!("`{first}` have one level: `{first}.{}`", second.text)
        }
        ("user", _) => {
            "a user has `user.number`, and steps of `before_each_user`: `user.<step>.<capture>`"
                .to_owned()
        }
        ("before", _) => "a step of `before` is read as `before.<step>.<capture>`".to_owned(),
        ("item", _) => {
            "an item is read whole, as `item`: list the parts that you need, such as `$.items[*].id`"
                .to_owned()
        }
        ("group", _) => "a group has a name: `group.name`".to_owned(),
        ("run", _) => "a run has an id: `run.id`".to_owned(),
        ("arrival", _) => "an arrival has `arrival.number` and `arrival.id`".to_owned(),
        ("now", _) => "the time is read as `now.iso` or `now.unix_ms`".to_owned(),
        ("__VU" | "vu", [_]) => "a user of a closed load has `user.number`".to_owned(),
        ("__ITER" | "iteration" | "counter", [_]) => "an arrival has `arrival.number`".to_owned(),
        ("data", _) => "data has two parts: `data.<name>.<column>`".to_owned(),
        (_, [Word { text, .. }]) if vars.contains_key(text) => format!("write `vars.{text}`"),
        (_, path) => match nearest(&name, NAMES) {
            Some(near) => return fault.label("unknown name").suggest(near),
            None if path.len() == 1 => {
                "say where it is from: `vars.x`, `data.users.name` or `<step>.<capture>`".to_owned()
            }
            None => "a capture is read as `<step>.<capture>`".to_owned(),
        },
    };
    fault.label("unknown name").help(help)
}

#[cfg(test)]
mod tests;
