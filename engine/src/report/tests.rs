//! Results and their views, on the sample run.

use base64::Engine as _;
use compiler::artifact::{Json, Load, OnOverload, Piece, Text, Var};
use compiler::unit::Share;
use sha2::Digest as _;

use super::{Kind, RunResult, html, laws, sample, summary, to_json, write};
use crate::metrics::{DroppedBy, Ending, Totals};

/// Checks a result against its laws and the published schema.
fn check(result: &RunResult) {
    assert_eq!(laws(result), Vec::<String>::new());
    let schema = include_str!("../../../schemas/result.schema.json");
    let schema = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let json = serde_json::to_value(result).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&json)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    let bytes = to_json(result).unwrap();
    assert_eq!(serde_json::from_slice::<RunResult>(&bytes).unwrap(), *result);
}

/// Returns the sample's result with another end.
fn ended(ending: Ending) -> RunResult {
    let artifact = sample::artifact();
    let totals = sample::totals(&artifact);
    let record = crate::metrics::RunRecord { ending, ..sample::record(&artifact, &totals) };
    RunResult::build(&artifact, &record, &totals)
}

#[test]
fn results_keep_laws_and_schema_and_the_strongest_reason_is_the_exit_code() {
    let failed = sample::failed();
    check(&failed);
    assert_eq!((failed.run.outcome.as_str(), failed.run.exit_code), ("not_delivered", 98));
    let passing = sample::passing();
    check(&passing);
    assert_eq!((passing.run.outcome.as_str(), passing.run.exit_code), ("passed", 0));
    let interrupted = ended(Ending::Interrupted);
    check(&interrupted);
    assert_eq!((interrupted.run.outcome.as_str(), interrupted.run.exit_code), ("interrupted", 130));
    let lost = ended(Ending::ClusterFailed("agent `agent-b` was lost".to_owned()));
    check(&lost);
    assert_eq!((lost.run.outcome.as_str(), lost.run.exit_code), ("cluster_failed", 96));
    assert!(summary(&lost).contains("agent `agent-b` was lost"));
}

#[test]
fn thresholds_of_a_part_of_a_run_held_only_until_then() {
    let mut result = sample::passing();
    assert!(summary(&result).contains("all 2 held\n"), "{}", summary(&result));
    result.run.outcome = "interrupted".to_owned();
    assert!(summary(&result).contains("all 2 held until then"), "{}", summary(&result));
}

#[test]
fn an_aborting_threshold_is_named() {
    let mut artifact = sample::artifact();
    artifact.delivery.min = Share(0);
    let totals = sample::totals(&artifact);
    let mut record = sample::record(&artifact, &totals);
    record.ending = Ending::Aborted("errors".to_owned());
    let result = RunResult::build(&artifact, &record, &totals);
    check(&result);
    assert_eq!((result.run.exit_code, result.run.aborted_by.as_deref()), (99, Some("errors")));
}

/// Returns the result of a run whose agents never came.
fn unformed() -> RunResult {
    let artifact = sample::artifact();
    let totals = Totals::new(&artifact);
    let mut record = sample::record(&artifact, &totals);
    record.load_started = false;
    record.duration_us = 0;
    record.nodes.clear();
    record.ending = Ending::ClusterFailed("no agent for seat `us/0` after 30s".to_owned());
    let planned = record.arrivals[1].planned;
    record.arrivals[1].dropped_by = DroppedBy { stopped: planned, ..DroppedBy::default() };
    RunResult::build(&artifact, &record, &totals)
}

#[test]
fn a_cluster_that_never_formed_still_leaves_a_result() {
    let result = unformed();
    check(&result);
    assert_eq!((result.run.exit_code, result.warnings.len()), (96, 1));
    for kind in Kind::ALL {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &result, &[kind], None).unwrap();
    }
}

/// Returns the sample's passing result with some of the second scenario's arrivals under another fate.
fn with_fate(fate: impl FnOnce(&mut crate::metrics::Arrivals)) -> RunResult {
    let artifact = sample::artifact();
    let totals = sample::totals(&artifact);
    let mut record = sample::record(&artifact, &totals);
    fate(&mut record.arrivals[1]);
    RunResult::build(&artifact, &record, &totals)
}

#[test]
fn transactions_that_were_cut_are_said_in_every_view() {
    let result = with_fate(|it| {
        it.succeeded -= 25;
        it.unfinished += 25;
    });
    let warned = result.warnings.iter().find(|it| it.code == "unfinished").unwrap();
    assert!(warned.message.starts_with("25 transactions of `checkout` were cut"), "{warned:?}");
    let text = summary(&result);
    assert!(text.contains("25 did not come to an end"), "{text}");
    assert!(text.contains("unfinished"), "{text}");
}

