"""Mail in under TLS, by real clients: each one's message must come out whole, and what is wrong must be refused."""

import contextlib
import email
import email.policy
import os
import re
import smtplib
import socket
import ssl
import subprocess
import threading
import time
import unittest

import harness
import tls_files
from harness import run

BODY = "one\n.\n..two\n\nlast line\n"
HOST = "gw.example.com"


def parse(message):
    return email.message_from_bytes(message["content"], policy=email.policy.SMTP)


class Talk:
    """A command that is spoken to a line at a time, as a person would, each when the answer to the one before is there."""

    def __init__(self, command):
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, bufsize=0)
        self.heard = b""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while chunk := os.read(self.process.stdout.fileno(), 65536):
            self.heard += chunk

    def say(self, line, answer):
        """Says a line and waits for what matches `answer` (or for the end); an empty one waits for nothing, None for a
        moment: gnutls-cli does not see a second line that comes with the first."""
        before = len(self.heard)
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(line.encode())
        if answer is None:
            time.sleep(0.5 * harness.PATIENCE)
        else:
            self.wait(answer, before)

    def wait(self, answer, since=0):
        pattern = re.compile(answer.encode())
        harness.wait_until(lambda: pattern.search(self.heard[since:]) or not self.reader.is_alive(), 20,
                           f"{answer} in {self.heard[since:]!r}")

    def end(self):
        """All that was heard."""
        self.process.stdin.close()
        self.reader.join(20 * harness.PATIENCE)
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        return self.heard.decode(errors="replace").replace("\r\n", "\n")


# In lower case: s_client takes a Q, an R and a K at the start of a line for itself.
MAIL = [("ehlo client.example.com\n", "LIMITS"), ("mail from:<a@example.com>\n", "250 2.1.0"),
        ("rcpt to:<b@example.net>\n", "250 2.1.5"), ("data\n", "354"), ("Subject: by hand\n", ""), ("\n", ""),
        ("hello\n", ""), (".\n", "queued as")]
QUIT = ("quit\n", "221 ")


def talk(command, lines, begin="220 |250 |:error:|alert"):
    """The whole of a conversation."""
    person = Talk(command)
    try:
        person.wait(begin)
        for line, answer in lines:
            person.say(line, answer)
    finally:
        heard = person.end()
    return heard


class TlsCase(harness.Case):
    def setUp(self):
        super().setUp()
        self.authority = tls_files.Authority(self.folder / "tls")
        self.ecdsa = self.authority.issue("ecdsa", [HOST, "localhost"])
        self.rsa = self.authority.issue("rsa", [HOST, "localhost"], "rsa")
        self.other = self.authority.issue("other", ["mail.example.org", "*.example.org"])
        self.sink = self.run_sink()
        self.smtps, self.strict, self.old = (harness.free_port() for _ in range(3))
        self.daemon = self.run_daemon(self.sink.port, extra=self.extra())

    def extra(self, certificates=None):
        text = ""
        for chain, key in certificates or (self.ecdsa, self.rsa, self.other):
            text += f'[[tls.certificate]]\nchain = "{chain}"\nkey = "{key}"\n'
        for port, more in ((self.smtps, 'tls = "implicit"'), (self.strict, 'tls = "required"'),
                           (self.old, "tls_old_versions = true")):
            text += f'[[listener]]\naddress = "127.0.0.1:{port}"\nregion = "local"\n{more}\n'
        return text

    def one(self):
        (message,) = self.sink.wait(1)
        return message

    def s_client(self, port, *options, starttls=True, host=HOST):
        return ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", host, "-crlf",
                "-CAfile", self.authority.path, "-verify_return_error", "-verify_hostname", host,
                *(["-starttls", "smtp"] if starttls else []), *options]


