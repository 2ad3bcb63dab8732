"""Measures Jaga's series engine beside Prometheus and VictoriaMetrics; `scripts/compare series` starts it.

The three run one after the other under the same load, so that none takes another's processor time:

- scraping: 30 targets of 1,024 series each, a page of Debian's node_exporter recorded over a minute and played back, once a
  second. Processor time, peak memory and the bytes on disk of a snapshot are read; then the program is killed and
  the time until it answers a query over the same series is taken.
- parsing: the processor time that the program's parser of pages takes while the above goes on, from the profiles that Go programs
  give of themselves and, of Jaga, from `perf`; and the same scrapes with every sample dropped by metric relabelling, which is
  what fetching and reading take together.
- queries: the same series over hours at 15 s, sent by remote write, and a list of queries over them.

Everything listens on loopback and is ended by its process id.
"""

import argparse
import concurrent.futures
import contextlib
import datetime
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

from compare import Programs, cpu_seconds, free_port, kilobytes, machine, say, table, version, wait_for_port
from go_profile import seconds_in
from performance_page import write_section

TARGETS = 30
SERIES_EACH = 1024
RECORDED_SECONDS = 60
# Samples of one series in one request of remote write, and series in one request.
WRITE_STEPS = 60
WRITE_SERIES = SERIES_EACH
QUERY_RUNS = 3
# A single start lasts longer or shorter by a fifth, as the machine pleases.
RESTARTS = 5
# Whoever takes less than this share of a processor over so many seconds has done with what was sent. Not before REST_SECONDS_MIN: Jaga leaves
# history alone until nothing has come for a minute.
REST_SHARE, REST_SECONDS, REST_SECONDS_MIN, REST_SECONDS_MAX = 0.05, 5, 75, 300


# The page


