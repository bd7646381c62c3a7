//! What names, functions and filters become.

use super::super::{Part, parse};
use super::*;
use crate::artifact::{Piece, Text};

fn plain(value: &str) -> Json {
    Json::Text(Text(vec![Piece::Literal(value.to_owned())]))
}

fn vars() -> BTreeMap<String, Json> {
    BTreeMap::from([
        ("n".to_owned(), Json::Number("6".to_owned())),
        ("list".to_owned(), Json::List(vec![plain("a")])),
        ("shop".to_owned(), plain("x")),
    ])
}

/// What resolving the one slot of `value` gives: the slot, or code and text of each fault.
fn outcome(value: &str) -> String {
    let (parts, _) = parse(value);
    let Some(Part::Slot(expr)) = parts.into_iter().next() else { return "no slot".to_owned() };
    let resolved = resolve(&expr, &vars(), &mut 0);
    match resolved.slot {
        Some(slot) => format!("{:?}", slot.from),
        None => {
            let show = |f: &Fault| format!("{}@{}", f.code, &value[f.range.clone()]);
            resolved.faults.iter().map(show).collect::<Vec<_>>().join(" ")
        }
    }
}

#[test]
fn names_are_typed_or_refused_at_their_place() {
    let check = |value: &str, expected: &str| assert_eq!(outcome(value), expected, "{value}");
    check("{{ vars.shop }}", "Var(\"shop\")");
    check("{{ data.users.name | url }}", "Data { data: \"users\", column: \"name\" }");
    check("{{ login.token }}", "Capture { step: \"login\", name: \"token\" }");
    check("{{ rand.int(1, vars.n) }}", "RandInt { min: 1, max: 6, place: 0 }");
    check("{{ rand.uuid() }}", "RandUuid { place: 0 }");
    check("{{ seed }}", "Seed");
    check("{{ now.iso }}", "NowIso");
    check("{{ shop }}", "plan::template::unknown-name@shop");
    check("{{ vars }}", "plan::template::unknown-name@vars");
    check("{{ vars.a.b }}", "plan::template::unknown-name@vars.a.b");
    check("{{ now.unix }}", "plan::template::unknown-name@now.unix");
    check("{{ rand.float() }}", "plan::template::unknown-name@rand.float");
    check("{{ rand.uuid }}", "plan::template::arguments@rand.uuid");
    check("{{ rand.int(1) }}", "plan::template::arguments@rand.int(1)");
    check("{{ rand.int(6, 1) }}", "plan::template::arguments@6, 1");
    check("{{ rand.int(1, \"x\") }}", "plan::template::arguments@\"x\"");
    check("{{ rand.pick([]) }}", "plan::template::arguments@[]");
    check("{{ rand.pick(login.token) }}", "plan::template::arguments@login.token");
    check("{{ vars.shop() }}", "plan::template::arguments@vars.shop()");
    check("{{ seed() }}", "plan::template::arguments@seed()");
    check("{{ before.a.b }}", "BeforeCapture { step: \"a\", name: \"b\" }");
    check("{{ vars.x | upper }}", "plan::template::unknown-filter@upper");
    check("{{ vars.x | int(3) }}", "plan::template::arguments@int(3)");
    check("{{ vars.x | hmac_sha256(\"k\") }}", "plan::template::arguments@\"k\"");
    check("{{ vars.x | hmac_sha256(secrets.k) }}", "plan::template::arguments@secrets.k");
    check("{{ vars.x | hmac_sha256(k) }}", "Var(\"x\")");
    check(
        "{{ foo | upper }}",
        "plan::template::unknown-name@foo plan::template::unknown-filter@upper",
    );
}

#[test]
fn a_near_miss_gets_a_suggestion() {
    let help = |value: &str| {
        let (parts, _) = parse(value);
        let Some(Part::Slot(expr)) = parts.into_iter().next() else { return String::new() };
        resolve(&expr, &vars(), &mut 0).faults.remove(0).help
    };
    assert_eq!(help("{{ vars.x | base46 }}"), "did you mean `base64`?");
    assert_eq!(help("{{ now.unix_m }}"), "did you mean `now.unix_ms`?");
    assert_eq!(help("{{ shop }}"), "write `vars.shop`");
    assert_eq!(help("{{ rand.ints(1, 2) }}"), "did you mean `rand.int`?");
}
