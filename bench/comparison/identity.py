"""What it costs to know one's customers: deciding who may send, signing for them, letting them log in, and keeping
those who guess at passwords from everybody else's mail."""

import json
import os
import subprocess
import sys
import time

from comparison import customers, measures, processes, secure, servers

# Connections a second times a round would use up the ports of one source address.
LOGIN_SOURCES = 20
BAD_LOGINS_PER_SECOND = 1000
# Each from an address and at a name of its own: none of them has to wait before a worker sees its password.
MANY = 100_000
MICROBENCH_SECONDS = 1


def in_turns(ways, context):
    """Their names, in an order that changes with the round."""
    return list(ways) if context.round_number % 2 else list(reversed(list(ways)))


# --- Deciding

def by_network(_, context):
    """Accepting, as `accept` does it, from a network that is a credential with a restrict list, of a verified domain;
    and through [[trust]], where nothing is asked."""
    listed = servers.Ringpost(context.bin, context.work, store=customers.listed(context), **customers.BY_CREDENTIAL)
    ways = {"listed": listed, "trusted": servers.Ringpost(context.bin, context.work)}
    figures, refused = {}, 0
    for name in in_turns(ways, context):
        one = measures.accept(ways[name], context)
        figures[f"rate_{name}"], figures[f"cpu_{name}_us"] = one["rate"], one["cpu_us"]
        refused += one["refused"]
    return {**figures, "refused": refused, "share": figures["rate_listed"] / figures["rate_trusted"],
            "cpu_times": figures["cpu_listed_us"] / figures["cpu_trusted_us"]}


def _microbench(context, cores, pattern, seconds):
    """{name: what the micro-benchmark said of it}, a list with one for each of these cores, all run at once."""
    said = secure.on_cores(cores, context.bin / "ringpost-microbench", f"--benchmark_filter={pattern}",
                           f"--benchmark_min_time={seconds}", "--benchmark_format=json")
    return [{one["name"]: one for one in result["benchmarks"]} for result in said]


def directory(_, context):
    """The decision at MAIL by the micro-benchmark."""
    cores = sorted(os.sched_getaffinity(0))
    (said,) = _microbench(context, cores[:1], "BM_DecideBy", MICROBENCH_SECONDS)
    figures = {f"{name.removeprefix('BM_DecideBy').lower()}_us": one["cpu_time"] / 1e3 for name, one in said.items()}
    any_of_them = next(iter(said.values()))
    return {**figures, "bytes_each": any_of_them["bytes_each"], "heap_bytes_each": any_of_them["heap_bytes_each"]}


# --- Signing

def _signature_us(context, cores):
    said = _microbench(context, cores, "BM_DkimSign/ed25519:0", MICROBENCH_SECONDS)
    return sum(one["BM_DkimSign/ed25519:0"]["cpu_time"] for one in said) / len(said) / 1e3


def _relay_signed(server, sink, context, wanted):
    """So many messages from the first MAIL to the last arrival. Free is what of all processors did nothing else than
    to sign: what idled, and what the signing threads used."""
    warm = measures.load(context.bin, server.port, context.warm_up, "--rate", f"{wanted / context.seconds / 2:.0f}")
    before = sink.wait_for(warm["accepted"])["unique_messages"]
    idle, signing = processes.idle_seconds(), processes.thread_seconds(server.pid, "rp-sign")
    result = measures.load(context.bin, server.port, measures.DRAIN_SECONDS, "--messages", str(wanted))
    stats = sink.wait_for(before + result["accepted"])
    signing = processes.thread_seconds(server.pid, "rp-sign") - signing
    free = processes.idle_seconds() - idle + signing
    arrived = stats["unique_messages"] - before
    seconds = stats["last_message_seconds"] - result["first_seconds"]
    signed = server.status()["counters"]["messages_dkim_signed_total"]
    return {"rate": arrived / seconds, "free_cores": free / seconds, "signing_cores": signing / seconds,
            "missing": warm["accepted"] + result["accepted"] - stats["unique_messages"],
            "unsigned": max(stats["unique_messages"] - signed, 0), "duplicates": stats["duplicate_recipients"],
            "refused": result["refused"] + result["unanswered"]}


def _p99(server, context, rate):
    """Of the final reply in an open loop, the mail passed on meanwhile."""
    measures.load(context.bin, server.port, context.warm_up, "--rate", f"{rate:.0f}")
    result = measures.load(context.bin, server.port, context.seconds, "--rate", f"{rate:.0f}")
    return measures.latency(result)["p99_ms"], result["refused"] + result["unanswered"]


def signing(_, context):
    """Relay with RSA signatures, against what the processors that nothing else needs would give by the
    micro-benchmark's time for one; and the final reply's 99th percentile at half of that rate, with signing and
    without. The bar is the signature beside another one on each processor: that is how they are made where none
    idles."""
    cores = sorted(os.sched_getaffinity(0))
    alone_us, signature_us = _signature_us(context, cores[:1]), _signature_us(context, cores)
    wanted = int(context.seconds * len(cores) / signature_us * 1e6 * 0.8)
    ways = {"signed": customers.signed(context), "plain": customers.plain(context)}
    figures, rates = {"alone_us": alone_us, "signature_us": signature_us}, {}
    sink = measures.Sink(context.bin, context.work)
    server = servers.Ringpost(context.bin, context.work, store=ways["signed"], **customers.BY_CREDENTIAL)
    try:
        server.start(sink.port)
        figures |= _relay_signed(server, sink, context, wanted)
    finally:
        server.stop()
        sink.stop()
    figures["share"] = figures["rate"] * signature_us / 1e6 / figures["free_cores"]
    figures["share_of_alone"] = figures["rate"] * alone_us / 1e6 / figures["free_cores"]
    for name in in_turns(ways, context):
        sink = measures.Sink(context.bin, context.work)
        server = servers.Ringpost(context.bin, context.work, store=ways[name], **customers.BY_CREDENTIAL)
        try:
            server.start(sink.port)
            figures[f"p99_{name}_ms"], refused = _p99(server, context, figures["rate"] / 2)
            figures["refused"] += refused
        finally:
            server.stop()
            sink.stop()
    figures["p99_times"] = figures["p99_signed_ms"] / figures["p99_plain_ms"]
    return figures


