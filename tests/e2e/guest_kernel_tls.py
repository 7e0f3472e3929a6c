"""Kernel TLS in both directions, under a kernel that has it: run by test_kernel_tls.py in its guest.

What the kernel did is read where it counts: /proc/net/tls_stat.
"""

import pathlib
import shutil
import smtplib
import socket
import ssl
import threading
import unittest

import harness
import test_tls
import test_tls_out
from test_tls import HOST, MAIL, QUIT, parse, talk

CIPHERS = [(["-tls1_3", "-ciphersuites", name], "TLSv1.3") for name in
           ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")] + [
          (["-tls1_2", "-cipher", f"ECDHE-ECDSA-{name}"], "TLSv1.2") for name in
          ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")]
LARGE = b"Subject: large\r\n\r\n" + b".leading dot\r\n" + (b"0123456789abcdef" * 4 + b"\r\n") * 300_000  # 20 MB


def tls_stat():
    lines = pathlib.Path("/proc/net/tls_stat").read_text().splitlines()
    return {name: int(value) for name, value in (line.split() for line in lines)}


class Counted:
    """What the kernel counted since the gateway was there (which tries each cipher when it starts)."""

    def setUp(self):
        super().setUp()
        self.before = tls_stat()

    def counted(self, name):
        return tls_stat()[name] - self.before[name]


class In(Counted, test_tls.TlsCase):
    def test_each_version_and_cipher(self):
        self.assertIn('"kernel":"AES128-GCM AES256-GCM CHACHA20-POLY1305"', self.daemon.console())
        for number, (options, version) in enumerate(CIPHERS, 1):
            with self.subTest(options=options):
                said = talk(self.s_client(self.daemon.port, *options), MAIL + [QUIT])
                self.assertIn("queued as", said)
                self.assertIn("221 2.0.0", said)
                message = self.sink.wait(number)[-1]
                self.assertIn(f"({version}/kernel)", parse(message)["Received"])
                line = [line for line in self.daemon.log() if line["event"] == "accepted"][-1]
                self.assertEqual(line["ktls"], "both")
                self.assertEqual((self.counted("TlsTxSw"), self.counted("TlsRxSw")), (number, number))
        self.assertEqual(self.counted("TlsDecryptError"), 0)

    def test_close_notify_is_said_and_heard(self):
        context = ssl.create_default_context(cafile=self.authority.path)
        with socket.create_connection(("localhost", self.smtps)) as raw:
            with context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False) as client:
                client.recv(1000)
                client.sendall(b"QUIT\r\n")
                self.assertTrue(client.recv(1000).startswith(b"221 "))
                self.assertEqual(client.recv(1000), b"")  # without close_notify this raises
        with socket.create_connection(("localhost", self.smtps)) as raw:
            client = context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False)
            client.recv(1000)
            client.unwrap()  # waits for the other side's
            client.close()

    def test_a_key_update_between_messages_ends_the_connection_in_good_order(self):
        for key in ("k", "K"):
            with self.subTest(key=key):
                before = len(self.sink.messages)
                said = talk(self.s_client(self.daemon.port, "-tls1_3"), MAIL + [(f"{key}\n", "421 ")])
                self.assertIn("KEYUPDATE", said)
                self.assertIn("queued as", said)
                self.assertIn("421 4.7.0 gw.example.com needs new TLS keys", said)
                self.sink.wait(before + 1)
        self.assertEqual(self.daemon.counter("tls_kernel_keys_spent_total"), 2)
        self.assertEqual(self.counted("TlsDecryptError"), 0)

    def test_a_key_update_in_a_body_loses_nothing_that_was_acknowledged(self):
        for at in (2, 4, 6, 7):  # in the envelope, behind DATA, in the text
            with self.subTest(at=at):
                # A moment after each line that has no answer: a key is one only at the start of what is read.
                lines = [(line, answer or None) for line, answer in MAIL[:at]]
                said = talk(self.s_client(self.daemon.port, "-tls1_3"), lines + [("K\n", "421 |closed|error")])
                self.assertNotIn("queued as", said)
        self.assertEqual(self.sink.messages, [])

    def test_a_forged_record_ends_the_connection(self):
        with Forger(self.smtps) as forger:
            context = ssl.create_default_context(cafile=self.authority.path)
            with socket.create_connection(("127.0.0.1", forger.port)) as raw:
                client = context.wrap_socket(raw, server_hostname="localhost")
                client.recv(1000)
                client.sendall(b"EHLO x.example\r\n")
                client.recv(1000)
                forger.forge = True
                with self.assertRaises((ssl.SSLError, ConnectionResetError)):
                    client.sendall(b"MAIL FROM:<a@example.com>\r\n")
                    self.assertNotIn(b"250", client.recv(1000))
                    raise ConnectionResetError  # an end without an alert
        harness.wait_until(lambda: any("does not open" in line.get("reason", "") for line in self.daemon.log()), 10,
                           "the log says why")
        self.assertEqual(self.counted("TlsDecryptError"), 1)