def go_float(value):
    """As Go's `strconv.FormatFloat(value, 'g', -1, 64)` writes it, which is what node_exporter does."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "0"
    mantissa, exponent = f"{value!r}e0".split("e")[:2] if "e" not in repr(value) else repr(value).split("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent) - (len(whole + fraction) - len((whole + fraction).lstrip("0")))
    digits = digits.rstrip("0") or "0"
    if not -4 <= point - 1 < 6:
        rest = "." + digits[1:] if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{rest}e{point - 1:+03d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point >= len(digits):
        return sign + digits + "0" * (point - len(digits))
    return f"{sign}{digits[:point]}.{digits[point:]}"


class Recording:
    """A page of node_exporter as it moved during a minute: for each of its series the values, second by second."""

    def __init__(self, pages):
        self.lines = []
        types = {}
        series = {}
        for page in pages:
            seen = set()
            for line in page.splitlines():
                if line.startswith("#"):
                    if line.startswith("# TYPE "):
                        types[line.split()[2]] = line.split()[3]
                    continue
                name, value = line.rsplit(" ", 1)
                seen.add(name)
                series.setdefault(name, []).append(float(value))
        complete = {name: values for name, values in series.items() if len(values) == len(pages)}
        self.names, self.values = list(complete), list(complete.values())
        # A machine with fewer processors and disks has a shorter page: its own series stand for more of the same kind.
        original = len(self.names)
        copy = 0
        while len(self.names) < SERIES_EACH:
            copy += 1
            for index in range(original):
                if "{" in self.names[index] and len(self.names) < SERIES_EACH:
                    self.names.append(re.sub(r'="([^"]*)"', rf'="\1-{copy}"', self.names[index], count=1))
                    self.values.append(self.values[index])
        keep = sorted(range(len(self.names)), key=lambda index: self.names[index].split("{")[0])[:SERIES_EACH]
        self.names, self.values = [self.names[i] for i in keep], [self.values[i] for i in keep]
        self.families = [name.split("{")[0] for name in self.names]
        self.is_counter = [
            types.get(family) == "counter" or family.endswith(("_total", "_count", "_sum", "_bucket")) for family in self.families]
        self.types = types
        self.copied = max(0, SERIES_EACH - original)
        self.moving = sum(1 for values in self.values if len(set(values)) > 1) / SERIES_EACH
        self.bodies = {}

    def value(self, index, second):
        cycle, place = divmod(second, RECORDED_SECONDS)
        values = self.values[index]
        if self.is_counter[index]:
            return values[place] + cycle * (values[-1] - values[0])
        return values[place]

    def body(self, second):
        body = self.bodies.get(second)
        if body is None:
            lines, last = [], None
            for index, name in enumerate(self.names):
                if self.families[index] != last:
                    last = self.families[index]
                    lines.append(f"# HELP {last} Recorded of a node_exporter.\n# TYPE {last} {self.types.get(last, 'untyped')}\n")
                lines.append(f"{name} {go_float(self.value(index, second))}\n")
            body = self.bodies[second] = "".join(lines).encode()
        return body


def record(programs, folder):
    port = free_port()
    process = programs.start("node_exporter", ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}"], folder)
    wait_for_port(process, "node_exporter", port)
    pages = []
    say(f"Recording node_exporter for {RECORDED_SECONDS} seconds.")
    begin = time.monotonic()
    for second in range(RECORDED_SECONDS):
        time.sleep(max(0, begin + second - time.monotonic()))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/metrics")
        pages.append(connection.getresponse().read().decode())
        connection.close()
    process.send_signal(signal.SIGTERM)
    process.wait()
    return Recording(pages)


class Targets:
    """Serves the recording on 127.0.0.1…127.0.0.30, each target a few seconds ahead of the one before."""

    def __init__(self, recording):
        self.recording, self.served, self.lock = recording, 0, threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                number = int(self.connection.getsockname()[0].split(".")[3])
                body = outer.recording.body(int(time.time()) % 3600 + 7 * number)
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                with outer.lock:
                    outer.served += 1

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 128
            daemon_threads = True

        self.server = Server(("0.0.0.0", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def addresses(self):
        return [f"127.0.0.{number}:{self.port}" for number in range(1, TARGETS + 1)]

    def warm(self, seconds):
        """Writes the pages of the coming seconds beforehand, so that serving costs the machine next to nothing."""
        now = int(time.time()) % 3600
        self.recording.bodies.clear()
        for second in range(now, now + seconds + 7 * TARGETS + 5):
            self.recording.body(second)


def scrape_config(targets, drops):
    addresses = ", ".join(f"'{address}'" for address in targets.addresses())
    drop = ("    metric_relabel_configs: [{source_labels: [__name__], regex: '.*', action: drop}]\n" if drops else "")
    return ("scrape_configs:\n  - job_name: node\n    scrape_interval: 1s\n    scrape_timeout: 1s\n"
            f"{drop}    static_configs: [{{targets: [{addresses}]}}]\n")


# The three


class System:
    name = ""

    def __init__(self, programs, folder, jaga):
        self.programs, self.folder, self.jaga = programs, folder, jaga
        self.data = folder / f"{self.name}-data"
        self.port = free_port()
        self.process = None
        self.headers = {}
        self.runs = 0

    def start(self, scrape):
        self.runs += 1
        (self.folder / f"{self.name}.yml").write_text(self.configuration(scrape))
        self.process = self.programs.start(f"{self.name}-{self.runs}", self.argv(), self.folder, **self.options())
        wait_for_port(self.process, self.name, self.port, seconds=600)

    def options(self):
        return {}

    def configuration(self, scrape):
        return "global: {scrape_interval: 15s}\n" + (scrape or "")

    def request(self, method, path, body=None, headers=None, timeout=600):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, self.headers | (headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def query(self, path, **parameters):
        status, body = self.request("POST", path, urllib.parse.urlencode(parameters),
                                    {"Content-Type": "application/x-www-form-urlencoded"})
        if status != 200:
            sys.exit(f"error: {self.name} answers {status} to {parameters}: {body[:300]!r}")
        return body

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(timeout=120)

    def clear(self):
        shutil.rmtree(self.data, ignore_errors=True)

    def parser_seconds(self, seconds):
        """The processor time that the parser of pages takes within so many seconds, from the program's own profile."""
        status, body = self.request("GET", f"/debug/pprof/profile?seconds={seconds}")
        if status != 200:
            sys.exit(f"error: {self.name} gives no profile: {status} {body[:300]!r}")
        return seconds_in(body, self.parser)[1]

    def footprint(self):
        status = kilobytes(pathlib.Path(f"/proc/{self.process.pid}/status").read_text())
        return status["VmHWM"] * 1024 / 1e6, status["VmRSS"] * 1024 / 1e6


