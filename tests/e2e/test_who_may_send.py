"""Who may send, by real clients: a password, an address of the client's, a sender's name; as whom, and to whom. Each that
is refused is told why, and the message does not come out."""

import base64
import math
import re
import socket
import subprocess
import time
import unittest

import harness
import test_tls
from harness import run

PASSWORD = "correct horse battery 7"
FROM = "a@customer.example"


class AccountsCase(test_tls.TlsCase):
    """A gateway with an account that is verified for a domain. The first listener takes passwords under TLS; `clear` is an old device's: no TLS, by network and by address, and
    `loud` takes passwords in clear."""

    def setUp(self):
        super().setUp()
        self.daemon.stop()
        self.clear, self.loud = harness.free_port(), harness.free_port()
        more = "".join(f'[[listener]]\naddress = "127.0.0.1:{port}"\nregion = "local"\ntls = "none"\n{keys}\n'
                       for port, keys in ((self.clear, 'authentication = ["network", "address"]'),
                                          (self.loud, "auth_in_clear = true")))
        self.daemon = self.run_daemon(self.sink.port, extra=self.extra() + more, trust=False)
        self.tool("account", "add", "acme")
        self.tool("sender", "add", "customer.example", "--account", "acme", "--state", "verified")

    def tool(self, *words, given=""):
        done = subprocess.run([harness.BIN / "ringpost", "--socket", self.daemon.socket_path, *words], input=given,
                              capture_output=True, text=True, timeout=60 * harness.PATIENCE)
        self.assertEqual(done.returncode, 0, (words, done.stdout, done.stderr))
        return done.stdout

    def user(self, name="app", *options):
        self.tool("credential", "add", name, "--account", "acme", "--password-stdin", *options, given=PASSWORD + "\n")

    def swaks(self, port, *options, sender=FROM, to="b@example.net", header=None):
        return run(["swaks", "--server", f"127.0.0.1:{port}", "--from", sender, "--to", to, "--header",
                    f"From: {header or sender}", *options])

    def login(self, mechanism="PLAIN", user="app", password=PASSWORD, tls="--tls"):
        return [*([tls] if tls else []), "--auth", mechanism, "--auth-user", user, "--auth-password", password]

    def taken(self, done):
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return self.sink.wait(1)[-1]

    def refused(self, done, words):
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout + done.stderr, words)
        self.assertEqual(len(self.sink.messages), 0)


