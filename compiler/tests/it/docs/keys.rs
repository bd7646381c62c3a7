//! The pages about keys: one for each part of the language, with every key of the schema.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use serde_json::Value;

use super::markdown::{anchor, cell, code};
use super::schema::Schema;
use super::{Page, values, words};

/// A page, and the definitions that begin it; what they refer to follows, unless another page begins with it.
pub(super) struct Part {
    pub(super) file: &'static str,
    title: &'static str,
    intro: &'static str,
    begins: &'static [&'static str],
}

/// The pages, in reading order. `plan` stands for the plan itself.
const PARTS: &[Part] = &[
    Part {
        file: "plan",
        title: "The plan",
        intro: "A plan is one YAML document. These are its top-level keys; each has a page or a section of its own.",
        begins: &["plan"],
    },
    Part {
        file: "endpoints",
        title: "Endpoints",
        intro: "An endpoint is a connection, of one kind. Steps name it with `use`; paths, topics and queries stand in the steps.",
        begins: &["endpoint"],
    },
    Part {
        file: "data",
        title: "Data",
        intro: "Tables whose rows feed the arrivals, read as `{{ data.NAME.column }}`.",
        begins: &["data"],
    },
    Part {
        file: "nodes",
        title: "Nodes",
        intro: "The cluster that a plan is dealt to. Stated loads are totals for the whole cluster.",
        begins: &["nodes"],
    },
    Part {
        file: "scenarios",
        title: "Scenarios",
        intro: "A scenario is one transaction and the load that it is put under.",
        begins: &["scenario"],
    },
    Part {
        file: "load",
        title: "Load",
        intro: "`open` stages set when transactions **start**, `closed` stages how many users are **active**. A scenario has one of them.",
        begins: &["load", "traffic"],
    },
    Part {
        file: "steps",
        title: "Steps",
        intro: "What one transaction does. `needs` defaults to everything above in the same list.",
        begins: &["step", "transaction"],
    },
    Part { file: "http", title: "HTTP", intro: "A step's request.", begins: &["http"] },
    Part {
        file: "messages",
        title: "Messages",
        intro: "Sending a message, and awaiting one: the transaction goes on when the event arrives that it caused.",
        begins: &["publish", "await"],
    },
    Part {
        file: "actions",
        title: "Other actions",
        intro: "Browsers, sockets and streams, calls, queries, programs.",
        begins: &["browser", "websocket", "sse", "grpc", "sql", "tcp", "exec", "wasm"],
    },
    Part {
        file: "checks",
        title: "Expectations and captures",
        intro: "What a response must be, and what is kept of it.",
        begins: &["expect", "capture"],
    },
    Part {
        file: "thresholds",
        title: "Thresholds and delivery",
        intro: "Pass conditions, judged on merged data, and whether the run itself is valid. \
                [Conditions](conditions.md) has the metrics.",
        begins: &["threshold", "delivery"],
    },
    Part {
        file: "sinks",
        title: "Sinks",
        intro: "Where results go besides the results folder.",
        begins: &["sink"],
    },
];

/// Returns where each definition is described: its page.
fn places(schema: &Schema) -> BTreeMap<String, &'static str> {
    let mut places = BTreeMap::new();
    for part in PARTS {
        places.extend(part.begins.iter().map(|name| ((*name).to_owned(), part.file)));
    }
    for part in PARTS {
        for begin in part.begins {
            let mut next = VecDeque::from([(*begin).to_owned()]);
            while let Some(name) = next.pop_front() {
                let inside = uses(schema, &pointer_of(&name));
                for (_, target) in inside.into_iter().filter(|(_, name)| is_mapping(schema, name)) {
                    if !places.contains_key(&target) {
                        places.insert(target.clone(), part.file);
                        next.push_back(target);
                    }
                }
            }
        }
    }
    places
}

fn pointer_of(name: &str) -> String {
    if name == "plan" { String::new() } else { format!("/$defs/{name}") }
}

/// Returns whether a definition has keys of its own, so that it has a section.
pub(super) fn is_mapping(schema: &Schema, name: &str) -> bool {
    schema.at(&pointer_of(name))["properties"].is_object()
}

