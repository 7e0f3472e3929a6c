"""A store that was damaged: the daemon says so, and `ringpost store` saves what is whole and names what is not.

Each round takes the store of a daemon that was killed, with messages in its log and in table and blob files, and turns
over bytes in the middle of a file. Whatever place that hits: what is saved and what is named add up to all that was
acknowledged.
"""

import collections
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import smtplib
import subprocess
import unittest

import harness

MESSAGES = 200
CLIENTS = 10
ROUNDS = int(os.environ.get("RINGPOST_DAMAGE_ROUNDS", "3"))
SEED = int(os.environ.get("RINGPOST_DAMAGE_SEED", random.randrange(1 << 32)))
# A sixth of the messages each, 38 MB in all: the log is flushed at 16 MiB, twice, and about 4 MB are in it after that.
SIZES = [300, 300, 3_000, 30_000, 300_000, 800_000]
DAMAGED_BYTES = 16
PARTIAL, REFUSED = 4, 1  # exit status (ringpost(1))


class StoreTools(harness.Case):
    def setUp(self):
        super().setUp()
        print(f"\nRINGPOST_DAMAGE_SEED={SEED}", flush=True)
        self.random = random.Random(SEED)
        self.sent = {}
        self.hop = harness.free_port()  # nobody listens there yet: all stays queued
        # A low ceiling makes the memtable small, so that it is flushed and there is more in the log after that.
        self.daemon = harness.Daemon(self.folder / "ringpost", self.hop, extra='[limits]\nmemory_bytes_max = "256 MiB"\n[delivery]\nretry = ["1h"]\n')
        self.addCleanup(self.daemon.kill)

    def fill(self):
        """Queues messages until some are in blob files and many in the log, then kills the daemon."""
        self.daemon.start()
        sizes = [SIZES[number % len(SIZES)] for number in range(MESSAGES)]
        self.random.shuffle(sizes)
        contents = {number: self.content(number, size) for number, size in enumerate(sizes)}
        # Several clients at once, so that messages share records of the log.
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            for sent in pool.map(self.send, [dict(list(contents.items())[n::CLIENTS]) for n in range(CLIENTS)]):
                self.sent.update(sent)
        self.assertEqual(len(self.sent), MESSAGES)
        self.store = pathlib.Path(self.daemon.store) / "local" / "spool"
        # The flush is over: what is in blob files is in no log any more.
        harness.wait_until(lambda: self.files(".blob") and len(self.files(".log")) == 1, 30, "the flush is over")
        self.daemon.kill()

    def files(self, suffix):
        return list((self.store / "db").glob(f"*{suffix}"))

    def content(self, number, size):
        body = self.random.randbytes(size // 2).hex()
        lines = [body[at:at + 70] for at in range(0, len(body), 70)]
        return "\r\n".join([f"Subject: {number}", "", *lines, ""]).encode()

    def send(self, contents):
        sent = {}
        with smtplib.SMTP("127.0.0.1", self.daemon.port) as client:
            client.ehlo()
            for number, content in contents.items():
                client.mail("sender@example.org")
                client.rcpt(f"user{number}@example.com")
                code, reply = client.data(content)
                self.assertEqual(code, 250)
                sent[reply.decode().split()[-1]] = (number, content)
        return sent

    def damage(self, suffix):
        """Turns bytes over, somewhere in the middle half of the largest file of that kind."""
        path = max(self.files(suffix), key=self.used)
        used = self.used(path)
        at = self.random.randrange(used // 4, used * 3 // 4)
        with open(path, "r+b") as file:
            file.seek(at)
            old = file.read(DAMAGED_BYTES)
            file.seek(at)
            file.write(bytes(byte ^ 0xFF for byte in old))
        return f"{path.name} at {at} of {used}"

    def used(self, path):
        """How much of a file there is before the zeros that were reserved behind it."""
        return len(path.read_bytes().rstrip(b"\0"))

    def tool(self, *words):
        """`ringpost --json store ...`: exit status and report."""
        done = harness.run([harness.BIN / "ringpost", "--json", "store", *words])
        self.assertTrue(done.stdout.startswith("{"), done.stdout + done.stderr)
        return done.returncode, json.loads(done.stdout)["report"]

    def named(self, report):
        self.assertEqual(report["damage_total"], len(report["damage"]))
        return {one["where"] for one in report["damage"]} & set(self.sent)

    def check(self, opens):
        status, report = self.tool("check", self.store)
        self.assertEqual((status, report["opens"]), (REFUSED, opens))
        self.assertEqual(report["whole"] + len(self.named(report)), MESSAGES, report)
        return self.named(report)

    def export(self, lost):
        folder = self.folder / "exported"
        status, report = self.tool("export-queue", "--out", folder, self.store)
        self.assertEqual(status, PARTIAL)
        self.assertEqual(self.named(report), lost)
        exported = {path.stem: path.read_bytes() for path in folder.glob("*.eml")}
        self.assertEqual(set(exported), set(self.sent) - lost)
        for name, content in exported.items():
            # Our own fields stand in front.
            self.assertTrue(content.endswith(self.sent[name][1]) and content.startswith(b"Received:"), name)
        shutil.rmtree(folder)

    def salvage(self, lost):
        """The new store in the place of the old one delivers all that is whole, as it was sent."""
        saved = self.folder / "saved"
        status, report = self.tool("salvage", "--to", saved, self.store)
        self.assertEqual((status, report["whole"]), (PARTIAL, MESSAGES - len(lost)))
        self.assertEqual(self.named(report), lost)
        shutil.copy(self.store / "store.key", saved)
        shutil.rmtree(self.store)
        saved.rename(self.store)
        sink = harness.Sink(port=self.hop).start()
        try:
            self.daemon.start()
            # Those whose first attempt the kill came before go at once, the others when they are told to.
            harness.wait_until(lambda: self.daemon.queued() + len(sink.messages) >= MESSAGES - len(lost), 20,
                               "what was saved is queued")
            self.daemon.ctl("queue", "retry", "--all")
            harness.wait_until(lambda: len(sink.messages) >= MESSAGES - len(lost), 60, "what was saved arrives")
            harness.wait_until(lambda: self.daemon.queued() == 0, 20, "nothing else is queued")
            self.assertEqual(self.daemon.stop(), 0)
        finally:
            sink.stop()
        arrived = collections.Counter(message["to"][0] for message in sink.messages)
        self.assertEqual(arrived, {f"user{number}@example.com": 1
                                   for name, (number, _) in self.sent.items() if name not in lost})
        contents = dict(self.sent.values())
        for message in sink.messages:
            number = int(message["to"][0].removeprefix("user").split("@")[0])
            self.assertTrue(message["content"].endswith(contents[number]), number)

    def rounds(self, suffix, starts):
        self.fill()
        whole = self.folder / "whole"
        shutil.copytree(self.store, whole)
        for _ in range(ROUNDS):
            shutil.rmtree(self.store)
            shutil.copytree(whole, self.store)
            place = self.damage(suffix)
            if not starts:
                self.refuses()
            lost = self.check(opens=starts)
            print(f"{place}: {MESSAGES - len(lost)} whole, {len(lost)} named", flush=True)
            self.assertGreater(len(lost), 0)
            self.export(lost)
            self.salvage(lost)

    def refuses(self):
        """The daemon does not start on a damaged log, and says what to do."""
        (self.daemon.folder / "daemon.out").unlink()
        self.daemon.start(wait=False)
        self.assertNotEqual(self.daemon.process.wait(30 * harness.PATIENCE), 0)
        self.assertIn("ringpost store check", self.daemon.console())

    def test_a_log_damaged_in_its_middle(self):
        self.rounds(".log", starts=False)

    def test_a_damaged_blob_file(self):
        self.rounds(".blob", starts=True)


if __name__ == "__main__":
    unittest.main()
