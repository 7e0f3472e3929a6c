"""What runs inside the guest of test_power_cut.py: a ringpostd on the guest's disk, and its peers.

    guest_power_cut.py load OUTSIDE NUMBER [PRELOAD]   mail comes in and goes out, until the power goes
    guest_power_cut.py drain OUTSIDE NUMBER            all that is in the store goes out; then an orderly end

OUTSIDE is a directory of the host. What was written there is outside when write(2) has returned, so the next hop
writes an id there before it answers 250, and the client after it was answered 250: whatever moment the power goes,
no id is taken for acknowledged that was not, and none for lost that had arrived.
"""

import pathlib
import random
import re
import subprocess
import sys
import time

import harness

ID = re.compile(rb"^X-Ringpost-Bench-Id: *(\S+)", re.MULTILINE)
RETRY = '[delivery]\nretry = ["1s"]\n'
TEMPFAIL = 0.1
SIZES = "2000:20,40000:5,300000:1"
# Longer than a message waits for its next attempt.
QUIET_SECONDS = 20
DRAIN_SECONDS = 200


def daemon_for(next_hop, preload=None):
    return harness.Daemon("/tmp/ringpost", next_hop, extra=RETRY, store="/mnt/store", preload=preload)


def load(outside, number, preload=None):
    record = open(outside / "arrived", "ab", buffering=0)

    def answer(part, value):
        if part != "DATA":
            return None
        if random.random() < TEMPFAIL:
            return "451 4.3.0 Not now"
        identity = ID.search(value.original_content).group(1)
        record.write(b"".join(b"%s %s\n" % (identity, to.encode()) for to in value.rcpt_tos))
        return None
    sink = harness.Sink(answer).start()
    (outside / f"starts-{number}").write_text("now\n")
    daemon = daemon_for(sink.port, preload).start()
    subprocess.run([harness.BIN / "ringpost-bench", "load", "--server", f"127.0.0.1:{daemon.port}", "--connections", "10",
                    "--seconds", "600", "--size", SIZES, "--acked", outside / f"acked-{number}"], check=False)
    print("the load ended before the power did", daemon.console())


def missing(outside):
    acked = set().union(*map(harness.first_words, outside.glob("acked-*")))
    arrived = set().union(*map(harness.first_words, [outside / "arrived", *outside.glob("*.ids")]))
    return acked - arrived


def drain(outside, _):
    sink = harness.BenchSink(outside).start()
    daemon = daemon_for(sink.port).start()
    seen, since, begun = None, time.monotonic(), time.monotonic()
    while seen != 0 and time.monotonic() - since < QUIET_SECONDS and time.monotonic() - begun < DRAIN_SECONDS:
        time.sleep(1)
        if (now := len(missing(outside))) != seen:
            seen, since = now, time.monotonic()
    status = daemon.stop()
    sink.stop()
    print(daemon.console())
    sys.exit(status)


if __name__ == "__main__":
    {"load": load, "drain": drain}[sys.argv[1]](pathlib.Path(sys.argv[2]), *sys.argv[3:])