class Clients(TlsCase):
    def received(self):
        return parse(self.one())["Received"]

    def test_swaks_starttls(self):
        done = run(["swaks", "--server", f"127.0.0.1:{self.daemon.port}", "--from", "a@example.com", "--to",
                    "b@example.net", "--tls", "--tls-verify", "--tls-ca-path", self.authority.path,
                    "--tls-sni", HOST, "--body", BODY.replace("\n", "\\n")])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(self.received(), r"with ESMTPS \(TLSv1\.3(/kernel)?\) id .*tls TLS_[A-Z0-9_]+;")

    def test_swaks_implicit(self):
        done = run(["swaks", "--server", f"127.0.0.1:{self.smtps}", "--from", "a@example.com", "--to",
                    "b@example.net", "--tls-on-connect", "--tls-protocol", "tlsv1_2"])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(self.received(), r"with ESMTPS \(TLSv1\.2(/kernel)?\) id .*tls TLS_ECDHE_ECDSA_WITH_[A-Z0-9_]+;")

    def test_curl(self):
        path = self.folder / "mail.txt"
        path.write_bytes(b"From: a@example.com\r\nTo: b@example.net\r\nSubject: by curl\r\n\r\n.dot\r\n..\r\n")
        for url, more in ((f"smtps://{HOST}:{self.smtps}", []), (f"smtp://{HOST}:{self.daemon.port}", ["--ssl-reqd"])):
            done = run(["curl", "-sS", url, *more, "--cacert", self.authority.path, "--resolve",
                        f"{HOST}:{self.smtps}:127.0.0.1", "--resolve", f"{HOST}:{self.daemon.port}:127.0.0.1",
                        "--mail-from", "a@example.com", "--mail-rcpt", "b@example.net", "-T", path])
            self.assertEqual(done.returncode, 0, done.stderr)
        for message in self.sink.wait(2):
            self.assertTrue(message["content"].endswith(b"\r\n\r\n.dot\r\n..\r\n"))

    def test_msmtp(self):
        for port, starttls in ((self.daemon.port, "on"), (self.smtps, "off")):
            done = run(["msmtp", "--host=localhost", f"--port={port}", "--tls=on", f"--tls-starttls={starttls}",
                        f"--tls-trust-file={self.authority.path}", "--auth=off", "--from=a@example.com",
                        "b@example.net"], input="Subject: by msmtp\n\n" + BODY)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.sink.wait(2)

    def test_gnutls(self):
        said = talk(["gnutls-cli", "--starttls-proto=smtp", "--x509cafile", self.authority.path, "--sni-hostname",
                     HOST, "--verify-hostname", HOST, "--crlf", "-p", self.daemon.port, "127.0.0.1"],
                    MAIL[:3] + [("bdat 20 last\n", None), ("Subject: by gnutls\n", "queued as"), QUIT],
                    begin="Simple Client Mode")
        self.assertIn("Status: The certificate is trusted", said)
        self.assertIn("queued as", said)
        self.one()

    def test_a_large_body_both_ways_of_tls(self):
        line = b"0123456789abcdef" * 4 + b"\r\n"
        body = b"Subject: large\r\n\r\n" + b".leading dot\r\n" + line * 300_000  # 20 MB
        context = ssl.create_default_context(cafile=self.authority.path)
        with smtplib.SMTP("localhost", self.daemon.port) as client:
            client.starttls(context=context)
            client.sendmail("a@example.com", ["b@example.net"], body)
        with smtplib.SMTP_SSL("localhost", self.smtps, context=context) as client:
            client.sendmail("a@example.com", ["b@example.net"], body)
        for message in self.sink.wait(2, 60):
            self.assertTrue(message["content"].endswith(body), "the body changed on its way")

    def test_postfix_as_a_client(self):
        postfix = self.run_postfix("client", f"""
mydestination =
relayhost = [localhost]:{self.daemon.port}
smtp_tls_security_level = secure
smtp_tls_CAfile = {self.authority.path}
smtp_tls_loglevel = 1
smtp_tls_session_cache_database = btree:$data_directory/smtp_scache
smtp_host_lookup = native
smtp_dns_support_level = disabled
smtpd_relay_restrictions = permit_mynetworks, reject
""")
        with smtplib.SMTP("127.0.0.1", postfix.port) as client:
            for n in range(20):
                client.sendmail("a@example.com", [f"r{n}@example.net"], f"Subject: {n}\r\n\r\nhello\r\n")
        harness.wait_until(lambda: len(self.sink.messages) == 20, 60, f"20 messages\n{postfix.log()[-2000:]}")
        self.assertIn("Verified TLS connection established", postfix.log())
        self.assertGreater(self.daemon.counter("tls_handshakes_total"), 0)


