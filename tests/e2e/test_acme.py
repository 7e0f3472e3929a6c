"""Certificates that come by themselves, from pebble: by both challenges, renewed, kept over a restart, and what is said
where none comes."""

import json
import re
import smtplib
import ssl
import subprocess
import time

import harness
import pebble
import tls_files
from harness import run, wait_until

HOST = "gw.example.com"


class AcmeCase(harness.Case):
    challenge = "tls-alpn-01"

    def setUp(self):
        super().setUp()
        self.authority = tls_files.Authority(self.folder / "tls")
        self.sink = self.run_sink()
        self.smtps, self.http = harness.free_port(), harness.free_port()

    def run_pebble(self, **options):
        self.pebble = pebble.Pebble(self.folder / "pebble", self.authority, http_port=self.http, tls_port=self.smtps,
                                    **options)
        self.addCleanup(self.pebble.stop)
        return self.pebble.start()

    def extra(self, directory=None, names=(HOST,), authorities=None, challenge=None):
        listed = ", ".join(f'"{name}"' for name in names)
        return f"""
[acme]
directory = "{directory or self.pebble.directory}"
email = "ops@example.com"
names = [{listed}]
agree_tos = true
challenge = "{challenge or self.challenge}"
authorities = "{authorities or self.authority.path}"
[[listener]]
address = "127.0.0.1:{self.smtps}"
tls = "implicit"
{self.http_listener()}
"""

    def http_listener(self):
        return ""

    def run_with_acme(self, **options):
        self.daemon = self.run_daemon(self.sink.port, extra=self.extra(**options))
        return self.daemon

    def events(self, name):
        """What the daemon said of itself, by event."""
        text = (self.daemon.folder / "daemon.out").read_text(errors="replace")
        found = (json.loads(line) for line in text.splitlines() if line.startswith("{"))
        return [event for event in found if event["event"] == name]

    def await_event(self, name, count=1, seconds=40):
        wait_until(lambda: len(self.events(name)) >= count, seconds, f"{count} times {name}: " + self.daemon.console())
        return self.events(name)

    def name_status(self, name=HOST):
        (status,) = [one for one in self.daemon.ctl("status")["status"]["acme"] if one["name"] == name]
        return status

    def shown(self, port=None, host=HOST, authority=None):
        """The serial number of the certificate that a client is shown, verified up to pebble's root."""
        context = ssl.create_default_context(cafile=authority or self.pebble.root())
        with smtplib.SMTP_SSL("localhost", port or self.smtps, timeout=20, context=Naming(context, host)) as client:
            return client.sock.getpeercert()["serialNumber"]

    def await_shown(self, *others, seconds=20, **options):
        """The serial of a certificate that is shown and none of `others`."""
        def look():
            try:
                serial = self.shown(**options)
            except (ssl.SSLError, OSError):
                return None
            return serial if serial not in others else None
        return wait_until(look, seconds, "a certificate is shown: " + self.daemon.console())


class Naming:
    """An SSLContext that asks for `host`, whatever it connects to."""

    def __init__(self, context, host):
        self.context, self.host = context, host

    def wrap_socket(self, sock, server_hostname=None, **options):
        return self.context.wrap_socket(sock, server_hostname=self.host, **options)


