//! Conditions: trees of what is right, places of what is wrong.

use super::*;
use crate::artifact::Piece;

fn operand(operand: &Operand) -> String {
    match &operand.value {
        OperandValue::Literal(Json::Null) => "null".to_owned(),
        OperandValue::Literal(Json::Bool(value)) => value.to_string(),
        OperandValue::Literal(Json::Number(text)) => text.clone(),
        OperandValue::Literal(Json::Text(text)) => match text.0.first() {
            Some(Piece::Literal(text)) => format!("'{text}'"),
            _ => "''".to_owned(),
        },
        OperandValue::Literal(_) => "?".to_owned(),
        OperandValue::Name(call) => call.name(),
        OperandValue::List(items) => {
            format!("[{}]", items.iter().map(self::operand).collect::<Vec<_>>().join(", "))
        }
    }
}

fn tree(test: &Test) -> String {
    let list = |parts: &[Test]| parts.iter().map(tree).collect::<Vec<_>>().join(" ");
    match test {
        Test::All(parts) => format!("(and {})", list(parts)),
        Test::Any(parts) => format!("(or {})", list(parts)),
        Test::Not(inner) => format!("(not {})", tree(inner)),
        Test::Compare { left, bound, right } => {
            format!("({} {} {})", bound.symbol(), operand(left), operand(right))
        }
        Test::In { value, list } => format!("(in {} {})", operand(value), operand(list)),
        Test::Is(value) => operand(value),
    }
}

/// Returns the tree in brackets, or what stands where the fault is.
fn shape(text: &str) -> String {
    match parse_condition(text) {
        Ok(test) => tree(&test),
        Err(fault) => format!("@{}", &text[fault.range]),
    }
}

#[test]
fn conditions_are_trees() {
    let check = |text: &str, expected: &str| assert_eq!(shape(text), expected, "{text}");
    check(r#"poll.state == "done""#, "(== poll.state 'done')");
    check("list.total > 100", "(> list.total 100)");
    check("a.b < -1.5e3 or a.c >= 0", "(or (< a.b -1.5e3) (>= a.c 0))");
    check("a.b and not a.c or a.d", "(or (and a.b (not a.c)) a.d)");
    check("not (a.b or a.c)", "(not (or a.b a.c))");
    check("a.b in [1, 'x', null, vars.y, []]", "(in a.b [1, 'x', null, vars.y, []])");
    check("not a.b in vars.list", "(not (in a.b vars.list))");
    check("item != seed", "(!= item seed)");
    check("before.login.token == ''", "(== before.login.token '')");
    check("true", "true");
    check(r"a.b == 'it\'s'", "(== a.b 'it's')");
}

#[test]
fn what_is_no_condition_is_refused_at_its_place() {
    let check = |text: &str, expected: &str| assert_eq!(shape(text), expected, "{text}");
    check("a.b && a.c", "@&&");
    check("a.b || a.c", "@||");
    check("!a.b", "@!");
    check("a.b === 1", "@===");
    check("a.b !== 1", "@!==");
    check("a.b = 1", "@=");
    check("a.b eq 1", "@eq");
    check("a.b AND a.c", "@AND");
    check("a.b is true", "@is");
    check("{{ a.b }} == 1", "@{{");
    check("a.b | int > 1", "@|");
    check("a.b + 1 > 2", "@+");
    check("a.b == done", "@done");
    check("a.b == True", "@True");
    check("a.b == 5ms", "@5ms");
    check("a.b ==", "@=");
    check("", "@");
    check("and a.b", "@and");
    check("a.b == 'x", "@'x");
    check("a.b a.c", "@a.c");
    check("1 < a.b < 3", "@<");
    check("(a.b or a.c) == true", "@==");
    check("(a.b", "@b");
    check("a.b not in [1]", "@not");
    check("len(a.b) > 1", "@len(");
    check("a.b[0] == 1", "@a.b[");
    check("my-step.x == 1", "@my-");
    check("a. == 1", "@a.");
    check("a.b == 'ä' & c.d", "@&");
    check("a.ü == 1", "@a.");
    check(&format!("{}a.b", "not ".repeat(40)), "@not");
    check(&format!("{}a.b", "(".repeat(1000)), "@(");
    check(&format!("{}a.b", "a.b and ".repeat(2000)), "@a");
}

#[test]
fn a_value_is_as_bounded_as_a_condition() {
    assert!(parse_operand("[1, [a.b, 'x']]").is_ok());
    for text in [format!("{}1", "[".repeat(5_000)), format!("[1{}]", ", 1".repeat(9_000))] {
        let fault = parse_operand(&text).unwrap_err();
        assert!(text.get(fault.range).is_some() && !fault.help.is_empty());
    }
}

#[test]
fn any_text_is_parsed_or_refused_within_it() {
    let parts = [
        "a.b", " ", "==", "and", "or", "not", "(", ")", "[", "]", ",", "'", "1", "ä", "\\", "-",
        ".",
    ];
    arbtest::arbtest(|u| {
        let count = u.int_in_range(0..=12)?;
        let text = (0..count).map(|_| u.choose(&parts).copied()).collect::<Result<String, _>>()?;
        if let Err(fault) = parse_condition(&text) {
            assert!(text.get(fault.range.clone()).is_some(), "{text}: {:?}", fault.range);
        }
        Ok(())
    });
}
