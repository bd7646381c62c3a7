//! (pure) The transactions' DAGs as text, Mermaid or DOT. Ids are places, so that a renamed step changes one line.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::effort::Assumed;
use super::outline::{StepView, outline};
use super::scenario_text;
use super::table::WIDTH;
use super::{Options, label, notes};
use crate::artifact::{Artifact, Scenario, Step};

/// How DAGs are drawn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GraphFormat {
    /// A list for people.
    Text,
    /// A Mermaid flowchart.
    Mermaid,
    /// Graphviz.
    Dot,
}

/// One list of steps that is drawn: a scenario's, or one that runs around it.
struct Drawn {
    title: String,
    steps: Vec<StepView>,
    /// Lists after which it starts at a time that only the run knows, as places, with when.
    after: Vec<(usize, String)>,
}

/// Draws every transaction of `artifact`, its longest path made strong; an edge that others imply is left out.
///
/// # Errors
/// Only those of `out`.
pub fn draw(artifact: &Artifact, format: GraphFormat, out: &mut dyn Write) -> io::Result<()> {
    let drawn = drawn(artifact);
    match format {
        GraphFormat::Text => draw_text(artifact, &drawn, out),
        GraphFormat::Mermaid => draw_mermaid(&drawn, out),
        GraphFormat::Dot => draw_dot(artifact, &drawn, out),
    }
}

fn drawn(artifact: &Artifact) -> Vec<Drawn> {
    let assumed = Assumed::new(artifact, Options::default().service_ns);
    let mut all = Vec::new();
    let mut list = |title: String, steps: &[Step]| {
        all.push(Drawn { title, steps: outline(assumed, steps), after: Vec::new() });
        all.len() - 1
    };
    if !artifact.before.is_empty() {
        list("before, once for the cluster".to_owned(), &artifact.before);
    }
    let mut places = BTreeMap::new();
    for (name, scenario) in &artifact.scenarios {
        if !scenario.before_each_user.is_empty() {
            list(format!("before each user of scenario {name}"), &scenario.before_each_user);
        }
        places.insert(name.as_str(), list(titled(name, scenario), &scenario.steps));
    }
    if !artifact.after.is_empty() {
        list("after, once for the cluster".to_owned(), &artifact.after);
    }
    for (name, scenario) in &artifact.scenarios {
        let starts = scenario.late_start.iter().flat_map(|late| &late.after);
        let after = starts.filter_map(|start| {
            Some((*places.get(start.scenario.as_str())?, notes::start_after(start)))
        });
        let place = places.get(name.as_str()).and_then(|at| all.get_mut(*at));
        if let Some(drawn) = place {
            drawn.after = after.collect();
        }
    }
    all
}

fn titled(name: &str, scenario: &Scenario) -> String {
    match (&scenario.late_start, scenario.start_ns) {
        (Some(late), _) => {
            let after: Vec<String> = late.after.iter().map(notes::start_after).collect();
            format!("scenario {name}, starts {}", after.join(" and "))
        }
        (None, 0) => format!("scenario {name}"),
        (None, start_ns) => format!("scenario {name}, starts at {}", label::length(start_ns)),
    }
}

fn draw_text(artifact: &Artifact, drawn: &[Drawn], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "plan {}", artifact.plan)?;
    for list in drawn {
        writeln!(out)?;
        writeln!(out, "{}", list.title)?;
        for line in scenario_text::steps(&list.steps, WIDTH - 2) {
            writeln!(out, "  {line}")?;
        }
    }
    writeln!(out)?;
    writeln!(out, "● on the longest path")
}

/// An edge between two steps of one list, as ids.
struct Edge {
    from: String,
    to: String,
    longest: bool,
}

/// Returns the edges of a list whose steps have ids that begin with `prefix`.
fn edges(steps: &[StepView], prefix: &str) -> Vec<Edge> {
    let places: BTreeMap<&str, usize> =
        steps.iter().enumerate().map(|(at, step)| (step.name.as_str(), at)).collect();
    let path: Vec<usize> = (0..steps.len()).filter(|at| steps[*at].longest).collect();
    let strong = |from: usize, to: usize| path.windows(2).any(|pair| pair == [from, to]);
    let edge = |from: usize, to: usize| Edge {
        from: format!("{prefix}n{from}"),
        to: format!("{prefix}n{to}"),
        longest: strong(from, to),
    };
    let mut all = Vec::new();
    for (to, step) in steps.iter().enumerate() {
        let needs = step.after.iter().filter_map(|need| places.get(need.as_str()));
        all.extend(needs.map(|from| edge(*from, to)));
    }
    all
}

fn draw_mermaid(drawn: &[Drawn], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "flowchart TD")?;
    writeln!(out, "  classDef longest stroke-width:3px")?;
    for (place, list) in drawn.iter().enumerate() {
        writeln!(out, "  subgraph s{place}[\"{}\"]", mermaid(&list.title))?;
        mermaid_steps(&list.steps, &format!("s{place}"), 2, out)?;
        writeln!(out, "  end")?;
    }
    for (place, list) in drawn.iter().enumerate() {
        for (after, when) in &list.after {
            writeln!(out, "  s{after} -. \"{}\" .-> s{place}", mermaid(when))?;
        }
    }
    Ok(())
}

