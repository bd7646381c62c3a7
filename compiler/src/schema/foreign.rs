//! (pure) The words of other load-testing tools, and what a plan says instead. They are known only to be answered.

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
    /// Whether it can be replaced by `replaces` where the mapping has that key, its value kept.
    pub(super) renamed: bool,
}

const USERS: &str = "`load: { closed: [ { users: 5, for: 2m } ] }`";
const RATE: &str = "`load: { open: [ { rate: 20/s, for: 2m } ] }`";
const RAMP: &str = "`load: { open: [ { rate: { to: 50/s }, for: 30s } ] }`";
const RAMP_USERS: &str = "`load: { closed: [ { users: { to: 5 }, for: 30s } ] }`";
const LENGTH: &str = "`for` in a stage of the load: `{ rate: 20/s, for: 2m }`";
const COUNT: &str = "`load: { open: [ { rate: 20/s, count: 100 } ] }`";
const STOP: &str = "`graceful_stop: 30s` in the scenario";

const fn foreign(
    key: &'static str,
    tool: &'static str,
    replaces: &'static str,
    ours: &'static str,
) -> Foreign {
    Foreign { key, tool, replaces, ours, renamed: false }
}

const fn renamed(
    key: &'static str,
    tool: &'static str,
    replaces: &'static str,
    ours: &'static str,
) -> Foreign {
    Foreign { key, tool, replaces, ours, renamed: true }
}

/// All keys.
#[cfg(test)]
pub(super) fn all() -> &'static [Foreign] {
    TABLE
}

/// Returns every word of another tool that is answered: the tool, its word, and what a plan says instead.
pub fn foreign_words() -> impl Iterator<Item = [&'static str; 3]> {
    let keys = TABLE.iter().map(|foreign| [foreign.tool, foreign.key, foreign.ours]);
    keys.chain(LOADS.iter().chain(VALUES).map(|(word, tool, ours)| [*tool, *word, *ours]))
}

