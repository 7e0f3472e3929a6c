"""Mail out to hosts that want to know us, and to destinations that want more of TLS than their route."""

import base64
import smtplib
import socket
import subprocess
import threading
import time
import unittest

import harness
from test_tls_out import HOST, OutCase, server_context

USER, SECRET = "user@example.com", "open sesame \u00e4"
USERS = {USER.encode(): SECRET.encode()}
URL_USER = "user%40example.com"


class SmartHostCase(OutCase):
    def setUp(self):
        super().setUp()
        self.secret = self.folder / "relay.secret"
        self.write_secret(SECRET)

    def write_secret(self, secret):
        self.secret.write_text(secret + "\n")
        self.secret.chmod(0o600)

    def smart_host(self, implicit=True, pair=None, **options):
        return self.run_sink(tls=server_context(pair or self.good), implicit=implicit,
                             users=USERS, **options)

    def extra(self, tls=None, retry="1s", more=""):
        return ((f'tls = "{tls}"\n' if tls else "") + f'secret_file = "{self.secret}"\n[tls]\n'
                f'authorities = "{self.authority.path}"\n[delivery]\nretry = ["{retry}"]\n{more}')

    def relay(self, sink, scheme="smtps"):
        return f"{scheme}://{URL_USER}@{HOST}:{sink.port}"


