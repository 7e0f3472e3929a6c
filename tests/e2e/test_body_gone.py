"""Bodies that were delivered are gone: nothing the machine still holds opens them or shows them.

A separate program (adversary/), which shares no code with the gateway, gets an image of the store's device, all
files of the store and all memory of ringpostd, twice: while messages are queued, and when they were delivered and two
key epochs have passed. It tries every 32 bytes of all that as a key. What it could have copied the first time (sealed
bodies, wrapped keys of messages) it still has the second time. The kernel's own memory is not looked at.
"""

import json
import pathlib
import secrets
import smtplib
import socket
import subprocess
import time
import unittest

import harness
import machine_images

EPOCH_SECONDS = 10       # the least that [store] key_epoch takes
DEVICE_MEBIBYTES = 192
PREFIX = "Subject: letter\r"  # how all these messages begin; the adversary knows it
ADVERSARY = harness.BIN / "adversary"


def id_bytes(text):
    """A message id, as the client is told it (base 32), as hexadecimal digits."""
    value = 0
    for digit in text:
        value = value << 5 | "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(digit)
    return f"{value:032x}"


class SevenBitSink(harness.Sink):
    """A next hop without 8BITMIME: what has eighth bits is encoded anew for it."""

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return [line for line in responses if "8BITMIME" not in line and "SMTPUTF8" not in line]