class Prometheus(System):
    name = "Prometheus"
    parser = re.compile(r"/model/textparse\.")

    def argv(self):
        return ["prometheus", f"--config.file={self.folder}/{self.name}.yml", f"--storage.tsdb.path={self.data}",
                f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-admin-api",
                "--web.enable-remote-write-receiver", "--query.max-samples=1000000000"]

    def disk_bytes(self):
        status, body = self.request("POST", "/api/v1/admin/tsdb/snapshot")
        folder = self.data / "snapshots" / json.loads(body)["data"]["name"]
        return folder_bytes(folder)

    def version(self):
        return version("prometheus", "--version")


class VictoriaMetrics(System):
    name = "VictoriaMetrics"
    parser = re.compile(r"/lib/protoparser/prometheus\.")

    def argv(self):
        return ["victoria-metrics", f"-promscrape.config={self.folder}/{self.name}.yml", f"-storageDataPath={self.data}",
                f"-httpListenAddr=127.0.0.1:{self.port}", "-retentionPeriod=1y", "-search.maxPointsPerTimeseries=100000",
                "-search.maxUniqueTimeseries=1000000", "-promscrape.maxScrapeSize=64MB", "-search.latencyOffset=0s",
                "-search.disableCache"]

    def disk_bytes(self):
        self.request("GET", "/internal/force_flush")
        self.request("GET", "/internal/force_merge")
        status, body = self.request("GET", "/snapshot/create")
        name = json.loads(body)["snapshot"]
        size = folder_bytes(self.data / "data" / "small" / "snapshots" / name) + folder_bytes(
            self.data / "data" / "big" / "snapshots" / name) + folder_bytes(self.data / "indexdb" / "snapshots" / name)
        return size

    def version(self):
        # Debian builds it without a version of its own.
        return subprocess.run(["dpkg-query", "-f", "${Version}", "-W", "victoria-metrics"], capture_output=True, text=True).stdout or version(
            "victoria-metrics", "-version")


class Jaga(System):
    name = "Jaga"
    # What `ScrapePage.read` of the module Exposition consists of, mangled.
    parser = re.compile(r"10Exposition(?:10ScrapePageV|9QuickPass|13LayoutBuilder)")
    profile_hertz = 4999

    def argv(self):
        return [self.jaga, "serve", "--config", f"{self.folder}/{self.name}.yml", "--data", str(self.data),
                "--listen", f"127.0.0.1:{self.port}"]

    def configuration(self, scrape):
        # Nothing but the scrapes: no host, no shipped rules.
        return "site: compare\nhost: {enabled: false}\nrules: {shipped: false}\n" + (scrape or "")

    def start(self, scrape):
        super().start(scrape)
        if not self.headers:
            run = subprocess.run([self.jaga, "user", "add-token", "compare", "--role", "administrator", "--data", str(self.data)],
                                 capture_output=True, text=True)
            if run.returncode != 0:
                sys.exit(f"error: no token was given: {run.stderr}")
            self.headers = {"Authorization": f"Bearer {run.stdout.strip()}"}

    def parser_seconds(self, seconds):
        recorded = self.folder / "perf.data"
        subprocess.run(["perf", "record", "--quiet", "-e", "cpu-clock", "-F", str(self.profile_hertz), "-g", "-o", str(recorded),
                        "-p", str(self.process.pid), "--", "sleep", str(seconds)], check=True, stdout=subprocess.DEVNULL)
        stacks = subprocess.run(["perf", "script", "-i", str(recorded), "-F", "comm,ip,sym", "--no-demangle"],
                                check=True, capture_output=True, text=True).stdout.split("\n\n")
        return sum(1 for stack in stacks if self.parser.search(stack)) / self.profile_hertz

    def clear(self):
        super().clear()
        self.headers = {}

    def disk_bytes(self):
        status, body = self.request("POST", "/api/v1/admin/tsdb/snapshot")
        if status != 200:
            sys.exit(f"error: {self.name} answers {status} to a snapshot: {body[:300]!r}")
        return folder_bytes(self.data / "series" / "snapshots" / json.loads(body)["data"]["name"])

    def version(self):
        return version(self.jaga, "version")


