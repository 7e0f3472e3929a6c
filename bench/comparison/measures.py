"""What is measured: one function per measure, which runs one server once and returns its figures.

Every round begins with an empty queue on the same disk, a fresh server and a fresh sink, and a warm-up
in which Postfix starts its processes.
"""

import json
import shutil
import signal
import subprocess
import time

from comparison import processes, servers

CONNECTIONS = 50
DRAIN_SECONDS = 60
SETTLE_SECONDS = 0.3
# Figures that say what went wrong in a round: other than 0, its rates compare nothing.
FAULTS = {"missing": "messages were taken and did not arrive",
          "duplicates": "recipients got a message again",
          "refused": "messages were refused or not answered",
          "in_clear": "messages came in clear",
          "unsigned": "messages were not signed",
          "failed": "connections went wrong",
          "not_held": "idle connections were not opened",
          "lost": "idle connections were closed",
          "no_buffers": "times a shard had no receive buffer"}


class Sink:
    def __init__(self, bin_dir, work, *options):
        self.port = servers.free_port()
        self.stats_path = work / "sink.json"
        self.stats_path.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [bin_dir / "ringpost-bench", "sink", "--listen", f"127.0.0.1:{self.port}",
             "--stats", self.stats_path, *options])
        if "--delay" not in options:
            servers.wait_for_greeting(self.port, "sink")

    def stats(self):
        before = self.stats_path.stat().st_mtime_ns if self.stats_path.exists() else 0
        self.process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if self.stats_path.exists() and self.stats_path.stat().st_mtime_ns != before:
                return json.loads(self.stats_path.read_text())
            time.sleep(0.01)
        raise RuntimeError("the sink does not answer")

    def wait_for(self, messages):
        """Until so many unique messages have come, or for as long as we are patient; the last counts."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while True:
            stats = self.stats()
            if stats["unique_messages"] >= messages or time.monotonic() > deadline:
                return stats
            time.sleep(0.02)

    def stop(self):
        servers.end(self.process)


def one_message(bin_dir, port):
    """Wakes what a server makes at its first message, and no more."""
    subprocess.run([bin_dir / "ringpost-bench", "load", "--server", f"127.0.0.1:{port}",
                    "--connections", "1", "--messages", "1"], check=True, stdout=subprocess.DEVNULL)


def load(bin_dir, port, seconds, *options):
    done = subprocess.run(
        [bin_dir / "ringpost-bench", "load", "--server", f"127.0.0.1:{port}", "--json",
         "--connections", str(CONNECTIONS), "--seconds", str(seconds), *options],
        capture_output=True, text=True, timeout=seconds + 120)
    if not done.stdout.strip():
        raise RuntimeError(f"ringpost-bench load: {done.stderr}")
    result = json.loads(done.stdout)
    if result["accepted"] == 0:
        raise RuntimeError(f"nothing was accepted: {done.stdout}")
    return result


def latency(result):
    figures = {"p50_ms": result["final_reply_us"]["p50"] / 1e3, "p99_ms": result["final_reply_us"]["p99"] / 1e3}
    if result["due_us"]["count"] > 0:
        figures |= {"due_p50_ms": result["due_us"]["p50"] / 1e3, "due_p99_ms": result["due_us"]["p99"] / 1e3}
    return figures


def store_figures(server):
    """What the store says of its commits, warm-up included; nothing for servers that have no such store."""
    if server.name != "ringpost":
        return {}
    status = server.status()
    counters, spool = status["counters"], status["regions"][0]["spool"]
    syncs = max(counters["commit_syncs_total"], 1)
    return {"messages_per_sync": counters["messages_accepted_total"] / syncs,
            "requests_per_sync": counters["commit_requests_total"] / syncs,
            "commit_p50_ms": spool["commit_p50_us"] / 1e3, "commit_p99_ms": spool["commit_p99_us"] / 1e3,
            "flushed_share": spool["flushed_bytes"] / max(counters["body_bytes_in_total"], 1)}


def accept(server, context, options=()):
    """Messages made durable a second while nothing goes out: the sink takes connections and keeps its
    greeting back, the same for both, so the next hop is there but slow."""
    sink = Sink(context.bin, context.work, "--delay", "connect=3600000")
    try:
        server.start(sink.port)
        load(context.bin, server.port, context.warm_up, *options)
        cpu = server.cpu_seconds()
        result = load(context.bin, server.port, context.seconds, *options)
        cpu = server.cpu_seconds() - cpu
        return {"rate": result["rate"], "cpu_us": cpu / result["accepted"] * 1e6,
                "refused": result["refused"] + result["unanswered"], **latency(result), **store_figures(server)}
    finally:
        server.stop()
        sink.stop()


def half_rate(server, context):
    """In an open loop at half the rate `accept` reached, by the same server: from the final dot to the final reply,
    and from the time at which a message was due, the wait for a free connection and the transaction included."""
    rate = context.top_rates[server.name] / 2
    sink = Sink(context.bin, context.work, "--delay", "connect=3600000")
    try:
        server.start(sink.port)
        # At the top rate, until the memory that mail passes through has been used once: what is asked for is how a
        # server is that runs, not how it begins.
        load(context.bin, server.port, 3 * context.warm_up)
        result = load(context.bin, server.port, context.seconds, "--rate", f"{rate:.0f}")
        return {"wanted_rate": rate, "rate": result["rate"], "refused": result["refused"] + result["unanswered"],
                **latency(result), **store_figures(server)}
    finally:
        server.stop()
        sink.stop()


class BareCommit:
    """RocksDB and the disk alone, in the place of a server."""
    name = "bare"


BARE_GROUP = 16


def bare_commit(context):
    """Groups of 16 such messages written and synced at the rate of half_rate's, while the same mail goes through the
    three programs that only move bytes: what a commit takes beside such work."""
    rate = f"{context.top_rates['ringpost'] / 2:.0f}"
    ceiling = servers.Ceiling(context.bin, context.work)
    sink = Sink(context.bin, context.work)
    folder = context.work / "bare"
    try:
        ceiling.start(sink.port)
        commit = subprocess.Popen(
            [context.bin / "ringpost-bench", "commit", "--path", folder, "--group", str(BARE_GROUP), "--rate", rate,
             "--warm-up", str(3 * context.warm_up), "--seconds", str(context.seconds)],
            stdout=subprocess.PIPE, text=True)
        load(context.bin, ceiling.port, 3 * context.warm_up + context.seconds + 0.5, "--rate", rate)
        result = json.loads(commit.communicate(timeout=60)[0])
        return {"rate": result["rate"], "p50_ms": result["p50"] / 1e3, "p99_ms": result["p99"] / 1e3}
    finally:
        ceiling.stop()
        sink.stop()
        shutil.rmtree(folder, ignore_errors=True)


def latency_round(server, context):
    return bare_commit(context) if server.name == "bare" else half_rate(server, context)


def relay(server, context, options=(), sink_options=()):
    """From the first MAIL to the arrival of the last message in the sink."""
    sink = Sink(context.bin, context.work, *sink_options)
    try:
        server.start(sink.port)
        warm = load(context.bin, server.port, context.warm_up, *options)
        warm_count = sink.wait_for(warm["accepted"])["unique_messages"]
        time.sleep(SETTLE_SECONDS)
        cpu = server.cpu_seconds()
        result = load(context.bin, server.port, context.seconds, *options)
        memory = server.pss_kib()
        stats = sink.wait_for(warm_count + result["accepted"])
        time.sleep(SETTLE_SECONDS)
        cpu = server.cpu_seconds() - cpu
        arrived = stats["unique_messages"] - warm_count
        accepted = warm["accepted"] + result["accepted"]
        seconds = stats["last_message_seconds"] - result["first_seconds"]
        return {"rate": arrived / seconds, "cpu_us": cpu / max(arrived, 1) * 1e6,
                "missing": accepted - stats["unique_messages"],
                "duplicates": stats["duplicate_recipients"],
                "in_clear": stats["messages"] - stats["tls_messages"] if sink_options else 0,
                "refused": result["refused"] + result["unanswered"],
                "memory_mib": memory / 1024, **latency(result), **store_figures(server)}
    finally:
        server.stop()
        sink.stop()


def relay_sessions(server, context):
    return relay(server, context, ("--session-per-message",))


def relay_large(server, context):
    return relay(server, context, ("--size", str(100 * 1024)))


def idle(server, context, port="port", options=()):
    """Process memory per idle connection that has said EHLO, and kernel memory (slabs of the machine). `port`: which
    of the server's."""
    count = context.idle_connections[server.name]
    sink = Sink(context.bin, context.work)
    holder = None
    try:
        server.start(sink.port)
        one_message(context.bin, server.port)
        time.sleep(1)
        memory, slab = server.pss_kib(), processes.kernel_slab_kib()
        holder = subprocess.Popen(
            [context.bin / "ringpost-bench", "idle", "--server", f"127.0.0.1:{getattr(server, port)}",
             "--connections", str(count), *options], stdout=subprocess.PIPE, text=True)
        ready = json.loads(holder.stdout.readline())["ready"]
        time.sleep(1)
        if ready == 0:
            raise RuntimeError("no idle connection was taken")
        return {"connections": ready, "memory_kib": (server.pss_kib() - memory) / ready,
                "kernel_kib": (processes.kernel_slab_kib() - slab) / ready}
    finally:
        if holder is not None:
            servers.end(holder)
        server.stop()
        sink.stop()