#[test]
fn arrivals_dropped_because_the_generator_was_late_are_a_warning_about_the_generator() {
    let result = with_fate(|it| {
        let full = std::mem::take(&mut it.dropped_by.full);
        it.dropped_by.late += full;
    });
    let warned = result.warnings.iter().find(|it| it.code == "generator-late");
    assert!(warned.is_some_and(|it| it.message.contains("`checkout`")), "{:?}", result.warnings);
    assert_eq!(result.run.outcome, "not_delivered");
}

/// Returns the summary as one line.
fn unwrapped(result: &RunResult) -> String {
    summary(result).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn arrivals_that_waited_too_long_are_no_fault_of_the_generator() {
    let mut artifact = sample::artifact();
    let Load::Open(load) = &mut artifact.scenarios.get_mut("checkout").unwrap().load else {
        panic!()
    };
    load.on_overload = OnOverload::Queue;
    let totals = sample::totals(&artifact);
    let mut record = sample::record(&artifact, &totals);
    let by = &mut record.arrivals[1].dropped_by;
    by.late += std::mem::take(&mut by.full);
    let result = RunResult::build(&artifact, &record, &totals);
    let said = |code: &str| result.warnings.iter().any(|it| it.code == code);
    assert!(said("waited-too-long") && !said("generator-late"), "{:?}", result.warnings);
    assert!(unwrapped(&result).contains("no place below max_in_flight"), "{}", summary(&result));
}

#[test]
fn what_ended_a_run_or_stopped_a_scenario_is_named() {
    let mut artifact = sample::artifact();
    artifact.delivery.min = Share(0);
    let totals = sample::totals(&artifact);
    let mut record = sample::record(&artifact, &totals);
    for (ending, code, by, says) in [
        (
            Ending::TooManyFailures("checkout".to_owned()),
            99,
            "checkout.max_failures",
            "too-many-failures",
        ),
        (Ending::Overloaded("checkout".to_owned()), 98, "checkout.on_overload", "overloaded"),
    ] {
        record.ending = ending;
        let result = RunResult::build(&artifact, &record, &totals);
        check(&result);
        assert_eq!((result.run.exit_code, result.run.aborted_by.as_deref()), (code, Some(by)));
        let warned = result.warnings.iter().find(|it| it.code == says).unwrap();
        assert!(unwrapped(&result).contains(&warned.message), "{}", summary(&result));
    }
}

#[test]
fn a_result_names_the_vars_that_it_was_run_with() {
    let mut artifact = sample::artifact();
    let text = |text: &str| Json::Text(Text(vec![Piece::Literal(text.to_owned())]));
    let list = Json::List(vec![text("a"), Json::Number("1.50".to_owned()), Json::Null]);
    for (name, value) in [("peak", text("40/s")), ("shop", text("compiled")), ("list", list)] {
        artifact.vars.insert(name.to_owned(), Var { value, fixed: false });
    }
    let totals = sample::totals(&artifact);
    let mut record = sample::record(&artifact, &totals);
    record.vars = [("shop".to_owned(), "given".to_owned())].into();
    let vars = RunResult::build(&artifact, &record, &totals).run.inputs.vars;
    let vars: Vec<String> = vars.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(vars, [r#"list=["a",1.5,null]"#, "peak=40/s", "shop=given"]);
}

#[test]
fn a_terminal_summary_is_bounded_and_no_line_is_too_long() {
    let mut result = sample::failed();
    let long = "a".repeat(63);
    let scenarios = (0..60).map(|at| {
        let mut scenario = result.scenarios[1].clone();
        scenario.name = format!("{long}{at}");
        scenario
    });
    result.scenarios = scenarios.collect();
    let text = summary(&result);
    assert!(text.lines().count() < 70, "{text}");
    assert!(text.contains("48 more scenarios"), "{text}");
    let table = text.lines().skip_while(|line| !line.starts_with("Arrivals"));
    for line in table.take_while(|line| !line.starts_with("Thresholds")) {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let text = summary(&sample::failed());
    assert!(text.contains("the plan requires 99.9%"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn a_result_that_breaks_its_laws_is_an_internal_error_and_says_which() {
    let artifact = sample::artifact();
    let totals = sample::totals(&artifact);
    let mut record = sample::record(&artifact, &totals);
    record.arrivals[1].started += 1;
    let result = RunResult::build(&artifact, &record, &totals);
    assert_eq!((result.run.outcome.as_str(), result.run.exit_code), ("internal_error", 70));
    assert!(
        result.warnings.iter().any(|it| it.code == "law-broken" && it.message.contains("started"))
    );
}

#[test]
fn each_law_notices_when_it_is_broken() {
    type Break = fn(&mut RunResult);
    let breaks: [Break; 14] = [
        |it| it.series.scenarios.values_mut().for_each(|it| it.failed[0] += 1),
        |it| it.scenarios[1].response_us = Some(it.scenarios[1].warm_up.service_us.clone()),
        |it| it.arrivals.planned += 1,
        |it| it.scenarios[1].arrivals.dropped_by.late += 1,
        |it| it.scenarios[0].arrivals.redistributed = 1 << 40,
        |it| it.scenarios[1].service_us.p95 += 1,
        |it| it.scenarios[1].service_us.histogram.truncate(8),
        |it| it.scenarios[1].response_us = None,
        |it| it.scenarios[1].steps[3].failed += 1,
        |it| it.series.scenarios.values_mut().for_each(|it| it.p99.truncate(3)),
        |it| it.series.scenarios.values_mut().for_each(|it| it.planned[0] += 1 << 40),
        |it| it.series.scenarios.values_mut().for_each(|it| it.dropped[0] += 1),
        |it| it.scenarios[1].steps[0].critical_path_share /= 2.0,
        |it| it.scenarios[1].steps[0].attempts = 0,
    ];
    for (at, breaks) in breaks.iter().enumerate() {
        let mut result = sample::passing();
        breaks(&mut result);
        assert_ne!(laws(&result), Vec::<String>::new(), "break {at} goes unnoticed");
    }
}

#[test]
fn nodes_of_which_less_is_known_are_shown_all_the_same() {
    let mut result = sample::passing();
    for node in &mut result.nodes {
        (node.timer_lag_us, node.descriptors_max) = (None, None);
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &result, &[Kind::Html, Kind::Markdown, Kind::Text], None).unwrap();
}

/// Compares the text views of the sample with `golden/reports/`; `UPDATE_GOLDEN=1` rewrites them.
#[test]
fn golden_views_are_as_agreed() {
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/reports");
    for (name, result) in [("failed", sample::failed()), ("passed", sample::passing())] {
        let folder = tempfile::tempdir().unwrap();
        let kinds = [Kind::Markdown, Kind::Text, Kind::Csv, Kind::Junit];
        let written = write(folder.path(), &result, &kinds, None).unwrap();
        assert_eq!(written.len(), 5);
        for path in &written[1..] {
            let agreed = golden.join(name).join(path.file_name().unwrap());
            let seen = std::fs::read_to_string(path).unwrap();
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::create_dir_all(agreed.parent().unwrap()).unwrap();
                std::fs::write(&agreed, &seen).unwrap();
            }
            let wanted = std::fs::read_to_string(&agreed).unwrap_or_default();
            assert!(
                seen == wanted,
                "{} differs; UPDATE_GOLDEN=1 rewrites it:\n{seen}",
                agreed.display()
            );
        }
    }
}

#[test]
fn the_page_fetches_nothing_and_runs_only_its_own_script() {
    let page = html::html(&sample::failed()).unwrap();
    for reach in ["http://", "https://", "src=", "href=", "url(", "@import", "<link", "<iframe"] {
        assert!(!page.contains(reach), "{reach}");
    }
    let script = page.rsplit_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(script));
    let policy = format!(
        "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'"
    );
    assert!(page.contains(&policy), "the policy does not allow the page's script");
}

#[test]
fn the_page_holds_the_result_and_shows_its_numbers() {
    let result = sample::failed();
    let page = html::html(&result).unwrap();
    let data = page.split_once("id=\"result\">").unwrap().1.split_once("</script>").unwrap().0;
    assert_eq!(serde_json::from_str::<RunResult>(data).unwrap(), result);
    assert!(page.len() - data.len() < 130 * 1024, "{}", page.len() - data.len());
    for scenario in &result.scenarios {
        for n in [
            scenario.arrivals.planned,
            scenario.arrivals.started,
            scenario.arrivals.dropped_by.full,
        ] {
            assert!(
                page.contains(&format!("data-v=\"{n}\">{}</td>", super::format::count(n))),
                "{n}"
            );
        }
        for us in [scenario.service_us.p50, scenario.service_us.p99, scenario.service_us.max] {
            assert!(
                page.contains(&format!("data-v=\"{us}\">{}</td>", super::format::duration(us))),
                "{us}"
            );
        }
    }
}

#[test]
fn hostile_names_stay_text_in_every_view() {
    let evil = "<script>alert(1)</script>|\"'&`*";
    let mut result = sample::failed();
    result.run.plan = evil.to_owned();
    result.nodes[0].name = evil.to_owned();
    result.run.inputs.vars.insert(evil.to_owned(), evil.to_owned());
    result.scenarios[0].steps[0].name = evil.to_owned();
    result.scenarios[1].steps[3].errors[0].sample = format!("{evil}\n\u{1b}[2J");
    result.thresholds[0].name = evil.to_owned();
    result.warnings[0].message = evil.to_owned();
    let series = result.series.scenarios.pop_first().unwrap();
    result.series.scenarios.insert(evil.to_owned(), series.1);
    evil.clone_into(&mut result.scenarios[0].name);
    let page = html::html(&result).unwrap();
    assert!(!page.contains("<script>alert"));
    assert!(page.contains("&lt;script&gt;alert(1)"));
    assert_eq!(page.matches("<script").count(), 2);
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &result, &[Kind::Markdown, Kind::Text, Kind::Junit], None).unwrap();
    let markdown = std::fs::read_to_string(folder.path().join("report.md")).unwrap();
    assert!(
        !markdown.contains("<script")
            && markdown.contains("&lt;script&gt;alert(1)&lt;/script&gt;\\|")
    );
    let junit = std::fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    assert!(!junit.contains("<script"));
    let text = std::fs::read_to_string(folder.path().join("report.txt")).unwrap();
    assert!(!text.contains('\u{1b}'), "a sample can move a terminal's cursor");
}

#[test]
fn a_template_of_the_user_becomes_a_view() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.json");
    std::fs::write(
        &path,
        "{\"text\": {{ view.headline }}, \"sent\": {{ result.arrivals.started }}}",
    )
    .unwrap();
    let template = super::read_template(&path).unwrap();
    write(folder.path(), &sample::failed(), &[], Some(&template)).unwrap();
    let view = std::fs::read_to_string(folder.path().join("user-chat.json")).unwrap();
    assert_eq!(view, "{\"text\": \"Not valid\", \"sent\": 10340}");
    std::fs::write(&path, "{{ oops").unwrap();
    assert!(super::read_template(&path).is_err());
}

/// Writes the pages into the folder `$OUT`, to be looked at.
#[test]
fn pages_render() {
    let long = {
        let mut result = sample::passing();
        for series in result.series.scenarios.values_mut() {
            let repeat =
                |list: &mut Vec<u64>| *list = list.iter().copied().cycle().take(5_000).collect();
            let times = |list: &mut Vec<Option<u64>>| {
                *list = list.iter().copied().cycle().take(5_000).collect();
            };
            [
                &mut series.planned,
                &mut series.started,
                &mut series.succeeded,
                &mut series.failed,
                &mut series.dropped,
                &mut series.in_flight,
            ]
            .into_iter()
            .for_each(repeat);
            [&mut series.p50, &mut series.p95, &mut series.p99].into_iter().for_each(times);
        }
        result
    };
    let lost = ended(Ending::ClusterFailed("agent `agent-b` was lost at 21.4 s".to_owned()));
    for (name, result) in [
        ("failed", sample::failed()),
        ("passed", sample::passing()),
        ("long", long),
        ("lost", lost),
        ("unformed", unformed()),
    ] {
        let page = html::html(&result).unwrap();
        assert!(page.ends_with("</html>\n") && page.len() < 2 << 20, "{name}: {}", page.len());
        if let Some(folder) = std::env::var_os("OUT") {
            std::fs::write(std::path::Path::new(&folder).join(format!("{name}.html")), page)
                .unwrap();
            std::fs::write(
                std::path::Path::new(&folder).join(format!("{name}.txt")),
                summary(&result),
            )
            .unwrap();
        }
    }
}

#[test]
fn two_hours_of_a_hundred_scenarios_are_a_page_of_two_megabytes() {
    let mut result = sample::passing();
    result.run.duration_us = 7_200_000_000;
    let (scenario, seconds) = (result.scenarios[1].clone(), 7_200);
    let mut series = result.series.scenarios["checkout"].clone();
    let counts = [&mut series.planned, &mut series.started, &mut series.succeeded];
    counts.into_iter().for_each(|list| *list = (0..seconds).map(|at| 100 + at % 37).collect());
    let none = [&mut series.failed, &mut series.dropped, &mut series.in_flight];
    none.into_iter().for_each(|list| *list = vec![0; 7_200]);
    let times = [&mut series.p50, &mut series.p95, &mut series.p99];
    times.into_iter().for_each(|list| *list = (0..seconds).map(|at| Some(9_000 + at)).collect());
    result.scenarios.clear();
    for at in 0..100 {
        let name = format!("scenario_{at:03}");
        result.series.scenarios.insert(name.clone(), series.clone());
        result.scenarios.push(super::model::Scenario { name, ..scenario.clone() });
    }
    let page = html::html(&result).unwrap();
    assert!(page.len() < 2_000_000, "{}", page.len());
    assert!(page.contains("scenario_099"));
}