def folder_bytes(folder):
    # Hard links of one file count once.
    files = {entry.stat().st_ino: entry.stat().st_size for entry in folder.rglob("*") if entry.is_file()}
    return sum(files.values())


# What is measured


def measure_scrapes(system, targets, seconds):
    system.clear()
    targets.warm(seconds + 60)
    system.start(scrape_config(targets, drops=False))
    begin, first, spent = time.monotonic(), targets.served, cpu_seconds(system.process.pid)
    time.sleep(seconds)
    took, served = cpu_seconds(system.process.pid) - spent, targets.served - first
    elapsed = time.monotonic() - begin
    peak, resident = system.footprint()
    samples = served * SERIES_EACH
    size = system.disk_bytes()
    stored = targets.served * SERIES_EACH - first * SERIES_EACH
    system.stop(signal.SIGKILL)
    restart = statistics.median(restart_seconds(system) for _ in range(RESTARTS))
    system.clear()
    return {"samples_per_core_second": samples / took, "scrapes_per_second": served / elapsed, "core_share": took / elapsed,
            "peak": peak, "resident": resident, "bytes_per_sample": size / stored, "restart": restart, "samples": stored}


def restart_seconds(system):
    """From the start of a program that was killed to its first answer about the samples that it had; then it is killed again."""
    again = time.monotonic()
    system.start(None)
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, body = system.request(
                "GET", "/api/v1/query?" + urllib.parse.urlencode({"query": 'count({job="node"})', "time": time.time() - 5}))
            if status == 200 and json.loads(body)["data"]["result"]:
                break
        if time.monotonic() - again > 300:
            sys.exit(f"error: {system.name} does not answer 300 s after its restart")
        time.sleep(0.01)
    took = time.monotonic() - again
    system.stop(signal.SIGKILL)
    return took


def measure_parsing(system, targets, seconds):
    """Samples per second and core: of the parser alone, and of fetching and reading without storing."""
    system.clear()
    targets.warm(2 * seconds + 60)
    system.start(scrape_config(targets, drops=False))
    time.sleep(5)
    first = targets.served
    parser = system.parser_seconds(seconds)
    parsed = (targets.served - first) * SERIES_EACH / parser
    system.stop()
    system.clear()
    system.start(scrape_config(targets, drops=True))
    time.sleep(5)
    first, spent = targets.served, cpu_seconds(system.process.pid)
    time.sleep(seconds)
    took, served = cpu_seconds(system.process.pid) - spent, targets.served - first
    system.stop()
    system.clear()
    return {"parsed": parsed, "read": served * SERIES_EACH / took}


# Remote write


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def snappy(body):
    """The block format with nothing but literals: whoever reads it does the same work for all three."""
    out = [varint(len(body))]
    for start in range(0, len(body), 65536):
        part = body[start:start + 65536]
        out.append(b"\xf4" + struct.pack("<H", len(part) - 1) + part)
    return b"".join(out)


def label_bytes(recording, index, target):
    name, _, inside = recording.names[index].partition("{")
    labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', inside)) | {
        "__name__": name, "instance": target, "job": "node"}
    out = b""
    for key, value in sorted(labels.items()):
        pair = b"\x0a" + varint(len(key)) + key.encode() + b"\x12" + varint(len(value.encode())) + value.encode()
        out += b"\x0a" + varint(len(pair)) + pair
    return out


def requests_of(recording, targets, hours, end_ms):
    """Requests in the order of time: all series of a target for some steps each."""
    steps = hours * 3600 // 15
    start_ms = end_ms - steps * 15_000
    labels = [[label_bytes(recording, index, target) for index in range(SERIES_EACH)] for target in targets.addresses()]
    for first in range(0, steps, WRITE_STEPS):
        count = min(WRITE_STEPS, steps - first)
        times = [b"\x10" + varint(start_ms + (first + step) * 15_000) for step in range(count)]
        for number in range(TARGETS):
            out = []
            for index in range(SERIES_EACH):
                samples = b"".join(
                    b"\x12" + bytes([9 + len(times[step])]) + b"\x09"
                    + struct.pack("<d", recording.value(index, first + step + 7 * number)) + times[step]
                    for step in range(count))
                series = labels[number][index] + samples
                out.append(b"\x0a" + varint(len(series)) + series)
            yield snappy(b"".join(out))


