"""What the measuring scripts share: pinned processes that always end, their use of the machine, tables. No packages needed.

The generator runs on core 0, what it loads on core 1. Every process that is started here is ended by its id when the
script ends, however it ends.
"""

import atexit
import json
import os
import platform
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
CACHE = TARGET / "bench-tools"
GENERATOR, SERVER = "0", "1"

_running = []


def _end_all(*_):
    for process in _running:
        if process.poll() is None:
            process.terminate()
    for process in _running:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    _running.clear()


atexit.register(_end_all)
for _signal in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(_signal, lambda *_: sys.exit(130))


def say(text=""):
    print(text, flush=True)


def note(text):
    print(f"  {text}", file=sys.stderr, flush=True)


def raise_descriptors():
    """Lets this process and its children open as many descriptors as the machine allows."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def scratch():
    """Returns a folder that is removed at the end, after the processes that write to it."""
    folder = tempfile.mkdtemp(prefix="volley-bench-")

    def remove():
        _end_all()
        shutil.rmtree(folder, True)

    atexit.register(remove)
    return Path(folder)


def install(program, package=None):
    """Returns whether `program` is on PATH, after trying apt-get."""
    if shutil.which(program):
        return True
    apt = shutil.which("apt-get")
    if apt:
        note(f"installing {package or program}")
        prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
        command = [*prefix, apt, "install", "-y", "-qq", package or program]
        subprocess.run(command, capture_output=True, timeout=600, check=False)
    return shutil.which(program) is not None


def install_oha():
    """Returns the path of oha: from PATH, or built once into the target folder; None if it cannot be had."""
    if found := shutil.which("oha"):
        return found
    path = CACHE / "bin" / "oha"
    if not path.exists():
        note("building oha, once")
        command = ["cargo", "install", "--quiet", "oha", "--locked", "--root", str(CACHE)]
        environment = {**os.environ, "CARGO_TARGET_DIR": str(CACHE / "oha")}
        subprocess.run(command, env=environment, timeout=3600, check=False)
    return str(path) if path.exists() else None


def build(bench):
    """Builds `volley` and a bench in release mode; returns their paths."""
    return _build("--bin", "volley"), build_bench(bench)


def build_bench(name):
    """Builds a bench in release mode; returns its path."""
    return _build("--bench", name)


def _build(kind, name):
    command = ["cargo", "build", "--release", "--locked", "-p", "engine", kind, name, "--message-format=json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=3600)
    made = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    made = [one["executable"] for one in made if one.get("executable") and one["target"]["name"] == name]
    # A copy: a later build may replace it with one of other features.
    CACHE.mkdir(parents=True, exist_ok=True)
    shutil.copy2(made[-1], CACHE / f"{name}.new")
    os.replace(CACHE / f"{name}.new", CACHE / name)
    return str(CACHE / name)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def start(command, core, **options):
    """Starts a process pinned to `core`; it ends with this script at the latest."""
    process = subprocess.Popen(["taskset", "-c", core, *map(str, command)], **options)
    _running.append(process)
    return process


def end(process, wait=60):
    """Ends a process as an operator would."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(wait)
    finally:
        if process.poll() is None:
            process.kill()
        _running.remove(process)


def forget(process):
    """Takes a process that has ended off the list."""
    process.wait(60)
    _running.remove(process)


def wait_for(port, seconds=10):
    """Waits until something listens."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nothing listens on port {port} after {seconds} s")


def run(command, seconds, core=GENERATOR, log=None):
    """Runs a generator to its end, at most `seconds`; returns (cpu_s, wall_s, peak_kib, stdout).

    The processor time is that of the process and what it waited for, user and system together."""
    out = tempfile.TemporaryFile("w+")
    begun = time.monotonic()
    process = start(command, core, stdout=out, stderr=log or subprocess.DEVNULL)
    status = usage = None
    while status is None:
        pid, ended, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            status, usage = os.waitstatus_to_exitcode(ended), used
        elif time.monotonic() - begun > seconds:
            process.kill()
            os.waitpid(process.pid, 0)
            status = -1
        else:
            time.sleep(0.01)
    process.returncode = status
    _running.remove(process)
    out.seek(0)
    if usage is None:
        raise RuntimeError(f"{command[0]} did not end within {seconds} s")
    text = out.read()
    if status not in (0, 98, 99):
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {status}: {text[-500:]}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - begun, usage.ru_maxrss, text


def volley(binary, plan, out, seconds=120, core=GENERATOR, flags=(), **variables):
    """Runs `volley run`; returns (cpu_s, wall_s, peak_kib, result)."""
    shutil.rmtree(out, True)
    command = [binary, "run", str(plan), "--quiet", "--out", str(out), "--report", "txt", *flags]
    for name, value in variables.items():
        command += ["--var", f"{name}={value}"]
    cpu, wall, kib, _ = run(command, seconds, core, log=sys.stderr)
    return cpu, wall, kib, json.loads((Path(out) / "result.json").read_text())


def witness(binary, log, *flags):
    """Starts a witness; returns (process, port)."""
    port = free_port()
    command = [binary, "--listen", f"127.0.0.1:{port}", "--out", log, *flags]
    process = start(command, SERVER, stdout=subprocess.DEVNULL)
    wait_for(port)
    return process, port


def jitter(log, rate, skip_s=1.0):
    """Reads a witness's log; returns (requests/s, p50 µs, p99 µs, most in one ms).

    The i-th request belongs at i/rate. Its distance is |t(i) - i/rate - offset|; the offset is the median of
    t(i) - i/rate, which makes the sum of all distances smallest. The first `skip_s` seconds are left out. A request
    that was never sent moves all later ones, as it should: the rate was not kept."""
    times = sorted(int(line.split()[0]) for line in open(log))
    times = [at for at in times if at - times[0] >= skip_s * 1e9]
    if len(times) < 2:
        return 0, float("nan"), float("nan"), 0
    moved = [at - times[0] - number * 1e9 / rate for number, at in enumerate(times)]
    offset = statistics.median(moved)
    distances = sorted(abs(one - offset) / 1e3 for one in moved)
    most = oldest = 0
    for number, at in enumerate(times):
        while at - times[oldest] >= 1e6:
            oldest += 1
        most = max(most, number - oldest + 1)
    achieved = (len(times) - 1) / ((times[-1] - times[0]) / 1e9)
    at = lambda share: distances[min(len(distances) - 1, int(len(distances) * share))]
    return achieved, at(0.5), at(0.99), most


def median_of(runs, measure):
    """Runs `measure` so often, and once before to warm up; returns the medians of its numbers, None if it fails."""
    seen = []
    for attempt in range(runs + 1):
        try:
            numbers = measure()
        except (RuntimeError, OSError, ValueError, KeyError, IndexError) as error:
            note(f"failed: {error}")
            return None
        if attempt:
            seen.append(numbers)
    return [statistics.median(column) for column in zip(*seen)]


def version(command):
    """Returns the first line that says a version, or `?`."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return "?"
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if any(map(str.isdigit, line))]
    return lines[0][:60] if lines else "?"


def machine():
    """Returns one line on the machine: class, not name."""
    model = "?"
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} × {model}, {gib:.0f} GiB, Linux {platform.release()}; load average at the start {load:.2f}"


def table(head, rows):
    """Prints a Markdown table."""
    say("| " + " | ".join(head) + " |")
    say("|" + "---|" * len(head))
    for row in rows:
        say("| " + " | ".join(map(str, row)) + " |")
    say()