class Known(SmartHostCase):
    def test_each_mechanism_with_implicit_tls_and_with_starttls(self):
        for scheme, mechanism in (("smtps", "PLAIN"), ("smtps", "LOGIN"), ("smtp", "PLAIN"), ("smtp", "LOGIN")):
            with self.subTest(scheme=scheme, mechanism=mechanism):
                sink = self.smart_host(scheme == "smtps", mechanisms=[mechanism])
                daemon = harness.Daemon(self.folder / (scheme + mechanism), self.relay(sink, scheme), extra=self.extra())
                self.addCleanup(daemon.kill)
                daemon.start()
                self.send(daemon, 3)
                for message in sink.wait(3):
                    self.assertIsNotNone(message["tls"])
                self.assertEqual(set(sink.auths), {(mechanism, USER.encode(), True)})
                self.assertEqual(daemon.counter("smtp_auth_outbound_total"), len(sink.auths))
                self.assertTrue(all(line["tls"].endswith(" verified") for line in self.events(daemon, "delivered")))

    def test_a_trace_shows_no_secret(self):
        sink = self.smart_host()
        daemon = self.run_daemon(self.relay(sink), extra=self.extra())
        trace = subprocess.Popen([harness.BIN / "ringpost", "--socket", daemon.socket_path, "trace", "--next-hop",
                                  f"{HOST}:{sink.port}"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(trace.stdout.close)
        self.addCleanup(trace.wait)
        self.addCleanup(trace.kill)
        time.sleep(0.5 * harness.PATIENCE)
        self.send(daemon)
        sink.wait(1)
        seen = ""
        while "QUIT" not in seen:
            line = trace.stdout.readline()
            self.assertTrue(line, seen)
            seen += line
        self.assertIn("C: AUTH PLAIN ***", seen)
        self.assertIn("S: 235", seen)
        self.assertNotIn(base64.b64encode(f"\0{USER}\0{SECRET}".encode()).decode()[:12], seen)


class PostfixWithSasl(SmartHostCase):
    """Postfix with Cyrus SASL and a database of users: it relays for nobody else."""

    def postfix(self, folder, mechanisms):
        subprocess.run(["saslpasswd2", "-p", "-c", "-f", folder / "users", "-u", "example.com", "user"],
                       input=SECRET.encode(), check=True)
        (folder / "users").chmod(0o644)
        sink = self.run_sink()
        postfix = harness.Postfix(folder / "hop", f"""
mydestination =
relayhost = [127.0.0.1]:{sink.port}
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_chain_files = {self.good[1]}, {self.good[0]}
smtpd_sasl_auth_enable = yes
smtpd_sasl_authenticated_header = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject
""")
        # Where Debian's Postfix has Cyrus SASL look, whatever cyrus_sasl_config_path says.
        (postfix.conf / "sasl").mkdir()
        (postfix.conf / "sasl/smtpd.conf").write_text(f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\n"
                                                      f"sasldb_path: {folder}/users\nmech_list: {mechanisms}\n")
        self.addCleanup(postfix.stop)
        return sink, postfix.start()

    def test_it_relays_for_us_alone(self):
        for mechanisms in ("PLAIN", "LOGIN"):
            with self.subTest(mechanisms=mechanisms):
                folder = self.folder / mechanisms
                folder.mkdir()
                sink, postfix = self.postfix(folder, mechanisms)
                daemon = harness.Daemon(folder / "known", f"smtp://{URL_USER}@{HOST}:{postfix.port}",
                                        extra=self.extra())
                self.addCleanup(daemon.kill)
                daemon.start()
                self.send(daemon, 3)
                for message in sink.wait(3, 60):
                    self.assertIn(f"(Authenticated sender: {USER})".encode(), message["content"])
                with smtplib.SMTP("127.0.0.1", postfix.port) as unknown, \
                        self.assertRaises(smtplib.SMTPRecipientsRefused):
                    unknown.sendmail("a@client.example", ["b@dest.example"], "never")


class Refused(SmartHostCase):
    def test_a_wrong_secret_waits_and_does_not_hammer(self):
        self.write_secret("a wrong one")
        sink = self.smart_host()
        daemon = self.run_daemon(self.relay(sink), extra=self.extra())
        self.send(daemon, 10)
        self.waits_all(daemon, 10)
        time.sleep(4 * harness.PATIENCE)  # each message was due again meanwhile, more than once
        self.assertLessEqual(len(sink.auths), 2, "one try per shard")
        self.assertFalse(any(right for _, _, right in sink.auths))
        self.assertEqual(self.events(daemon, "bounced"), [])
        refused = self.events(daemon, "auth_refused")
        self.assertEqual(len(refused), len(sink.auths))
        self.assertEqual((refused[0]["user"], refused[0]["reply_code"]), (USER, 535))
        self.assertEqual(daemon.counter("smtp_auth_outbound_refused_total"), len(refused))
        self.assertTrue(all(line["reply_code"] == 535 and "AUTH PLAIN was refused" in line["reply"]
                            for line in self.events(daemon, "deferred")))
        self.assertTrue(all("535" in str(entry) for entry in daemon.queue().values()), daemon.queue())
        for text in (daemon.console(), daemon.log_path.read_text()):
            self.assertNotIn("a wrong one", text)
        # The right one, and a reload: nothing of it is lost, and nothing waits for the rest to end.
        self.write_secret(SECRET)
        daemon.ctl("reload")
        sink.wait(10)

    def waits_all(self, daemon, count):
        harness.wait_until(lambda: len({line["id"] for line in self.events(daemon, "deferred")}) == count, 20,
                           f"{count} messages are deferred")
        self.assertEqual(daemon.queued(), count)

    def test_a_host_that_does_not_prove_who_it_is_learns_nothing(self):
        other = self.authority.issue("other", ["elsewhere.example"])
        for scheme in ("smtps", "smtp"):
            with self.subTest(scheme):
                sink = self.smart_host(scheme == "smtps", pair=other)
                daemon = harness.Daemon(self.folder / scheme, self.relay(sink, scheme), extra=self.extra())
                self.addCleanup(daemon.kill)
                daemon.start()
                self.send(daemon)
                self.waits(daemon, "certificate verify failed")
                self.assertEqual(sink.auths, [])

    def test_in_clear_nothing_is_said(self):
        """A host that offers AUTH and no STARTTLS, as somebody in between would."""
        heard = []

        def serve(listener):
            while True:
                connection, _ = listener.accept()
                with connection, connection.makefile("rwb") as talk:
                    talk.write(b"220 clear ready\r\n")
                    talk.flush()
                    for line in talk:
                        heard.append(line)
                        talk.write(b"250-clear\r\n250 AUTH PLAIN LOGIN\r\n")
                        talk.flush()
        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        daemon = self.run_daemon(f"smtp://{URL_USER}@{HOST}:{listener.getsockname()[1]}", extra=self.extra())
        self.send(daemon)
        self.waits(daemon, "does not offer STARTTLS")
        self.assertEqual({line[:4] for line in heard}, {b"EHLO"})
        listener.close()

    def test_the_configuration_says_what_is_wrong(self):
        def check(relay, extra):
            daemon = harness.Daemon(self.folder / "check", relay, extra=extra)
            done = harness.run([harness.BIN / "ringpostd", "--config", daemon.config_path, "--check"])
            return done.returncode, done.stderr
        url = f"smtps://{URL_USER}@{HOST}:465"
        self.assertEqual(check(url, self.extra())[0], 0)
        for relay, extra, words in (
                (url, self.extra("required"), "must not leave but under TLS"),
                (url, self.extra("opportunistic"), "must not leave but under TLS"),
                (url, "", "route.secret_file: is missing"),
                (f"smtps://{USER.split('@')[0]}:{'hunter2'}@{HOST}", self.extra(), "its password in secret_file")):
            status, said = check(relay, extra)
            self.assertNotEqual(status, 0)
            self.assertIn(words, said)
            self.assertNotIn("hunter2", said)
        self.secret.chmod(0o644)
        self.assertIn("others may read this password; chmod o= it", check(url, self.extra())[1])


class PerDestination(OutCase):
    def test_one_route_and_two_rules(self):
        chain, key = self.folder / "self.pem", self.folder / "self.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}",
                        "-keyout", key, "-out", chain], check=True, capture_output=True)
        sink = self.run_sink(tls=server_context((chain, key)))
        daemon = self.gateway(sink.port, delivery='[[destination]]\ndomain = "*.strict.example"\ntls = "verified"\n')
        with smtplib.SMTP("127.0.0.1", daemon.port) as client:
            client.sendmail("a@example.com", ["b@example.net", "c@mx.strict.example"], "Subject: x\r\n\r\nsecret\r\n")
        (message,) = sink.wait(1)
        self.assertEqual(message["to"], ["b@example.net"])
        self.assertIsNotNone(message["tls"])
        self.waits(daemon, "certificate verify failed")
        (delivered,) = self.events(daemon, "delivered")
        self.assertNotIn("verified", delivered["tls"])
        for line in self.events(daemon, "deferred"):
            self.assertIn(line.get("to", line.get("to_domain")), ("c@mx.strict.example", "mx.strict.example"))
        self.assertEqual(len(sink.messages), 1)


if __name__ == "__main__":
    unittest.main()
