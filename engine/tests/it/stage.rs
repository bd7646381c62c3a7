//! What end-to-end tests stand on: the real `volley`, a real `nats-server`, a shop with a log, results that are checked.

use std::collections::BTreeMap;
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
        for (_, key, what) in self.log() {
            seen.entry(key).or_insert((0, what)).0 += 1;
        }
        seen
    }

    /// Stops the shop and returns when, on the boot-time clock in nanoseconds, which (arrival, step) came, and with which
    /// method and path.
    pub(crate) fn log(self) -> Vec<(u64, (String, String), String)> {
        self.process.signal(rustix::process::Signal::TERM);
        let mut process = self.process;
        process.0.wait().unwrap();
        let text = fs::read_to_string(&self.log).unwrap();
        let lines = text.lines().map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [at, method, path, arrival, step] = words[..] else {
                panic!("a log line has five words: {line:?}")
            };
            let key = (arrival.to_owned(), step.to_owned());
            (at.parse().unwrap(), key, format!("{method} {path}"))
        });
        lines.collect()
    }
}

/// A real `nats-server` without JetStream.
pub(crate) struct Nats {
    pub(crate) url: String,
    _process: Process,
}

impl Nats {
    /// Starts one on a free port; `None` where there is no `nats-server` and none is required.
    pub(crate) fn start() -> Option<Nats> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("nats-server");
        command.args(["-a", "127.0.0.1", "-p", &port.to_string()]);
        let child = match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
            Ok(child) => child,
            Err(error) => {
                let required = std::env::var_os("VOLLEY_REQUIRE_BACKENDS").is_some();
                assert!(!required, "nats-server is required: {error}");
                skipped(&format!("nats-server ({error})"));
                return None;
            }
        };
        let process = Process(child);
        wait_for_port(SocketAddr::from(([127, 0, 0, 1], port)));
        Some(Nats { url: format!("nats://127.0.0.1:{port}"), _process: process })
    }

    /// Starts an agent of `group` that serves one run.
    pub(crate) fn agent(&self, name: &str, group: &str) -> Process {
        let mut command = volley();
        command.args(["agent", "--nats", &self.url, "--name", name, "--group", group, "--once"]);
        Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
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
