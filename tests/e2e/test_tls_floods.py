"""Clients that misuse TLS itself: records without end, records past their size, ends in the middle, handshakes that
stall. The daemon ends each connection, says so, takes no mail from it, and serves others meanwhile."""

import contextlib
import pathlib
import resource
import smtplib
import socket
import ssl
import struct
import time
import unittest

import harness
import tls_records
from test_tls import HOST, TlsCase, talk
from tls_records import DATA, Forger, TLS12, TLS13, WARNING

HANDSHAKE_SECONDS = 30  # limits::kTlsHandshakeSeconds
BODY = b"Subject: half of it\r\n\r\nnot all\r\n"


class FloodCase(TlsCase):
    def ends(self, forger, reason, words=""):
        """The connection is over, nothing was taken, and the log has the reason."""
        heard = forger.rest()
        self.assertNotIn("queued as", heard)
        self.assertIn(words, heard)
        if reason:
            harness.wait_until(lambda: any(reason in line.get("reason", "") for line in self.daemon.log()), 10, reason)

    def still_serves(self):
        with smtplib.SMTP_SSL("localhost", self.smtps, context=ssl.create_default_context(
                cafile=self.authority.path)) as client:
            client.sendmail("a@example.com", ["b@example.net"], "Subject: an honest one\r\n\r\nx\r\n")
        self.assertEqual(len(self.sink.wait(1)), 1)
        self.assertEqual(self.daemon.counter("messages_accepted_total"), 1)
        self.assertIsNone(self.daemon.process.poll())

    def memory(self):
        for line in pathlib.Path(f"/proc/{self.daemon.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) << 10
        raise AssertionError("no VmRSS")


class Records(FloodCase):
    def test_floods_within_a_body(self):
        def empty(forger):
            for _ in range(40):
                forger.record(DATA, b"")

        def warnings(forger):
            for _ in range(10):
                forger.alert(WARNING, tls_records.NO_RENEGOTIATION if forger.version == TLS12 else
                             tls_records.USER_CANCELED)

        def key_updates(forger):
            for _ in range(40):
                forger.key_update()

        def key_updates_wanted(forger):
            for _ in range(40):
                forger.key_update(requested=True)

        def too_full(forger):
            forger.record(DATA, b"x" * 16385)

        def renegotiation(forger):
            hello = b"\x03\x03" + b"r" * 32 + b"\0\0\2\xc0\x2b\1\0"
            forger.record(tls_records.HANDSHAKE, b"\1" + struct.pack(">I", len(hello))[1:] + hello)

        def too_long(forger):
            forger.socket.sendall(struct.pack(">BHH", DATA, 0x0303, 16384 + 2049))

        for flood, reason, versions in (
                (empty, "empty records", (TLS12, TLS13)), (warnings, "too many alerts", (TLS12, TLS13)),
                (key_updates, "too many messages", (TLS13,)), (key_updates_wanted, "too many messages", (TLS13,)),
                (too_full, "too long", (TLS12, TLS13)), (renegotiation, "renegotiate", (TLS12,)),
                (too_long, "too long", (TLS12, TLS13))):
            for version in versions:
                with self.subTest(flood=flood.__name__, version=version.name), Forger(self.smtps, version) as forger:
                    forger.begin_mail()
                    self.assertEqual(forger.say("DATA")[:3], "354")
                    forger.record(DATA, BODY)
                    before = len(self.broken())
                    with contextlib.suppress(ConnectionError):
                        flood(forger)
                        forger.record(DATA, b".\r\n")
                    self.ends(forger, "broken TLS: ")
                    harness.wait_until(lambda: len(self.broken()) == before + 1, 10, "it is in the log, once")
                    self.assertIn(reason, self.broken()[-1].lower().replace("_", " "))
        self.still_serves()

    def broken(self):
        return [line["reason"] for line in self.daemon.log() if line.get("reason", "").startswith("broken TLS: ")]

    def test_what_is_no_flood_goes_on(self):
        for version in (TLS12, TLS13):
            with Forger(self.smtps, version) as forger:
                forger.begin_mail()
                forger.say("DATA")
                for line in BODY.splitlines(keepends=True) * 20:
                    for _ in range(20):
                        forger.record(DATA, b"")
                    if version == TLS13:
                        forger.key_update(requested=True)
                    forger.record(DATA, line)
                self.assertIn("queued as", forger.say("."))
        self.assertEqual(len(self.sink.wait(2)), 2)

    def test_key_updates_by_a_library(self):
        said = talk(self.s_client(self.smtps, "-tls1_3", starttls=False),
                    [("ehlo x.example\n", "LIMITS")] + [("K\n", "KEYUPDATE")] * 40 + [("noop\n", "Still here|closed|error|:")])
        self.assertNotIn("250 2.0.0 Still here", said)
        harness.wait_until(lambda: self.broken(), 10, "it is in the log")
        self.still_serves()


class Ends(FloodCase):
    def bodies(self):
        for version in (TLS12, TLS13):
            for bdat in (False, True):
                with self.subTest(version=version.name, bdat=bdat), Forger(self.smtps, version) as forger:
                    forger.begin_mail()
                    if bdat:
                        forger.record(DATA, b"BDAT 1000 LAST\r\n" + BODY)
                    else:
                        self.assertEqual(forger.say("DATA")[:3], "354")
                        forger.record(DATA, BODY)
                    yield forger, bdat

    def test_close_notify_and_then_clear_text(self):
        """CVE-2026-45185."""
        for forger, bdat in self.bodies():
            forger.alert(WARNING, tls_records.CLOSE_NOTIFY)
            with contextlib.suppress(ConnectionError):
                forger.socket.sendall(b"x" * (1000 - len(BODY)) if bdat else b".\r\n")
                forger.socket.sendall(b"MAIL FROM:<mallory@example.com>\r\n")
            self.ends(forger, "")
        self.still_serves()

    def test_fin(self):
        for forger, _ in self.bodies():
            forger.socket.shutdown(socket.SHUT_WR)
            self.ends(forger, "")
        self.still_serves()

    def test_fin_within_a_record(self):
        for forger, bdat in self.bodies():
            record = forger.sealed(DATA, b"x" * (1000 - len(BODY)) if bdat else b".\r\n")
            forger.socket.sendall(record[:-1])
            forger.socket.shutdown(socket.SHUT_WR)
            self.ends(forger, "")
        self.still_serves()

    def test_reset(self):
        for forger, _ in self.bodies():
            forger.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            forger.socket.close()
        self.still_serves()

    def test_a_handshake_that_breaks_off(self):
        hello = client_hello()
        for cut in (1, 5, 9, len(hello) // 2, len(hello) - 1):
            with socket.create_connection(("127.0.0.1", self.smtps), timeout=10) as raw:
                raw.sendall(hello[:cut])
                raw.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionError):
                    while raw.recv(1000):
                        pass
        harness.wait_until(lambda: self.daemon.counter("tls_handshakes_failed_total") == 5, 10, "5 are counted")
        self.still_serves()


def client_hello():
    context = ssl.create_default_context()
    going = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), going, server_hostname=HOST).do_handshake()
    return going.read()


