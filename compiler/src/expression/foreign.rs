//! (pure) Conditions as other tools write them, put into ours.

/// Returns `p95(service) < 500ms` for k6's `p(95)<500` or `http_req_duration: p95 < 500ms`; `None` if nothing is known of it.
pub(super) fn respelled(text: &str) -> Option<String> {
    let at = text.find(['<', '>', '=', '!'])?;
    let (left, rest) = text.split_at(at);
    let limit = rest.trim_start_matches(['<', '>', '=', '!']);
    let operator = &rest[..rest.len() - limit.len()];
    let (left, limit) = (left.trim().to_ascii_lowercase(), limit.trim());
    let bare = !limit.is_empty() && limit.bytes().all(|byte| byte.is_ascii_digit());
    let words = || left.split([' ', ':', '.']).filter(|word| !word.is_empty());
    let mut last = words().next_back()?;
    if matches!(last, "http_req_failed" | "errors" | "failures" | "failed" | "error_rate") {
        let share = limit.ends_with('%').then_some(limit)?;
        return Some(format!("share(failed) {operator} {share}"));
    }
    if matches!(last, "http_req_duration" | "latency" | "response_time" | "duration") {
        last = "p95";
    }
    let function = match last {
        "avg" | "average" | "mean" => "mean".to_owned(),
        "med" | "median" => "p50".to_owned(),
        "min" | "max" => last.to_owned(),
        _ => {
            let number = last.strip_prefix('p')?;
            let number = number.strip_prefix('(').map_or(Some(number), |n| n.strip_suffix(')'))?;
            let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            (digits && number.len() <= 2).then(|| format!("p{number}"))?
        }
    };
    let unit = if bare { "ms" } else { "" };
    (!limit.is_empty()).then(|| format!("{function}(service) {operator} {limit}{unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_of_other_tools_are_put_into_ours() {
        for (text, ours) in [
            ("p(95)<500", Some("p95(service) < 500ms")),
            ("p(95) < 500ms", Some("p95(service) < 500ms")),
            ("http_req_duration p(99) <= 1s", Some("p99(service) <= 1s")),
            ("http_req_duration: avg < 200", Some("mean(service) < 200ms")),
            ("p95 < 500ms", Some("p95(service) < 500ms")),
            ("http_req_failed < 1%", Some("share(failed) < 1%")),
            ("rate<0.01", None),
            ("p95(service) < 500", None),
            ("<", None),
            ("", None),
        ] {
            assert_eq!(respelled(text).as_deref(), ours, "{text}");
        }
    }
}
