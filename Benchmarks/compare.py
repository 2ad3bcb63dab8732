"""Measures `jaga serve` beside Prometheus, Alertmanager and node_exporter; `scripts/compare` starts it.

All four run at the same time for some minutes: the three as Debian ships them, idle, each scraped every 15 s; Jaga with
the host, PostgreSQL, Redis, nginx and ten probes of the demo's shop every 15 s. Memory is read from /proc at the end of
that time and processor time over its last part, both before the first question is asked. Then `jaga status` is run and
every page fetched, one after the other. Everything listens on loopback and is ended by its process id.
"""

import argparse
import contextlib
import dataclasses
import datetime
import http.client
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from performance_page import write_section

INTERVAL = "15s"
STATUS_RUNS = 50
PAGE_REQUESTS = 100
# The first requests fill caches that a daemon which runs for weeks has filled.
PAGE_WARM_UP = 3

MEMORY_MB_MAX = 60
CORE_PERCENT_MAX = 1.0
STATUS_MS_MAX = 50
PAGE_MS_MAX = 50

PAGES = ["/", "/host", "/databases", "/probes", "/alerts", "/jobs", "/backups", "/ledger", "/query?expr=up", "/rules",
         "/jaga", "/api", "/account", "/users"]


def say(text):
    print(text, file=sys.stderr, flush=True)


class Programs(contextlib.ExitStack):
    """Started programs; leaving the block ends them, the last first."""

    def start(self, name, argv, log_folder, **options):
        with open(log_folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen(argv, stderr=log, stdin=subprocess.DEVNULL,
                                       stdout=options.pop("stdout", log), **options)
        self.callback(self._end, name, process)
        return process

    @staticmethod
    def _end(name, process):
        if process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            say(f"{name} (process {process.pid}) did not end in 30 s and is killed.")
            process.kill()
            process.wait()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_port(process, name, port, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"error: {name} ended with status {process.returncode} before it listened")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    sys.exit(f"error: {name} does not listen on port {port} after {seconds} s")


# What is measured


@dataclasses.dataclass
class Footprint:
    """In MB of a million bytes."""

    resident: float
    proportional: float
    peak: float
    anonymous: float

    @staticmethod
    def of(pid):
        status = kilobytes(pathlib.Path(f"/proc/{pid}/status").read_text())
        rollup = kilobytes(pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text())
        return Footprint(*(value * 1024 / 1e6 for value in (
            status["VmRSS"], rollup["Pss"], status["VmHWM"], status["RssAnon"])))


def kilobytes(text):
    return {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}


def cpu_seconds(pid):
    # The program's name may hold blanks and parentheses; the numbers begin after the last one.
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def status_times(jaga, data):
    """Wall times, and the processor time of one run, which other work on the machine does not stretch."""
    argv = [jaga, "status", "--data", str(data)]
    times = []
    before = os.times()
    for _ in range(STATUS_RUNS):
        start = time.perf_counter()
        code = subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
        times.append((time.perf_counter() - start) * 1000)
        if code not in (0, 1, 2):
            sys.exit(f"error: jaga status ended with {code}")
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return times, spent / STATUS_RUNS * 1000


def token(jaga, data):
    """An API token that may see every page, also that of the users."""
    run = subprocess.run([jaga, "user", "add-token", "compare", "--role", "administrator", "--data", str(data)],
                         capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"error: no token was given: {run.stderr}")
    return run.stdout.strip()


def page_times(port, secret):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def fetch(path):
        start = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"Bearer {secret}"})
        answer = connection.getresponse()
        body = answer.read()
        elapsed = (time.perf_counter() - start) * 1000
        if answer.status != 200:
            sys.exit(f"error: {path} answers {answer.status}")
        return elapsed, body

    sources = sorted(set(re.findall(r'href="(/source\?[^"]+)"', fetch("/databases")[1].decode())))
    times = {}
    for path in PAGES + [source.replace("&amp;", "&") for source in sources]:
        for _ in range(PAGE_WARM_UP):
            fetch(path)
        times[path] = [fetch(path)[0] for _ in range(PAGE_REQUESTS)]
    return times


# What is started


