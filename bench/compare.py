#!/usr/bin/env python3
"""Compares the gateway with Postfix: the same work for both, in turns, on this machine, now.

Ratios count, not figures of another day: every measure is run in pairs, one after the other and in changing order,
and the ratio of each pair is what is summed up. Results go to bench/results/, as JSON and as a table. Mail that
was lost, sent twice or not taken makes the exit status 1.
"""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from comparison import intervals, measures, servers  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]


@dataclasses.dataclass
class Measure:
    """`run` gives figures; `rows` are (figure, title, whether more is better; None: too noisy for a
    ratio)."""
    title: str
    run: object
    rows: list
    with_ceiling: bool = False


MEASURES = {
    "accept": Measure("accept, durable", measures.accept, [
        ("rate", "accept, durable: messages/s", True),
        ("cpu_us", "accept: CPU us per message", False)]),
    "relay": Measure("relay", measures.relay, [
        ("rate", "relay: messages/s", True),
        ("cpu_us", "relay: CPU us per message", False),
        ("memory_mib", "relay: memory MiB (PSS)", False)], with_ceiling=True),
    "sessions": Measure("relay, a session per message", measures.relay_sessions, [
        ("rate", "relay, one inbound session per message: messages/s", True)], with_ceiling=True),
    "large": Measure("relay of 100 KiB", measures.relay_large, [
        ("rate", "relay of 100 KiB: messages/s", True)], with_ceiling=True),
    "latency": Measure("final reply at half rate", measures.half_rate, [
        ("p50_ms", "due to final reply, at half the top rate: p50 ms", False),
        ("p99_ms", "due to final reply, at half the top rate: p99 ms", False)]),
    "idle": Measure("idle connections", measures.idle, [
        ("memory_kib", "memory per idle connection: KiB (PSS)", False),
        ("kernel_kib", "kernel memory per idle connection: KiB (slabs)", None)]),
}


@dataclasses.dataclass
class Context:
    bin: pathlib.Path
    work: pathlib.Path
    seconds: float
    warm_up: float
    idle_connections: dict
    top_rates: dict = dataclasses.field(default_factory=dict)


def say(text):
    print(text, flush=True)


def run_measure(name, measure, context, pairs, entrants):
    """Figures per server, one entry per pair."""
    results = {server.name: [] for server in entrants}
    for pair in range(pairs):
        order = entrants if pair % 2 == 0 else list(reversed(entrants))
        for server in order:
            if server.name == "ceiling" and not measure.with_ceiling:
                continue
            figures = measure.run(server, context)
            results[server.name].append(figures)
            shown = "  ".join(f"{key} {value:,.1f}" for key, value in figures.items())
            say(f"   {name} {pair + 1}/{pairs} {server.name:9} {shown}")
    return {key: value for key, value in results.items() if value}


def faults_of(results):
    """A sentence for each thing that went wrong in a round: mail lost, sent twice or not taken, and pairs that
    give no ratio."""
    found = []
    for name, by_server in results.items():
        for server, entries in by_server.items():
            for round_number, entry in enumerate(entries, 1):
                found += [f"{name} {round_number}, {server}: {entry[fault]:,} {words}"
                          for fault, words in measures.FAULTS.items() if entry.get(fault, 0) != 0]
        for figure, title, more_is_better in MEASURES[name].rows:
            if more_is_better is None:
                continue
            found += [f"{name} {number}: no ratio of {ours[figure]:g} and {theirs[figure]:g} ({title})"
                      for number, (ours, theirs) in enumerate(pairs_of(by_server), 1)
                      if not has_ratio(ours[figure], theirs[figure])]
    return found


def pairs_of(by_server):
    return zip(by_server.get("ringpost", []), by_server.get("postfix", []))


def has_ratio(ours, theirs):
    return ours > 0 and theirs > 0


def summary_rows(results):
    """(title, ours, Postfix's, ceiling's medians, ratio with interval) per row of the table. Pairs that give no
    ratio are left out: faults_of names them."""
    rows = []
    for name, by_server in results.items():
        for figure, title, more_is_better in MEASURES[name].rows:
            medians = {server: statistics.median(entry[figure] for entry in entries)
                       for server, entries in by_server.items()}
            ratios = [ours[figure] / theirs[figure] if more_is_better
                      else theirs[figure] / ours[figure]
                      for ours, theirs in pairs_of(by_server) if has_ratio(ours[figure], theirs[figure])]
            ratio = None
            if ratios and more_is_better is not None:
                ratio = intervals.median_interval(ratios)
            rows.append({"title": title, "medians": medians, "ratio": ratio})
    return rows


def shown_number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"


