//! Plans of several files: what is read, where findings are, and which files `plan check` judges.

#![expect(clippy::disallowed_methods, reason = "the test writes the files that it checks")]

use std::fs;
use std::path::Path;

use clap::Parser;
use compiler::artifact::{self, Artifact};
use compiler::cli::{Command, files, run};
use compiler::diagnostic::Diagnostics;
use compiler::exit::Exit;
use compiler::{Overrides, compile};
use serde_json::Value;
use tempfile::TempDir;

const PLAN: &str = "version: 1\nname: NAME\ninclude: [INCLUDE]\nvars: { shop: \"http://127.0.0.1:8080\" }\nscenarios:\n  browse:\n\
    \x20   load: { open: [ { rate: 10/s, for: 1s } ] }\n    steps: [ { step: home, http: { get: \"/{{ data.goods.sku }}\" } } ]\n";

const SHOP: &str = "version: 1\nfragment: true\ninclude: [goods/goods.yaml]\n\
    endpoints: { shop: { http: { base_url: \"{{ vars.shop }}\" } } }\n";

const GOODS: &str =
    "version: 1\nfragment: true\ndata: { goods: { file: ../goods.csv, take: circular } }\n";

fn plan(name: &str, include: &str) -> String {
    PLAN.replace("NAME", name).replace("INCLUDE", include)
}