class WhoMaySend(AccountsCase):
    # --- Passwords

    def test_swaks_with_plain_and_login(self):
        self.user()
        for count, mechanism in enumerate(("PLAIN", "LOGIN"), 1):
            done = self.swaks(self.daemon.port, *self.login(mechanism))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            message = self.sink.wait(count)[-1]
            self.assertRegex(test_tls.parse(message)["Received"], r"with ESMTPSA ")
        log = self.daemon.log()
        self.assertEqual([(one["account"], one["login"]) for one in log if one["event"] == "accepted"],
                         [("acme", "app")] * 2)

    def test_msmtp_with_scram(self):
        self.user()
        done = run(["msmtp", "--host=localhost", f"--port={self.daemon.port}", "--tls=on", "--tls-starttls=on",
                    f"--tls-trust-file={self.authority.path}", "--auth=scram-sha-256", "--user=app",
                    f"--passwordeval=echo {PASSWORD}", f"--from={FROM}", "b@example.net"],
                   input=f"From: {FROM}\nSubject: by msmtp\n\nhello\n")
        self.taken(done)

    def test_wrong_passwords_and_unknown_users_are_told_the_same(self):
        self.user()
        said = []
        for user, password in (("app", "wrong"), ("nobody", PASSWORD)):
            done = self.swaks(self.daemon.port, *self.login(user=user, password=password))
            self.refused(done, r"535[ -]5\.7\.8")
            said.append(re.findall(r"<\S+ +(535.*)", done.stdout))
        self.assertEqual(said[0], said[1])

    def test_without_a_password_nothing_is_taken(self):
        self.refused(self.swaks(self.daemon.port, "--tls"), r"530 5\.7\.0 Authentication required")

    def test_passwords_are_for_tls_unless_the_listener_says_otherwise(self):
        self.user()
        done = self.swaks(self.clear, *self.login(tls=None))
        self.refused(done, "Host did not advertise authentication")
        self.assertNotIn("250-AUTH", self.swaks(self.daemon.port).stdout)
        self.taken(self.swaks(self.loud, *self.login(tls=None)))

    def test_a_user_may_be_bound_to_networks(self):
        self.user("app", "--networks", "192.0.2.0/24")
        self.refused(self.swaks(self.daemon.port, *self.login()), r"5\.7\.1 .*127\.0\.0\.1")

    def test_an_audit_copy_is_one_more_recipient_that_nobody_sees(self):
        self.user("app", "--audit-copy", "audit@acme.example")
        message = self.taken(self.swaks(self.daemon.port, *self.login()))
        self.assertEqual(message["to"], ["b@example.net", "audit@acme.example"])  # one next hop, one transaction
        self.assertNotIn(b"audit@", message["content"])

    def test_bounces_go_where_the_credential_says(self):
        self.user("app", "--bounces-to", "bounces@acme.example", "--audit-copy", "bad@acme.example")
        bad = ("bad@example.net", "bad@acme.example")
        self.sink.answer = lambda part, value: "550 5.1.1 no such user" if value in bad else None
        done = self.swaks(self.daemon.port, *self.login(), to="bad@example.net")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        report = self.sink.wait(1)[0]
        self.assertEqual((report["from"], report["to"]), ("", ["bounces@acme.example"]))
        self.assertIn(b"bad@example.net", report["content"])
        # Of the copy nobody hears.
        harness.wait_until(lambda: self.daemon.queued() == 0, 20, "it is over")
        self.assertEqual(len(self.sink.messages), 1)
        self.assertNotIn(b"bad@acme.example", report["content"])

    def test_a_blocked_credential_is_told_so_and_an_open_session_too(self):
        self.user()
        self.tool("credential", "block", "app")
        self.refused(self.swaks(self.daemon.port, *self.login()), r"blocked")
        self.tool("credential", "allow", "app")
        self.taken(self.swaks(self.daemon.port, *self.login()))

    def test_a_changed_password_counts_at_once(self):
        self.user()
        self.taken(self.swaks(self.daemon.port, *self.login()))
        self.tool("credential", "password", "app", "--password-stdin", given="another long one 8\n")
        done = self.swaks(self.daemon.port, *self.login())
        self.assertRegex(done.stdout, r"535 5\.7\.8")
        done = self.swaks(self.daemon.port, *self.login(password="another long one 8"))
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_ten_thousand_guesses_are_held_to_the_limit(self):
        """One who guesses at one name from one address: what is looked at is bounded, whatever he sends, and the owner, who
        logged in from there before, is not locked out for longer than a guesser's wait."""
        self.user()
        self.assertEqual(self.swaks(self.loud, *self.login(tls=None)).returncode, 0)
        before = self.daemon.counter("password_iterations_total")
        looked_at = too_soon = 0
        began = time.monotonic()
        while looked_at + too_soon < 10_000:
            with socket.create_connection(("127.0.0.1", self.loud), timeout=30 * harness.PATIENCE) as client:
                replies = client.makefile("rb")
                client.sendall(b"EHLO guesser.example\r\n")
                replies.readline()  # the greeting
                while replies.readline()[3:4] != b" ":
                    pass
                while True:
                    guess = base64.b64encode(b"\0app\0guess %d of many" % (looked_at + too_soon)).decode()
                    client.sendall(f"AUTH PLAIN {guess}\r\n".encode())
                    reply = replies.readline()
                    if not reply or reply.startswith(b"421"):
                        break
                    looked_at += reply.startswith(b"535")
                    too_soon += reply.startswith(b"454")
                    self.assertIn(reply[:3], (b"535", b"454"), reply)
        seconds = time.monotonic() - began
        # Free ones of each shard, and then a wait that doubles from 2 seconds on: in so many seconds no more than these.
        most = 2 * (5 + math.log2(seconds / 2 + 2) + 1)
        self.assertLessEqual(looked_at, most, f"in {seconds} s")
        self.assertGreaterEqual(looked_at, 5)
        self.assertEqual(self.daemon.counter("smtp_auth_too_soon_total"), too_soon)
        spent = self.daemon.counter("password_iterations_total") - before
        self.assertEqual(spent, looked_at * 100_000)

    # --- Where a client is, and what it says it is

    def test_an_old_device_sends_in_clear_by_its_address(self):
        self.refused(self.swaks(self.clear), r"550 5\.7\.1 127\.0\.0\.1 may not send")
        self.tool("credential", "add", "127.0.0.0/8", "--kind", "network", "--account", "acme")
        self.taken(self.swaks(self.clear))

    def test_an_old_device_sends_in_clear_by_its_name(self):
        self.tool("credential", "add", "scan@customer.example", "--kind", "address", "--account", "acme")
        self.refused(self.swaks(self.clear, sender="other@customer.example"), r"550 5\.7\.1 127\.0\.0\.1 may not send")
        self.refused(self.swaks(self.clear, sender="scan@customer.example", header="boss@customer.example"),
                     r"550 5\.7\.1 <boss@customer\.example> in the From field is not among")
        # Where a listener does not take that, the name is worth nothing.
        self.refused(self.swaks(self.loud, sender="scan@customer.example"), r"530 5\.7\.0")
        self.taken(self.swaks(self.clear, sender="scan@customer.example"))

    def test_root_at_a_printer_is_written_anew(self):
        self.tool("credential", "add", "127.0.0.0/8", "--kind", "network", "--account", "acme", "--default-domain",
                  "customer.example")
        message = self.taken(self.swaks(self.clear, sender="root@printer", header="Printer <root>"))
        self.assertEqual(message["from"], "root@customer.example")
        self.assertEqual(test_tls.parse(message)["From"], "Printer <root@customer.example>")

    def test_root_without_a_domain_of_its_own_is_refused(self):
        self.tool("credential", "add", "127.0.0.0/8", "--kind", "network", "--account", "acme")
        self.refused(self.swaks(self.clear, sender="root@printer"), r"550 5\.7\.1 <root@printer>.*no verified sender")
        self.refused(self.swaks(self.clear, sender="root"), r"550 5\.1\.7 <root>.*no domain")

    def test_a_forced_sender(self):
        self.user("app", "--forced-from", "it@customer.example", "--forced-reverse-path", "it@customer.example")
        message = self.taken(self.swaks(self.daemon.port, *self.login(), sender="x@anywhere.example",
                                        header="Somebody <x@anywhere.example>"))
        self.assertEqual(message["from"], "it@customer.example")
        self.assertEqual(test_tls.parse(message)["From"], "Somebody <it@customer.example>")

    # --- As whom

    def test_senders_must_be_verified(self):
        self.user()
        self.refused(self.swaks(self.daemon.port, *self.login(), sender="a@other.example"),
                     r"550 5\.7\.1 <a@other\.example> in the reverse-path is no verified sender")
        self.refused(self.swaks(self.daemon.port, *self.login(), header="a@other.example"),
                     r"550 5\.7\.1 <a@other\.example> in the From field is no verified sender")
        self.refused(self.swaks(self.daemon.port, *self.login(), header="a@sub.customer.example"),
                     r"no verified sender")

    def test_a_from_field_that_can_be_read_in_two_ways_is_refused(self):
        self.user()
        for header in (f"{FROM}\nFrom: boss@bank.example", f"boss@bank.example <{FROM}>", f"{FROM}, boss@bank.example",
                       f"Group: {FROM}, boss@bank.example;", "=?utf-8?q?boss=40bank=2Eexample?=", ""):
            self.refused(self.swaks(self.daemon.port, *self.login(), header=header or "\t"), r"550 5\.7\.1 ")

    def test_nobody_behind_us_finds_another_from_field(self):
        """Where the header section ends, it ends for all who read the message after us."""
        self.user()
        for line in ("garbage", "x" * 990 + "\nX: y" + " " * 20, "From" + " " * 985 + ": boss@bank.example"):
            text = f"From: {FROM}\nSubject: x\n{line}\nFrom: boss@bank.example\n\nhello\n"
            count = len(self.sink.messages)
            done = run(["swaks", "--server", f"127.0.0.1:{self.daemon.port}", "--from", FROM, "--to", "b@example.net",
                        "--data", text.replace("\n", "\\n"), *self.login()])
            if done.returncode:
                self.assertRegex(done.stdout, r"5\d\d 5\.\d\.\d ")
                continue
            message = test_tls.parse(self.sink.wait(count + 1)[-1])
            self.assertEqual(message.get_all("From"), [FROM])
            self.assertIn(b"\r\n\r\n" + line[:7].encode(), self.sink.messages[-1]["content"])
        fields = "".join(f"X-{number}: {'y' * 900}\n" for number in range(300))
        path = self.folder / "long.eml"
        path.write_text(f"From: {FROM}\n{fields}From: boss@bank.example\n\nhello\n")
        count = len(self.sink.messages)
        done = run(["swaks", "--server", f"127.0.0.1:{self.daemon.port}", "--from", FROM, "--to", "b@example.net",
                    "--data", f"@{path}", *self.login()])
        self.assertRegex(done.stdout, r"550 5\.7\.1 .*header section is longer")
        self.assertEqual(len(self.sink.messages), count)

    def test_a_bounce_is_judged_by_its_from_field(self):
        self.user()
        self.refused(self.swaks(self.daemon.port, *self.login(), sender="<>", header="x@other.example"),
                     r"in the From field is no verified sender")
        self.taken(self.swaks(self.daemon.port, *self.login(), sender="<>", header=FROM))

    def test_restrict_lists_of_credential_and_account(self):
        self.user("app", "--block-sender", "boss@customer.example", "--allow-recipient", "example.net")
        self.tool("account", "set", "acme", "--block-recipient", "never@example.net")
        send = lambda **more: self.swaks(self.daemon.port, *self.login(), **more)
        self.refused(send(sender="BOSS@Customer.Example"), r"550 5\.7\.1 .*this credential's list of senders")
        self.refused(send(header="Boss <boss@customer.example>"), r"this credential's list of senders")
        self.refused(send(to="x@elsewhere.example"), r"550 5\.7\.1 .*this credential's list of recipients")
        self.refused(send(to="never@example.net"), r"550 5\.7\.1 .*the account's list of recipients")
        self.taken(send())

    def test_rates(self):
        self.user("app", "--rate", "2/3600")
        for count in (1, 2):
            self.assertEqual(self.swaks(self.daemon.port, *self.login()).returncode, 0)
        done = self.swaks(self.daemon.port, *self.login())
        self.assertRegex(done.stdout, r"450 4\.7\.1 .*rate limit.*Try again in \d+ seconds")
        self.assertEqual(self.daemon.counter("commands_rate_limited_total"), 1)

    def test_the_sandbox_takes_and_delivers_nothing_also_after_a_restart(self):
        self.user()
        self.tool("credential", "sandbox", "app")
        done = self.swaks(self.daemon.port, *self.login())
        self.assertEqual(done.returncode, 0, done.stdout)
        harness.wait_until(lambda: any(one["event"] == "sandboxed" for one in self.daemon.log()), 20, "the sandbox")
        harness.wait_until(lambda: self.daemon.queued() == 0, 20, "the end of it")
        self.tool("credential", "allow", "app")
        self.taken(self.swaks(self.daemon.port, *self.login()))

    def test_what_was_set_is_there_after_a_restart(self):
        self.user()
        self.daemon.stop()
        self.daemon.start()
        self.taken(self.swaks(self.daemon.port, *self.login()))


if __name__ == "__main__":
    unittest.main()