class Stalls(FloodCase):
    COUNT = 3000

    def test_thousands_of_half_handshakes_and_one_a_byte_at_a_time(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
        hello = client_hello()
        with contextlib.ExitStack() as stack:
            before = self.memory()
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", self.smtps), timeout=10))
            began = time.monotonic()
            connections = []
            for _ in range(self.COUNT):
                raw = stack.enter_context(socket.create_connection(("127.0.0.1", self.smtps), timeout=10))
                raw.sendall(hello[:len(hello) // 2])
                connections.append(raw)
            self.still_serves()
            each = (self.memory() - before) // self.COUNT
            self.assertLess(each, 40 << 10, "bytes of a handshake that has half a hello")
            sent, closed_after = 0, None
            while closed_after is None and time.monotonic() - began < HANDSHAKE_SECONDS + 15 * harness.PATIENCE:
                slow.settimeout(1)
                with contextlib.suppress(TimeoutError):
                    try:
                        if sent < len(hello):
                            slow.sendall(hello[sent:sent + 1])
                            sent += 1
                        if not slow.recv(1000):
                            closed_after = time.monotonic() - began
                    except ConnectionError:
                        closed_after = time.monotonic() - began
            self.assertIsNotNone(closed_after, "the slow one was not given up")
            self.assertGreater(closed_after, HANDSHAKE_SECONDS - 2)
            harness.wait_until(
                lambda: self.daemon.counter("tls_handshakes_failed_total") == self.COUNT + 1, 30, "all are given up")
            for raw in connections:
                with contextlib.suppress(ConnectionError):
                    self.assertEqual(raw.recv(1000), b"")
        reasons = [line["reason"] for line in self.daemon.log() if line["event"] == "tls_failed"]
        self.assertEqual(reasons, ["the handshake did not end in time"] * (self.COUNT + 1))
        print(f"{each} bytes each", end=" ", flush=True)


if __name__ == "__main__":
    unittest.main()
