//! (pure) Keys that other load-testing tools use, and what a plan says instead.

/// A key of another tool.
pub(super) struct Foreign {
    /// As the other tool spells it.
    pub(super) key: &'static str,
    /// Who does.
    pub(super) tool: &'static str,
    /// Our key that it stands for, which is then not reported as missing.
    pub(super) replaces: &'static str,
    /// What to write.
    pub(super) ours: &'static str,
}

const USERS: &str = "`load: { closed: [ { users: 5, for: 2m } ] }`";
const RATE: &str = "`load: { open: [ { rate: 20/s, for: 2m } ] }`";
const RAMP: &str = "`load: { open: [ { rate: { to: 50/s }, for: 30s } ] }`";
const LENGTH: &str = "`for` in a stage of the load: `{ rate: 20/s, for: 2m }`";
const COUNT: &str = "`load: { open: [ { rate: 20/s, count: 100 } ] }`";
const STOP: &str = "`graceful_stop: 30s` in the scenario";

const fn foreign(
    key: &'static str,
    tool: &'static str,
    replaces: &'static str,
    ours: &'static str,
) -> Foreign {
    Foreign { key, tool, replaces, ours }
}

/// All of them.
const TABLE: &[Foreign] = &[
    foreign("vus", "k6", "load", USERS),
    foreign("executor", "k6", "load", RATE),
    foreign("stages", "k6", "load", RAMP),
    foreign("duration", "k6", "for", LENGTH),
    foreign("iterations", "k6", "load", COUNT),
    foreign("startRate", "k6", "load", RAMP),
    foreign("startVUs", "k6", "load", USERS),
    foreign("timeUnit", "k6", "load", RATE),
    foreign("preAllocatedVUs", "k6", "load", "`max_in_flight: 1000` in the load"),
    foreign("maxVUs", "k6", "load", "`max_in_flight: 1000` in the load"),
    foreign("gracefulStop", "k6", "graceful_stop", STOP),
    foreign("gracefulRampDown", "k6", "graceful_stop", STOP),
    foreign(
        "startTime",
        "k6",
        "start_after",
        "`start_after: [ { scenario: first, state: started, delay: 10s } ]`",
    ),
    foreign("check", "k6", "expect", "`expect: { status: 200 }` in the step"),
    foreign("checks", "k6", "expect", "`expect: { status: 200 }` in the step"),
    foreign("arrivalRate", "Artillery", "load", RATE),
    foreign("arrivalCount", "Artillery", "load", COUNT),
    foreign("rampTo", "Artillery", "load", RAMP),
    foreign("maxVusers", "Artillery", "load", "`max_in_flight: 1000` in the load"),
    foreign("phases", "Artillery", "load", RAMP),
    foreign("flow", "Artillery", "steps", "`steps: [ … ]`"),
    foreign("think", "Artillery", "wait", "`wait: 1s`"),
    foreign(
        "payload",
        "Artillery",
        "data",
        "`data: { users: { file: users.csv, take: circular } }`",
    ),
    foreign(
        "config",
        "Artillery",
        "endpoints",
        "`endpoints:` and `scenarios:` at the top of the plan",
    ),
    foreign("threads", "JMeter", "load", USERS),
    foreign("num_threads", "JMeter", "load", USERS),
    foreign(
        "ramp_time",
        "JMeter",
        "load",
        "`load: { closed: [ { users: { to: 5 }, for: 30s } ] }`",
    ),
    foreign("rampUp", "JMeter", "load", "`load: { closed: [ { users: { to: 5 }, for: 30s } ] }`"),
    foreign("ramp_up", "JMeter", "load", "`load: { closed: [ { users: { to: 5 }, for: 30s } ] }`"),
    foreign(
        "loops",
        "JMeter",
        "load",
        "`load: { closed: [ { users: 5, count: 100, within: 5m } ] }`",
    ),
    foreign("throughput", "JMeter", "load", RATE),
    foreign("constantUsersPerSec", "Gatling", "load", RATE),
    foreign("rampUsersPerSec", "Gatling", "load", RAMP),
    foreign("atOnceUsers", "Gatling", "load", COUNT),
    foreign("rampUsers", "Gatling", "load", RAMP),
    foreign("constantConcurrentUsers", "Gatling", "load", USERS),
    foreign(
        "rampConcurrentUsers",
        "Gatling",
        "load",
        "`load: { closed: [ { users: { to: 5 }, for: 30s } ] }`",
    ),
    foreign("feeder", "Gatling", "data", "`data: { users: { file: users.csv, take: circular } }`"),
    foreign("injectionProfile", "Gatling", "load", RAMP),
    foreign("baseUrl", "Gatling", "base_url", "`base_url: http://127.0.0.1:8080`"),
    foreign("inject", "NBomber and LoadStrike", "load", RATE),
    foreign("ramping_inject", "NBomber and LoadStrike", "load", RAMP),
    foreign("keep_constant", "NBomber and LoadStrike", "load", USERS),
    foreign(
        "ramping_constant",
        "NBomber and LoadStrike",
        "load",
        "`load: { closed: [ { users: { to: 5 }, for: 30s } ] }`",
    ),
    foreign("load_simulations", "NBomber and LoadStrike", "load", RATE),
    foreign("copies", "NBomber and LoadStrike", "users", "`users: 5` in a closed stage"),
    foreign("during", "NBomber and LoadStrike", "for", LENGTH),
    foreign("think_time", "other tools", "wait", "a step of its own, `- wait: 1s`"),
    foreign("url", "other tools", "get", "`get: /path` with `use:` and the endpoint's `base_url`"),
    foreign(
        "body",
        "other tools",
        "json",
        "one of `json: …`, `form: …`, `text: …`, `file: …` in the request",
    ),
    foreign("path", "other tools", "get", "the path as the value of its method: `get: /products`"),
    foreign("options", "k6", "load", "`scenarios:`, each with a `load:`"),
    foreign(
        "target",
        "k6 and Artillery",
        "rate",
        "the rate or the users of a stage: `{ rate: { to: 50/s }, for: 30s }`",
    ),
    foreign(
        "ramp",
        "other tools",
        "rate",
        "`{ rate: { from: 0/s, to: 50/s }, for: 30s }` in an open load",
    ),
    foreign("sleep", "other tools", "wait", "a step of its own, `- wait: 1s`"),
    foreign("jsonpath", "other tools", "json", "`{ json: \"$.id\" }`"),
    foreign("latency", "other tools", "duration", "`duration: \"< 800ms\"` in `expect`"),
    foreign("response_time", "other tools", "duration", "`duration: \"< 800ms\"` in `expect`"),
    foreign("method", "other tools", "get", "the method as the key of the path: `post: /orders`"),
    foreign("assert", "other tools", "expect", "`expect: { status: 200 }` in the step"),
    foreign(
        "extract",
        "other tools",
        "capture",
        "`capture: { id: { json: \"$.id\" } }` in the step",
    ),
    foreign("if", "other tools", "when", "`when: list.total > 100` on the step"),
    foreign("ifTrue", "Artillery", "when", "`when: list.total > 100` on the step"),
    foreign("doIf", "Gatling", "when", "`when: list.total > 100` on the step"),
    foreign("loop", "Artillery", "repeat", "`repeat: 3` or `for_each: list.ids`, with `steps:`"),
    foreign(
        "while",
        "JMeter",
        "repeat",
        "`repeat: { until: poll.state == \"done\", at_most: 10 }`",
    ),
    foreign(
        "whileTrue",
        "Artillery",
        "repeat",
        "`repeat: { until: poll.state == \"done\", at_most: 10 }`",
    ),
    foreign(
        "asLongAs",
        "Gatling",
        "repeat",
        "`repeat: { until: poll.state == \"done\", at_most: 10 }`",
    ),
    foreign(
        "randomSwitch",
        "Gatling",
        "choose",
        "`choose: [ { weight: 70, steps: [ … ] }, { weight: 30, steps: [ … ] } ]`",
    ),
    foreign(
        "switch",
        "other tools",
        "choose",
        "`choose: [ { when: …, steps: [ … ] }, { weight: 1, steps: [ … ] } ]`",
    ),
    foreign(
        "else",
        "other tools",
        "weight",
        "a last branch with `weight: 1`, which is taken when no `when` holds",
    ),
    foreign(
        "otherwise",
        "other tools",
        "weight",
        "a last branch with `weight: 1`, which is taken when no `when` holds",
    ),
    foreign("parallel", "Artillery", "needs", "`needs: []` on steps that start at once"),
    foreign("depends_on", "other tools", "needs", "`needs: [login]`"),
    foreign("setup", "k6", "before", "`before:` at the top of the plan, with a list of steps"),
    foreign("teardown", "k6", "after", "`after:` at the top of the plan, with a list of steps"),
    foreign("on_error", "other tools", "on_fail", "`on_fail: continue`"),
    foreign("retries", "other tools", "retry", "`retry: { attempts: 3 }`"),
    foreign("tags", "k6", "split_by", "`split_by: { json: \"$.region\" }` on a step"),
];

/// Returns the entry of `key`, whatever its spelling of words.
pub(super) fn find(key: &str) -> Option<&'static Foreign> {
    let folded = fold(key);
    TABLE
        .iter()
        .find(|foreign| foreign.key == key)
        .or_else(|| TABLE.iter().find(|foreign| fold(foreign.key) == folded))
}

/// Returns `key` in lower case without separators: `RampingInject` and `ramping_inject` are one.
fn fold(key: &str) -> String {
    key.chars().filter(|c| !"_- ".contains(*c)).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_fold() {
        assert_eq!(find("KeepConstant").unwrap().key, "keep_constant");
        assert_eq!(find("vus").unwrap().tool, "k6");
        assert!(find("steps").is_none());
    }
}
