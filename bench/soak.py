#!/usr/bin/env python3
"""A soak: the gateway relays at half of the rate it can, with 1 % hostile clients among its sessions, for an hour.

Memory and latency must stay flat: the last third of the run is held against the second (the first one warms up).
What was taken must have arrived, once. Every ten seconds is a row; the table goes to bench/results/, with the JSON.
Exits with 1 where something grew, or mail was lost, refused or sent twice.
"""

import argparse
import datetime
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from comparison import measures, processes, servers  # noqa: E402
import compare  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]
SLICE_SECONDS = 10
TOP_RATE_SECONDS = 5
HOSTILE_SHARE = 0.01  # hostile sessions per message
ROTATE_SLICES = 6     # the message log is begun anew this often, by SIGHUP: an hour of it is gigabytes

# What "flat" allows: (of the second third, and so much more). Memory: a memtable that happens to be fuller.
# Latency: the machine has other things to do now and then.
MEMORY_SHARE, MEMORY_MIB = 1.05, 8
P99_SHARE, P99_MS = 1.25, 2
DESCRIPTORS_SHARE, DESCRIPTORS = 1.10, 200


def say(text):
    print(text, flush=True)


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def rotate(server):
    """As logrotate does: the old file goes, SIGHUP begins a new one."""
    (server.work / "messages.log").unlink(missing_ok=True)
    os.kill(server.pid, signal.SIGHUP)


def top_rate(server, bin_dir):
    measures.load(bin_dir, server.port, TOP_RATE_SECONDS)  # warms up
    return measures.load(bin_dir, server.port, TOP_RATE_SECONDS)


def one_slice(server, bin_dir, rate, number):
    result = measures.load(bin_dir, server.port, SLICE_SECONDS, "--rate", f"{rate:.0f}")
    times = measures.latency(result)
    row = {"seconds": (number + 1) * SLICE_SECONDS, "rate": result["rate"], "accepted": result["accepted"],
           "refused": result["refused"] + result["unanswered"], "p50_ms": times["p50_ms"], "p99_ms": times["p99_ms"],
           "memory_mib": processes.pss_kib(server.pid) / 1024, "descriptors": descriptors(server.pid)}
    say("   {seconds:6} s  {rate:8,.0f}/s  p50 {p50_ms:7.2f} ms  p99 {p99_ms:7.2f} ms  {memory_mib:7.1f} MiB  "
        "{descriptors:5} descriptors  {refused} refused".format(**row))
    return row


def flat(rows, figure, share, more):
    """(second third's median, last third's, what it may be)."""
    third = len(rows) // 3
    middle = statistics.median(row[figure] for row in rows[third:2 * third])
    last = statistics.median(row[figure] for row in rows[-third:])
    return middle, last, middle * share + more


def judge(rows, taken, sink, hostile):
    """(lines for the report, faults)."""
    lines, faults = [], []
    for figure, title, share, more in (("memory_mib", "memory MiB (PSS)", MEMORY_SHARE, MEMORY_MIB),
                                       ("p99_ms", "p99 of the final reply, ms", P99_SHARE, P99_MS),
                                       ("descriptors", "descriptors", DESCRIPTORS_SHARE, DESCRIPTORS)):
        middle, last, most = flat(rows, figure, share, more)
        lines.append(f"| {title} | {middle:,.2f} | {last:,.2f} | {most:,.2f} |")
        if last > most:
            faults.append(f"{title} grew from {middle:,.2f} to {last:,.2f}; at most {most:,.2f} is flat")
    missing = taken - sink["unique_messages"]
    if missing:
        faults.append(f"{missing} messages were taken and did not arrive")
    if sink["duplicate_recipients"]:
        faults.append(f"{sink['duplicate_recipients']} recipients got a message again")
    refused = sum(row["refused"] for row in rows)
    if refused:
        faults.append(f"{refused} messages were refused or not answered")
    if hostile.get("taken"):
        faults.append(f"{hostile['taken']} hostile messages were taken")
    return lines, faults


