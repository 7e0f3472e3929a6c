"""What a long queue costs: a million messages for a next hop that is down, from a thousand senders to a hundred
thousand domains."""

import json
import subprocess
import time

from comparison import measures, servers

MESSAGES = 1_000_000
SENDERS = 1_000
DOMAINS = 100_000
SPREAD = ("--senders", str(SENDERS), "--domains", str(DOMAINS))
# Until freed memory has been returned: limits::kQuietSeconds, twice, and what it takes.
QUIET_SECONDS = 70
RESTART_SECONDS_MAX = 120
RETRY = '[delivery]\nretry = ["4h"]\n'


def _fill(context, server):
    done = subprocess.run(
        [context.bin / "ringpost-bench", "load", "--server", f"127.0.0.1:{server.port}", "--json", "--connections",
         str(measures.CONNECTIONS), "--messages", str(context.queue_messages), *SPREAD],
        capture_output=True, text=True, timeout=1800)
    result = json.loads(done.stdout)
    if result["accepted"] != context.queue_messages:
        raise RuntimeError(f"of {context.queue_messages} messages {result['accepted']} were taken: {done.stdout}")


def _cpu_per_message(context, server):
    """Deferring them included: nothing can be delivered."""
    cpu = server.cpu_seconds()
    result = measures.load(context.bin, server.port, context.seconds, *SPREAD)
    server.wait_until(lambda status: status["counters"]["recipients_deferred_total"] >=
                      status["counters"]["recipients_accepted_total"], 60)
    return (server.cpu_seconds() - cpu) / result["accepted"] * 1e6


def _fresh_cpu(context, next_hop):
    """Of a gateway with nothing in its queue but the warm-up."""
    empty = servers.Ringpost(context.bin, context.work / "empty", RETRY)
    try:
        empty.start(next_hop)
        measures.load(context.bin, empty.port, context.warm_up, *SPREAD)
        return _cpu_per_message(context, empty)
    finally:
        empty.stop()


def _restart(context, server, next_hop):
    """Seconds from the start after a kill to the first new message's 250, and to the whole queue scheduled."""
    queued = server.queued()
    server.restart_killed(next_hop)
    began = time.monotonic()
    servers.wait_for_greeting(server.port, "ringpost")
    measures.one_message(context.bin, server.port)
    accepted = time.monotonic() - began
    server.wait_until(lambda status: status["regions"][0]["scan_done"], RESTART_SECONDS_MAX)
    return accepted, time.monotonic() - began, queued + 1 - server.queued()


def measure(context, pairs):
    """One fill; then the rounds of CPU per message beside an empty gateway; then memory; then restarts."""
    next_hop = servers.free_port()  # nobody listens there
    server = servers.Ringpost(context.bin, context.work, RETRY)
    rounds = []
    try:
        server.start(next_hop)
        _fill(context, server)
        time.sleep(QUIET_SECONDS)
        spool = server.status()["regions"][0]
        resident = server.pss_kib() * 1024
        store = spool["spool"]["memtable_bytes"] + spool["spool"]["block_cache_bytes"]
        memory = {"recipient_bytes": (resident - store) / spool["queued_entries"], "store_mib": store / 2**20,
                  "memtable_mib": spool["spool"]["memtable_bytes"] / 2**20,
                  "cache_mib": spool["spool"]["block_cache_bytes"] / 2**20, "pss_mib": resident / 2**20}
        measures.load(context.bin, server.port, context.warm_up, *SPREAD)
        for number in range(pairs):
            ways = [lambda: ("full_us", _cpu_per_message(context, server)),
                    lambda: ("empty_us", _fresh_cpu(context, next_hop))]
            figures = dict(way() for way in (ways if number % 2 else reversed(ways)))
            rounds.append({**memory, **figures, "times": figures["full_us"] / figures["empty_us"]})
        for figures in rounds:
            figures["accept_s"], figures["scheduled_s"], figures["missing"] = _restart(context, server, next_hop)
            figures["queued"] = server.queued()
        return {"ringpost": rounds}
    finally:
        server.stop()