class Requests:
    """The history as requests of remote write: made once, kept in a file, sent to each."""

    def __init__(self, recording, targets, hours, end_ms, path):
        self.path, self.lengths = path, []
        with open(path, "wb") as file:
            for body in requests_of(recording, targets, hours, end_ms):
                file.write(body)
                self.lengths.append(len(body))

    def __iter__(self):
        with open(self.path, "rb") as file:
            for length in self.lengths:
                yield file.read(length)


def fill(system, requests, hours):
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
               "X-Prometheus-Remote-Write-Version": "0.1.0"}
    spent, begin = cpu_seconds(system.process.pid), time.monotonic()
    for body in requests:
        status, answer = system.request("POST", "/api/v1/write", body, headers)
        while status == 503 and time.monotonic() - begin < 60:
            # It listens before it is ready.
            time.sleep(0.1)
            status, answer = system.request("POST", "/api/v1/write", body, headers)
        if status not in (200, 204):
            sys.exit(f"error: {system.name} answers {status} to remote write: {answer[:300]!r}")
    samples = hours * 240 * TARGETS * SERIES_EACH
    say(f"{system.name}: {samples:,} samples by remote write in {time.monotonic() - begin:.0f} s, "
        f"{samples / (cpu_seconds(system.process.pid) - spent):,.0f} samples per second and core")


def wait_for_rest(system):
    """Queries are asked when a program has written and joined what it was sent, or after some minutes."""
    begin = time.monotonic()
    time.sleep(REST_SECONDS_MIN)
    while True:
        spent, since = cpu_seconds(system.process.pid), time.monotonic()
        time.sleep(REST_SECONDS)
        if (cpu_seconds(system.process.pid) - spent) / (time.monotonic() - since) < REST_SHARE:
            break
        if time.monotonic() - begin > REST_SECONDS_MAX:
            say(f"{system.name} still computes after {REST_SECONDS_MAX} s.")
            break
    say(f"{system.name}: at rest {time.monotonic() - begin:.0f} s after the last sample")


QUERIES = [
    ("instant", "up"),
    ("instant", "count({job=\"node\"})"),
    ("instant", "sum by (instance) (node_memory_MemAvailable_bytes)"),
    ("instant", "topk(5, sum by (__name__) ({job=\"node\"}))"),
    ("instant", "sum by (instance) (rate(node_cpu_seconds_total[1h]))"),
    ("instant", "max_over_time(node_load1[12h])"),
    ("instant", "quantile_over_time(0.95, node_load1[24h])"),
    ("instant", "avg_over_time(node_memory_MemFree_bytes[24h])"),
    ("instant", "increase(node_network_receive_bytes_total[24h])"),
    ("instant", "sum(rate(node_context_switches_total[5m])) / count(node_context_switches_total)"),
    ("range", "node_load1"),
    ("range", "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"),
    ("range", "sum by (mode) (rate(node_cpu_seconds_total[5m]))"),
    ("range", "sum by (instance) (rate(node_cpu_seconds_total{mode!=\"idle\"}[5m]))"),
    ("range", "100 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m])) * 100"),
    ("range", "rate(node_network_receive_bytes_total[5m])"),
    ("range", "sum(rate(node_network_transmit_bytes_total[5m])) by (device)"),
    ("range", "irate(node_context_switches_total[2m])"),
    ("range", "max by (instance) (node_filesystem_size_bytes - node_filesystem_avail_bytes)"),
    ("range", "topk(3, rate(node_disk_read_bytes_total[5m]))"),
    ("range", "avg_over_time(node_load5[1h])"),
    ("range", "max_over_time(node_load1[30m])"),
    ("range", "min_over_time(node_memory_MemFree_bytes[1h])"),
    ("range", "quantile(0.9, rate(node_cpu_seconds_total[5m]))"),
    ("range", "stddev(node_load1)"),
    ("range", "count(node_cpu_seconds_total > 0)"),
    ("range", "delta(node_memory_MemFree_bytes[10m])"),
    ("range", "predict_linear(node_filesystem_avail_bytes[6h], 3600)"),
    ("range", "changes(node_load1[1h])"),
    ("range", "sum({__name__=~\"node_network_.*_total\"}) by (instance)"),
]