def report(facts, rows, lines, faults, hostile):
    out = [f"# Soak, {facts['date']}", ""]
    out += [f"**Failed:** {'; '.join(faults)}." if faults else "Flat, and all mail arrived once.", ""]
    out += [f"- {key}: {value}" for key, value in facts.items() if key != "date"]
    out += ["- hostile sessions: " + ", ".join(f"{name} {count:,}" for name, count in sorted(hostile.items())), "",
            "| figure | second third | last third | at most |", "|---|---:|---:|---:|", *lines, "",
            "| s | messages/s | p50 ms | p99 ms | memory MiB | descriptors | refused |",
            "|---:|---:|---:|---:|---:|---:|---:|"]
    out += [f"| {row['seconds']} | {row['rate']:,.0f} | {row['p50_ms']:.2f} | {row['p99_ms']:.2f} | "
            f"{row['memory_mib']:.1f} | {row['descriptors']} | {row['refused']} |" for row in rows]
    return "\n".join(out) + "\n"


def soak(options, work):
    """(top rate, rows, sink's counts, messages taken, what the hostile clients did)."""
    sink, hostile = measures.Sink(options.bin, work), None
    server = servers.Ringpost(options.bin, work)
    try:
        server.start(sink.port)
        top = options.rate * 2 if options.rate else top_rate(server, options.bin)["rate"]
        taken = sink.stats()["unique_messages"]
        rate = top / 2
        say(f"   top rate {top:,.0f}/s; {rate:,.0f}/s for {options.seconds} s, {rate * HOSTILE_SHARE:.0f} hostile/s")
        hostile = subprocess.Popen(
            [sys.executable, "-B", pathlib.Path(__file__).with_name("hostile.py"), "--port", str(server.port),
             "--per-second", f"{rate * HOSTILE_SHARE:.3f}"], stdout=subprocess.PIPE, text=True)
        before = sink.wait_for(taken)["unique_messages"]
        rows = []
        for number in range(options.seconds // SLICE_SECONDS):
            rows.append(one_slice(server, options.bin, rate, number))
            if (number + 1) % ROTATE_SLICES == 0:
                rotate(server)
        misdeeds = json.loads(servers.end(hostile))
        accepted = sum(row["accepted"] for row in rows)
        counts = sink.wait_for(before + accepted)
        counts["unique_messages"] -= before
        return top, rows, counts, accepted, misdeeds
    finally:
        if hostile is not None and hostile.poll() is None:
            hostile.kill()
        server.stop()
        sink.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--rate", type=float, help="messages a second, instead of half of what is measured first")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("/var/tmp"), help="where the queue lies")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench/results")
    options = parser.parse_args()
    options.bin, options.pairs = options.bin.resolve(), 1
    if options.seconds < 3 * SLICE_SECONDS:
        parser.error(f"at least {3 * SLICE_SECONDS} seconds: three thirds of one sample each")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("soak: stopped"))
    facts = compare.machine_facts(options, options.bin)
    with tempfile.TemporaryDirectory(prefix="ringpost-soak-", dir=options.work) as folder:
        top, rows, sink, taken, misdeeds = soak(options, pathlib.Path(folder))
    facts["work"] = (f"relay at {top / 2:,.0f} messages a second, half of the top rate, {measures.CONNECTIONS} "
                     f"connections, 4 KiB, {len(rows) * SLICE_SECONDS} s: {taken:,} messages; "
                     f"{HOSTILE_SHARE:.0%} hostile sessions; load, sink and they on the same processors")
    facts.pop("Postfix", None)
    lines, faults = judge(rows, taken, sink, misdeeds)
    text = report(facts, rows, lines, faults, misdeeds)
    name = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d-%H%M-soak")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"{name}.md").write_text(text)
    (options.out / f"{name}.json").write_text(json.dumps(
        {"facts": facts, "faults": faults, "rows": rows, "sink": sink, "hostile": misdeeds}, indent=1) + "\n")
    say(f"\n{text}\nwritten to {options.out / name}.md and .json")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
