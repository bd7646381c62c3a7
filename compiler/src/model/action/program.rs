//! (pure) `exec` and `wasm`: the user's own code.

use crate::artifact::{ExecAction, Json, Text, WasmAction};
use crate::model::action::body;
use crate::model::lower::{Lower, Site};
use crate::model::settings::pairs;
use crate::model::step::FileUse;
use crate::syntax::Node;

/// Function that is called where the plan does not say.
const FUNCTION_DEFAULT: &str = "run";

/// Lowers a program with its arguments.
pub(super) fn exec(
    node: Node<'_>,
    files: &mut Vec<FileUse>,
    work: &mut Lower<'_>,
) -> Option<ExecAction> {
    let items = node.get("command")?.items();
    let command: Vec<Option<Text>> = items.map(|item| work.text(item, Site::Command)).collect();
    let command: Option<Vec<Text>> = command.into_iter().collect();
    let env = node.get("env").map_or(Some(Vec::new()), |node| pairs(node, Site::Body, work));
    let body = body::of(node, files, work);
    Some(ExecAction { command: command?, env: env?, body: body? })
}

/// Lowers a call of the user's own component.
pub(super) fn wasm(
    node: Node<'_>,
    files: &mut Vec<FileUse>,
    work: &mut Lower<'_>,
) -> Option<WasmAction> {
    let file = body::file(node.get("file")?, false, files, work);
    let function = match node.get("function") {
        Some(function) => work.literal(function, "the name of a function").map(|name| name.value),
        None => Some(FUNCTION_DEFAULT.to_owned()),
    };
    let input = match node.entry("input") {
        Some((_, input)) => work.json(input, Site::Body),
        None => Some(Json::Null),
    };
    Some(WasmAction { file: file?, function: function?, input: input? })
}