/// Returns whether a definition is a list, which is named by what it lists.
pub(super) fn is_list(schema: &Schema, name: &str) -> bool {
    schema.at(&pointer_of(name))["type"] == "array"
}

/// Returns what the schema at `pointer` refers to, each with the path from there.
fn uses(schema: &Schema, pointer: &str) -> Vec<(String, String)> {
    let own = schema.at(pointer);
    let mut found = Vec::new();
    if let Some(target) = own["$ref"].as_str() {
        found.push((String::new(), target.trim_start_matches("#/$defs/").to_owned()));
    }
    for key in schema.keys(&format!("{pointer}/properties")) {
        let inside = uses(schema, &format!("{pointer}/properties/{key}"));
        found.extend(inside.into_iter().map(|(path, name)| (format!(".{key}{path}"), name)));
    }
    for (inner, step) in [("items", "[]"), ("additionalProperties", ".NAME")] {
        if own[inner].is_object() {
            let inside = uses(schema, &format!("{pointer}/{inner}"));
            found.extend(inside.into_iter().map(|(path, name)| (format!("{step}{path}"), name)));
        }
    }
    found
}

/// Most places that a section names.
const PLACES_MAX: usize = 6;

/// Returns one way from the plan to each definition, through scenarios where there are several.
fn canonical(schema: &Schema) -> BTreeMap<String, String> {
    let mut found = BTreeMap::from([("plan".to_owned(), String::new())]);
    let mut next = VecDeque::from(["plan".to_owned()]);
    while let Some(name) = next.pop_front() {
        let way = found[&name].clone();
        let mut inside = uses(schema, &pointer_of(&name));
        inside.sort_by_key(|(path, _)| !path.starts_with(".scenarios") && path != ".steps");
        for (path, target) in inside {
            let around = name == "plan" && is_list(schema, &target);
            if !found.contains_key(&target) && !around {
                let whole = format!("{way}{path}").trim_start_matches('.').to_owned();
                found.insert(target.clone(), whole);
                next.push_back(target);
            }
        }
    }
    found
}

/// Returns where in a plan each definition stands, the canonical place first.
fn ways(schema: &Schema) -> BTreeMap<String, Vec<String>> {
    let canonical = canonical(schema);
    let mut ways: BTreeMap<String, Vec<String>> =
        canonical.iter().map(|(name, way)| (name.clone(), vec![way.clone()])).collect();
    // Lists last: what they list stands wherever they stand.
    let (lists, others): (Vec<&String>, Vec<&String>) =
        canonical.keys().partition(|name| is_list(schema, name));
    for names in [&others, &lists] {
        for name in names {
            let from = if is_list(schema, name) {
                ways[*name].clone()
            } else {
                vec![canonical[*name].clone()]
            };
            for (path, target) in uses(schema, &pointer_of(name)) {
                for way in &from {
                    let whole = format!("{way}{path}").trim_start_matches('.').to_owned();
                    let known = ways.entry(target.clone()).or_default();
                    // What leads back into itself says nothing new.
                    let inside = whole.len() > known[0].len() && whole.starts_with(&known[0]);
                    if !inside && !known.contains(&whole) {
                        known.push(whole);
                    }
                }
            }
        }
    }
    ways
}

/// Returns the heading of a definition: its title, with its name where another definition has the same title.
fn heading(schema: &Schema, name: &str) -> String {
    let title = |name: &str| schema.at(&pointer_of(name))["title"].as_str().map(str::to_owned);
    let Some(own) = title(name) else { return format!("`{name}`") };
    let shared =
        schema.definitions().iter().any(|other| other != name && title(other) == Some(own.clone()));
    if shared { format!("{own} (`{name}`)") } else { own }
}