#[rustfmt::skip] // One row a word.
const TABLE: &[Foreign] = &[
    foreign("vus", "k6", "load", USERS),
    foreign("startVUs", "k6", "load", USERS),
    foreign("constantVus", "k6", "load", USERS),
    foreign("executor", "k6", "load", RATE),
    foreign("timeUnit", "k6", "load", RATE),
    foreign("constantArrivalRate", "k6", "load", RATE),
    foreign("startRate", "k6", "load", RAMP),
    foreign("rampingArrivalRate", "k6", "load", RAMP),
    foreign("stages", "k6", "load", RAMP_USERS),
    foreign("rampingVus", "k6", "load", RAMP_USERS),
    renamed("duration", "k6", "for", LENGTH),
    foreign("maxDuration", "k6", "for", LENGTH),
    foreign("iterations", "k6", "load", "`{ users: 5, count: 100, within: 5m }` in a closed load"),
    foreign("sharedIterations", "k6", "load", "`{ users: 5, count: 100, within: 5m }` in a closed load"),
    foreign("perVuIterations", "k6", "load", "`{ users: 5, count_each: 20, within: 5m }` in a closed load"),
    foreign("preAllocatedVUs", "k6", "max_in_flight", "`max_in_flight: 1000` in the load"),
    renamed("maxVUs", "k6", "max_in_flight", "`max_in_flight: 1000` in the load"),
    renamed("gracefulStop", "k6", "graceful_stop", STOP),
    foreign("gracefulRampDown", "k6", "graceful_stop", STOP),
    foreign("startTime", "k6", "start_after", "`start_after: [ { scenario: first, state: started, delay: 10s } ]`"),
    foreign("check", "k6", "expect", "`expect: { status: 200 }` in the step"),
    foreign("checks", "k6", "expect", "`expect: { status: 200 }` in the step"),
    foreign("exec", "k6", "steps", "`steps: [ … ]` in the scenario"),
    foreign("default", "k6", "steps", "`steps: [ … ]` in the scenario"),
    renamed("setup", "k6", "before", "`before:` at the top of the plan"),
    renamed("teardown", "k6", "after", "`after:` at the top of the plan"),
    foreign("options", "k6", "scenarios", "`scenarios:`, each with a `load:`"),
    foreign("env", "k6", "secrets", "`secrets: { token: { env: TOKEN } }`, read as `{{ secrets.token }}`"),
    foreign("http_req_duration", "k6", "thresholds", "`{ require: p95(service) < 500ms }` under a name of your own"),
    foreign("http_req_waiting", "k6", "thresholds", "`{ require: p95(service) < 500ms }` under a name of your own"),
    foreign("iteration_duration", "k6", "thresholds", "`{ require: p95(service) < 500ms }` under a name of your own"),
    foreign("http_req_failed", "k6", "thresholds", "`{ require: share(failed) < 1% }` under a name of your own"),
    foreign("http_reqs", "k6", "thresholds", "`{ require: rate(started) > 95/s }` under a name of your own"),
    foreign("dropped_iterations", "k6", "thresholds", "`{ require: count(dropped) == 0 }` under a name of your own"),
    renamed("abortOnFail", "k6", "abort", "`abort: true`"),
    renamed("delayAbortEval", "k6", "grace", "`grace: 30s`"),
    foreign("tags", "k6", "split_by", "`split_by: { json: \"$.region\" }` on the step"),
    renamed("sleep", "k6", "wait", "a step of its own, `- wait: 1s`"),
    foreign("loop", "k6", "repeat", "`repeat: 3` with `steps:`"),
    foreign("arrivalRate", "Artillery", "load", RATE),
    foreign("phases", "Artillery", "load", RATE),
    foreign("arrivalCount", "Artillery", "load", COUNT),
    foreign("rampTo", "Artillery", "load", RAMP),
    renamed("maxVusers", "Artillery", "max_in_flight", "`max_in_flight: 1000` in the load"),
    renamed("flow", "Artillery", "steps", "`steps: [ … ]`"),
    renamed("think", "Artillery", "wait", "a step of its own, `- wait: 1s`"),
    foreign("payload", "Artillery", "data", "`data: { users: { file: users.csv, take: circular } }`"),
    foreign("config", "Artillery", "endpoints", "`endpoints:` and `scenarios:` at the top of the plan"),
    foreign("beforeScenario", "Artillery", "before_each_user", "`before_each_user: [ … ]` in the scenario"),
    foreign("beforeRequest", "Artillery", "before_each_user", "`before_each_user: [ … ]` in the scenario"),
    foreign("afterScenario", "Artillery", "after", "`after:` at the top of the plan"),
    foreign("afterResponse", "Artillery", "after", "`after:` at the top of the plan"),
    foreign("ensure", "Artillery", "thresholds", "`thresholds: { errors: { require: share(failed) < 1% } }`"),
    foreign("maxErrorRate", "Artillery", "thresholds", "`thresholds: { errors: { require: share(failed) < 1% } }`"),
    renamed("variables", "Artillery", "vars", "`vars: { name: value }`, read as `{{ vars.name }}`"),
    foreign("environment", "Artillery", "environments", "`environments: { prod: { vars: { … } } }`"),
    foreign("function", "Artillery", "call", "a step for each request; a shared sequence is `call: name`"),
    foreign("beforeTest", "Artillery", "call", "a step for each request; a shared sequence is `call: name`"),
    renamed("ifTrue", "Artillery", "when", "`when: list.total > 100` on the step"),
    renamed("if", "Artillery", "when", "`when: list.total > 100` on the step"),
    foreign("expectations", "Artillery", "expect", "`expect:` in the step"),
    foreign("threads", "JMeter", "load", USERS),
    foreign("num_threads", "JMeter", "load", USERS),
    foreign("ThreadGroup", "JMeter", "load", USERS),
    foreign("ramp_time", "JMeter", "load", RAMP_USERS),
    foreign("rampUp", "JMeter", "load", RAMP_USERS),
    foreign("rampUpPeriod", "JMeter", "load", RAMP_USERS),
    foreign("loops", "JMeter", "load", "`{ users: 5, count: 100, within: 5m }` in a closed load"),
    foreign("loopCount", "JMeter", "load", "`{ users: 5, count: 100, within: 5m }` in a closed load"),
    foreign("throughput", "JMeter", "load", RATE),
    foreign("ConstantThroughputTimer", "JMeter", "load", RATE),
    foreign("constantTimer", "JMeter", "wait", "a step of its own, `- wait: { uniform: [1s, 3s] }`"),
    foreign("uniformRandomTimer", "JMeter", "wait", "a step of its own, `- wait: { uniform: [1s, 3s] }`"),
    foreign("GaussianRandomTimer", "JMeter", "wait", "a step of its own, `- wait: { uniform: [1s, 3s] }`"),
    foreign("HTTPSampler", "JMeter", "http", "`http: { use: shop, get: / }` in a step"),
    foreign("HTTPSamplerProxy", "JMeter", "http", "`http: { use: shop, get: / }` in a step"),
    foreign("sampler", "JMeter", "http", "`http: { use: shop, get: / }` in a step"),
    foreign("samplers", "JMeter", "http", "`http: { use: shop, get: / }` in a step"),
    foreign("HttpDefaults", "JMeter", "endpoints", "`endpoints: { shop: { http: { base_url: \"https://…\" } } }`"),
    foreign("server", "JMeter", "endpoints", "`endpoints: { shop: { http: { base_url: \"https://…\" } } }`"),
    foreign("domain", "JMeter", "endpoints", "`endpoints: { shop: { http: { base_url: \"https://…\" } } }`"),
    foreign("CSVDataSet", "JMeter", "data", "`data: { users: { file: users.csv, take: circular } }`"),
    foreign("assertions", "JMeter", "expect", "`expect: { status: 200 }` in the step"),
    foreign("responseAssertion", "JMeter", "expect", "`expect: { status: 200 }` in the step"),
    foreign("JSONPostProcessor", "JMeter", "capture", "`capture: { id: { json: \"$.id\" } }` in the step"),
    foreign("RegexExtractor", "JMeter", "capture", "`capture: { id: { json: \"$.id\" } }` in the step"),
    foreign("on_sample_error", "JMeter", "on_fail", "`on_fail: end_transaction` on the step"),
    foreign("LoopController", "JMeter", "repeat", "`repeat: 3` with `steps:`"),
    foreign("WhileController", "JMeter", "repeat", "`repeat: 3` with `steps:`"),
    foreign("IfController", "JMeter", "when", "`when: list.total > 100` on the step"),
    foreign("constantUsersPerSec", "Gatling", "load", RATE),
    foreign("rampUsersPerSec", "Gatling", "load", RAMP),
    foreign("rampUsers", "Gatling", "load", RAMP),
    foreign("injectionProfile", "Gatling", "load", RAMP),
    foreign("injectOpen", "Gatling", "load", RAMP),
    foreign("atOnceUsers", "Gatling", "load", COUNT),
    foreign("constantConcurrentUsers", "Gatling", "load", USERS),
    foreign("injectClosed", "Gatling", "load", USERS),
    foreign("rampConcurrentUsers", "Gatling", "load", RAMP_USERS),
    foreign("incrementConcurrentUsers", "Gatling", "load", RAMP_USERS),
    renamed("nothingFor", "Gatling", "pause", "`{ pause: 10s }` as a stage of the load"),
    foreign("heavisideUsers", "Gatling", "load", "`load: { open: [ { rate: { to: 50/s }, for: 30s } ], arrivals: poisson }`"),
    foreign("stressPeakUsers", "Gatling", "load", "`load: { open: [ { rate: { to: 50/s }, for: 30s } ], arrivals: poisson }`"),
    foreign("feeder", "Gatling", "data", "`data: { users: { file: users.csv, take: circular } }`"),
    foreign("feed", "Gatling", "data", "`data: { users: { file: users.csv, take: circular } }`"),
    renamed("baseUrl", "Gatling", "base_url", "`base_url: http://127.0.0.1:8080` in the endpoint"),
    foreign("saveAs", "Gatling", "capture", "`capture: { id: { json: \"$.id\" } }` in the step"),
    foreign("customMetrics", "Gatling", "metrics", "`metrics: { total: { trend: { json: \"$.total\" } } }` on the step"),
    foreign("tryMax", "Gatling", "retry", "`retry: { attempts: 3 }` on the step"),
    renamed("pacing", "Gatling", "pace", "`pace: 10s` in a closed load"),
    foreign("randomSwitch", "Gatling", "choose", "`choose:` with `when` or `weight` in each branch"),
    foreign("doIf", "Gatling", "choose", "`choose:` with `when` or `weight` in each branch"),
    foreign("doSwitch", "Gatling", "choose", "`choose:` with `when` or `weight` in each branch"),
    foreign("uniformRandomSwitch", "Gatling", "choose", "`choose:` with `when` or `weight` in each branch"),
    renamed("foreach", "Gatling", "for_each", "`for_each: list.ids` with `steps:`"),
    foreign("exitHereIfFailed", "Gatling", "on_fail", "`on_fail: end_transaction` on the step, which is the default"),
    foreign("exitBlockOnFail", "Gatling", "on_fail", "`on_fail: end_transaction` on the step, which is the default"),
    foreign("inject", "NBomber and LoadStrike", "load", RATE),
    foreign("load_simulations", "NBomber and LoadStrike", "load", RATE),
    foreign("ramping_inject", "NBomber and LoadStrike", "load", RAMP),
    foreign("inject_random", "NBomber and LoadStrike", "load", "`load: { open: [ { rate: { min: 10/s, max: 50/s, every: 1s }, for: 2m } ] }`"),
    foreign("iterations_for_inject", "NBomber and LoadStrike", "load", COUNT),
    foreign("iterations_for_constant", "NBomber and LoadStrike", "load", "`load: { closed: [ { users: 5, count: 100, within: 5m } ] }`"),
    foreign("keep_constant", "NBomber and LoadStrike", "load", USERS),
    foreign("ramping_constant", "NBomber and LoadStrike", "load", RAMP_USERS),
    renamed("copies", "NBomber and LoadStrike", "users", "`users: 5` in a closed stage"),
    renamed("during", "NBomber and LoadStrike", "for", LENGTH),
    renamed("warmUpDuration", "NBomber and LoadStrike", "warm_up", "`warm_up: 10s` in the scenario"),
    foreign("without_warm_up", "NBomber and LoadStrike", "warm_up", "`warm_up: 10s` in the scenario"),
    renamed("maxFailCount", "NBomber and LoadStrike", "max_failures", "`max_failures: 100` in the scenario"),
    foreign("scenario_weight", "NBomber and LoadStrike", "weight", "`mix:` in `traffic`: `{ load: { … }, mix: { browse: 60, buy: 40 } }`"),
    foreign("reporting_sinks", "NBomber and LoadStrike", "sinks", "`sinks:` at the top of the plan"),
    foreign("user_count", "Locust", "load", USERS),
    foreign("users_count", "Locust", "load", USERS),
    foreign("spawn_rate", "Locust", "load", RAMP_USERS),
    foreign("hatch_rate", "Locust", "load", RAMP_USERS),
    foreign("wait_time", "Locust", "wait", "a step of its own, `- wait: { uniform: [1s, 3s] }`"),
    foreign("constant_pacing", "Locust", "load", "`pace: 10s` in a closed load"),
    foreign("tasks", "Locust", "steps", "`steps: [ … ]` in the scenario"),
    foreign("task", "Locust", "steps", "`steps: [ … ]` in the scenario"),
    foreign("on_start", "Locust", "before_each_user", "`before_each_user: [ … ]` in the scenario"),
    foreign("host", "Locust", "endpoints", "`endpoints: { shop: { http: { base_url: \"https://…\" } } }`"),
    foreign("connections", "wrk", "load", USERS),
    foreign("max_workers", "vegeta", "timeout", "`timeout: 5s`"),
    renamed("navigate", "Playwright", "goto", "`goto: \"https://…\"` in `browser: { actions: [ … ] }`"),
    foreign("page_goto", "Playwright", "goto", "`goto: \"https://…\"` in `browser: { actions: [ … ] }`"),
    renamed("waitForSelector", "Playwright", "wait_for", "`wait_for: \"#orders\"` in `browser: { actions: [ … ] }`"),
    foreign("locator", "Playwright", "wait_for", "`wait_for: \"#orders\"` in `browser: { actions: [ … ] }`"),
    renamed("think_time", "other tools", "wait", "a step of its own, `- wait: 1s`"),
    foreign("delay", "other tools", "wait", "a step of its own, `- wait: 1s`"),
    foreign("url", "other tools", "get", "`get: /path` with `use:` and the endpoint's `base_url`"),
    foreign("uri", "other tools", "get", "`get: /path` with `use:` and the endpoint's `base_url`"),
    foreign("body", "other tools", "json", "one of `json: …`, `form: …`, `text: …`, `file: …` in the request"),
    foreign("data_raw", "other tools", "json", "one of `json: …`, `form: …`, `text: …`, `file: …` in the request"),
    foreign("path", "other tools", "get", "the path as the value of its method: `get: /products`"),
    foreign("method", "other tools", "get", "the method as the key of the path: `post: /orders`"),
    foreign("verb", "other tools", "get", "the method as the key of the path: `post: /orders`"),
    foreign("target", "k6 and Artillery", "rate", "the rate or the users of a stage: `{ rate: { to: 50/s }, for: 30s }`"),
    foreign("ramp", "other tools", "rate", "`{ rate: { from: 0/s, to: 50/s }, for: 30s }` in an open load"),
    renamed("rps", "other tools", "rate", "`rate: 50/s` in an open stage"),
    renamed("qps", "other tools", "rate", "`rate: 50/s` in an open stage"),
    renamed("tps", "other tools", "rate", "`rate: 50/s` in an open stage"),
    renamed("jsonpath", "other tools", "json", "`{ json: \"$.id\" }`"),
    renamed("latency", "other tools", "duration", "`duration: \"< 800ms\"` in `expect`"),
    renamed("response_time", "other tools", "duration", "`duration: \"< 800ms\"` in `expect`"),
    foreign("assert", "other tools", "expect", "`expect: { status: 200 }` in the step"),
    foreign("asserts", "other tools", "expect", "`expect: { status: 200 }` in the step"),
    foreign("validate", "other tools", "expect", "`expect: { status: 200 }` in the step"),
    foreign("extract", "other tools", "capture", "`capture: { id: { json: \"$.id\" } }` in the step"),
    foreign("extractors", "other tools", "capture", "`capture: { id: { json: \"$.id\" } }` in the step"),
    foreign("save", "other tools", "capture", "`capture: { id: { json: \"$.id\" } }` in the step"),
    renamed("statusCode", "other tools", "status", "`status: 200` in `expect`"),
    renamed("params", "other tools", "query", "`query: { page: 1 }` in the request"),
    renamed("queryParams", "other tools", "query", "`query: { page: 1 }` in the request"),
    renamed("qs", "other tools", "query", "`query: { page: 1 }` in the request"),
    renamed("header", "other tools", "headers", "`headers: { accept: text/html }`"),
    foreign("scenario", "other tools", "scenarios", "`scenarios: { browse: { load: …, steps: … } }`"),
    renamed("depends_on", "other tools", "needs", "`needs: [login]`"),
    foreign("after_step", "other tools", "needs", "`needs: [login]`"),
    renamed("warmup", "other tools", "warm_up", "`warm_up: 10s` in the scenario"),
    foreign("ramp_up_warmup", "other tools", "warm_up", "`warm_up: 10s` in the scenario"),
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
    foreign("on_error", "other tools", "on_fail", "`on_fail: continue`"),
    foreign("retries", "other tools", "retry", "`retry: { attempts: 3 }`"),
];