def table(rows, facts, faults):
    lines = [f"# Ringpost and Postfix side by side, {facts['date']}", ""]
    if faults:
        lines += [f"**Not a result: {len(faults)} things went wrong.**", ""]
        lines += [f"- {fault}" for fault in faults] + [""]
    else:
        lines += ["In every round all mail was taken, and what was relayed arrived once.", ""]
    lines += [f"- {key}: {value}" for key, value in facts.items() if key != "date"]
    lines += ["", "Better by: how many times Ringpost is better, the median of the pairs and the interval that "
              "holds it (order statistics; the share says how surely).", "",
              "| measure | Ringpost | Postfix | ceiling | better by | interval |",
              "|---|---:|---:|---:|---:|---|"]
    for row in rows:
        cells = [shown_number(row["medians"].get(name)) for name in ("ringpost", "postfix", "ceiling")]
        if row["ratio"] is None:
            cells += ["", ""]
        else:
            median, low, high, share = row["ratio"]
            cells += [f"{median:.2f}", f"{low:.2f} to {high:.2f} ({share:.0%})"]
        lines.append(f"| {row['title']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout.strip()
    except OSError:
        return ""


def build_facts(folder):
    """(compiler, its flags) as the daemon's own source was compiled: warnings, paths and names left out."""
    commands = folder / "compile_commands.json"
    if not commands.exists():
        return "", f"not known: {commands} is not there"
    entry = next((entry for entry in json.loads(commands.read_text())
                  if entry["file"].endswith("/gateway/app/main.cc")), None)
    if entry is None:
        return "", f"not known: {commands} does not name the daemon"
    words = shlex.split(entry["command"])
    compiler = next(word for word in words if not word.endswith("ccache"))
    flags = [word for word in words if word.startswith(("-O", "-g", "-f", "-m", "-std=", "-D"))]
    return compiler, " ".join(flags)


def machine_facts(options, bin_dir):
    cpu = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    compiler, flags = build_facts(bin_dir.resolve().parent)
    changed = " with local changes" if output_of("git", "status", "--porcelain", "-uno") else ""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": output_of("git", "rev-parse", "--short=12", "HEAD") + changed,
        "kernel": platform.release(),
        "CPU": f"{cpu}, {os.cpu_count()} processors",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "disk": output_of("findmnt", "-n", "-o", "SOURCE,FSTYPE", "-T", str(options.work)),
        "compiler": next(iter(output_of(compiler, "--version").splitlines()), "not known"),
        "build": flags,
        "Postfix": servers.postfix_version() + ", settings in bench/postfix",
        "work": f"{measures.CONNECTIONS} connections, not pipelined, 4 KiB messages unless said, load and sink "
                f"on the same processors, {options.pairs} pairs of {options.seconds:g} s",
        "load average at the start": "%.2f" % os.getloadavg()[0],
    }


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin",
                        help="folder of ringpostd and ringpost-bench")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=5, help="of each round")
    parser.add_argument("--warm-up", type=float, default=3, help="seconds before each round")
    parser.add_argument("--only", nargs="+", choices=list(MEASURES), default=list(MEASURES))
    parser.add_argument("--quick", action="store_true", help="3 pairs of 2 seconds: a look, no proof")
    parser.add_argument("--idle", type=int, default=5000, help="idle connections held on Ringpost")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("/var/tmp"),
                        help="folder on the disk that both queues lie on")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench/results")
    options = parser.parse_args()
    if options.quick:
        options.pairs, options.seconds, options.warm_up = 3, 2, 2
    if "latency" in options.only and "accept" not in options.only:
        options.only.insert(0, "accept")
    return options


def run_all(options, work):
    # Postfix takes as many connections as it may have smtpd processes (default_process_limit).
    context = Context(options.bin.resolve(), work, options.seconds, options.warm_up,
                      {"ringpost": options.idle, "postfix": 150})
    entrants = [kind(context.bin, work)
                for kind in (servers.Ringpost, servers.Postfix, servers.Ceiling)]
    results = {}
    for name in [name for name in MEASURES if name in options.only]:
        say(f"== {MEASURES[name].title}")
        results[name] = run_measure(name, MEASURES[name], context, options.pairs, entrants)
        if name == "accept":
            context.top_rates = {server: statistics.median(entry["rate"] for entry in entries)
                                 for server, entries in results[name].items()}
    return results


def main():
    options = parse_arguments()
    if os.geteuid() != 0:
        sys.exit("compare: Postfix can only be started by root")
    # So that what was started is stopped however the run ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("compare: stopped"))
    facts = machine_facts(options, options.bin)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ringpost-compare-", dir=options.work) as folder:
        os.chmod(folder, 0o755)  # Postfix's processes have a user of their own
        results = run_all(options, pathlib.Path(folder))
    rows = summary_rows(results)
    faults = faults_of(results)
    text = table(rows, facts, faults)
    options.out.mkdir(parents=True, exist_ok=True)
    name = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d-%H%M-compare")
    (options.out / f"{name}.md").write_text(text)
    (options.out / f"{name}.json").write_text(
        json.dumps({"facts": facts, "faults": faults, "summary": rows, "rounds": results}, indent=1) + "\n")
    say(f"\n{text}\ntook {time.monotonic() - begun:.0f} s; written to {options.out / name}.md and .json")
    if faults:
        sys.exit(f"compare: not a result, {len(faults)} things went wrong:\n  " + "\n  ".join(faults))


if __name__ == "__main__":
    main()