pub(super) fn pages(schema: &Schema) -> Vec<Page> {
    let (places, ways) = (places(schema), ways(schema));
    let definitions = ["plan".to_owned()].into_iter().chain(schema.definitions());
    let definitions: Vec<String> = definitions.filter(|name| is_mapping(schema, name)).collect();
    for name in &definitions {
        assert!(places.contains_key(name), "nothing refers to `{name}`, so no page has it");
    }
    let mut pages = Vec::new();
    for part in PARTS {
        let here = definitions.iter().filter(|name| places[*name] == part.file);
        // What begins the page stands first.
        let (first, rest): (Vec<&String>, Vec<&String>) =
            here.partition(|name| part.begins.contains(&name.as_str()));
        let here: Vec<&String> = first.into_iter().chain(rest).collect();
        let mut text =
            format!("# {}\n\n{}\n\n[All pages](../README.md)\n\n", part.title, part.intro);
        if here.len() > 1 {
            for name in &here {
                let heading = heading(schema, name);
                writeln!(text, "* [{heading}](#{})", anchor(&heading)).unwrap();
            }
            text.push('\n');
        }
        for name in here {
            let sections = Sections { schema, places: &places, page: part.file };
            sections.write(name, ways.get(name).map_or(&[], Vec::as_slice), &mut text);
        }
        let text = format!("{}\n", text.trim_end());
        pages.push(Page { path: format!("docs/language/{}.md", part.file), text });
    }
    pages
}

/// Returns the page that names all pages.
pub(super) fn index(schema: &Schema) -> String {
    let places = places(schema);
    let mut text = String::from(
        "# The plan language\n\nEvery key, value, name, function and diagnostic, with an example each. These pages are written by a test from \
         the schema\nand the code, so they say what the programs do; `plan schema`, `plan codes` and `plan explain --code` say it offline.\n\n",
    );
    for part in PARTS {
        let definitions = schema.definitions();
        let here = definitions.iter().filter(|name| places.get(*name) == Some(&part.file));
        let here = here.filter(|name| is_mapping(schema, name)).map(|name| {
            let heading = heading(schema, name);
            format!("[{heading}](language/{}.md#{})", part.file, anchor(&heading))
        });
        let here = here.collect::<Vec<_>>().join(", ");
        writeln!(text, "* [{}](language/{}.md): {here}", part.title, part.file).unwrap();
    }
    for (title, file, what) in [("Values", "values", values::WHAT)].into_iter().chain(words::INDEX)
    {
        writeln!(text, "* [{title}](language/{file}.md): {what}").unwrap();
    }
    writeln!(
        text,
        "* [Diagnostics](diagnostics.md): every code with its cause, a wrong and a right example"
    )
    .unwrap();
    text.push_str(
        "* [Words of other tools](other-tools.md): what k6, JMeter, Gatling and others call it, and what a plan says\n\
         * [Signing artifacts](signing.md): keys, signature files, what `plan verify` checks\n\
         * [Security](security.md): whom a cluster believes, credentials and permissions of NATS, where nodes may send, secrets\n\
         * [Faults](faults.md): what a run over NATS does when something breaks, and the test of each\n",
    );
    text.push_str("\nWhole plans, each with what it teaches in its first lines, are in [`plans/`](../plans).\n");
    text
}

struct Sections<'a> {
    schema: &'a Schema,
    places: &'a BTreeMap<String, &'static str>,
    page: &'static str,
}

