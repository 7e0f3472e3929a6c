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
from comparison import alone, identity, long_queue, measures, secure, servers  # noqa: E402
from comparison import rows as result_rows  # noqa: E402
from comparison.rows import Row  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]


@dataclasses.dataclass
class Measure:
    """`run` gives a server's figures of one round; without it `run_rounds` does all rounds by itself."""
    title: str
    rows: list
    run: object = None
    entrants: tuple = ("ringpost", "postfix")
    run_rounds: object = None


ALONE = ("ringpost",)
WITH_CEILING = ("ringpost", "postfix", "ceiling")

MEASURES = {
    "accept": Measure("accept, durable", run=measures.accept, rows=[
        Row("rate", "accept, durable: messages/s", against="postfix", at_least=15),
        Row("cpu_us", "accept: CPU us per message", against="postfix", less=True)]),
    "relay": Measure("relay", run=measures.relay, entrants=WITH_CEILING, rows=[
        Row("rate", "relay: messages/s (this or the next row)", against="postfix", at_least=15),
        Row("rate", "relay: share of the ceiling", against="ceiling", way="share", at_least=0.6),
        Row("cpu_us", "relay: CPU us per message", against="postfix", less=True, at_least=20),
        Row("memory_mib", "relay: memory MiB (PSS)")]),
    "sessions": Measure("relay, a session per message", run=measures.relay_sessions, entrants=WITH_CEILING, rows=[
        Row("rate", "relay, one inbound session per message: messages/s", against="postfix", at_least=10)]),
    "large": Measure("relay of 100 KiB", run=measures.relay_large, rows=[
        Row("rate", "relay of 100 KiB: messages/s", against="postfix", at_least=6)]),
    "latency": Measure("final reply at half rate", run=measures.latency_round,
                       entrants=("ringpost", "bare", "postfix"), rows=[
        Row("p50_ms", "final 250 at half the top rate: p50 ms", against="bare", way="share", at_most=2),
        Row("p99_ms", "final 250 at half the top rate: p99 ms", against="bare", way="share", at_most=3),
        Row("p99_ms", "the same: p99 ms, beside Postfix's", against="postfix", less=True),
        Row("due_p99_ms", "due to final 250, at half the top rate: p99 ms", against="postfix", less=True)]),
    "streams": Measure("ten 20 MiB bodies streaming in", run=alone.streams, entrants=ALONE, rows=[
        Row("p99_times", "p99 while ten 20 MiB bodies stream in, of that without", at_most=2)]),
    "idle": Measure("idle connections", run=measures.idle, rows=[
        Row("memory_kib", "memory per idle connection: KiB (PSS)", at_most=2),
        Row("memory_kib", "the same, beside Postfix's", against="postfix", less=True),
        Row("kernel_kib", "kernel memory per idle connection: KiB (slabs)")]),
    "many_idle": Measure("20,000 idle connections", run=alone.many_idle, entrants=ALONE, rows=[
        Row("share", "relay beside 20,000 idle connections, of the rate without", at_least=0.8),
        Row("held", "idle connections held meanwhile (20,000, or what the limit of open files allows)"),
        Row("process_kib", "memory per idle connection, of these: KiB (PSS)", at_most=2)]),
    "queue": Measure("a million messages queued", run_rounds=long_queue.measure, rows=[
        Row("times", "CPU per new message with 1,000,000 queued, of that with none", at_most=1.2),
        Row("recipient_bytes", "bytes of memory per queued recipient", at_most=256),
        Row("store_mib", "memtables and block cache: MiB", at_most=1024),
        Row("accept_s", "after kill -9, 1,000,000 queued: s to the first 250", at_most=3),
        Row("scheduled_s", "after kill -9: s until all are scheduled", at_most=15)]),
    "copies": Measure("bytes of bodies copied", run=alone.copies, entrants=ALONE, rows=[
        Row(f"{figure}_{size}", f"{title}, {words} bodies, per byte", at_most=at_most)
        for size, words, limits in (("4k", "4 KiB", (1.01, 1.01, 1.1, 2.1)), ("1m", "1 MiB", (0.01, 1.01, 0.1, 2.1)))
        for (figure, title), at_most in zip((
            ("copied", "body bytes copied by us (counter)"),
            ("sealed", "body bytes sealed into the batch (counter)"),
            ("shards", "bytes moved by memcpy on shards"),
            ("committer", "bytes moved by memcpy on the committer (RocksDB's log and memtable)")), limits)]),
    "slow_sink": Measure("a next hop that takes 3 s a message", run=alone.slow_sink, entrants=ALONE, rows=[
        Row("share", "accept while the next hop takes 3 s a message, of that while it takes none", at_least=0.8)]),
    "tls_handshakes": Measure("full TLS handshakes on one core", run=secure.handshakes, entrants=ALONE, rows=[
        Row("tls_s", "TLS 1.3, ECDSA P-256, full handshakes a second on one core, whole connection"),
        Row("bare_s", "the same by BoringSSL alone, in memory"),
        Row("plain_s", "the same connections in clear, a NOOP in the handshake's place"),
        Row("share", "handshakes a second, of what these two together would give", at_least=0.85),
        Row("share_of_short", "the same, the connections in clear without a NOOP")]),
    "tls_messages": Measure("messages over TLS", run=secure.messages, entrants=ALONE, rows=[
        Row(f"{figure}_{size}", f"{title}, {words}", at_least=at_least)
        for size, words in (("4k", "4 KiB"), ("100k", "100 KiB"))
        for figure, title, at_least in (("share", "accept over TLS, of the rate in clear", 0.75),
                                        ("rate_tls", "accept over TLS: messages/s", None),
                                        ("rate_clear", "accept in clear: messages/s", None),
                                        ("cpu_times", "CPU per message over TLS, of that in clear", None))]),
    "tls_relay": Measure("relay, TLS on both legs", run=secure.relay, rows=[
        Row("rate", "relay, TLS on both legs: messages/s", against="postfix", at_least=12),
        Row("cpu_us", "relay, TLS on both legs: CPU us per message", against="postfix", less=True)]),
    "tls_idle": Measure("idle TLS sessions", run=secure.idle, entrants=ALONE, rows=[
        Row("memory_kib", "memory per idle TLS session: KiB (PSS)", at_most=20),
        Row("kernel_kib", "kernel memory per idle TLS session: KiB (slabs)")]),
    "by_network": Measure("accept with IP authentication", run=identity.by_network, entrants=ALONE, rows=[
        Row("share", "accept with IP authentication, a list of 10,000 and a verified domain, of the rate by [[trust]]",
            at_least=0.9),
        Row("rate_listed", "accept with IP authentication: messages/s"),
        Row("rate_trusted", "accept by [[trust]]: messages/s"),
        Row("cpu_times", "CPU per message with IP authentication, of that by [[trust]]")]),
    "signing": Measure("relay with DKIM signatures, RSA of 2048 bits", run=identity.signing, entrants=ALONE, rows=[
        Row("share", "relay with signing, of what free cores would sign", at_least=0.85),
        Row("share_of_alone", "the same, by the time of a signature beside an idle core"),
        Row("rate", "relay with signing: messages/s"),
        Row("signature_us", "a signature, one on each core at a time: us"),
        Row("alone_us", "a signature alone: us"),
        Row("free_cores", "free cores meanwhile: all that did nothing but sign, or nothing"),
        Row("signing_cores", "cores that signed"),
        Row("p99_times", "final 250 at half that rate: p99 with signing, of that without", at_most=1.1),
        Row("p99_signed_ms", "the same: p99 ms with signing"),
        Row("p99_plain_ms", "the same: p99 ms without")]),
    "directory": Measure("1,000,000 credentials, 100,000 domains", run=identity.directory, entrants=ALONE, rows=[
        *(Row(f"{kind}_us", f"decision at MAIL among 1,000,000 credentials, by {kind}: us", at_most=5)
          for kind in ("user", "network", "address")),
        Row("bytes_each", "bytes of a credential, by the directory's own count", at_most=200),
        Row("heap_bytes_each", "the same by the heap, accounts and domains too", at_most=200)]),
    "logins": Measure("AUTH PLAIN on a new connection each", run=identity.logins, entrants=ALONE, rows=[
        Row("logins_s", "AUTH PLAIN, a new connection in clear each: a second of one core", at_least=5000),
        Row("answered_s", "the same, answered a second by that core, clients on another")]),
    "bad_logins": Measure("1,000 bad logins a second", run=identity.bad_logins, entrants=ALONE, rows=[
        Row("p99_times_many", "final 250 beside 1,000 bad logins a second from everywhere: p99, of that without",
            at_most=1.1),
        Row("p99_times_one", "the same beside those of one guesser, who is throttled", at_most=1.1),
        Row("p99_times_busy", "the same beside a program that only computes"),
        Row("p99_none_ms", "the same: p99 ms without bad logins"),
        Row("p99_many_ms", "the same: p99 ms, from everywhere"),
        Row("p99_one_ms", "the same: p99 ms, of one guesser"),
        Row("mail_p99_none_ms", "reply to MAIL, which waits for no disk: p99 ms without bad logins"),
        Row("mail_p99_many_ms", "the same: p99 ms, beside those from everywhere"),
        Row("mail_p99_one_ms", "the same: p99 ms, beside those of one guesser"),
        Row("guesses_many_s", "bad logins answered a second, from everywhere"),
        Row("looked_at_many_s", "of these, passwords verified a second; the others: 454"),
        Row("guesses_one_s", "bad logins answered a second, of one guesser"),
        Row("looked_at_one_s", "of these, passwords verified a second; the others: 454")]),
}