class Forger:
    """Passes bytes on, and changes one of each piece from the client once it is told to."""

    def __init__(self, port):
        self.forge = False
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.target = port

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listening.close()

    def serve(self):
        client, _ = self.listening.accept()
        server = socket.create_connection(("127.0.0.1", self.target))
        threading.Thread(target=self.copy, args=(server, client, False), daemon=True).start()
        self.copy(client, server, True)

    def copy(self, source, to, may_forge):
        try:
            while piece := source.recv(65536):
                if may_forge and self.forge:
                    piece = piece[:-1] + bytes([piece[-1] ^ 1])
                to.sendall(piece)
        except OSError:
            pass
        for end in (source, to):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Out(Counted, test_tls_out.OutCase):
    def test_each_version_and_cipher(self):
        for number, (options, version) in enumerate(CIPHERS, 1):
            with self.subTest(options=options):
                context = test_tls_out.server_context(self.good)
                if version == "TLSv1.2":
                    context.maximum_version = ssl.TLSVersion.TLSv1_2
                    context.set_ciphers(options[2])
                sink = self.run_sink(tls=context)
                daemon = harness.Daemon(self.folder / str(number), f"localhost:{sink.port}",
                                        extra=f'tls = "verified"\n[tls]\nauthorities = "{self.authority.path}"\n')
                self.addCleanup(daemon.kill)
                daemon.start()
                before = tls_stat()  # it has tried what the kernel can
                self.send(daemon)
                self.assertEqual(sink.wait(1)[0]["tls"][0], version)
                (line,) = harness.wait_until(lambda: self.events(daemon, "delivered"), 10, "delivered")
                self.assertIn("kernel: both", line["tls"])
                self.assertEqual(tls_stat()["TlsTxSw"] - before["TlsTxSw"], 1)
                daemon.stop()
                shutil.rmtree(daemon.folder)  # the guest's disk is its memory
        self.assertEqual(self.counted("TlsDecryptError"), 0)


class Automatic(Counted, test_tls.TlsCase):
    """Under "auto" the library makes all records, whatever the kernel can (decisions/041-kernel-tls.md)."""

    def setUp(self):
        self.kept, harness.KTLS = harness.KTLS, "auto"
        self.addCleanup(lambda: setattr(harness, "KTLS", self.kept))
        super().setUp()

    def test_a_large_message_in_and_out(self):
        hop = self.run_sink(tls=test_tls_out.server_context(self.authority.issue("hop", ["localhost"])))
        second = harness.Daemon(self.folder / "second", f"localhost:{hop.port}")
        self.smtps, self.strict, self.old = (harness.free_port() for _ in range(3))
        second.write_config(f"localhost:{hop.port}",
                            extra='tls = "required"\n' + self.extra())
        self.addCleanup(second.kill)
        second.start()
        self.before = tls_stat()  # without what it tried
        context = ssl.create_default_context(cafile=self.authority.path)
        with smtplib.SMTP_SSL("localhost", self.smtps, context=context) as client:
            client.sendmail("a@example.com", ["b@example.net"], "Subject: small\r\n\r\nx\r\n")
            hop.wait(1, 60)
            client.sendmail("a@example.com", ["b@example.net"], LARGE)
        (_, message) = hop.wait(2, 120)
        self.assertTrue(message["content"].endswith(LARGE), "the body changed on its way")
        delivered = harness.wait_until(
            lambda: [line for line in second.log() if line["event"] == "delivered"][1:], 10, "it is in the log")
        self.assertNotIn("kernel", delivered[-1]["tls"])
        self.assertEqual((self.counted("TlsTxSw"), self.counted("TlsRxSw")), (0, 0))


if __name__ == "__main__":
    unittest.main()