class Agreements(TlsCase):
    def test_each_version_and_cipher(self):
        for options, version, cipher in (
                (["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"], "TLSv1.3", "TLS_AES_128_GCM_SHA256"),
                (["-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"], "TLSv1.3", "TLS_AES_256_GCM_SHA384"),
                (["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], "TLSv1.3",
                 "TLS_CHACHA20_POLY1305_SHA256"),
                (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], "TLSv1.2",
                 "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
                (["-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"], "TLSv1.2",
                 "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
                # The client could do ECDSA with a cipher that is not ours: the RSA certificate is what both have.
                (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256"], "TLSv1.2",
                 "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
                (["-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"], "TLSv1.2",
                 "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256")):
            with self.subTest(cipher=cipher, version=version):
                before = len(self.sink.messages)
                said = talk(self.s_client(self.daemon.port, *options), MAIL + [QUIT])
                self.assertIn("queued as", said)
                message = self.sink.wait(before + 1)[-1]
                self.assertRegex(parse(message)["Received"], rf"\({re.escape(version)}(/kernel)?\)")
                self.assertIn(f"tls {cipher};", parse(message)["Received"])

    def test_names_pick_certificates(self):
        for host, subject in ((HOST, HOST), ("mail.example.org", "mail.example.org"),
                              ("mx7.example.org", "mail.example.org")):
            said = talk(self.s_client(self.smtps, starttls=False, host=host), [QUIT])
            self.assertRegex(said, rf"subject=CN = {subject}\n")
        said = talk(["openssl", "s_client", "-connect", f"127.0.0.1:{self.smtps}", "-noservername", "-crlf"], [QUIT])
        self.assertRegex(said, rf"subject=CN = {HOST}\n")

    def test_old_versions_only_where_asked_for(self):
        for port, works in ((self.daemon.port, False), (self.old, True)):
            for version in ("-tls1", "-tls1_1"):
                said = talk(self.s_client(port, version, "-cipher", "DEFAULT@SECLEVEL=0"), [QUIT])
                self.assertEqual("221 2.0.0" in said, works, said)
        self.assertIn("old_tls_versions", self.daemon.console())

    def test_sessions_are_resumed_over_all_cores(self):
        saved = self.folder / "session"
        for version in ("-tls1_2", "-tls1_3"):
            talk(self.s_client(self.daemon.port, version, "-sess_out", saved),
                 [("ehlo x.example\n", "LIMITS"), QUIT])
            for _ in range(6):  # the kernel deals connections to the cores by chance
                said = talk(self.s_client(self.daemon.port, version, "-sess_in", saved), [QUIT])
                self.assertIn("Reused, TLSv1", said)
        self.assertEqual(self.daemon.counter("tls_sessions_resumed_total"), 12)

    def test_early_data_is_refused(self):
        saved, early = self.folder / "session", self.folder / "early"
        early.write_text("MAIL FROM:<mallory@example.com>\r\n")
        talk(self.s_client(self.smtps, "-tls1_3", "-sess_out", saved, starttls=False), [QUIT])
        said = talk(self.s_client(self.smtps, "-tls1_3", "-sess_in", saved, "-early_data", early, starttls=False),
                    [("noop\n", "250 2.0.0"), QUIT])
        self.assertNotIn("Early data was accepted", said)
        self.assertNotIn("250 2.1.0", said)


class Hostile(TlsCase):
    @unittest.skipIf(harness.KTLS == "on", "the kernel cannot change keys: guest_kernel_tls.py has these")
    def test_key_updates_go_on(self):
        said = talk(self.s_client(self.daemon.port, "-tls1_3"),
                    MAIL[:2] + [("K\n", "KEYUPDATE"), ("k\n", "KEYUPDATE")] + MAIL[2:] + [QUIT])
        self.assertIn("KEYUPDATE", said)
        self.assertIn("queued as", said)

    def test_renegotiation_ends_it(self):
        said = talk(self.s_client(self.daemon.port, "-tls1_2"), [MAIL[0], ("R\n", "RENEGOTIATING"), ("noop\n", "Still here|error")])
        self.assertIn("RENEGOTIATING", said)
        self.assertNotIn("250 2.0.0 Still here", said)

    def test_required_is_required(self):
        with smtplib.SMTP("127.0.0.1", self.strict) as client:
            client.ehlo("x.example")
            self.assertEqual(client.mail("a@example.com")[0], 530)

    def test_bytes_injected_behind_starttls(self):
        context = ssl.create_default_context(cafile=self.authority.path)
        for together in (True, False):
            with socket.create_connection(("127.0.0.1", self.daemon.port), timeout=10) as raw:
                raw.recv(1000)
                raw.sendall(b"EHLO x.example\r\n")
                raw.recv(2000)
                if together:
                    raw.sendall(b"STARTTLS\r\nMAIL FROM:<mallory@example.com>\r\n")
                else:
                    raw.sendall(b"STARTTLS\r\n")
                    raw.sendall(b"MAIL FROM:<mallory@example.com>\r\n")
                said = b""
                try:
                    while chunk := raw.recv(2000):
                        said += chunk
                    with self.assertRaises((ssl.SSLError, OSError)):
                        context.wrap_socket(raw, server_hostname=HOST)
                except ConnectionResetError:
                    pass
                self.assertNotIn(b"250 2.1.0", said)

    def test_garbage_instead_of_a_handshake(self):
        for bytes_ in (b"\0" * 5000, os.urandom(5000), b"\x16\x03\x01\xff\xff" + b"x" * 70000, b"EHLO x\r\n" * 100):
            with socket.create_connection(("127.0.0.1", self.smtps), timeout=10) as raw:
                try:
                    raw.sendall(bytes_)
                    while raw.recv(2000):
                        pass
                except ConnectionResetError:
                    pass
        harness.wait_until(lambda: self.daemon.counter("tls_handshakes_failed_total") == 4, 10, "4 are counted")
        harness.wait_until(lambda: sum(line["event"] == "tls_failed" for line in self.daemon.log()) == 4, 10,
                           "each is in the log")

    def test_no_plain_text_on_the_wire(self):
        """What passes between client and gateway is read off the loopback."""
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3)) as wire:
            wire.bind(("lo", 0))
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
            context = ssl.create_default_context(cafile=self.authority.path)
            with smtplib.SMTP_SSL("localhost", self.smtps, context=context) as client:
                client.sendmail("secret-a@example.com", ["secret-b@example.net"],
                                "Subject: secret-s\r\n\r\nsecret-c\r\n")
            self.one()
            wire.setblocking(False)
            port, seen, bytes_ = self.smtps.to_bytes(2, "big"), 0, b""
            try:
                while True:
                    packet = wire.recv(70000)
                    if packet[34:36] == port or packet[36:38] == port:
                        seen, bytes_ = seen + 1, bytes_ + packet
            except BlockingIOError:
                pass
        self.assertGreater(seen, 10)
        for word in (b"secret-", b"EHLO", b"ehlo", b"220 gw", b"250"):
            self.assertNotIn(word, bytes_)


class Operating(TlsCase):
    def test_a_new_certificate_without_dropping_a_session(self):
        context = ssl.create_default_context(cafile=self.authority.path)
        with smtplib.SMTP_SSL("localhost", self.smtps, context=context) as client:
            client.ehlo("x.example")
            renewed = self.authority.issue("renewed", ["localhost", "renewed.example"])
            self.daemon.write_config(self.sink.port, extra=self.extra([renewed]))
            self.daemon.ctl("reload")
            with smtplib.SMTP_SSL("localhost", self.smtps, context=context) as fresh:
                names = [value for _, value in fresh.sock.getpeercert()["subjectAltName"]]
                self.assertIn("renewed.example", names)
            client.sendmail("a@example.com", ["b@example.net"], "Subject: still here\r\n\r\nx\r\n")
        self.one()

    def test_a_bad_certificate_is_named_and_changes_nothing(self):
        wrong = [(self.ecdsa[0], self.rsa[1])]
        self.daemon.write_config(self.sink.port, extra=self.extra(wrong))
        done = run([harness.BIN / "ringpostd", "--config", self.daemon.config_path, "--check"])
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"ringpost\.toml:\d+:\d+: tls\.certificate: .*rsa\.key: this key does not belong")
        answer = self.daemon.ctl("reload", check=False)
        self.assertIn("this key does not belong", str(answer))
        context = ssl.create_default_context(cafile=self.authority.path)
        with smtplib.SMTP_SSL("localhost", self.smtps, context=context) as client:
            self.assertEqual(client.noop()[0], 250)
        self.rsa[1].chmod(0o644)
        self.daemon.write_config(self.sink.port, extra=self.extra([self.rsa]))
        done = run([harness.BIN / "ringpostd", "--config", self.daemon.config_path, "--check"])
        self.assertIn("others may read this private key; chmod o= it", done.stderr)


if __name__ == "__main__":
    unittest.main()