/// What k6 calls its executors, with what to write.
#[rustfmt::skip] // One row a word.
const LOADS: &[(&str, &str, &str)] = &[
    ("constant-vus", "k6", USERS),
    ("ramping-vus", "k6", RAMP_USERS),
    ("constant-arrival-rate", "k6", RATE),
    ("ramping-arrival-rate", "k6", RAMP),
    ("shared-iterations", "k6", "`load: { closed: [ { users: 5, count: 100, within: 5m } ] }`"),
    ("per-vu-iterations", "k6", "`load: { closed: [ { users: 5, count_each: 20, within: 5m } ] }`"),
    ("externally-controlled", "k6", USERS),
];

/// Values of other tools that are one of our words under another name.
#[rustfmt::skip] // One row a word.
const VALUES: &[(&str, &str, &str)] = &[
    ("continueLoop", "JMeter", "end_transaction"),
    ("startNextLoop", "JMeter", "end_transaction"),
    ("startnextloop", "JMeter", "end_transaction"),
    ("next_iteration", "other tools", "end_transaction"),
    ("stopThread", "JMeter", "end_transaction"),
    ("stopTest", "JMeter", "abort_run"),
    ("stopTestNow", "JMeter", "abort_run"),
    ("abort", "other tools", "abort_run"),
    ("ignore", "other tools", "continue"),
    ("sequence", "Artillery", "circular"),
    ("sequential", "other tools", "circular"),
    ("queue", "Gatling", "unique"),
    ("shuffle", "Gatling", "random"),
    ("eager", "Gatling", "circular"),
    ("constant", "other tools", "even"),
    ("exponential", "other tools", "poisson"),
    ("wait", "other tools", "queue"),
];