class TlsAlpn01(AcmeCase):
    def test_a_certificate_comes_and_is_used_without_a_reload(self):
        self.run_pebble(PEBBLE_WFE_NONCEREJECT="40")
        self.run_with_acme()
        (issued,) = self.await_event("acme_certificate")
        self.assertEqual(issued["name"], HOST)
        self.assertEqual([event["challenge"] for event in self.events("acme_challenge")], ["tls-alpn-01"])
        self.assertEqual(len(self.events("acme_account")), 1)
        self.assertEqual(len(self.events("acme_stand_in")), 1)
        serial = self.await_shown()
        # openssl and swaks, behind STARTTLS and by implicit TLS.
        done = run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.daemon.port}", "-starttls", "smtp",
                    "-servername", HOST, "-CAfile", self.pebble.root(), "-verify_return_error", "-verify_hostname", HOST],
                   input="QUIT\n")
        self.assertIn("Verify return code: 0 (ok)", done.stdout)
        self.assertIn("Server certificate", done.stdout)
        sent = run(["swaks", "--server", f"127.0.0.1:{self.smtps}", "--tls-on-connect", "--tls-sni", HOST, "--to",
                    "you@example.net", "--from", "me@example.com"])
        self.assertEqual(sent.returncode, 0, sent.stdout)
        self.sink.wait(1)
        self.assertIn(serial.lower(), self.serial_by_openssl())
        status = self.name_status()
        self.assertEqual((status["failures"], status["last_failure"]), (0, ""))
        self.assertEqual(status["not_after"][:19], issued["not_after"][:19])
        text = self.daemon.ctl("status", as_json=False)
        self.assertRegex(text, rf"{HOST} .* good")
        self.assertEqual(self.daemon.counter("acme_certificates_total"), 1)
        self.assertGreater(self.daemon.counter("acme_tls_alpn_challenges_shown_total"), 0)

    def serial_by_openssl(self):
        shown = run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.smtps}", "-servername", HOST], input="QUIT\n")
        return run(["openssl", "x509", "-noout", "-serial"], input=shown.stdout).stdout.lower()

    def test_each_name_has_its_own(self):
        self.run_pebble()
        names = (HOST, "smtp.example.com")
        self.run_with_acme(names=names)
        self.await_event("acme_certificate", 2)
        serials = {self.await_shown(host=name) for name in names}
        self.assertEqual(len(serials), 2)
        self.assertEqual(len(self.events("acme_account")), 1)

    def test_it_is_renewed_and_sessions_go_on(self):
        self.run_pebble(validity_seconds=30, PEBBLE_AUTHZREUSE="100")
        self.run_with_acme()
        first = self.await_shown()
        with smtplib.SMTP("127.0.0.1", self.daemon.port, timeout=60) as client:
            client.ehlo()
            client.starttls()
            self.await_event("acme_certificate", 2, seconds=60)
            second = self.await_shown(first)
            self.assertEqual(client.noop()[0], 250)  # it began under the first
        self.assertNotEqual(first, second)
        renewals = self.events("acme_certificate")
        self.assertGreater(renewals[1]["not_after"], renewals[0]["not_after"])
        # Not before two thirds of the lifetime; its times are of whole seconds.
        issued = harness_time(renewals[0]["not_after"]) - 30
        self.assertGreater(harness_time(renewals[1]["time"]) - issued, 18)

    def test_a_restart_asks_nobody(self):
        self.run_pebble()
        self.run_with_acme()
        serial = self.await_shown()
        root = self.pebble.root()
        self.pebble.stop()
        self.daemon.stop()
        output = self.daemon.folder / "daemon.out"
        output.unlink()
        self.daemon.start()
        self.assertEqual(self.shown(authority=root), serial)
        time.sleep(1)
        for event in ("acme_account", "acme_challenge", "acme_certificate", "acme_failed", "acme_stand_in"):
            self.assertEqual(self.events(event), [], event)
        self.assertIsNotNone(self.name_status()["not_after"])
        store = self.daemon.store / "control.store"
        self.assertEqual(store.stat().st_mode & 0o777, 0o700)
        self.assertEqual((store / "store.key").stat().st_mode & 0o777, 0o600)

    def test_a_server_that_forgot_us_is_told_again(self):
        self.run_pebble(validity_seconds=30)
        self.run_with_acme()
        first = self.await_shown()
        self.pebble.restart()
        self.await_event("acme_certificate", 2, seconds=60)
        self.assertEqual(len(self.events("acme_account")), 2)
        self.await_shown(first)

    def test_a_name_more_by_reload(self):
        self.run_pebble()
        self.run_with_acme()
        first = self.await_shown()
        self.daemon.write_config(self.sink.port, extra=self.extra(names=(HOST, "new.example.com")))
        self.daemon.ctl("reload")
        self.assertNotEqual(self.await_shown(host="new.example.com"), first)
        self.assertEqual(self.await_shown(), first)
        self.assertEqual(len(self.events("acme_certificate")), 2)

    def test_what_is_not_validated_is_refused(self):
        self.run_pebble()
        self.run_with_acme()
        self.await_shown()
        done = run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.smtps}", "-servername", HOST, "-alpn",
                    "acme-tls/1"], input="")
        self.assertNotIn("ALPN protocol: acme-tls/1", done.stdout)
        self.assertRegex(done.stdout + done.stderr, "alert|handshake failure")


