"""Mail out under TLS: to next hops that have it, lack it, or have it wrong; what must not leave in clear does not."""

import smtplib
import socket
import socketserver
import ssl
import subprocess
import threading
import unittest

import harness
import tls_files

HOST = "localhost"


def server_context(pair, **settings):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    for name, value in settings.items():
        setattr(context, name, value)
    return context


class BrokenTls(socketserver.ThreadingTCPServer):
    """A next hop that offers STARTTLS and then `spoils` the connection; without STARTTLS it takes mail."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, spoil):
        self.spoil, self.messages, self.starts = spoil, [], 0
        super().__init__(("127.0.0.1", 0), Talk)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Talk(socketserver.StreamRequestHandler):
    def handle(self):
        self.say(b"220 broken ready")
        recipients = []
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                self.say(b"250-broken\r\n250 STARTTLS")
            elif verb == b"STAR":
                self.server.starts += 1
                self.server.spoil(self)
                return
            elif verb == b"RCPT":
                recipients.append(line)
                self.say(b"250 ok")
            elif verb == b"DATA":
                self.say(b"354 go")
                content = b""
                while (line := self.rfile.readline()) != b".\r\n":
                    content += line
                self.server.messages.append(content)
                self.say(b"250 taken")
            elif verb == b"QUIT":
                self.say(b"221 bye")
                return
            else:
                self.say(b"250 ok")

    def say(self, words):
        self.wfile.write(words + b"\r\n")


def garbage(talk):
    talk.say(b"220 go ahead")
    talk.request.recv(100)
    talk.wfile.write(b"this is no handshake at all, sorry\r\n" * 20)


def hang_up(talk):
    talk.say(b"220 go ahead")
    talk.request.recv(100)


def inject(talk):
    talk.wfile.write(b"220 go ahead\r\n250-evil\r\n250 SIZE\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n")
    talk.request.settimeout(2)
    try:
        while talk.request.recv(1000):
            pass
    except OSError:
        pass


class OutCase(harness.Case):
    def setUp(self):
        super().setUp()
        self.authority = tls_files.Authority(self.folder / "tls")
        self.good = self.authority.issue("good", [HOST])

    def gateway(self, port, tls=None, scheme="", host=HOST, delivery=""):
        extra = f'tls = "{tls}"\n' if tls else ""
        extra += f'[tls]\nauthorities = "{self.authority.path}"\n[delivery]\nretry = ["1s"]\n{delivery}'
        return self.run_daemon(f"{scheme}{host}:{port}", extra=extra)

    def send(self, daemon, count=1):
        with smtplib.SMTP("127.0.0.1", daemon.port) as client:
            for n in range(count):
                client.sendmail("a@example.com", ["b@example.net"], f"Subject: {n}\r\n\r\nsecret\r\n")

    def events(self, daemon, name):
        return [line for line in daemon.log() if line["event"] == name]

    def waits(self, daemon, words):
        """The message is deferred, for this reason, and is still there."""
        deferred = harness.wait_until(lambda: self.events(daemon, "deferred"), 20, "the message is deferred")
        self.assertIn(words, deferred[0]["reply"])
        self.assertEqual(daemon.queued(), 1)


class Opportunistic(OutCase):
    def test_takes_what_is_offered(self):
        sink = self.run_sink(tls=server_context(self.good))
        daemon = self.gateway(sink.port)
        self.send(daemon)
        (message,) = sink.wait(1)
        self.assertEqual(message["tls"][0], "TLSv1.3")
        self.assertEqual(message["helo"], "gw.example.com")
        (line,) = self.events(daemon, "delivered")
        self.assertRegex(line["tls"], r"^TLSv1\.3 TLS_[A-Z0-9_]+ verified(, kernel: \w+)?$")

    def test_a_server_of_tls_1_2_and_one_that_nobody_signed(self):
        chain, key = self.folder / "self.pem", self.folder / "self.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=nobody",
                        "-keyout", key, "-out", chain], check=True, capture_output=True)
        sink = self.run_sink(tls=server_context((chain, key), maximum_version=ssl.TLSVersion.TLSv1_2))
        daemon = self.gateway(sink.port)
        self.send(daemon)
        self.assertEqual(sink.wait(1)[0]["tls"][0], "TLSv1.2")
        (line,) = self.events(daemon, "delivered")
        self.assertNotIn("verified", line["tls"])

    def test_one_that_has_none(self):
        sink = self.run_sink()
        daemon = self.gateway(sink.port)
        self.send(daemon)
        self.assertIsNone(sink.wait(1)[0]["tls"])
        self.assertNotIn("tls", self.events(daemon, "delivered")[0])

    def test_one_that_fails_gets_it_in_clear_once_more(self):
        for spoil in (garbage, hang_up, inject):
            with self.subTest(spoil=spoil.__name__):
                broken = BrokenTls(spoil)
                self.addCleanup(broken.server_close)
                self.addCleanup(broken.shutdown)
                daemon = harness.Daemon(self.folder / spoil.__name__, f"{HOST}:{broken.port}")
                self.addCleanup(daemon.kill)
                daemon.start()
                self.send(daemon)
                harness.wait_until(lambda: broken.messages, 20, "the message comes in clear")
                self.assertEqual(broken.starts, 1)
                (line,) = self.events(daemon, "tls_fallback")
                self.assertIn("in clear text from here on", line["words"])
                self.assertEqual(self.events(daemon, "deferred"), [])
                self.assertEqual(daemon.counter("tls_outbound_clear_text_fallbacks_total"), 1)

    def test_sessions_are_resumed(self):
        sink = self.run_sink(tls=server_context(self.good))
        daemon = self.gateway(sink.port, delivery="messages_per_connection = 1\nconnections_per_next_hop = 1\n")
        for n in range(4):
            self.send(daemon)
            harness.wait_until(lambda: len(self.events(daemon, "delivered")) == n + 1, 10, "delivered")
        self.assertEqual([message["tls"][2] for message in sink.messages], [False, True, True, True])

    def test_a_large_message(self):
        sink = self.run_sink(tls=server_context(self.good))
        daemon = self.gateway(sink.port, "verified")
        line = b"0123456789abcdef" * 4 + b"\r\n"
        body = b"Subject: large\r\n\r\n" + b".leading dot\r\n" + line * 300_000  # 20 MB
        with smtplib.SMTP("127.0.0.1", daemon.port) as client:
            client.sendmail("a@example.com", ["b@example.net"], body)
        self.assertTrue(sink.wait(1, 60)[0]["content"].endswith(body), "the body changed on its way")


class Required(OutCase):
    def test_whoever_it_is(self):
        other = self.authority.issue("other", ["elsewhere.example"])
        sink = self.run_sink(tls=server_context(other))
        daemon = self.gateway(sink.port, "required")
        self.send(daemon)
        self.assertIsNotNone(sink.wait(1)[0]["tls"])

    def test_one_that_has_none_gets_nothing(self):
        sink = self.run_sink()
        daemon = self.gateway(sink.port, "required")
        self.send(daemon)
        self.waits(daemon, "does not offer STARTTLS")
        self.assertEqual(sink.messages, [])

    def test_one_that_fails_gets_nothing(self):
        for spoil in (garbage, inject):
            with self.subTest(spoil=spoil.__name__):
                broken = BrokenTls(spoil)
                self.addCleanup(broken.server_close)
                self.addCleanup(broken.shutdown)
                daemon = harness.Daemon(self.folder / spoil.__name__, f"{HOST}:{broken.port}", extra='tls = "required"\n')
                self.addCleanup(daemon.kill)
                daemon.start()
                self.send(daemon)
                self.waits(daemon, "TLS with the next hop failed")
                self.assertEqual(broken.messages, [])
                self.assertEqual(self.events(daemon, "delivered"), [])


class Verified(OutCase):
    def test_who_proves_it(self):
        sink = self.run_sink(tls=server_context(self.good))
        daemon = self.gateway(sink.port, "verified")
        self.send(daemon)
        sink.wait(1)
        self.assertIn("verified", self.events(daemon, "delivered")[0]["tls"])

    def test_another_name_an_unknown_authority_and_an_expired_one(self):
        stranger = tls_files.Authority(self.folder / "stranger")
        for name, pair in (("another name", self.authority.issue("other", ["elsewhere.example"])),
                           ("unknown authority", stranger.issue("stranger", [HOST])),
                           ("expired", self.authority.issue("expired", [HOST], days=-1))):
            with self.subTest(name):
                sink = self.run_sink(tls=server_context(pair))
                daemon = harness.Daemon(
                    self.folder / name.replace(" ", "-"), f"{HOST}:{sink.port}",
                    extra=f'tls = "verified"\n[tls]\nauthorities = "{self.authority.path}"\n')
                self.addCleanup(daemon.kill)
                daemon.start()
                self.send(daemon)
                self.waits(daemon, "certificate verify failed")
                self.assertEqual(sink.messages, [])


class Authorities(OutCase):
    def test_a_reload_takes_others(self):
        stranger = tls_files.Authority(self.folder / "stranger")
        sink = self.run_sink(tls=server_context(stranger.issue("stranger", [HOST])))
        daemon = self.gateway(sink.port, "verified")
        self.send(daemon)
        self.waits(daemon, "certificate verify failed")

        def configure(authorities):
            daemon.write_config(f"{HOST}:{sink.port}", extra=f'tls = "verified"\n[tls]\nauthorities = "{authorities}"\n'
                                                             '[delivery]\nretry = ["1s"]\n')
        configure(self.folder / "nothing.pem")
        answer = str(daemon.ctl("reload", check=False))
        self.assertIn("the old configuration stays in force: [tls] authorities: ", answer)
        self.assertIn("nothing.pem", answer)
        configure(stranger.path)
        daemon.ctl("reload")
        sink.wait(1)


class Reloading(OutCase):
    def test_an_open_connection_does_not_outlive_the_trust_it_was_made_under(self):
        sink = self.run_sink(tls=server_context(self.good))
        daemon = self.gateway(sink.port, "verified")
        self.send(daemon)
        sink.wait(1)
        stranger = tls_files.Authority(self.folder / "stranger")
        self.authority.path.write_bytes(stranger.path.read_bytes())
        daemon.ctl("reload")
        self.send(daemon)
        self.waits(daemon, "certificate verify failed")
        self.assertEqual(len(sink.messages), 1)


class Implicit(OutCase):
    def test_smtps(self):
        sink = self.run_sink(tls=server_context(self.good), implicit=True)
        # aiosmtpd probes its own port in clear; that is not ours to count.
        daemon = self.gateway(sink.port, "verified", scheme="smtps://")
        self.send(daemon, 3)
        messages = sink.wait(3)
        self.assertTrue(all(message["tls"][0] == "TLSv1.3" for message in messages))

    def test_never_in_clear(self):
        sink = self.run_sink()
        daemon = self.gateway(sink.port, scheme="smtps://")
        self.send(daemon)
        self.waits(daemon, "TLS with the next hop failed")
        self.assertEqual(sink.messages, [])


class Postfix(OutCase):
    def test_postfix_that_takes_tls_only(self):
        sink = self.run_sink()
        postfix = self.run_postfix("hop", f"""
