"""Writes what a sample costs on each of its ways into docs/performance.md; `scripts/compare samples` starts it."""

import argparse
import datetime
import pathlib
import subprocess

from compare import machine, say
from performance_page import write_section

BENCHMARKS = [
    ("Reading a page", "parsing", "A page of 1,024 series is read again and again: `quick` moves a third of its values from one page to the next, "
     "`all-moving` each of them, `moved` also puts a series more into every second page, `first` knows no page before, `whole` is the "
     "general parser, `write` a request of remote write."),
    ("Storing", "series-store", "30 targets of 1,024 series each second for five minutes into the store alone: log, head, block, and reading back."),
    ("Computing", "queries", "A range query over decoded samples of plain series; nanoseconds by sample read."),
]


def main():
    options = argparse.ArgumentParser(description="Measures what a sample costs while it is read, stored and computed with.")
    options.add_argument("--jaga", help="not used: these build programs of their own")
    options.add_argument("--page", required=True, help="the page of the documentation whose section to write")
    chosen = options.parse_args()
    folder = pathlib.Path(__file__).parent
    parts = [f"""What a sample costs on its way, each part alone. Written by `scripts/compare samples`; instructions and allocations are counted with
valgrind as the difference between a long and a short run, so they are the same whatever else the machine does.

- **Date** {datetime.date.today().isoformat()}. **Machine** {machine()}.
"""]
    for title, name, text in BENCHMARKS:
        say(f"Benchmarks/{name}")
        run = subprocess.run([folder / name], capture_output=True, text=True)
        if run.returncode != 0:
            raise SystemExit(f"error: Benchmarks/{name} ended with {run.returncode}: {run.stderr[-2000:]}")
        parts.append(f"### {title}: `Benchmarks/{name}`\n\n{text}\n\n```\n{run.stdout.strip()}\n```\n")
    body = "\n".join(parts)
    print(body)
    write_section(pathlib.Path(chosen.page), "samples", body)


if __name__ == "__main__":
    main()