/// Returns what a value of k6's `executor` or a `load` in words asks for: the tool, and what to write.
pub(super) fn load(text: &str) -> Option<(&'static str, &'static str)> {
    let found = LOADS.iter().find(|(word, ..)| same(word, text))?;
    Some((found.1, found.2))
}

/// Returns which of `options` another tool calls `text`, with the tool.
pub(super) fn value(text: &str, options: &[String]) -> Option<(&'static str, &'static str)> {
    let fits = |(word, _, ours): &&(&str, &str, &'static str)| {
        same(word, text) && options.iter().any(|option| option == ours)
    };
    VALUES.iter().find(fits).map(|(_, tool, ours)| (*tool, *ours))
}

/// Returns the entry of `key`, whatever its spelling of words.
pub(super) fn find(key: &str) -> Option<&'static Foreign> {
    let exact = TABLE.iter().find(|foreign| foreign.key == key);
    exact.or_else(|| TABLE.iter().find(|foreign| same(foreign.key, key)))
}

/// Returns whether two words are one but for case and separators: `RampingInject` and `ramping_inject`.
fn same(one: &str, other: &str) -> bool {
    fold(one).eq(fold(other))
}

fn fold(word: &str) -> impl Iterator<Item = char> {
    word.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_fold() {
        assert_eq!(find("KeepConstant").unwrap().key, "keep_constant");
        assert_eq!(find("vus").unwrap().tool, "k6");
        assert_eq!(load("rampingVUs").unwrap().1, RAMP_USERS);
        assert!(find("steps").is_none());
    }

    #[test]
    fn each_word_is_there_once_and_its_answer_has_ours() {
        for (at, foreign) in TABLE.iter().enumerate() {
            let again = TABLE[..at].iter().find(|other| same(other.key, foreign.key));
            assert!(again.is_none(), "{} is there twice", foreign.key);
            // `for`, `json`, `get` are words of ours that are shown inside an example.
            let ours = foreign.ours.contains(foreign.replaces) || foreign.replaces == "get";
            let inside = matches!(foreign.replaces, "load" | "data" | "weight" | "call" | "match");
            assert!(ours || inside || foreign.replaces == "thresholds", "{}", foreign.key);
            assert_ne!(foreign.key, foreign.replaces);
        }
    }
}