def measure_queries(system, hours, end_ms):
    times = []
    end = end_ms / 1000 - 15
    for kind, query in QUERIES:
        best = float("inf")
        for _ in range(QUERY_RUNS):
            start = time.perf_counter()
            if kind == "instant":
                system.query("/api/v1/query", query=query, time=end)
            else:
                system.query("/api/v1/query_range", query=query, start=end - hours * 3600 + 60, end=end, step=max(15, hours * 15))
            best = min(best, time.perf_counter() - start)
        times.append(best * 1000)
    return times


# What is said


def verdict(is_met):
    return "yes" if is_met else "**no**"


def main():
    options = argparse.ArgumentParser(description="Measures Jaga's series engine beside Prometheus and VictoriaMetrics.")
    options.add_argument("--minutes", type=float, default=5, help="how long each is scraped (default 5; 0 leaves scraping and parsing out)")
    options.add_argument("--parse-seconds", type=int, default=60, help="how long each reads without storing (default 60)")
    options.add_argument("--hours", type=int, default=24, help="of history for the queries (default 24; 0 leaves them out)")
    options.add_argument("--only", help="one of the three by name, for a first look")
    options.add_argument("--jaga", required=True, help="the program")
    options.add_argument("--page", help="the page of the documentation whose section to write")
    chosen = options.parse_args()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with Programs() as programs:
        folder = pathlib.Path(programs.enter_context(tempfile.TemporaryDirectory(prefix="jaga-compare-series-")))
        recording = record(programs, folder)
        say(f"{recording.moving:.0%} of the series move; {recording.copied} of {SERIES_EACH} are copies of others.")
        targets = Targets(recording)
        systems = [make(programs, folder, os.path.abspath(chosen.jaga)) for make in (Prometheus, VictoriaMetrics, Jaga)]
        if chosen.only:
            systems = [system for system in systems if system.name == chosen.only]
        scrapes, parsing, queries = {}, {}, {}
        for system in systems if chosen.minutes else []:
            say(f"{system.name}: scraped for {chosen.minutes:g} minutes.")
            scrapes[system.name] = measure_scrapes(system, targets, int(chosen.minutes * 60))
            say(f"{system.name}: {scrapes[system.name]}")
            parsing[system.name] = measure_parsing(system, targets, chosen.parse_seconds)
            say(f"{system.name}: {parsing[system.name]['parsed']:,.0f} samples parsed per second and core, "
                f"{parsing[system.name]['read']:,.0f} fetched and read")
        end_ms = int(time.time()) // 15 * 15_000
        if chosen.hours:
            say(f"Making {chosen.hours} h of history.")
            requests = Requests(recording, targets, chosen.hours, end_ms, folder / "history")
            for system in systems:
                system.clear()
                system.start(None)
                fill(system, requests, chosen.hours)
                wait_for_rest(system)
                queries[system.name] = measure_queries(system, chosen.hours, end_ms)
                say(f"{system.name}: median {statistics.median(queries[system.name]):.1f} ms, "
                    f"slowest {max(queries[system.name]):.1f} ms")
                system.stop()
                system.clear()
        versions = {system.name: system.version() for system in systems}
    if chosen.only:
        return
    texts = {}
    if scrapes:
        texts["series"] = report(chosen, recording, scrapes, parsing, versions)
    if queries:
        texts["queries"] = report_of_queries(chosen, recording, queries, versions)
    for key, text in texts.items():
        print(text)
        if chosen.page:
            write_section(pathlib.Path(chosen.page), key, text)


def add_row(rows, label, read, show, target, limit, more_is_better):
    theirs, mine = (read("Prometheus"), read("VictoriaMetrics")), read("Jaga")
    bound = limit(*theirs)
    rows.append((label, show(theirs[0]), show(theirs[1]), show(mine), f"{target} ({show(bound)})",
                 verdict(mine >= bound if more_is_better else mine <= bound)))


HEADING = ("Figure", "Prometheus", "VictoriaMetrics", "Jaga", "Target", "Met")


def circumstances(versions):
    return f"""- **Date** {datetime.date.today().isoformat()}. **Machine** {machine()}; load {os.getloadavg()[0]:.1f} (1 min) at the end.
- **Programs** Jaga {versions["Jaga"]} (release build), Prometheus {versions["Prometheus"]}, VictoriaMetrics {versions["VictoriaMetrics"]}, the
  last two as Debian ships them."""


