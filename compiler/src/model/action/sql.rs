//! (pure) `sql`: a statement with the values of its placeholders.

use std::collections::BTreeSet;

use crate::artifact::{self, Action, EndpointKind, Json, Piece, SqlAction, SqlKind, Text};
use crate::diagnostic::Diagnostic;
use crate::model::action::endpoint_of;
use crate::model::endpoint::Endpoint;
use crate::model::lower::{Lower, Site};
use crate::model::name::Section;
use crate::model::step::StepPlan;
use crate::source::Span;
use crate::syntax::Node;

/// Words that begin a statement which gives rows.
const ROWS: [&str; 8] =
    ["select", "with", "values", "show", "explain", "table", "describe", "pragma"];

/// Lowers a statement into `out`.
pub(super) fn lower(
    key: Span,
    node: Node<'_>,
    endpoints: &Section<Endpoint>,
    out: &mut StepPlan,
    work: &mut Lower<'_>,
) {
    let endpoint = endpoint_of(key, node, &[EndpointKind::Sql], endpoints, out, work);
    let server = endpoint.as_ref().and_then(|(name, _)| server(name, endpoints));
    let statement = statement(node, server, work);
    if let (Some((endpoint, _)), Some((query, params))) = (endpoint, statement) {
        let kind = kind(&written(&query));
        out.action = Some(Action::Sql(SqlAction { endpoint, query, params, kind }));
    }
}

/// Lowers `query` and `params`; there must be a value for each placeholder.
pub(super) fn statement(
    node: Node<'_>,
    server: Option<Server>,
    work: &mut Lower<'_>,
) -> Option<(Text, Vec<Json>)> {
    let query_node = node.get("query")?;
    let query = work.text(query_node, Site::Statement);
    let params: Option<Vec<Json>> = match node.entry("params") {
        Some((_, params)) if params.is_hole() => None,
        Some((_, params)) => {
            let items: Vec<_> = params.items().map(|item| work.json(item, Site::Body)).collect();
            items.into_iter().collect()
        }
        None => Some(Vec::new()),
    };
    let (query, params) = (query?, params?);
    let code = bare(&written(&query));
    let (dollars, marks) = (dollars(&code), marks(&code));
    let strange = match server {
        Some(Server::Postgres) if dollars == 0 && marks > 0 && !params.is_empty() => {
            Some(("?", "PostgreSQL", "write `$1`, `$2`, …, one for each value"))
        }
        Some(Server::Mysql) if dollars > 0 && marks == 0 => {
            Some(("$1", "MySQL", "write `?` for each value"))
        }
        _ => None,
    };
    if let Some((mark, name, help)) = strange {
        let message = format!("`{mark}` is no placeholder of {name}");
        let found = Diagnostic::error("plan::sql::params", query_node.span(), message);
        work.push(found.label("of another database").help(help));
        return None;
    }
    // In PostgreSQL `?` is an operator; where a secret holds the address it may be one.
    let operator = match server {
        Some(Server::Postgres) => true,
        Some(Server::Mysql | Server::Sqlite) => false,
        None => params.is_empty(),
    };
    let marks = if operator { 0 } else { marks };
    let wanted = if dollars > 0 { dollars } else { marks };
    if wanted == params.len() {
        return Some((query, params));
    }
    let there = params.len();
    let values = if there == 1 { "value" } else { "values" };
    let message = format!(
        "the statement has {wanted} placeholder{}, and `params` has {there} {values}",
        if wanted == 1 { "" } else { "s" },
    );
    let mut found = Diagnostic::error("plan::sql::params", query_node.span(), message)
        .label(format!("{wanted} placeholders here"));
    if let Some((entry, _)) = node.entry("params") {
        found = found.also(entry.key_span, format!("{there} {values}"));
    }
    work.push(found.help(
        "write `$1`, `$2`, … (or `?` for MySQL and SQLite), and one value for each under `params`",
    ));
    None
}