@dataclasses.dataclass
class Context:
    bin: pathlib.Path
    work: pathlib.Path
    seconds: float
    warm_up: float
    idle_connections: dict
    queue_messages: int
    top_rates: dict = dataclasses.field(default_factory=dict)
    round_number: int = 0


def say(text):
    print(text, flush=True)


def show(name, round_number, rounds, entrant, figures):
    shown = "  ".join(f"{key} {value:,.2f}" for key, value in figures.items())
    say(f"   {name} {round_number}/{rounds} {entrant:9} {shown}")


def run_measure(name, measure, context, pairs, entrants):
    """Figures per server, one entry per round."""
    if measure.run_rounds:
        results = measure.run_rounds(context, pairs)
        for number, figures in enumerate(results["ringpost"], 1):
            show(name, number, pairs, "ringpost", figures)
        return results
    taking_part = [entrant for entrant in entrants if entrant.name in measure.entrants]
    results = {entrant.name: [] for entrant in taking_part}
    for pair in range(pairs):
        context.round_number = pair
        for entrant in (taking_part if pair % 2 == 0 else reversed(taking_part)):
            figures = measure.run(entrant, context)
            results[entrant.name].append(figures)
            show(name, pair + 1, pairs, entrant.name, figures)
    return results


def faults_of(results):
    """A sentence for each thing that went wrong in a round: mail lost, sent twice or not taken, and rounds that
    give no ratio."""
    found = []
    for name, by_server in results.items():
        for server, entries in by_server.items():
            for round_number, entry in enumerate(entries, 1):
                found += [f"{name} {round_number}, {server}: {entry[fault]:,} {words}"
                          for fault, words in measures.FAULTS.items() if entry.get(fault, 0) != 0]
        for row in MEASURES[name].rows:
            found += [f"{name} {number}: no ratio of {ours:g} and {theirs:g} ({row.title})"
                      for number, ours, theirs in row.values(by_server)[1]]
    return found