fn mermaid_steps(
    steps: &[StepView],
    prefix: &str,
    depth: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let indent = "  ".repeat(depth);
    for (at, step) in steps.iter().enumerate() {
        let id = format!("{prefix}n{at}");
        let text = format!("{}<br/>{}", mermaid(&step.name), mermaid(&step.action));
        let class = if step.longest { ":::longest" } else { "" };
        if step.bodies.is_empty() {
            writeln!(out, "{indent}{id}[\"{text}\"]{class}")?;
            continue;
        }
        writeln!(out, "{indent}subgraph {id}[\"{text}\"]")?;
        for (branch, body) in step.bodies.iter().enumerate() {
            let inner = format!("{id}b{branch}");
            if body.label.is_empty() {
                mermaid_steps(&body.steps, &inner, depth + 1, out)?;
                continue;
            }
            writeln!(out, "{indent}  subgraph {inner}[\"{}\"]", mermaid(&body.label))?;
            mermaid_steps(&body.steps, &inner, depth + 2, out)?;
            writeln!(out, "{indent}  end")?;
        }
        writeln!(out, "{indent}end")?;
        if step.longest {
            writeln!(out, "{indent}class {id} longest")?;
        }
    }
    for Edge { from, to, longest } in edges(steps, prefix) {
        let arrow = if longest { "==>" } else { "-->" };
        writeln!(out, "{indent}{from} {arrow} {to}")?;
    }
    Ok(())
}

fn draw_dot(artifact: &Artifact, drawn: &[Drawn], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "digraph {} {{", dot(&artifact.plan))?;
    writeln!(out, "  compound=true;")?;
    writeln!(out, "  node [shape=box];")?;
    for (place, list) in drawn.iter().enumerate() {
        writeln!(out, "  subgraph cluster_s{place} {{")?;
        writeln!(out, "    label={};", dot(&list.title))?;
        dot_steps(&list.steps, &format!("s{place}"), 2, out)?;
        writeln!(out, "  }}")?;
    }
    for (place, list) in drawn.iter().enumerate() {
        for (after, when) in &list.after {
            let ends = format!("ltail=cluster_s{after}, lhead=cluster_s{place}");
            let text = dot(when);
            writeln!(out, "  s{after}n0 -> s{place}n0 [style=dotted, label={text}, {ends}];")?;
        }
    }
    writeln!(out, "}}")
}

/// Writes a list of steps. A block is a cluster around a point, at which its edges end.
fn dot_steps(
    steps: &[StepView],
    prefix: &str,
    depth: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let indent = "  ".repeat(depth);
    for (at, step) in steps.iter().enumerate() {
        let id = format!("{prefix}n{at}");
        let text = dot(&format!("{}\n{}", step.name, step.action));
        let strong = if step.longest { ", penwidth=3" } else { "" };
        if step.bodies.is_empty() {
            writeln!(out, "{indent}{id} [label={text}{strong}];")?;
            continue;
        }
        writeln!(out, "{indent}subgraph cluster_{id} {{")?;
        writeln!(out, "{indent}  label={text};")?;
        writeln!(out, "{indent}  {id} [shape=point, style=invis];")?;
        for (branch, body) in step.bodies.iter().enumerate() {
            let inner = format!("{id}b{branch}");
            writeln!(out, "{indent}  subgraph cluster_{inner} {{")?;
            writeln!(out, "{indent}    label={};", dot(&body.label))?;
            dot_steps(&body.steps, &inner, depth + 2, out)?;
            writeln!(out, "{indent}  }}")?;
        }
        writeln!(out, "{indent}}}")?;
    }
    let is_block = |id: &str| {
        let place = id.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('n'));
        let step = place.and_then(|at| at.parse::<usize>().ok()).and_then(|at| steps.get(at));
        step.is_some_and(|step| !step.bodies.is_empty())
    };
    for Edge { from, to, longest } in edges(steps, prefix) {
        let mut attributes = Vec::new();
        if longest {
            attributes.push("penwidth=3".to_owned());
        }
        if is_block(&from) {
            attributes.push(format!("ltail=cluster_{from}"));
        }
        if is_block(&to) {
            attributes.push(format!("lhead=cluster_{to}"));
        }
        let attributes = match attributes.is_empty() {
            true => String::new(),
            false => format!(" [{}]", attributes.join(", ")),
        };
        writeln!(out, "{indent}{from} -> {to}{attributes};")?;
    }
    Ok(())
}

/// Escapes a text for a quoted Mermaid label, which knows entities but no backslash.
fn mermaid(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '#' => escaped.push_str("#35;"),
            '"' => escaped.push_str("#quot;"),
            '<' => escaped.push_str("#lt;"),
            '>' => escaped.push_str("#gt;"),
            '&' => escaped.push_str("#amp;"),
            // Mermaid reads a label in backticks as Markdown, and braces may open a shape.
            '`' => escaped.push_str("#96;"),
            '{' => escaped.push_str("#123;"),
            '}' => escaped.push_str("#125;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Quotes a text for DOT; a line end becomes a centred one.
fn dot(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::{dot, mermaid};

    #[test]
    fn labels_cannot_leave_their_quotes() {
        assert_eq!(dot("a\"b\\\n\u{7}"), "\"a\\\"b\\\\\\n \"");
        assert_eq!(mermaid("a\"<b>#&\n`{"), "a#quot;#lt;b#gt;#35;#amp; #96;#123;");
    }
}