/// Returns a statement as it could be; what templates put in is taken for a letter.
fn written(query: &Text) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(literal) => literal.clone(),
        Piece::Slot(_) => "x".to_owned(),
    };
    query.0.iter().map(piece).collect()
}

fn kind(query: &str) -> SqlKind {
    let code = bare(query).to_ascii_lowercase();
    let first: String = code
        .trim_start_matches(|c: char| c.is_whitespace() || c == '(')
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    let returning =
        code.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "returning");
    if ROWS.contains(&first.as_str()) || returning { SqlKind::Rows } else { SqlKind::Change }
}

/// Servers that differ in their placeholders.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Server {
    Postgres,
    Mysql,
    Sqlite,
}

/// Returns what the endpoint `name` is, where its address says so.
pub(super) fn server(name: &str, endpoints: &Section<Endpoint>) -> Option<Server> {
    let artifact::Endpoint::Sql(sql) = &endpoints.value(name)?.value else { return None };
    let Some(Piece::Literal(start)) = sql.url.0.first() else { return None };
    let begins = |schemes: [&str; 2]| schemes.iter().any(|scheme| start.starts_with(scheme));
    if begins(["postgres://", "postgresql://"]) {
        Some(Server::Postgres)
    } else if begins(["mysql://", "mariadb://"]) {
        Some(Server::Mysql)
    } else {
        start.starts_with("sqlite:").then_some(Server::Sqlite)
    }
}

/// Returns how many values `$1`, `$2`, … of a bare statement take.
fn dollars(code: &str) -> usize {
    let dollars: BTreeSet<usize> = code
        .match_indices('$')
        .filter_map(|(at, _)| {
            let digits = code[at + 1..].chars().take_while(char::is_ascii_digit);
            digits.collect::<String>().parse().ok()
        })
        .collect();
    dollars.last().copied().unwrap_or(0)
}

/// Counts `?` that stand alone; `?|` and `??` are operators on JSON.
fn marks(code: &str) -> usize {
    let chars: Vec<char> = code.chars().collect();
    let alone = |at: usize| {
        let next = chars.get(at + 1).copied().unwrap_or(' ');
        let before = at.checked_sub(1).map_or(' ', |before| chars[before]);
        !matches!(next, '?' | '|' | '&') && before != '?'
    };
    (0..chars.len()).filter(|at| chars[*at] == '?' && alone(*at)).count()
}

/// Returns a statement without its quoted texts, quoted names and comments.
fn bare(query: &str) -> String {
    let mut out = String::new();
    let mut rest = query;
    while let Some(c) = rest.chars().next() {
        let end = match c {
            '\'' | '"' | '`' => rest[1..].find(c).map(|at| at + 2),
            '-' if rest.starts_with("--") => rest.find('\n'),
            '/' if rest.starts_with("/*") => rest[2..].find("*/").map(|at| at + 4),
            _ => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
        };
        out.push(' ');
        rest = end.map_or("", |end| &rest[end..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_counted_outside_of_texts() {
        for (query, wanted) in [
            ("select 1", 0),
            ("select * from a where b = $1 and c = $2 or d = $1", 2),
            ("select * from a where b = ? and c = ?", 2),
            ("select '$1', \"?\" -- $2\n, /* ? */ $1", 1),
            ("select a ?| array['x'], b ?? 'c'", 0),
            ("select 'open", 0),
        ] {
            let code = bare(query);
            let found = match dollars(&code) {
                0 => marks(&code),
                found => found,
            };
            assert_eq!(found, wanted, "{query}");
        }
    }

    #[test]
    fn statements_with_rows_are_known_by_their_words() {
        for query in [
            "SELECT 1",
            " ( select 1)",
            "-- x\nwith a as (select 1) select *",
            "insert into a values (1) RETURNING id",
        ] {
            assert_eq!(kind(query), SqlKind::Rows, "{query}");
        }
        for query in ["insert into a values (1)", "update a set b = 'returning'", ""] {
            assert_eq!(kind(query), SqlKind::Change, "{query}");
        }
    }
}