impl Sections<'_> {
    fn write(&self, name: &str, ways: &[String], text: &mut String) {
        let pointer = pointer_of(name);
        let own = self.schema.at(&pointer);
        writeln!(text, "## {}\n", heading(self.schema, name)).unwrap();
        writeln!(text, "{}\n", own["description"].as_str().unwrap_or_default()).unwrap();
        if name != "plan" {
            let shown: Vec<String> =
                ways.iter().take(PLACES_MAX).map(|way| format!("`{way}`")).collect();
            let more = if ways.len() > PLACES_MAX { ", …" } else { "" };
            writeln!(text, "Where: {}{more}\n", shown.join(", ")).unwrap();
        }
        text.push_str("| key | value | default | meaning | example |\n|---|---|---|---|---|\n");
        self.rows(&pointer, "", text);
        text.push('\n');
    }

    /// Writes a row for each key at `pointer`, and for the keys inside those that are described in place.
    fn rows(&self, pointer: &str, prefix: &str, text: &mut String) {
        let required = self.schema.at(pointer)["required"].clone();
        let is_required =
            |key: &str| required.as_array().is_some_and(|all| all.contains(&key.into()));
        for key in self.schema.keys(&format!("{pointer}/properties")) {
            let inside = format!("{pointer}/properties/{key}");
            let property = self.schema.resolved(&inside);
            let description = property["description"].as_str().unwrap_or_default();
            let (meaning, default) = split_default(description);
            let default = if is_required(&key) { "**required**".to_owned() } else { default };
            let example = self.schema.examples(&inside);
            let example = example.iter().map(|value| code(&format!("{key}: {value}")));
            let example = example.collect::<Vec<_>>().join("<br>");
            let value = self.value(&inside);
            let cells = [format!("`{prefix}{key}`"), value, default, meaning, example];
            let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
            writeln!(text, "| {} |", cells.join(" | ")).unwrap();
            for (inner, step) in [("", ""), ("/items", "[]"), ("/additionalProperties", ".NAME")] {
                let inner = format!("{inside}{inner}");
                if self.schema.at(&inner)["properties"].is_object() {
                    self.rows(&inner, &format!("{prefix}{key}{step}."), text);
                }
            }
        }
    }

    /// Says what kind of value the schema at `pointer` takes, with links.
    fn value(&self, pointer: &str) -> String {
        let own = self.schema.at(pointer);
        if let Some(target) = own["$ref"].as_str() {
            return self.link(target.trim_start_matches("#/$defs/"));
        }
        if !own["const"].is_null() {
            return format!("`{}`", own["const"]);
        }
        if let Some(words) = own["enum"].as_array() {
            let words: Vec<String> = words.iter().filter_map(Value::as_str).map(code).collect();
            return words.join(", ");
        }
        let kinds = match &own["type"] {
            Value::String(kind) => vec![kind.as_str()],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => return "any value".to_owned(),
        };
        let kinds = kinds.into_iter().map(|kind| match kind {
            "array" if own["items"].is_object() => {
                format!("list of {}", self.value(&format!("{pointer}/items")))
            }
            "array" => "list".to_owned(),
            "object" if own["additionalProperties"].is_object() => {
                format!("names with {}", self.value(&format!("{pointer}/additionalProperties")))
            }
            "object" if own["properties"].is_object() => "mapping".to_owned(),
            "object" => "names with any value".to_owned(),
            "string" => "text".to_owned(),
            "integer" => "whole number".to_owned(),
            other => other.to_owned(),
        });
        kinds.collect::<Vec<_>>().join(" or ")
    }

    fn link(&self, name: &str) -> String {
        if is_list(self.schema, name) {
            return self.value(&pointer_of(name));
        }
        match self.places.get(name) {
            Some(page) => {
                let page = if *page == self.page { String::new() } else { format!("{page}.md") };
                let heading = heading(self.schema, name);
                format!("[{heading}]({page}#{})", anchor(&heading))
            }
            None => format!("[{name}](values.md#{name})"),
        }
    }
}

/// Splits the sentence that begins with `Default` off a description.
fn split_default(description: &str) -> (String, String) {
    let at = match description.find(". Default ") {
        Some(at) => at + 1,
        None if description.starts_with("Default ") => 0,
        None => return (description.to_owned(), "–".to_owned()),
    };
    let (before, sentence) = description.split_at(at);
    let sentence = sentence.trim_start();
    let end = sentence.find(". ").unwrap_or(sentence.len().saturating_sub(1));
    let (default, after) = sentence.split_at(end);
    let after = after.trim_start_matches(['.', ' ']);
    let meaning = [before, after].into_iter().filter(|part| !part.is_empty());
    (meaning.collect::<Vec<_>>().join(" "), default.trim_start_matches("Default ").to_owned())
}

#[test]
fn a_default_is_split_off_its_description() {
    let split = |text| split_default(text);
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(split("Longest wait. Default 2.5s."), pair("Longest wait.", "2.5s"));
    assert_eq!(split("Default 1s. More."), pair("More.", "1s"));
    assert_eq!(split("How many. Default 1. More."), pair("How many. More.", "1"));
    assert_eq!(split("The default."), pair("The default.", "–"));
}