class Failures(AcmeCase):
    def fails(self, pattern, **options):
        """The first failure that is said, everywhere, and that mail is taken nevertheless."""
        self.run_with_acme(**options)
        failed = self.await_event("acme_failed")[0]
        self.assertRegex(failed["words"], pattern)
        self.assertEqual(failed["failures"], 1)
        status = self.name_status()
        self.assertEqual(status["last_failure"], failed["words"])
        self.assertIsNone(status["not_after"])
        self.assertGreater(harness_time(status["next_try"]) - harness_time(failed["time"]), 59)
        text = re.sub(r"\s+", " ", self.daemon.ctl("status", as_json=False))
        self.assertIn(f"no certificate for {HOST} after 1 try: ", text)
        sent = run(["swaks", "--server", f"127.0.0.1:{self.daemon.port}", "--tls", "--to", "you@example.net", "--from",
                    "me@example.com"])
        self.assertEqual(sent.returncode, 0, sent.stdout)
        self.assertEqual(self.daemon.counter("acme_attempts_failed_total"), 1)
        return failed

    def test_a_name_that_does_not_resolve_and_then_does(self):
        self.run_pebble()
        self.pebble.tell_names("set-servfail", host=HOST)
        self.fails("did not find that this host has the name: .*resolve")
        # A reload is a wish to see it tried again.
        self.pebble.tell_names("clear-servfail", host=HOST)
        self.daemon.ctl("reload")
        self.await_event("acme_certificate")
        self.await_shown()
        self.assertEqual(self.name_status()["failures"], 0)

    def test_a_server_that_is_away(self):
        self.fails("connecting to localhost:1: Connection refused", directory="https://localhost:1/dir")

    def test_a_server_nobody_vouches_for(self):
        self.run_pebble()
        other = tls_files.Authority(self.folder / "other")
        self.fails("TLS with localhost.*certificate verify failed", authorities=other.path)

    def test_a_server_that_is_none(self):
        web = subprocess.Popen(["openssl", "s_server", "-accept", str(port := harness.free_port()), "-www", "-cert",
                                *map(str, flags(self.authority.issue("www", ["localhost"])))],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        self.addCleanup(web.wait)
        self.addCleanup(web.kill)
        wait_until(lambda: harness.listening(port), 20, "s_server listens")
        self.fails("directory is not a JSON object|reading the answer", directory=f"https://localhost:{port}/dir")

    def test_a_directory_that_is_not_there(self):
        self.run_pebble()
        self.fails("the server answered 404", directory=self.pebble.directory + "ectory")


def flags(files):
    chain, key = files
    return [chain, "-key", key]


def harness_time(text):
    """Seconds of RFC 3339."""
    import datetime
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Http01(AcmeCase):
    challenge = "http-01"

    def http_listener(self):
        return f'[[listener]]\naddress = "127.0.0.1:{self.http}"\ntls = "none"\nprotocol = "auto"\n'

    def test_a_certificate_comes(self):
        self.run_pebble()
        self.run_with_acme()
        (issued,) = self.await_event("acme_certificate")
        self.assertEqual([event["challenge"] for event in self.events("acme_challenge")], ["http-01"])
        self.await_shown()
        self.assertEqual(self.daemon.counter("acme_tls_alpn_challenges_shown_total"), 0)


if __name__ == "__main__":
    import unittest
    unittest.main()
