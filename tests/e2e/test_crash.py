"""kill -9 under load, and a full disk: what was answered 250 is not lost."""

import contextlib
import os
import random
import subprocess
import time
import unittest

import harness

ROUNDS = int(os.environ.get("RINGPOST_CRASH_ROUNDS", "20"))
# What may arrive again after one kill: one transaction of each connection to a next hop (50, the default of
# [[route]] connections), and the outcomes of the last 5 ms, 50 of them at 10,000 deliveries a second.
IN_FLIGHT_MAX = 50
UNCOMMITTED_MAX = 50


class Crash(harness.Case):
    def load(self, daemon, acked, *options):
        with open(self.folder / "load.out", "ab") as output:
            return subprocess.Popen(
                [harness.BIN / "ringpost-bench", "load", "--server", f"127.0.0.1:{daemon.port}",
                 "--acked", acked, *map(str, options)],
                stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def acked_ids(self, path):
        return harness.first_words(path)

    def test_kill_rounds(self):
        """Each round: load, kill at a random moment, start again on the same store and go on."""
        sink = self.run_bench_sink("--tempfail", "data=0.02", "--drop", "data=0.01")
        daemon = harness.Daemon(self.folder / "ringpost", sink.port,
                                extra='[delivery]\nretry = ["1s"]\n')
        self.addCleanup(daemon.kill)
        acked = set()
        for round_number in range(ROUNDS):
            daemon.start()
            path = self.folder / f"acked-{round_number}"
            load = self.load(daemon, path, "--connections", 20, "--seconds", 30, "--size",
                             random.choice([500, 4096, 60_000, 900_000]))
            self.addCleanup(load.kill)
            time.sleep(random.uniform(0.3, 2.0))
            daemon.kill()
            load.kill()
            load.wait()
            acked |= self.acked_ids(path)
        self.assertGreater(len(acked), ROUNDS * 10, "the load did run")
        daemon.start()
        missing = lambda: acked - sink.ids()
        try:
            harness.wait_until(lambda: not missing(), 120, "all that was acknowledged arrives")
        except AssertionError:
            self.fail(f"{len(missing())} of {len(acked)} lost: {sorted(missing())[:5]}; {daemon.console()}")
        self.assertEqual(daemon.stop(), 0)
        arrivals = sink.arrivals()
        again = len(arrivals) - len(set(arrivals))
        print(f"\n{ROUNDS} rounds, {len(acked)} acknowledged, all arrived, {again} of {len(arrivals)} again",
              flush=True)
        # Only what a kill caught between the next hop's 250 and its commit may come again.
        self.assertLessEqual(again, ROUNDS * (IN_FLIGHT_MAX + UNCOMMITTED_MAX))

    def test_full_disk(self):
        """A small loop mount fills up: 452, nothing acknowledged is lost, and it recovers by itself."""
        image, mount = self.folder / "disk.img", self.folder / "disk"
        mount.mkdir()
        with open(image, "wb") as file:
            file.truncate(1500 * 1024 * 1024)
        # Without extents it cannot reserve blocks (fallocate), so the store has none in hand when the disk is full.
        subprocess.run(["mkfs.ext4", "-q", "-O", "^extent,^64bit", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, mount], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", mount])
        port = harness.free_port()  # nobody listens there yet: the queue fills the disk
        daemon = harness.Daemon(self.folder / "ringpost", port, store=mount / "store",
                                extra='[delivery]\nretry = ["1s"]\n')
        self.addCleanup(daemon.kill)
        daemon.start()
        path = self.folder / "acked"
        load = self.load(daemon, path, "--connections", 10, "--seconds", 600, "--size", 100_000)
        self.addCleanup(load.kill)
        # Not for another reason: a commit that takes long on a busy disk stops it, too, for as long.
        harness.wait_until(lambda: "floor" in daemon.ctl("status")["status"]["regions"][0]["spool"].get("reason", ""),
                           240, "acceptance stops at the floor")
        # A stranger fills what the floor had left, and what the store gives back, until a write of the store has
        # failed: the outcomes of the attempts that go on need some.
        ballast = mount / "ballast"

        def no_space_met():
            with contextlib.suppress(OSError), open(ballast, "ab", buffering=0) as file:
                while True:
                    file.write(bytes(1 << 20))
            return daemon.counter("store_errors_total") > 0
        harness.wait_until(no_space_met, 120, "a write of the store fails for want of space")
        time.sleep(3)
        load.kill()
        load.wait()
        acked = self.acked_ids(path)
        self.assertGreater(len(acked), 100)
        self.assertIsNone(daemon.process.poll(), daemon.console())
        ballast.unlink()
        sink = self.run_bench_sink(port=port)
        harness.wait_until(lambda: not (acked - sink.ids()), 120, "all that was acknowledged arrives")
        try:
            harness.wait_until(lambda: daemon.accepting(), 60, "it accepts again, by itself")
        except AssertionError as error:
            self.fail(f"{error}: {daemon.ctl('status')['status']['regions'][0]['spool']}; {daemon.console()[-2000:]}")
        more = self.folder / "acked-more"
        self.assertEqual(self.load(daemon, more, "--connections", 5, "--messages", 100).wait(60), 0)
        self.assertEqual(len(self.acked_ids(more)), 100)
        harness.wait_until(lambda: not (self.acked_ids(more) - sink.ids()), 30, "new mail arrives")


if __name__ == "__main__":
    unittest.main()