/// A folder with these files and a good plan of three.
fn folder(added: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let good = plan("good", "parts/shop.yaml");
    let known = [
        ("good.yaml", good.as_str()),
        ("parts/shop.yaml", SHOP),
        ("parts/goods/goods.yaml", GOODS),
        ("parts/goods.csv", "sku\ntea\n"),
    ];
    for (path, text) in known.iter().chain(added) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn compiled(path: &Path) -> Artifact {
    let files = files::load_plan(path, None).unwrap();
    let mut sink = Diagnostics::new();
    let artifact = compile(&files, &Overrides::default(), &mut sink);
    assert!(sink.is_clean(), "{:#?}", sink.into_sorted());
    artifact.unwrap()
}

#[derive(Parser)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

/// A finding: its file, code, line, and the places of its other labels.
type Found = (String, String, u64, String);

/// Checks `path`: the exit code, what is found, and the number of files.
fn check(path: &Path) -> (Exit, Vec<Found>, u64) {
    let args = ["plan", "check", "--format", "json", path.to_str().unwrap()];
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = run(Program::try_parse_from(args).unwrap().command, &mut out, &mut err);
    let document: Value = serde_json::from_slice(&out).unwrap();
    let name = |file: &Value| file.as_str().map(|file| file.rsplit('/').next().unwrap().to_owned());
    let found = document["diagnostics"].as_array().unwrap().iter().map(|found| {
        let labels = found["labels"].as_array().unwrap().iter().skip(1);
        let labels = labels.map(|label| match name(&label["file"]) {
            Some(file) => format!("{file}:{}", label["line"]),
            None => label["line"].to_string(),
        });
        let code = found["code"].as_str().unwrap().to_owned();
        let labels = labels.collect::<Vec<_>>().join(" ");
        (name(&found["file"]).unwrap(), code, found["line"].as_u64().unwrap(), labels)
    });
    (exit, found.collect(), document["files"].as_u64().unwrap())
}

/// Checks that the plan `text` beside the good one gives exactly these findings.
fn finds(added: &[(&str, &str)], path: &str, expected: &[(&str, &str, u64, &str)]) {
    let folder = folder(added);
    let (_, found, _) = check(&folder.path().join(path));
    let found: Vec<(&str, &str, u64, &str)> =
        found.iter().map(|(a, b, c, d)| (a.as_str(), b.as_str(), *c, d.as_str())).collect();
    assert_eq!(found, expected, "{added:?}");
}

#[test]
fn parts_are_one_plan_whatever_the_way_to_them() {
    // Both lead to the goods: they are read once.
    let both = plan("good", "./parts/../parts/shop.yaml, parts/goods/goods.yaml");
    let folder = folder(&[("both.yaml", &both)]);
    let good = compiled(&folder.path().join("good.yaml"));
    assert_eq!(good.data["goods"].file.path, "parts/goods.csv");
    let both = compiled(&folder.path().join("both.yaml"));
    assert_eq!(artifact::to_bytes(&good), artifact::to_bytes(&both));
    let one = format!(
        "{}endpoints: {{ shop: {{ http: {{ base_url: \"{{{{ vars.shop }}}}\" }} }} }}\n\
         data: {{ goods: {{ file: parts/goods.csv, take: circular }} }}\n",
        plan("good", "")
    );
    fs::write(folder.path().join("one.yaml"), one).unwrap();
    let one = compiled(&folder.path().join("one.yaml"));
    assert_eq!(artifact::to_bytes(&good), artifact::to_bytes(&one));
}

#[test]
fn a_key_written_with_escapes_includes_as_well() {
    let escaped = plan("good", "parts/shop.yaml").replace("include:", r#""\u0069nclude":"#);
    assert!(escaped.contains(r"\u0069"), "{escaped}");
    let folder = folder(&[("escaped.yaml", &escaped)]);
    let artifacts = ["escaped.yaml", "good.yaml"].map(|file| compiled(&folder.path().join(file)));
    assert_eq!(artifacts[0].digest, artifacts[1].digest);
}

#[test]
fn findings_are_in_the_file_that_is_wrong() {
    let shop = SHOP.replace("vars.shop", "vars.shpo");
    let wrong = ("parts/shop.yaml", shop.as_str());
    finds(&[wrong], "good.yaml", &[("shop.yaml", "plan::variable::unknown", 4, "good.yaml:3")]);
    // Places inside a scalar are exact in parts too, and the chain of includes is shown.
    let goods = GOODS.replace("circular }", "circular, pr: user }").replace("../goods", "goods");
    finds(
        &[("parts/goods/goods.yaml", &goods)],
        "good.yaml",
        &[
            ("goods.yaml", "plan::file::missing", 3, "shop.yaml:3 good.yaml:3"),
            ("goods.yaml", "plan::schema::unknown-key", 3, "shop.yaml:3 good.yaml:3"),
        ],
    );
    let twice = format!(
        "{}endpoints: {{ shop: {{ http: {{ base_url: \"http://127.0.0.1:1\" }} }} }}\n",
        plan("twice", "parts/shop.yaml")
    );
    let place = "twice.yaml:9 twice.yaml:3";
    finds(
        &[("twice.yaml", &twice)],
        "twice.yaml",
        &[("shop.yaml", "plan::name::duplicate", 4, place)],
    );
}

#[test]
fn what_cannot_be_read_has_no_consequences() {
    let one = |include: &str, code: &str| {
        let text = plan("one", include);
        finds(
            &[("one.yaml", &text), ("other.yaml", &plan("other", ""))],
            "one.yaml",
            &[("one.yaml", code, 3, "")],
        );
    };
    one("parts/absent.yaml", "plan::file::missing");
    one("/etc/parts.yaml", "plan::file::path");
    one("\"https://parts.example/a.yaml\"", "plan::file::path");
    one("\"{{ vars.shop }}.yaml\"", "plan::file::path");
    one("one.yaml", "plan::include::cycle");
    one("other.yaml", "plan::include::not-a-part");
    one("7", "plan::schema::type");
    let broken = ("parts/shop.yaml", "version: 1\nfragment: true\nendpoints: { shop: @x }\n");
    finds(&[broken], "good.yaml", &[("shop.yaml", "plan::yaml::reserved", 3, "good.yaml:3")]);
    let deep: Vec<(String, String)> = (0..20)
        .map(|n| {
            let text = format!("version: 1\nfragment: true\ninclude: [p{}.yaml]\n", n + 1);
            (format!("parts/p{n}.yaml"), text)
        })
        .collect();
    let deep: Vec<(&str, &str)> = deep.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let text = plan("deep", "parts/p0.yaml, parts/shop.yaml");
    let folder = folder(&[&[("deep.yaml", text.as_str())], deep.as_slice()].concat());
    let (_, found, _) = check(&folder.path().join("deep.yaml"));
    let codes: Vec<&str> = found.iter().map(|found| found.1.as_str()).collect();
    assert_eq!(codes, ["plan::limit::exceeded"]);
}

#[test]
fn one_mistake_in_a_part_is_one_finding() {
    let one = |from: &str, to: &str, code: &str, line: u64| {
        let shop = SHOP.replace(from, to);
        assert_ne!(shop, SHOP);
        let place = ("shop.yaml", code, line, "good.yaml:3");
        finds(&[("parts/shop.yaml", &shop)], "good.yaml", &[place]);
    };
    // What a misspelt section declares is not said to be missing.
    one("endpoints:", "endpoint:", "plan::schema::unknown-key", 4);
    one("include: [goods/goods.yaml]", "include: goods/goods.yaml", "plan::schema::type", 3);
    one("version: 1\n", "version: 2\n", "plan::schema::version", 1);
    one("fragment: true", "fragment: yes", "plan::schema::value", 2);
    let shop = format!("{SHOP}scenarios: {{ a: {{}} }}\n");
    let place = ("shop.yaml", "plan::include::content", 5, "2 good.yaml:3");
    finds(&[("parts/shop.yaml", &shop)], "good.yaml", &[place]);
}

#[test]
fn transactions_of_a_part_are_called_by_the_plan() {
    let text = plan("call", "parts/shop.yaml, parts/buy.yaml").replace(
        "http: { get: \"/{{ data.goods.sku }}\" }",
        "call: buy, with: { sku: \"{{ data.goods.sku }}\" }",
    );
    let buy = "version: 1\nfragment: true\ntransactions:\n  buy:\n    params: [sku]\n    steps:\n\
               \x20     - { step: order, http: { post: \"/{{ params.sku }}\", file: order.bin } }\n\
               \x20 look:\n    steps: [ { step: look, http: { get: \"/{{ vars.shop }}\" } } ]\n";
    let good = [("call.yaml", text.as_str()), ("parts/buy.yaml", buy), ("parts/order.bin", "x")];
    let artifact = compiled(&folder(&good).path().join("call.yaml"));
    assert_eq!(artifact.transactions.keys().collect::<Vec<_>>(), ["buy", "look"]);
    assert_eq!(artifact.files.keys().collect::<Vec<_>>(), ["parts/order.bin"]);
    // Of a part a plan may use a little, so that nothing is said of `look`.
    finds(&good, "call.yaml", &[]);
    let wrong = buy.replace("params.sku", "params.skv");
    let wrong = [good[0], ("parts/buy.yaml", wrong.as_str()), good[2]];
    let folder = folder(&wrong);
    let (_, found, _) = check(&folder.path().join("call.yaml"));
    let found: Vec<_> = found.iter().map(|found| (found.0.as_str(), found.2)).collect();
    assert_eq!(found, [("buy.yaml", 7)]);
}

#[test]
fn a_folder_judges_each_part_once_and_where_it_is_included() {
    let shop = SHOP.replace("http: {", "htp: {");
    let second = plan("second", "parts/shop.yaml");
    let lone = "version: 1\nfragment: true\nendpoints: { a: { http: { base_url: \"{{ vars.q }}\", \
                headers: { x: \"{{ vars.\" } } } }\n";
    let added = [("parts/shop.yaml", shop.as_str()), ("second.yaml", &second), ("lone.yaml", lone)];
    let folder = folder(&added);
    let (exit, found, files) = check(folder.path());
    assert_eq!((exit, files), (Exit::Rejected, 5));
    let found: Vec<(&str, &str, &str)> =
        found.iter().map(|(a, b, _, d)| (a.as_str(), b.as_str(), d.as_str())).collect();
    // Nobody includes `lone.yaml`, so its names are not known, but its templates are read.
    let expected = [
        ("lone.yaml", "plan::template::unclosed", ""),
        ("shop.yaml", "plan::schema::unknown-key", "good.yaml:3"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_part_alone_is_said_to_be_one() {
    let folder = folder(&[]);
    let part = folder.path().join("parts/shop.yaml");
    let args = ["plan", "check", part.to_str().unwrap()];
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = run(Program::try_parse_from(args).unwrap().command, &mut out, &mut err);
    let err = String::from_utf8(err).unwrap();
    assert_eq!(exit, Exit::Passed, "{err}");
    assert!(
        err.ends_with("1 part judged alone (names are judged where it is included)\n"),
        "{err}"
    );
    let mut sink = Diagnostics::new();
    let files = files::load_plan(&part, None).unwrap();
    assert!(compile(&files, &Overrides::default(), &mut sink).is_none());
    let codes: Vec<&str> = sink.into_sorted().iter().map(|found| found.code).collect();
    assert_eq!(codes, ["plan::schema::missing-key"]);
}
