//! [pure] `series.csv`: one tidy table, a row for each scenario and second.

use super::model::RunResult;

/// Writes the table.
///
/// # Errors
/// Never for a writer in memory; the crate's signature has them.
pub(super) fn csv(result: &RunResult) -> Result<Vec<u8>, ::csv::Error> {
    let mut table = ::csv::Writer::from_writer(Vec::new());
    table.write_record([
        "scenario",
        "second",
        "planned",
        "started",
        "succeeded",
        "failed",
        "dropped",
        "in_flight",
        "p50_us",
        "p95_us",
        "p99_us",
    ])?;
    for (name, it) in &result.series.scenarios {
        for second in 0..it.started.len() {
            let counts =
                [&it.planned, &it.started, &it.succeeded, &it.failed, &it.dropped, &it.in_flight];
            let times = [&it.p50, &it.p95, &it.p99];
            let mut row = vec![guarded(name), second.to_string()];
            row.extend(counts.map(|list| text(list.get(second).copied())));
            row.extend(times.map(|list| text(list.get(second).copied().flatten())));
            table.write_record(row)?;
        }
    }
    table.into_inner().map_err(|error| ::csv::Error::from(error.into_error()))
}

fn text(value: Option<u64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// Keeps a spreadsheet from running a name as a formula.
fn guarded(text: &str) -> String {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if risky { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn no_name_is_a_formula() {
        assert_eq!(guarded("=cmd()"), "'=cmd()");
        assert_eq!(guarded("checkout"), "checkout");
    }
}