mydestination =
relayhost = [127.0.0.1]:{sink.port}
smtpd_tls_security_level = encrypt
smtpd_tls_chain_files = {self.good[1]}, {self.good[0]}
smtpd_tls_received_header = yes
smtpd_relay_restrictions = permit_mynetworks, reject
""")
        daemon = self.gateway(postfix.port, "verified")
        self.send(daemon, 10)
        for message in sink.wait(10, 60):
            self.assertIn(b"using TLSv1.3 with cipher TLS_", message["content"])


class SServer(OutCase):
    """openssl s_server, which knows nothing of SMTP: what it says is typed in, each answer when its command has come."""

    def test_it_is_spoken_to(self):
        port = harness.free_port()
        server = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", self.good[0], "-key", self.good[1],
             "-cert_chain", self.good[0], "-quiet", "-naccept", "1"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
        self.addCleanup(server.kill)
        daemon = self.gateway(port, "verified", scheme="smtps://")
        self.send(daemon)
        answers = {b"EHLO": b"250 openssl", b"MAIL": b"250 ok", b"RCPT": b"250 ok", b"DATA": b"354 go", b".\r\n": b"250 taken",
                   b"QUIT": b"221 bye"}
        server.stdin.write(b"220 openssl\r\n")
        heard = b""
        while line := server.stdout.readline():
            heard += line
            answer = answers.get(line[:4]) or answers.get(line)
            if answer:
                server.stdin.write(answer + b"\r\n")
            if line == b".\r\n":
                break
        (line,) = harness.wait_until(lambda: self.events(daemon, "delivered"), 20, "delivered")
        self.assertIn("verified", line["tls"])
        self.assertIn(b"Subject: 0\r\n\r\nsecret\r\n.\r\n", heard)


if __name__ == "__main__":
    unittest.main()