class Letter:
    """A message whose every line holds a text that stands nowhere else."""

    def __init__(self, name, to, size=4000, line="{}", options=()):
        self.name, self.to, self.options = name, to, options
        self.marker = secrets.token_hex(12)
        lines = ["Subject: letter", "MIME-Version: 1.0", 'Content-Type: text/plain; charset="utf-8"',
                 f"X-Letter: {self.marker}", ""]
        row = line.format(self.marker)
        lines += [row] * (size // (len(row) + 2))
        self.content = ("\r\n".join(lines) + "\r\n").encode()
        self.id = None

    def send(self, client):
        eight = ["BODY=8BITMIME"] if any(byte > 127 for byte in self.content) else []
        client.ehlo_or_helo_if_needed()
        client.mail("sender@example.org", [*self.options, *eight])
        client.rcpt(self.to)
        code, reply = client.data(self.content)
        assert code == 250, reply
        self.id = reply.decode().split()[-1]


class BodyGone(harness.Case):
    def answer(self, part, value):
        """The next hop: what is for later is taken once the doors are open."""
        to = value if part == "RCPT" else value.rcpt_tos[0] if part == "DATA" else ""
        if to.startswith("never") or (to.startswith("later") and not self.open):
            return "451 4.2.0 come again"
        if part == "DATA" and to.startswith(("bounced", "later-bounced")):
            return "550 5.7.1 not wanted"
        return None

    def setUp(self):
        super().setUp()
        self.open = False
        self.device = machine_images.LoopDevice(self.folder, DEVICE_MEBIBYTES)
        self.addCleanup(self.device.unmount)
        self.sink = SevenBitSink(self.answer).start()
        self.addCleanup(self.sink.stop)
        dead = harness.free_port()
        self.daemon = harness.Daemon(
            self.device.mount / "ringpost", self.sink.port,
            store_extra=f'free_bytes_min = "16 MiB"\nkey_epoch = "{EPOCH_SECONDS}s"',
            extra=f'[limits]\nmemory_bytes_max = "384 MiB"\n[delivery]\nretry = ["1s"]\n'
                  f'[[route]]\ndomain = "dead.example"\nrelay = "127.0.0.1:{dead}"\n')
        self.addCleanup(self.daemon.kill)
        self.daemon.start()

    def client(self):
        return smtplib.SMTP("127.0.0.1", self.daemon.port)

    def letters(self):
        """Each goes another way through the gateway."""
        full = ["RET=FULL"]
        return [
            Letter("at once", "now@a.example"),
            Letter("at once, dots", "now@a.example", line="..{}"),
            Letter("at once, encoded", "now@a.example", line="ü {}"),
            Letter("at once, long", "now@a.example", size=3 << 20),
            Letter("bounced", "bounced@a.example", options=full),
            Letter("bounced, encoded", "bounced@a.example", line="ü {}", options=full),
            Letter("later", "later@a.example"),
            Letter("later, encoded", "later@a.example", size=20_000, line="ü {}"),
            Letter("later, not gathered", "later@a.example", size=100_000),
            Letter("later, long", "later@a.example", size=3 << 20),
            Letter("later bounced", "later-bounced@a.example", options=full),
        ], [
            Letter("stays", "stays@dead.example"),
            Letter("stays, refused", "never@a.example"),
        ]

    def unfinished(self):
        """Bodies that were never accepted: refused at their end, or cut off by a client that went away."""
        refused = Letter("refused", "now@a.example")
        with self.client() as client:
            client.ehlo()
            client.mail("sender@example.org")
            client.rcpt(refused.to)
            client.docmd("DATA")
            client.send(refused.content + b"a bare\nnewline\r\n.\r\n")
            self.assertEqual(client.getreply()[0], 550)
        cut_off = [Letter("cut off", "now@a.example"), Letter("cut off, long", "now@a.example", size=2 << 20)]
        for letter in cut_off:
            client = self.client()
            client.ehlo()
            client.mail("sender@example.org")
            client.rcpt(letter.to)
            client.docmd("DATA")
            client.send(letter.content)
            time.sleep(0.5)  # so that it is read
            client.sock.shutdown(socket.SHUT_RDWR)
            client.close()
        return [refused, *cut_off]

    def take(self, name):
        """Images of the device and of memory; the files of the keys."""
        folder = self.folder / name
        folder.mkdir()
        self.device.copy(folder / "device")
        memory = machine_images.MemoryImage(self.daemon.process.pid, folder / "memory")
        spool = pathlib.Path(self.daemon.store) / "local" / "spool"
        for file in ("epochs", "store.key"):
            (folder / file).write_bytes((spool / file).read_bytes())
        return memory

    def look(self, name, letters, others, memory, *options):
        """Runs the adversary over what take(name) took: what it opened, found in clear, and all it said."""
        folder, bodies = self.folder / name, self.folder / name / "bodies"
        bodies.mkdir()
        arguments = [f"--source={file}={folder / file}" for file in ("store.key", "epochs", "device", "memory")]
        arguments += [f"--message={letter.name}={id_bytes(letter.id)}" for letter in letters]
        arguments += [f"--text={letter.name}={letter.marker}" for letter in [*letters, *others]]
        words = [word for argument in arguments for word in argument.split("=", 1)]
        done = subprocess.run([ADVERSARY, "--prefix", PREFIX, "--bodies", bodies, *words, *options],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = [json.loads(line) for line in done.stdout.splitlines()]
        for line in said:
            if line["did"] == "found" and line["source"] == "memory":
                line["where"] = memory.where(line["offset"])
            if line["did"] == "clear" and line["source"] == "memory":
                line["where"] = [memory.where(offset) for offset in line["offsets"]]
            print(f"{name}: {json.dumps(line, ensure_ascii=False)}", flush=True)
        opened = {line["message"] for line in said if line["did"] == "opened"}
        for letter in letters:
            if letter.name in opened:
                body = (bodies / letter.name).read_bytes()
                self.assertTrue(letter.content.startswith(body) and len(body) > len(letter.content) // 20,
                                f"{letter.name}: what was opened is not what was sent")
        return opened, {(line["what"], line["source"]) for line in said if line["did"] == "clear"}, said

    @unittest.skipUnless(ADVERSARY.exists(), "the adversary is for x86-64")
    def test_images_before_and_after(self):
        leaving, staying = self.letters()
        letters = [*leaving, *staying]
        with self.client() as client:
            for letter in letters:
                letter.send(client)
        others = self.unfinished()
        waiting = sum(letter.name.startswith(("later", "stays")) for letter in letters)
        harness.wait_until(lambda: self.daemon.queued() == waiting, 20, "first attempts are over")
        before = self.take("before")

        self.open = True
        harness.wait_until(lambda: self.daemon.queued() == len(staying), 30, "all but two left")
        settled = time.monotonic()
        delivered = b"".join(message["content"] for message in self.sink.messages)
        for letter in leaving:  # delivered, or in the report to its sender
            self.assertIn(letter.marker.encode(), delivered, letter.name)
        # Other mail flows while the first images are looked through.
        with self.client() as client:
            for number in range(100):
                Letter(f"other {number}", "now@a.example", size=200 * number).send(client)
        opened, clear, said = self.look("before", letters, others, before, "--save", self.folder / "kept")
        self.assertEqual(opened, {letter.name for letter in letters})
        self.assertEqual({what for what, source in clear if source == "device"}, set())
        found = {(line["what"], line["source"]) for line in said if line["did"] == "found"}
        # The search over memory can find keys, or it would prove nothing.
        self.assertIn(("store key", "store.key"), found)
        self.assertIn(("store key", "memory"), found)
        self.assertTrue(any(what.startswith("key of epoch") and source == "memory" for what, source in found), found)

        # Two epochs, of which the first had begun, and the housekeeper's turn.
        time.sleep(max(0.0, settled + 2 * EPOCH_SECONDS + 3 - time.monotonic()))
        self.assertEqual(self.daemon.queued(), len(staying))
        after = self.take("after")
        opened, clear, said = self.look("after", letters, others, after, "--load", self.folder / "kept")
        self.assertEqual(opened, {letter.name for letter in staying})
        gone = {letter.name for letter in [*leaving, *others]}
        self.assertEqual({(what, source) for what, source in clear if what in gone}, set())
        self.assertEqual({what for what, source in clear if source == "device"}, set())


if __name__ == "__main__":
    unittest.main()