def summary_rows(results):
    """One summary per row of the table. Rounds that give no ratio are left out: faults_of names them."""
    return [row.summary(by_server) for name, by_server in results.items() for row in MEASURES[name].rows]


def table(rows, facts, faults):
    lines = [f"# Ringpost and Postfix side by side, {facts['date']}", ""]
    if faults:
        lines += [f"**Not a result: {len(faults)} things went wrong.**", ""]
        lines += [f"- {fault}" for fault in faults] + [""]
    else:
        lines += ["In every round all mail was taken, and what was relayed arrived once.", ""]
    lines += [f"- {key}: {value}" for key, value in facts.items() if key != "date"]
    lines += ["", "Held against: the median of the rounds and the interval that holds it (order statistics; the share "
              "says how surely); `x postfix`: how many times better than Postfix in the same round. A target is met when "
              "the interval's nearer end meets it.", "", result_rows.table(rows)]
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
    parser.add_argument("--queue", type=int, default=long_queue.MESSAGES, help="messages of the long queue")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("/var/tmp"),
                        help="folder on the disk that both queues lie on")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench/results")
    options = parser.parse_args()
    if options.quick:
        options.pairs, options.seconds, options.warm_up = 3, 2, 2
        options.queue = min(options.queue, 100_000)
    if {"latency", "streams"} & set(options.only) and "accept" not in options.only:
        options.only.insert(0, "accept")
    return options


def run_all(options, work):
    # Postfix takes as many connections as it may have smtpd processes (default_process_limit).
    context = Context(options.bin.resolve(), work, options.seconds, options.warm_up,
                      {"ringpost": options.idle, "postfix": 150}, options.queue)
    entrants = [kind(context.bin, work) for kind in (servers.Ringpost, servers.Postfix, servers.Ceiling)]
    entrants.append(measures.BareCommit())
    results, failed = {}, []
    for name in [name for name in MEASURES if name in options.only]:
        say(f"== {MEASURES[name].title}")
        try:
            results[name] = run_measure(name, MEASURES[name], context, options.pairs, entrants)
        except Exception as error:  # what was measured before is worth the same
            say(f"   {name}: {error!r}")
            failed.append(f"{name}: {error!r}")
            continue
        if name == "accept":
            context.top_rates = {server: statistics.median(entry["rate"] for entry in entries)
                                 for server, entries in results[name].items()}
    return results, failed


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
        results, failed = run_all(options, pathlib.Path(folder))
    rows = summary_rows(results)
    faults = failed + faults_of(results)
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
