"""Measures that hold the gateway against itself: the same work with and without something beside it."""

import json
import resource
import struct
import subprocess
import time

from comparison import measures, processes, servers

STREAMS = 10
STREAM_BYTES = 20 * 1024 * 1024
MANY_IDLE = 20_000
IDLE_SOURCES = 20  # addresses they come from: one has about 28,000 ports
SINK_DELAY_MS = 3000
OTHER_FILES = 700  # of a server, beside its idle connections: 512 are kept for other uses


def open_files_max():
    """Opens as many files as this process and those it starts may; how many that is."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def idle_holder(bin_dir, port, count):
    """(process, how many are open) of a program that holds idle connections."""
    holder = subprocess.Popen(
        [bin_dir / "ringpost-bench", "idle", "--server", f"127.0.0.1:{port}", "--connections", str(count),
         "--sources", str(IDLE_SOURCES)], stdout=subprocess.PIPE, text=True)
    ready = json.loads(holder.stdout.readline())["ready"]
    if ready == 0:
        servers.end(holder)
        raise RuntimeError("no idle connection was taken")
    return holder, ready


def streams(server, context):
    """The final reply's 99th percentile at half the top rate, beside ten bodies of 20 MiB that stream in again and
    again, and without them; in changing order, each on a fresh server: what the streams left is still being written
    long after them."""
    figures = {"refused": 0}
    for beside in ((False, True) if context.round_number % 2 else (True, False)):
        _at_half_rate(server, context, beside, figures)
    figures["p99_times"] = figures["p99_beside_ms"] / figures["p99_without_ms"]
    return figures


def _at_half_rate(server, context, beside, figures):
    rate = f"{context.top_rates[server.name] / 2:.0f}"
    sink = measures.Sink(context.bin, context.work, "--delay", "connect=3600000")
    try:
        server.start(sink.port)
        measures.load(context.bin, server.port, 3 * context.warm_up)  # as in measures.half_rate
        stream = None
        if beside:
            stream = subprocess.Popen(
                [context.bin / "ringpost-bench", "load", "--server", f"127.0.0.1:{server.port}", "--json",
                 "--connections", str(STREAMS), "--size", str(STREAM_BYTES), "--seconds",
                 str(context.seconds + 1)], stdout=subprocess.PIPE, text=True)
            time.sleep(0.5)
        result = measures.load(context.bin, server.port, context.seconds, "--rate", rate)
        name = "beside" if beside else "without"
        figures[f"p50_{name}_ms"] = result["final_reply_us"]["p50"] / 1e3
        figures[f"p99_{name}_ms"] = result["final_reply_us"]["p99"] / 1e3
        figures["refused"] += result["refused"] + result["unanswered"]
        if stream:
            streamed = json.loads(stream.communicate()[0])
            figures["stream_mb_s"] = streamed["text_bytes"] / streamed["seconds"] / 1e6
            figures["refused"] += streamed["refused"] + streamed["unanswered"]
    finally:
        server.stop()
        sink.stop()


def many_idle(server, context):
    """The rate of relayed mail with 20,000 idle connections held, or as many as the limit of open files lets a
    server have, as a share of the rate without them; one after the other in changing order."""
    wanted = min(MANY_IDLE, open_files_max() - OTHER_FILES)
    sink = measures.Sink(context.bin, context.work)
    figures, holder = {}, None
    try:
        server.start(sink.port)
        accepted = measures.load(context.bin, server.port, context.warm_up)["accepted"]
        first_with = context.round_number % 2 == 0
        for beside in ((True, False) if first_with else (False, True)):
            if beside:
                memory, slab = server.pss_kib(), processes.kernel_slab_kib()
                holder, figures["held"] = idle_holder(context.bin, server.port, wanted)
                time.sleep(1)
                figures["kernel_kib"] = (processes.kernel_slab_kib() - slab) / figures["held"]
                figures["process_kib"] = (server.pss_kib() - memory) / figures["held"]
            result = measures.load(context.bin, server.port, context.seconds)
            accepted += result["accepted"]
            figures["rate_with" if beside else "rate_without"] = result["rate"]
            if beside:
                holder.terminate()
                end = json.loads(holder.communicate()[0].splitlines()[-1])
                figures["lost"] = end["lost"]
                holder = None
                time.sleep(1)
        figures["missing"] = accepted - sink.wait_for(accepted)["unique_messages"]
        figures["not_held"] = wanted - figures["held"]
        figures["share"] = figures["rate_with"] / figures["rate_without"]
        return figures
    finally:
        if holder is not None:
            servers.end(holder)
        server.stop()
        sink.stop()


def slow_sink(server, context):
    """The rate of acceptance while the next hop takes 3 s for each message, as a share of that while it takes none,
    one after the other in changing order; and how often the receive buffers ran out."""
    rates, no_buffers, refused = {}, 0, 0
    delays = {"slow": f"final={SINK_DELAY_MS}", "stuck": "connect=3600000"}
    for name in (delays if context.round_number % 2 else reversed(delays)):
        sink = measures.Sink(context.bin, context.work, "--delay", delays[name])
        try:
            server.start(sink.port)
            measures.load(context.bin, server.port, context.warm_up)
            result = measures.load(context.bin, server.port, context.seconds)
            rates[name] = result["rate"]
            refused += result["refused"] + result["unanswered"]
            if name == "slow":
                no_buffers = server.status()["counters"]["ring_no_buffers_total"]
        finally:
            server.stop()
            sink.stop()
    return {"rate_slow": rates["slow"], "rate_stuck": rates["stuck"], "share": rates["slow"] / rates["stuck"],
            "no_buffers": no_buffers, "refused": refused}


COPY_SIZES = {"4k": 4096, "1m": 1024 * 1024}
COPY_THREADS = ("shards", "committer", "others")


def copies(_, context):
    """Copies per byte of body that came in: what the gateway's counters say, and what memcpy and memmove moved in its
    process, by the kind of thread, RocksDB's own copies (log buffer, memtable) on the committer's."""
    figures = {"missing": 0}
    counted = context.work / "copies"
    server = servers.Ringpost(context.bin, context.work)
    server.environment = {"LD_PRELOAD": str(context.bin / "libringpost-copies.so"), "RINGPOST_COPIES": str(counted)}
    for name, size in COPY_SIZES.items():
        counted.unlink(missing_ok=True)
        sink = measures.Sink(context.bin, context.work)
        try:
            server.start(sink.port)
            result = measures.load(context.bin, server.port, context.seconds, "--size", str(size))
            figures["missing"] += result["accepted"] - sink.wait_for(result["accepted"])["unique_messages"]
            counters = server.status()["counters"]
            body = counters["body_bytes_in_total"]
            figures[f"copied_{name}"] = counters["body_bytes_copied_total"] / body
            figures[f"sealed_{name}"] = counters["body_bytes_sealed_total"] / body
            sums = struct.unpack(f"={len(COPY_THREADS)}Q", counted.read_bytes())
            figures |= {f"{thread}_{name}": moved / body for thread, moved in zip(COPY_THREADS, sums)}
        finally:
            server.stop()
            sink.stop()
    return figures