def report(chosen, recording, scrapes, parsing, versions):
    rows = [HEADING]

    def row(*figure):
        add_row(rows, *figure)

    row("samples per second and core", lambda name: scrapes[name]["samples_per_core_second"], "{:,.0f}".format,
        "2 × the better", lambda a, b: 2 * max(a, b), True)
    row("resident memory, peak", lambda name: scrapes[name]["peak"], "{:.1f} MB".format,
        "half of the smaller", lambda a, b: min(a, b) / 2, False)
    row("bytes per sample on disk", lambda name: scrapes[name]["bytes_per_sample"], "{:.2f}".format,
        "at most 0.8", lambda a, b: 0.8, False)
    row("samples parsed per second and core", lambda name: parsing[name]["parsed"], "{:,.0f}".format,
        "4 × Prometheus", lambda a, b: 4 * a, True)
    rows.append(("samples fetched and read, none stored", *(f"{parsing[name]['read']:,.0f}" for name in scrapes), "", ""))
    row("answers after `kill -9` and start", lambda name: scrapes[name]["restart"], "{:.2f} s".format,
        "half of the better", lambda a, b: min(a, b) / 2, False)
    return f"""What the series engine takes beside Prometheus and VictoriaMetrics on the same machine, one after the other under the same
load. Written by `scripts/compare series`; to repeat it, run
`scripts/compare series --minutes {chosen.minutes:g} --parse-seconds {chosen.parse_seconds} --hours {chosen.hours}`.

{circumstances(versions)}
- **Load** {TARGETS} targets of {SERIES_EACH} series, scraped each second without compression for {chosen.minutes:g} minutes: a page of
  node_exporter recorded over a minute and played back; {recording.moving:.0%} of its series move, and {recording.copied} of the
  {SERIES_EACH} are copies of others under another label.

{table(rows)}

Samples per second and core: samples scraped, by the processor time (user and system) that the program took. Samples parsed: by the
processor time of its parser of pages alone during such scrapes, from the profile that Prometheus and VictoriaMetrics give of themselves,
and of Jaga from `perf`. Fetched and read: by all processor time while metric relabelling drops every sample; most of it is the system's
work for connections and threads. Bytes on disk: a snapshot, index included, by the
samples scraped. Start: from the start of the program until a query over all scraped series is answered, the median of {RESTARTS} kills.
"""


def report_of_queries(chosen, recording, queries, versions):
    rows = [HEADING]
    add_row(rows, f"{len(QUERIES)} queries, median", lambda name: statistics.median(queries[name]), "{:.1f} ms".format,
            "faster than both", min, False)
    add_row(rows, f"{len(QUERIES)} queries, slowest", lambda name: max(queries[name]), "{:.1f} ms".format,
            "faster than both", min, False)
    lines = [("Query", "kind", "Prometheus", "VictoriaMetrics", "Jaga", "Jaga is the fastest")]
    for number, (kind, query) in enumerate(QUERIES):
        times = [queries[name][number] for name in ("Prometheus", "VictoriaMetrics", "Jaga")]
        lines.append((f"`{query.replace('|', chr(92) + '|')}`", kind, *(f"{value:.1f} ms" for value in times),
                      verdict(times[2] <= min(times))))
    return f"""How long queries over {chosen.hours} h take, beside Prometheus and VictoriaMetrics on the same machine, one after the other over the same
samples. Written by `scripts/compare series`; to repeat it alone, run `scripts/compare series --minutes 0 --hours {chosen.hours}`.

{circumstances(versions)}
- **Samples** {TARGETS * SERIES_EACH:,} series over {chosen.hours} h at 15 s, sent by remote write: the page of the section above, of which
  {recording.moving:.0%} of the series move.

{table(rows)}

Range queries span all of it in steps of {max(15, chosen.hours * 15)} s. They are asked when a program has come to rest: {REST_SECONDS_MIN} s after the
last sample, and when it takes less than {REST_SHARE:.0%} of a processor over {REST_SECONDS} s. Each is the best of {QUERY_RUNS} runs, over HTTP, its
answer read whole.

{table(lines)}
"""


if __name__ == "__main__":
    main()
