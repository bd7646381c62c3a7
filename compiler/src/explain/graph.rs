//! (pure) The transactions' DAGs as text, Mermaid or DOT. Ids are places, so that a renamed step changes one line.

use std::io::{self, Write};

use super::label;
use super::path::Dag;
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

/// Draws every transaction of `artifact`; an edge that others imply is left out.
///
/// # Errors
/// Only those of `out`.
pub fn draw(artifact: &Artifact, format: GraphFormat, out: &mut dyn Write) -> io::Result<()> {
    match format {
        GraphFormat::Text => draw_text(artifact, out),
        GraphFormat::Mermaid => draw_mermaid(artifact, out),
        GraphFormat::Dot => draw_dot(artifact, out),
    }
}

fn draw_text(artifact: &Artifact, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "plan {}", artifact.plan)?;
    for (name, scenario) in &artifact.scenarios {
        writeln!(out)?;
        writeln!(out, "scenario {name}   starts at {}", label::length(scenario.start_ns))?;
        draw_list(scenario, out)?;
    }
    Ok(())
}

fn draw_list(scenario: &Scenario, out: &mut dyn Write) -> io::Result<()> {
    let steps = &scenario.steps;
    let dag = Dag::new(steps);
    let widest = |text: fn(&Step) -> String| {
        steps.iter().map(|step| text(step).chars().count()).max().unwrap_or(0)
    };
    let (names, actions) = (widest(|step| step.name.clone()), widest(label::action));
    for at in dag.order.iter().copied() {
        let (name, action) = (&steps[at].name, label::action(&steps[at]));
        let needs: Vec<&str> =
            dag.needs[at].iter().map(|need| steps[*need].name.as_str()).collect();
        let after = match needs.as_slice() {
            [] => "at once".to_owned(),
            needs => format!("after {}", needs.join(", ")),
        };
        writeln!(out, "  {name:<names$}  {action:<actions$}  {after}")?;
    }
    Ok(())
}

fn draw_mermaid(artifact: &Artifact, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "flowchart TD")?;
    for (place, (name, scenario)) in artifact.scenarios.iter().enumerate() {
        let dag = Dag::new(&scenario.steps);
        writeln!(out, "  subgraph s{place}[\"{}\"]", mermaid(name))?;
        for at in dag.order.iter().copied() {
            let step = &scenario.steps[at];
            let (name, action) = (mermaid(&step.name), mermaid(&label::action(step)));
            writeln!(out, "    s{place}n{at}[\"{name}<br/>{action}\"]")?;
        }
        for (need, at) in edges(&dag) {
            writeln!(out, "    s{place}n{need} --> s{place}n{at}")?;
        }
        writeln!(out, "  end")?;
    }
    Ok(())
}

fn draw_dot(artifact: &Artifact, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "digraph {} {{", dot(&artifact.plan))?;
    writeln!(out, "  node [shape=box];")?;
    for (place, (name, scenario)) in artifact.scenarios.iter().enumerate() {
        let dag = Dag::new(&scenario.steps);
        writeln!(out, "  subgraph cluster_{place} {{")?;
        writeln!(out, "    label={};", dot(name))?;
        for at in dag.order.iter().copied() {
            let step = &scenario.steps[at];
            let text = format!("{}\n{}", step.name, label::action(step));
            writeln!(out, "    s{place}n{at} [label={}];", dot(&text))?;
        }
        for (need, at) in edges(&dag) {
            writeln!(out, "    s{place}n{need} -> s{place}n{at};")?;
        }
        writeln!(out, "  }}")?;
    }
    writeln!(out, "}}")
}

/// Returns (need, step) in the order of the steps.
fn edges(dag: &Dag) -> impl Iterator<Item = (usize, usize)> {
    dag.order.iter().flat_map(|at| dag.needs[*at].iter().map(move |need| (*need, *at)))
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
        assert_eq!(mermaid("a\"<b>#&\n"), "a#quot;#lt;b#gt;#35;#amp; ");
    }
}
