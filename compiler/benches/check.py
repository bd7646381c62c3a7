#!/usr/bin/env python3
"""Times whole processes of `plan` on generated plans, beside check-jsonschema and yamllint on the same files.

    cargo build --release --bin plan
    python3 -m venv venv && venv/bin/pip install check-jsonschema yamllint
    compiler/benches/check.py --tools venv/bin

Prints for each command and size: best and median wall time, user + system time, largest resident memory, and how many
times longer the other tools take. Ends with 1 if a target is missed. Linux; the machine should do nothing else.
"""

import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# (command, lines): most milliseconds of the median; and for all of them the most memory.
TARGETS_MS = {("check", 200): 20, ("check", 10_000): 150, ("compile", 10_000): 300}
MEMORY_MAX_MB = 100

HEAD = """version: 1
name: bench
vars: { shop: "http://127.0.0.1:8080", peak: 20/s }
endpoints:
  shop: { http: { base_url: "{{ vars.shop }}", timeout: 5s } }
data:
  users: { file: users.csv, take: circular }
scenarios:
"""

SCENARIO = """  part_{number}:
    load:
      open:
        - {{ rate: {{ to: "{{{{ vars.peak }}}}" }}, for: 30s }}
        - {{ rate: "{{{{ vars.peak }}}}", for: 2m }}
    warm_up: 5s
    steps:
      - step: login
        http: {{ post: /login, json: {{ user: "{{{{ data.users.name }}}}" }} }}
        capture: {{ token: {{ json: "$.token" }} }}
"""

STEP = """      - step: order_{number}
        http:
          post: "/orders/{{{{ arrival.number }}}}"
          headers: {{ x-session: "{{{{ login.token }}}}" }}
          json: {{ sku: "sku-{number}", qty: "{{{{ rand.int(1, 6) }}}}" }}
        expect: {{ status: 201, duration: < 800ms, json: {{ "$.state": accepted }} }}
"""

THRESHOLD = "  fast_{number}: {{ require: p95(service) < 500ms, scenario: part_{number}, step: login }}\n"


def plan(lines):
    """Returns a plan of about so many lines: scenarios of at most 160 steps, and a threshold for each."""
    scenarios = max(1, round(lines / 970))
    steps = (lines - HEAD.count("\n") - 1) // scenarios - SCENARIO.count("\n") - 1
    steps //= STEP.count("\n")
    text = HEAD
    for number in range(scenarios):
        text += SCENARIO.format(number=number)
        text += "".join(STEP.format(number=step) for step in range(steps))
    text += "thresholds:\n" + "".join(THRESHOLD.format(number=number) for number in range(scenarios))
    return text


def run(args, folder, runs):
    """Runs a command several times; returns (best ms, median ms, median CPU ms, peak MB)."""
    walls, processor, peak = [], [], 0
    quiet = [(os.POSIX_SPAWN_OPEN, stream, "/dev/null", os.O_WRONLY, 0) for stream in (1, 2)]
    os.chdir(folder)
    for _ in range(runs):
        began = time.perf_counter()
        child = os.posix_spawn(args[0], args, os.environ, file_actions=quiet)
        _, status, usage = os.wait4(child, 0)
        walls.append((time.perf_counter() - began) * 1000)
        if status != 0:
            sys.exit(f"{' '.join(args)} ended with {os.waitstatus_to_exitcode(status)}")
        processor.append((usage.ru_utime + usage.ru_stime) * 1000)
        peak = max(peak, usage.ru_maxrss / 1024)
    return min(walls), statistics.median(walls), statistics.median(processor), peak


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--plan", default=ROOT / "target/release/plan", help="the program")
    parser.add_argument("--tools", help="the folder with check-jsonschema and yamllint; left out without it")
    parser.add_argument("--runs", type=int, default=15)
    args = parser.parse_args()
    program = str(pathlib.Path(args.plan).resolve())
    tools = args.tools and pathlib.Path(args.tools).resolve()
    schema = str(ROOT / "schemas/plan.schema.json")
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "users.csv").write_text("name\n" + "".join(f"user{n}\n" for n in range(100)))
        print(f"{'lines':>6}  {'command':18} {'best ms':>8} {'median ms':>9} {'CPU ms':>7} {'peak MB':>8}  times `check`")
        for lines in (200, 10_000):
            text = plan(lines)
            path = pathlib.Path(folder) / f"plan{lines}.yaml"
            path.write_text(text)
            # Their time is spent on the same file; yamllint's opinions on style are turned off, its parsing is not.
            commands = {
                "check": [program, "check", path.name],
                "compile": [program, "compile", path.name, "-o", "out.json"],
            }
            if tools:
                commands["check-jsonschema"] = [str(tools / "check-jsonschema"), "--schemafile", schema, path.name]
                relaxed = "{extends: relaxed, rules: {line-length: disable, braces: disable, commas: disable}}"
                commands["yamllint"] = [str(tools / "yamllint"), "-d", relaxed, path.name]
            base = None
            for name, command in commands.items():
                ours = command[0] == program
                best, median, processor, peak = run(command, folder, args.runs if ours else min(args.runs, 5))
                base = base or median
                times = "" if name == "check" else f"{median / base:.1f}"
                print(f"{text.count(chr(10)):>6}  {name:18} {best:8.1f} {median:9.1f} {processor:7.1f} {peak:8.1f}  {times}")
                target = TARGETS_MS.get((name, lines))
                if target and median > target:
                    missed.append(f"{name} of {lines} lines took {median:.1f} ms, more than {target}")
                if ours and peak > MEMORY_MAX_MB:
                    missed.append(f"{name} of {lines} lines took {peak:.0f} MB, more than {MEMORY_MAX_MB}")
                if not ours and median < base:
                    missed.append(f"{name} was faster than `plan check`")
            os.chdir(ROOT)
    for line in missed:
        print(f"missed: {line}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
