"""A queue that waits: 10,000 messages for a next hop that is down, with a restart in between."""

import smtplib
import subprocess
import time
import unittest

import harness

COUNT = 10_000


class WaitingQueue(harness.Case):
    def test_down_restart_up(self):
        port = harness.free_port()
        daemon = harness.Daemon(self.folder / "ringpost", port,
                                extra='[delivery]\nretry = ["20s", "20s", "1m"]\n')
        self.addCleanup(daemon.kill)
        daemon.start()
        acked = self.folder / "acked"
        load = subprocess.run(
            [harness.BIN / "ringpost-bench", "load", "--server", f"127.0.0.1:{daemon.port}", "--acked", acked,
             "--connections", "20", "--messages", str(COUNT), "--size", "1000", "--domains", "100"],
            capture_output=True, text=True, timeout=300)
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


if __name__ == "__main__":
    unittest.main()
