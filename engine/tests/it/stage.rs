//! What end-to-end tests stand on: the real `volley`, a real `nats-server`, a shop with a log, results that are checked.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use engine::report::{RunResult, laws};
use serde_json::Value;

/// Longest wait for a server to come up; generous, since two cores may be building something else.
const UP_TRIES: u32 = 300;

/// A process that is killed when the test ends, however it ends.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Process {
    /// Sends `signal` to it.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

/// What a finished `volley` said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Fails the test, with everything that was said, unless it exited with `code`.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Said {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

/// Returns the `volley` under test, its working folder the repository.
pub(crate) fn volley() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_volley"));
    command.current_dir(repository()).env("NO_COLOR", "1").stdin(Stdio::null());
    // What agents keep is of this test alone, and never in somebody's home.
    let state = format!("{}/state-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    command.env("XDG_STATE_HOME", state);
    command
}

/// Returns the root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Runs `volley` with `args` to its end.
pub(crate) fn run(args: &[&str]) -> Said {
    finish(volley().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

/// Waits for a spawned `volley`.
pub(crate) fn finish(child: Child) -> Said {
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Reads the result in `folder`; it must fit its schema and keep every law.
#[track_caller]
pub(crate) fn result(folder: &Path) -> RunResult {
    let text = fs::read_to_string(folder.join("result.json")).expect("a result was written");
    let value: Value = serde_json::from_str(&text).unwrap();
    let schema = fs::read_to_string(repository().join("schemas/result.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let violations: Vec<String> =
        schema.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(violations.is_empty(), "{violations:#?}");
    let result: RunResult = serde_json::from_str(&text).unwrap();
    assert_eq!(laws(&result), Vec::<String>::new());
    for view in ["report.html", "report.md", "report.txt", "series.csv", "junit.xml"] {
        assert!(folder.join(view).metadata().is_ok_and(|view| view.len() > 0), "{view} is there");
    }
    result
}

/// Writes `plan` and a list of `rows` users into `folder`, returns the plan's path.
pub(crate) fn write_plan(folder: &Path, plan: &str, rows: usize) -> String {
    let names: String = (0..rows).map(|row| format!("user-{row:06}\n")).collect();
    fs::write(folder.join("users.csv"), format!("name\n{names}")).unwrap();
    let path = folder.join("plan.yaml");
    fs::write(&path, plan).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The demo shop with its log.
pub(crate) struct Shop {
    pub(crate) url: String,
    log: PathBuf,
    process: Process,
}

impl Shop {
    /// Starts `volley target` on a free port with a log in `folder`.
    pub(crate) fn start(folder: &Path, args: &[&str]) -> Shop {
        let log = folder.join("shop.log");
        let mut command = volley();
        command.args(["target", "--listen", "127.0.0.1:0", "--log", log.to_str().unwrap()]);
        let mut child = command.args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let at = line.find("http://").unwrap_or_else(|| panic!("no address in {line:?}"));
        let url = line[at..].split_whitespace().next().unwrap().to_owned();
        Shop { url, log, process: Process(child) }
    }

    /// Stops the shop and returns how often each (arrival, step) came, and with which method and path first.
    pub(crate) fn requests(self) -> BTreeMap<(String, String), (u32, String)> {
        let mut seen: BTreeMap<(String, String), (u32, String)> = BTreeMap::new();
        for Seen { request, arrival, step, .. } in self.seen() {
            let entry = seen.entry((arrival, step)).or_insert((0, request));
            entry.0 += 1;
        }
        seen
    }

    /// Stops the shop and returns every request that came, in the order of its log.
    pub(crate) fn seen(self) -> Vec<Seen> {
        self.process.signal(rustix::process::Signal::TERM);
        let mut process = self.process;
        process.0.wait().unwrap();
        let text = fs::read_to_string(&self.log).unwrap();
        let seen = text.lines().map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [at_ns, method, path, arrival, step] = words[..] else {
                panic!("a log line has five words: {line:?}")
            };
            Seen {
                at_ns: at_ns.parse().unwrap(),
                request: format!("{method} {path}"),
                arrival: arrival.to_owned(),
                step: step.to_owned(),
            }
        });
        seen.collect()
    }
}

/// A request as the shop saw it.
pub(crate) struct Seen {
    /// When, on the machine's boot-time clock.
    pub(crate) at_ns: u64,
    /// Method and path.
    pub(crate) request: String,
    /// Which arrival of which run sent it.
    pub(crate) arrival: String,
    /// Which of its steps.
    pub(crate) step: String,
}

/// Returns the `nats-server` that tests run against: `VOLLEY_NATS_SERVER`, or the one on PATH.
pub(crate) fn nats_server() -> OsString {
    std::env::var_os("VOLLEY_NATS_SERVER").unwrap_or_else(|| "nats-server".into())
}

/// A real `nats-server` without JetStream.
pub(crate) struct Nats {
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
}

impl Nats {
    /// Starts one on a free port; `None` where there is no `nats-server` and none is required.
    pub(crate) fn start() -> Option<Nats> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        match Nats::spawn(address) {
            Ok(process) => Some(Nats { url: format!("nats://{address}"), address, process }),
            Err(error) => {
                let required = std::env::var_os("VOLLEY_REQUIRE_BACKENDS").is_some();
                assert!(!required, "nats-server is required: {error}");
                skipped(&format!("nats-server ({error})"));
                None
            }
        }
    }

    /// Starts it again at the same address, after it was killed.
    pub(crate) fn start_again(&mut self) {
        self.process = Nats::spawn(self.address).unwrap();
    }

    fn spawn(address: SocketAddr) -> std::io::Result<Process> {
        let mut command = Command::new(nats_server());
        command.args(["-a", "127.0.0.1", "-p", &address.port().to_string()]);
        let process = Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
        wait_for_port(address);
        Ok(process)
    }

    /// Starts an agent of `group` that serves one run.
    pub(crate) fn agent(&self, name: &str, group: &str) -> Process {
        agent(&self.url, name, group)
    }
}

/// Starts an agent that reaches its broker at `url` and serves one run.
pub(crate) fn agent(url: &str, name: &str, group: &str) -> Process {
    let mut command = volley();
    command.args(["agent", "--nats", url, "--name", name, "--group", group, "--once"]);
    Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

/// Says that a test could not do its work.
pub(crate) fn skipped(needs: &str) {
    let mut err = std::io::stderr();
    writeln!(err, "SKIPPED: needs {needs}").unwrap();
}

/// Returns a port on which nobody listens.
pub(crate) fn dead_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn wait_for_port(address: SocketAddr) {
    for _ in 0..UP_TRIES {
        if TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("nothing listens on {address}");
}