def start_prometheus(programs, folder):
    ports = {name: free_port() for name in ("prometheus", "alertmanager", "node_exporter")}
    jobs = "".join(
        f"  - job_name: {name}\n    static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n" for name, port in ports.items())
    (folder / "prometheus.yml").write_text(
        f"global: {{scrape_interval: {INTERVAL}, evaluation_interval: {INTERVAL}}}\n"
        f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{ports['alertmanager']}']}}]}}]}}\n"
        f"scrape_configs:\n{jobs}")
    (folder / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    argvs = {
        "node_exporter": ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{ports['node_exporter']}"],
        "alertmanager": ["prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml",
                         f"--storage.path={folder}/alertmanager", "--cluster.listen-address=",
                         f"--web.listen-address=127.0.0.1:{ports['alertmanager']}"],
        "prometheus": ["prometheus", f"--config.file={folder}/prometheus.yml",
                       f"--storage.tsdb.path={folder}/prometheus",
                       f"--web.listen-address=127.0.0.1:{ports['prometheus']}"],
    }
    started = {name: programs.start(name, argv, folder) for name, argv in argvs.items()}
    for name, process in started.items():
        wait_for_port(process, name, ports[name])
    return started


def start_shop(programs, jaga, folder):
    """The demo's servers. Returns what they say of themselves."""
    process = programs.start("shop", [jaga, "demo", "--stack-only"], folder, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("{"):
            return json.loads(line)
    sys.exit(f"error: the demo's servers did not start; its output:\n{(folder / 'shop.log').read_text()}")


def configuration(shop):
    """Host, PostgreSQL, Redis, nginx and ten probes every 15 s, and nothing else."""
    written = pathlib.Path(shop["configuration"]).read_text()
    nginx = re.search(r"^nginx:\n  - (\{.*\})$", written, re.MULTILINE).group(1)
    web, postgres, redis = shop["web"], shop["postgresPort"], shop["redisPort"]
    health = f'url: "{web}health/detailed", bearer_token: "${{JAGA_DEMO_HEALTH_TOKEN}}"'
    healthy = "expect: {{json: [{{path: services.{}.status, equals: healthy}}]}}"
    probes = [f'url: "{web}"', f'url: "{web}health"', f'url: "{web}", expect: {{status: 200}}', health,
              *(f"{health}, {healthy.format(name)}" for name in ("database", "redis", "storage")),
              f'tcp: "127.0.0.1:{postgres}"', f'tcp: "127.0.0.1:{redis}"', f'tcp: "127.0.0.1:{web.split(":")[2].strip("/")}"']
    lines = [
        f"host: {{interval: {INTERVAL}}}",
        "postgres:",
        f"  - {{name: shop, host: 127.0.0.1, port: {postgres}, database: shop, user: postgres,"
        f' password: "${{JAGA_DEMO_POSTGRES_PASSWORD}}", interval: {INTERVAL}}}',
        "redis:",
        f'  - {{name: cache, host: 127.0.0.1, port: {redis}, password: "${{JAGA_DEMO_REDIS_PASSWORD}}", interval: {INTERVAL}}}',
        "nginx:",
        "  - " + re.sub(r"interval: \w+", f"interval: {INTERVAL}", nginx),
        "probes:",
        *(f"  - {{name: probe-{number}, {probe}, interval: {INTERVAL}}}" for number, probe in enumerate(probes, 1)),
        f"rules: {{interval: {INTERVAL}}}",
    ]
    return "\n".join(lines) + "\n"


# What is said


def megabytes(value):
    return f"{value:.1f} MB"


def verdict(is_met):
    return "yes" if is_met else "**no**"


def table(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def machine():
    cpu = next(line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    memory = kilobytes(pathlib.Path("/proc/meminfo").read_text())["MemTotal"] / 1024 ** 2
    system = dict(re.findall(r'^(\w+)="?(.*?)"?$', pathlib.Path("/etc/os-release").read_text(), re.MULTILINE))
    return f"{os.cpu_count()} × {cpu}, {memory:.0f} GiB memory, {system.get('PRETTY_NAME', 'Linux')}, " \
           f"Linux {platform.release()}"


def version(program, *options):
    lines = subprocess.run([program, *options], capture_output=True, text=True)
    found = re.search(r"\d+\.\d+(\.\d+)?\S*", lines.stdout + lines.stderr)
    return found.group(0) if found else "of an unknown version"


def main():
    options = argparse.ArgumentParser(description="Measures Jaga beside Prometheus, Alertmanager and node_exporter.")
    options.add_argument("--minutes", type=float, default=10, help="how long all run before memory is read (default 10)")
    options.add_argument("--cpu-minutes", type=float, help="the last part, over which processor time is counted (half)")
    options.add_argument("--jaga", required=True, help="the program")
    options.add_argument("--page", help="the page of the documentation to write")
    options.add_argument("--keep-smaps", help="write the map of Jaga's memory to this file")
    chosen = options.parse_args()
    jaga = os.path.abspath(chosen.jaga)
    whole = chosen.minutes * 60
    part = min(whole, (chosen.cpu_minutes or chosen.minutes / 2) * 60)

    # Not ended by the signal itself, so that what was started is ended first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with Programs() as programs:
        folder = pathlib.Path(programs.enter_context(tempfile.TemporaryDirectory(prefix="jaga-compare-")))
        shop = start_shop(programs, jaga, folder)
        started = start_prometheus(programs, folder)
        (folder / "jaga.yaml").write_text(configuration(shop))
        port, data = free_port(), folder / "data"
        started["jaga"] = programs.start(
            "jaga", [jaga, "serve", "--config", str(folder / "jaga.yaml"), "--data", str(data),
                     "--listen", f"127.0.0.1:{port}"], folder, env=os.environ | shop["environment"])
        wait_for_port(started["jaga"], "jaga", port)

        say(f"All run; waiting {chosen.minutes:g} minutes.")
        time.sleep(whole - part)
        before = {name: (cpu_seconds(process.pid), time.monotonic()) for name, process in started.items()}
        time.sleep(part)
        for name, process in started.items():
            if process.poll() is not None:
                sys.exit(f"error: {name} ended:\n{(folder / (name + '.log')).read_text()[-2000:]}")
        cores = {name: (cpu_seconds(process.pid) - before[name][0]) / (time.monotonic() - before[name][1]) * 100
                 for name, process in started.items()}
        sizes = {name: Footprint.of(process.pid) for name, process in started.items()}
        load = os.getloadavg()
        if chosen.keep_smaps:
            shutil.copyfile(f"/proc/{started['jaga'].pid}/smaps", chosen.keep_smaps)

        statuses, status_cpu_ms = status_times(jaga, data)
        pages = page_times(port, token(jaga, data))
        after = Footprint.of(started["jaga"].pid)
        report = (folder / "jaga.log").read_text()

    ours, theirs = "jaga", ("prometheus", "alertmanager", "node_exporter")
    rows = [("Figure", "Prometheus", "Alertmanager", "node_exporter", "all three", "Jaga", "Target", "Met")]

    def row(label, value, show, target, limit, total=sum):
        values = [value(name) for name in theirs]
        mine = value(ours)
        rows.append((label, *map(show, values), show(total(values)), show(mine), target,
                     "" if limit is None else verdict(mine <= limit)))

    row("resident memory (VmRSS)", lambda name: sizes[name].resident, megabytes, f"≤ {MEMORY_MB_MAX} MB", MEMORY_MB_MAX)
    row("of it, its own (RssAnon)", lambda name: sizes[name].anonymous, megabytes, "", None)
    row("proportional (PSS)", lambda name: sizes[name].proportional, megabytes, "", None)
    row("peak (VmHWM)", lambda name: sizes[name].peak, megabytes, "", None)
    row("share of one core", lambda name: cores[name], lambda share: f"{share:.2f} %", f"< {CORE_PERCENT_MAX:g} %",
        CORE_PERCENT_MAX)

    answers = [("Answer", "median", "95th percentile", "Target", "Met")]

    def answer(label, times, limit):
        worst = percentile(times, 0.95)
        answers.append((label, f"{percentile(times, 0.5):.1f} ms", f"{worst:.1f} ms", f"< {limit} ms",
                        verdict(worst < limit)))

    answer("`jaga status`", statuses, STATUS_MS_MAX)
    for path, times in pages.items():
        answer(f"`{path}`", times, PAGE_MS_MAX)

    today = datetime.date.today().isoformat()
    text = f"""What Jaga takes while it watches a host, beside Prometheus, Alertmanager and node_exporter on the same machine at the same
time. Written by `scripts/compare`; to repeat it, run `scripts/compare --minutes {chosen.minutes:g}`.

- **Date** {today}. **Machine** {machine()}; load {load[0]:.1f} (1 min), {load[2]:.1f} (15 min) at the end of the wait. A load
  above zero lengthens the answers and leaves memory as it is.
- **Jaga** {version(jaga, "version")}, release build: `jaga serve` with the host, PostgreSQL, Redis, nginx with its access log, and
  ten probes (seven HTTP, three TCP) every {INTERVAL}, the shipped rules every {INTERVAL}, ten requests a second on the watched site.
- **Beside it** Prometheus {version("prometheus", "--version")}, Alertmanager {version("prometheus-alertmanager", "--version")} and node_exporter
  {version("prometheus-node-exporter", "--version")} of Debian, each scraped every {INTERVAL}, without rules.

### After {chosen.minutes:g} minutes

{table(rows)}

Memory is read from `/proc/PID/status` and `/proc/PID/smaps_rollup`; processor time, user and system, is that of the last
{part / 60:g} minutes. Both are read before the first question is asked; after all the answers below, Jaga's resident memory
was {megabytes(after.resident)} (peak {megabytes(after.peak)}). Every two seconds Jaga gives code that is not in use back to the system, so that its
resident memory lies between this figure and the peak.

### Answers

{table(answers)}

`jaga status` is the whole program, from its start to its end, {STATUS_RUNS} times; one run takes {status_cpu_ms:.0f} ms
of processor time. Pages are fetched {PAGE_REQUESTS} times each, one after the
other on one connection, with an API token, after {PAGE_WARM_UP} that do not count.
"""
    print(text)
    problems = [line for line in report.splitlines() if " error" in line or "warning" in line]
    if problems:
        say("Jaga's log has warnings:\n" + "\n".join(problems[:20]))
    if chosen.page:
        write_section(pathlib.Path(chosen.page), "host", text)


if __name__ == "__main__":
    main()
