"""The power goes: the real daemon on ext4 under a kernel of its own, and the kernel is killed.

The guest is User Mode Linux (tools/uml-run), its disk a file. SIGKILL for the guest's whole process group is the power
cut. What it takes away: everything the guest's kernel had not written to its disk, that is its page cache, what ext4
had not allocated, and the journal's running transaction. What it does not take away: what the guest wrote and did
not flush, for the file's pages stay in the host's page cache. So it is a disk without a volatile cache of its own.
The unit tests of the store have the one that loses all that was not flushed.

The ids are kept outside the guest: see guest_power_cut.py.
"""

import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import time
import unittest

import harness

ROUNDS = int(os.environ.get("RINGPOST_POWER_CUT_ROUNDS", "3"))
# Without sync, and the power gone a few seconds into a load, one of so many must be noticed.
ROUNDS_WITHOUT_SYNC = 3
E2E = pathlib.Path(__file__).resolve().parent
UML_RUN = harness.ROOT / "tools/uml-run"
NO_SYNC = harness.BIN / "libno_sync.so"
DISK_BYTES = 2 << 30  # sparse; the daemon wants 512 MiB of it free
BOOT_SECONDS = 60
GUEST_SECONDS = 280
# What may arrive again after one cut: see test_crash.py.
AGAIN_MAX = 100


class PowerCut(harness.Case):
    def setUp(self):
        super().setUp()
        if not shutil.which("linux.uml"):
            self.skipTest("NO POWER CUT WAS TRIED: linux.uml is missing; install the package user-mode-linux")
        # In memory: the cut leaves what the guest wrote, so a sync of the host's would prove nothing and cost time.
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="ringpost-power-", dir="/dev/shm"))
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)
        self.outside = self.place / "outside"
        self.disk = self.place / "disk"
        self.output = self.folder / "guest.txt"

    def new_disk(self):
        shutil.rmtree(self.outside, ignore_errors=True)
        self.outside.mkdir()
        self.disk.unlink(missing_ok=True)
        with open(self.disk, "wb") as file:
            file.truncate(DISK_BYTES)
        subprocess.run(["mkfs.ext4", "-q", self.disk], check=True)

    def boot(self, *command):
        with open(self.output, "wb") as output:
            guest = subprocess.Popen(
                [UML_RUN, "-t", str(GUEST_SECONDS), "-d", self.disk, "-w", self.outside, "-w", harness.BIN, "-w", E2E,
                 "--", "env", f"RINGPOST_BIN={harness.BIN}", *map(str, command)],
                stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.addCleanup(self.cut, guest)
        return guest

    def cut(self, guest):
        """uml-run kills the guest within 0.2 s, all of it at once, and takes its time to wait for it."""
        guest.terminate()
        guest.wait()

    def said(self):
        return self.output.read_text(errors="replace")[-4000:]

    def program(self, *words):
        return ["/usr/bin/python3", "-B", E2E / "guest_power_cut.py", *words]

    def wait_for(self, guest, path):
        harness.wait_until(lambda: guest.poll() is not None or path.exists() and path.stat().st_size > 0, BOOT_SECONDS,
                           f"the guest writes {path.name}: {self.said()}")
        self.assertIsNone(guest.poll(), self.said())

    def round(self, number, preload=()):
        """Boots, and cuts the power: mostly under load, in each fifth round while the daemon starts."""
        starting = number % 5 == 4
        guest = self.boot(*self.program("load", self.outside, number, *preload))
        self.wait_for(guest, self.outside / f"{'starts' if starting else 'acked'}-{number}")
        time.sleep(random.uniform(0, 3) if starting else random.uniform(0.2, 6))
        self.assertIsNone(guest.poll(), self.said())
        self.cut(guest)

    def acked(self):
        return set().union(*map(harness.first_words, self.outside.glob("acked-*")))

    def arrivals(self):
        lines = []
        for path in [self.outside / "arrived", *self.outside.glob("*.ids")]:
            if path.exists():
                text = path.read_text()
                lines += text[:text.rfind("\n") + 1].splitlines()
        return lines

    def lost(self):
        return self.acked() - {line.split()[0] for line in self.arrivals()}

    def test_what_was_written_is_outside(self):
        """What the rest stands on. A directory is made on the host at once; a line that came before it is there."""
        self.new_disk()
        guest = self.boot(
            "/usr/bin/python3", "-c",
            "import os, sys\n"
            "os.chdir(sys.argv[1])\n"
            "lines = os.open('lines', os.O_WRONLY | os.O_CREAT | os.O_APPEND)\n"
            "for n in range(100_000):\n"
            "    os.write(lines, b'%d\\n' % n)\n"
            "    os.mkdir(f'mark-{n}')\n", self.outside)
        self.wait_for(guest, self.outside / "lines")
        time.sleep(random.uniform(1, 2))
        self.cut(guest)
        marks = {path.name.removeprefix("mark-") for path in self.outside.glob("mark-*")}
        self.assertGreater(len(marks), 100)
        self.assertEqual(marks - harness.first_words(self.outside / "lines"), set())

    def test_power_cuts(self):
        self.new_disk()
        for number in range(ROUNDS):
            self.round(number)
            print(f"\ncut {number + 1}: {len(self.acked())} acknowledged, {len(self.arrivals())} arrivals", end="", flush=True)
        self.assertGreater(len(self.acked()), ROUNDS * 10, "the load did run")
        guest = self.boot(*self.program("drain", self.outside, "end"))
        self.assertEqual(guest.wait(), 0, self.said())
        lost, arrivals = self.lost(), self.arrivals()
        again = len(arrivals) - len(set(arrivals))
        print(f"\n{ROUNDS} power cuts, {len(self.acked())} acknowledged, {len(lost)} lost, {again} of {len(arrivals)} "
              "arrivals again", flush=True)
        self.assertEqual(lost, set(), self.said())
        self.assertLessEqual(again, ROUNDS * AGAIN_MAX)

    def test_without_sync_it_is_noticed(self):
        """The test of the test: the same program over syncs that do nothing."""
        for attempt in range(ROUNDS_WITHOUT_SYNC):
            self.new_disk()
            self.round(0, [NO_SYNC])
            guest = self.boot(*self.program("drain", self.outside, "end"))
            ended = guest.wait()
            print(f"\nwithout sync: {len(self.acked())} acknowledged, {len(self.lost())} lost; the next start ended with "
                  f"{ended}", flush=True)
            if self.lost():
                return
        self.fail("nothing was lost without sync: the power cuts prove nothing")


if __name__ == "__main__":
    unittest.main()