# --- Logins

def _logins(server, context, cores, seconds, *options):
    return secure.on_cores(cores, context.bin / "ringpost-bench", "login", "--server", f"127.0.0.1:{server.port}",
                           "--connections", measures.CONNECTIONS, "--sources", LOGIN_SOURCES, "--seconds", seconds,
                           "--user", customers.USER, *options)


def logins(_, context):
    """Whole connections in clear (connect, greeting, EHLO, AUTH PLAIN, QUIT, 221, end) of one user, by the processor
    time of the one core that the server has, as `tls_handshakes` counts it."""
    cores = sorted(os.sched_getaffinity(0))
    server = servers.Ringpost(context.bin, context.work, secure.ONE_CORE, wrapper=("taskset", "-c", str(cores[0])),
                              store=customers.plain(context), **customers.WITH_PASSWORDS)
    clients = {cores[0], cores[-1]}
    password = ("--password", customers.PASSWORD)
    try:
        server.start(servers.free_port())
        _logins(server, context, clients, context.warm_up / 2, *password)
        cpu = server.cpu_seconds()
        said = _logins(server, context, clients, context.seconds, *password)
        cpu = server.cpu_seconds() - cpu
        # And with the core for itself: what it does then, where the clients are as fast.
        (beside,) = _logins(server, context, [cores[-1]], context.seconds / 2, *password)
    finally:
        server.stop()
    right = sum(one["replies"].get("235", 0) for one in said)
    failed = sum(one["failures"] + one["answered"] - one["replies"].get("235", 0) for one in [*said, beside])
    return {"login_us": cpu / right * 1e6, "logins_s": right / cpu, "answered_s": beside["rate"], "failed": failed}


def _flood(server, context, seconds, *options):
    return subprocess.Popen(
        [context.bin / "ringpost-bench", "login", "--bad", "--server", f"127.0.0.1:{server.port}", "--user", "guess",
         "--connections", "500", "--rate", str(BAD_LOGINS_PER_SECOND), "--seconds", str(seconds), *options],
        stdout=subprocess.PIPE, text=True)


FLOODS = {"many": ("--sources", str(MANY), "--names", str(MANY)), "one": ("--sources", "2")}
BESIDE = ("none", *FLOODS, "busy")


def _beside(name, server, context, seconds):
    """What runs beside the mail; None: nothing does."""
    if name == "busy":
        return subprocess.Popen(["timeout", str(seconds), sys.executable, "-c", "while True: pass"],
                                stdout=subprocess.PIPE, text=True)
    return _flood(server, context, seconds, *FLOODS[name]) if name in FLOODS else None


def bad_logins(_, context):
    """The final reply's 99th percentile of mail that another client sends to the one shard there is, at a quarter of
    its top rate: alone; beside guesses that each come from an address and at a name of their own; beside those of who
    has two addresses and one name, and so has to wait; and beside a program that only computes, which shows what a
    processor less does by itself: the gateway verifies passwords on one thread."""
    server = servers.Ringpost(context.bin, context.work, secure.ONE_CORE, store=customers.plain(context),
                              **customers.WITH_PASSWORDS)
    sink = measures.Sink(context.bin, context.work, "--delay", "connect=3600000")
    figures = {"refused": 0, "failed": 0}
    try:
        server.start(sink.port)
        figures["mail_rate"] = measures.load(context.bin, server.port, 2 * context.warm_up)["rate"] / 4
        for name in in_turns(BESIDE, context):
            _mail_beside(name, server, context, figures)
    finally:
        server.stop()
        sink.stop()
    for name in BESIDE[1:]:
        figures[f"p99_times_{name}"] = figures[f"p99_{name}_ms"] / figures["p99_none_ms"]
    return figures


def _mail_beside(name, server, context, figures):
    seconds = context.seconds + 1
    program = _beside(name, server, context, seconds)
    try:
        time.sleep(0.5)
        result = measures.load(context.bin, server.port, context.seconds, "--rate", f"{figures['mail_rate']:.0f}")
        said = program.communicate(timeout=60)[0] if program else ""
    finally:
        if program and program.poll() is None:
            servers.end(program)
    figures[f"p50_{name}_ms"], figures[f"p99_{name}_ms"] = (measures.latency(result)[key] for key in ("p50_ms", "p99_ms"))
    figures[f"mail_p99_{name}_ms"] = result["mail_reply_us"]["p99"] / 1e3
    figures["refused"] += result["refused"] + result["unanswered"]
    if name in FLOODS:
        guesses = json.loads(said)
        figures[f"guesses_{name}_s"] = guesses["answered"] / seconds
        figures[f"looked_at_{name}_s"] = guesses["replies"].get("535", 0) / seconds
        figures["failed"] += guesses["failures"] + guesses["replies"].get("235", 0)
