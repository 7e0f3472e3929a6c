"""A queue that waits: 10,000 messages for a next hop that is down, with a restart in between."""

import collections
import datetime
import smtplib
import subprocess
import time
import unittest

import harness

COUNT = int(10_000 / harness.PATIENCE)
RETRY = [20, 20, 60]  # seconds
JITTER = 0.1          # a wait is lengthened by up to a tenth (gateway/delivery/retry.h)


class WaitingQueue(harness.Case):
    def test_down_restart_up(self):
        port = harness.free_port()
        daemon = harness.Daemon(self.folder / "ringpost", port,
                                extra=f'[delivery]\nretry = {[f"{seconds}s" for seconds in RETRY]}\n')
        self.addCleanup(daemon.kill)
        daemon.start()
        acked = self.folder / "acked"
        load = subprocess.run(
            [harness.BIN / "ringpost-bench", "load", "--server", f"127.0.0.1:{daemon.port}", "--acked", acked,
             "--connections", "20", "--messages", str(COUNT), "--size", "1000", "--domains", "100"],
            capture_output=True, text=True, timeout=300 * harness.PATIENCE)
        self.assertEqual(load.returncode, 0, load.stdout + load.stderr)
        ids = harness.first_words(acked)
        self.assertEqual(len(ids), COUNT)
        harness.wait_until(lambda: daemon.queued() == COUNT, 30, "all are queued")

        def schedule():
            return {key: (entry["next_attempt"], entry["attempts"])
                    for key, entry in daemon.queue().items()}
        # Every message has had its first attempt and waits for its second, 20 s (with jitter) after it.
        harness.wait_until(lambda: all(a >= 1 for _, a in schedule().values()), 60, "first attempts are over")
        before = schedule()
        self.assertEqual(len(before), COUNT)
        self.assertEqual(daemon.stop(), 0)
        daemon.start()
        harness.wait_until(lambda: daemon.queued() == COUNT, 30,
                           "the restart scheduled them all again")
        after = schedule()
        self.assertEqual(set(before), set(after))
        unchanged = sum(1 for key in before if before[key] == after[key])
        advanced = sum(1 for key in before if after[key][1] > before[key][1])
        self.assertEqual(unchanged + advanced, COUNT, "a time changed without an attempt")
        sink = harness.BenchSink(self.folder, port=port).start()
        self.addCleanup(sink.stop)
        harness.wait_until(lambda: ids <= sink.ids(), 180, "all arrive once the next hop is up")
        harness.wait_until(lambda: daemon.queued() == 0, 30, "the queue is empty")
        self.check_schedule(daemon.log())

    def check_schedule(self, lines):
        """Every wait that the log announces is the configured one, with its jitter, and none is cut short, by the
        restart neither: what happened next to the message is not from before that time."""
        told = collections.defaultdict(list)
        for line in lines:
            if line["event"] in ("deferred", "delivered"):
                told[line["id"]].append(line)
        self.assertEqual(len(told), COUNT)
        waits = []
        for key, entries in told.items():
            self.assertEqual([entry["event"] for entry in entries],
                             ["deferred"] * (len(entries) - 1) + ["delivered"], key)
            self.assertEqual([entry["attempts"] for entry in entries], list(range(1, len(entries) + 1)), key)
            for entry, following in zip(entries, entries[1:]):
                step = RETRY[min(entry["attempts"], len(RETRY)) - 1]
                wait = seconds_of(entry["next_attempt"]) - seconds_of(entry["time"])
                # Both ends are rounded: the next attempt up to a whole second.
                self.assertGreaterEqual(wait, step - 0.01, entry)
                self.assertLessEqual(wait, step * (1 + JITTER) + 1.01, entry)
                self.assertGreaterEqual(seconds_of(following["time"]), seconds_of(entry["next_attempt"]), key)
                waits.append(wait - step)
        # Jitter spreads them: those that failed together do not all come back together.
        self.assertGreater(max(waits) - min(waits), min(RETRY) * JITTER / 2)

    def test_retry_now_hold_release_delete_bounce(self):
        port = harness.free_port()
        daemon = self.run_daemon(port)
        with smtplib.SMTP("127.0.0.1", daemon.port) as client:
            for n in range(4):
                client.sendmail(f"s{n}@example.com", [f"r@d{n}.example.net"], f"Subject: {n}\r\n\r\nx\r\n")
        harness.wait_until(lambda: len([e for e in daemon.log() if e["event"] == "deferred"]) == 4, 20,
                           "four deferred")
        entries = {e["sender"]: key for key, e in daemon.queue().items()}
        daemon.ctl("queue", "delete", entries["s0@example.com"], "--yes")
        daemon.ctl("queue", "hold", entries["s1@example.com"])
        sink = self.run_sink(port=port)
        daemon.ctl("queue", "bounce", entries["s2@example.com"], "--yes", "--reason", "not wanted")
        daemon.ctl("queue", "retry", "--all")
        messages = sink.wait(2, 30)
        time.sleep(1)
        subjects = sorted(m["to"][0] for m in messages)
        self.assertEqual(subjects, ["r@d3.example.net", "s2@example.com"])
        self.assertEqual(daemon.stop(), 0)
        daemon.start()
        harness.wait_until(lambda: daemon.queued() == 1, 20, "the held one is left")
        self.assertEqual(next(iter(daemon.queue().values()))["state"], "held")
        daemon.ctl("queue", "release", entries["s1@example.com"])
        sink.wait(3, 30)

    def test_suspend_resume(self):
        sink = self.run_sink()
        daemon = self.run_daemon(sink.port)
        daemon.ctl("suspend", "--domain", "example.net")
        with smtplib.SMTP("127.0.0.1", daemon.port) as client:
            client.sendmail("a@example.com", ["b@example.net"], "Subject: waits\r\n\r\nx\r\n")
            client.sendmail("a@example.com", ["b@example.org"], "Subject: goes\r\n\r\nx\r\n")
        sink.wait(1, 20)
        time.sleep(1)
        self.assertEqual([m["to"] for m in sink.messages], [["b@example.org"]])
        daemon.ctl("resume", "--domain", "example.net")
        sink.wait(2, 20)


def seconds_of(text):
    return datetime.datetime.fromisoformat(text).timestamp()


if __name__ == "__main__":
    unittest.main()
