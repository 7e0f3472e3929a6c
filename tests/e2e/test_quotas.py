"""How much may be sent, by real clients: quotas, a listener's rate, ramps, the brake; also over restarts."""

import datetime
import smtplib
import time
import unittest

import harness
import test_who_may_send

FROM, PASSWORD = test_who_may_send.FROM, test_who_may_send.PASSWORD
# Behind it what is counted is in the control store.
SAVED_SECONDS = 11


class LimitsCase(test_who_may_send.AccountsCase):
    def setUp(self):
        # Days are the calendar's: none may end within a test.
        left = 86400 - time.time() % 86400
        if left < 90:
            time.sleep(left)
        super().setUp()

    def session(self, port=None):
        client = smtplib.SMTP("127.0.0.1", port or self.loud, timeout=30 * harness.PATIENCE)
        self.addCleanup(client.close)
        client.login("app", PASSWORD)
        return client

    def send(self, count=1, to="b@example.net"):
        """A message to so many recipients, in one session; the recipients that were refused."""
        client = self.session()
        refused = client.sendmail(FROM, [f"{number}.{to}" for number in range(count)], f"From: {FROM}\r\n\r\nhello\r\n")
        client.quit()
        return refused

    def assert_full(self, words):
        """Not one recipient more, and in these words."""
        with self.assertRaises(smtplib.SMTPRecipientsRefused) as raised:
            self.send()
        code, text = next(iter(raised.exception.recipients.values()))
        self.assertEqual(code, 450)
        self.assertRegex(text.decode(), words)


class Quotas(LimitsCase):
    def test_swaks_is_told_for_each_recipient(self):
        self.user("app", "--daily-quota", "2")
        done = self.swaks(self.daemon.port, *self.login(), to="a@example.net,b@example.net,c@example.net")
        tomorrow = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
        self.assertRegex(done.stdout, r"450 4\.7\.1 The daily quota of this credential, 2 recipients, is used up. It begins "
                                      rf"anew on {tomorrow:%Y-%m-%d} at 00:00 UTC")
        self.assertEqual(self.sink.wait(1)[-1]["to"], ["a@example.net", "b@example.net"])
        self.assert_full(r"4\.7\.1 The daily quota of this credential, 2 recipients")
        self.assertEqual(self.daemon.counter("recipients_over_quota_total"), 2)
        self.assertRegex(self.tool("credential", "show", "app"),
                         rf"(?s)Used:\n  today +2 of 2 recipients, begins anew {tomorrow:%Y-%m-%d} 00:00:00 UTC\n"
                         r"  last 24 hours +2 recipients, 0 bounced for good, 0 complained\n$")
        self.tool("credential", "set", "app", "--daily-quota", "3")
        self.assertEqual(self.send(), {})
        self.tool("credential", "set", "app", "--no-daily-quota", "--monthly-quota", "3")
        self.assert_full(r"4\.7\.1 The monthly quota of this credential, 3 recipients, is used up. It begins anew on "
                         r"\d{4}-\d\d-01 at 00:00 UTC")

    def test_what_is_not_accepted_is_given_back(self):
        self.user("app", "--daily-quota", "2")
        for end in ("rset", "close", "forged", "nul"):
            client = self.session()
            client.mail(FROM)
            self.assertEqual([client.rcpt("b@example.net")[0] for _ in range(3)], [250, 250, 450], end)
            if end == "rset":
                client.rset()
            elif end == "forged":
                self.assertEqual(client.data("From: a@other.example\r\n\r\nx\r\n")[0], 550)
            elif end == "nul":
                self.assertEqual(client.data(f"From: {FROM}\r\n\r\nx\0y\r\n")[0], 550)
            client.close()
            harness.wait_until(lambda: self.daemon.counter("connections_closed_total") ==
                               self.daemon.counter("connections_accepted_total"), 20, "the end of the session")
        self.assertEqual(self.send(2), {})
        self.assert_full("daily quota")

    def test_many_sessions_together_do_not_pass_it(self):
        self.user("app", "--daily-quota", "10")
        clients = [self.session() for _ in range(8)]
        codes = []
        for client in clients:
            client.mail(FROM)
        for _ in range(3):
            codes += [client.rcpt("b@example.net")[0] for client in clients]
        self.assertEqual(sorted(codes), [250] * 10 + [450] * 14)

    def test_quotas_and_rates_outlive_a_restart_and_a_kill(self):
        self.user("app", "--daily-quota", "4", "--rate", "3/86400")
        self.assertEqual(self.send(2), {})
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(self.send(1), {})
        time.sleep(SAVED_SECONDS)
        self.daemon.kill()
        self.daemon.start()
        client = self.session()
        client.mail(FROM)
        self.assertEqual([client.rcpt("b@example.net")[0] for _ in range(2)], [250, 450])
        client.close()
        with self.assertRaises(smtplib.SMTPSenderRefused) as raised:
            self.send()  # MAIL of the session before was the third
        self.assertRegex(raised.exception.smtp_error.decode(), "of this credential for its rate limit")

    def test_a_listeners_rate_is_for_all_who_come_by_it(self):
        self.user()
        self.daemon.stop()
        config = self.daemon.config_path.read_text()
        with_rate = config.replace(f'address = "127.0.0.1:{self.loud}"\n', f'address = "127.0.0.1:{self.loud}"\nrate = "2/1h"\n')
        self.daemon.config_path.write_text(with_rate)
        self.daemon.start()
        self.send()
        self.send(5)
        self.daemon.stop()
        self.daemon.start()
        with self.assertRaises(smtplib.SMTPSenderRefused) as raised:
            self.send()
        self.assertEqual(raised.exception.smtp_code, 450)
        self.assertRegex(raised.exception.smtp_error.decode(),
                         r"4\.7\.1 Too many messages by this listener for its rate limit. Try again in \d+ seconds")
        # The others have none, and a reload takes it away.
        self.assertEqual(self.swaks(self.daemon.port, *self.login()).returncode, 0)
        self.daemon.config_path.write_text(config)
        self.tool("reload")
        self.send()

    def test_a_new_account_ramps(self):
        self.user("app", "--daily-quota", "100")
        self.tool("account", "set", "acme", "--ramp", "3/14")
        self.assertRegex(self.tool("account", "show", "acme"),
                         r"ramp +3 recipients on the first day, doubled on each of 14 days, from 20\d\d-\d\d-\d\d on")
        self.assertEqual(list(self.send(5)), ["3.b@example.net", "4.b@example.net"])
        self.assert_full(r"4\.7\.1 This account is new: its limit of today, 3 recipients, is used up, and grows from day to "
                         r"day. The next begins on \d{4}-\d\d-\d\d at 00:00 UTC")
        self.tool("account", "set", "acme", "--no-ramp")
        self.assertEqual(self.send(), {})


class Brake(LimitsCase):
    MORE = "[brake]\nrecipients_min = 20\n"

    def extra(self):
        return super().extra() + self.MORE

    def setUp(self):
        super().setUp()
        self.sink.answer = lambda part, value: "550 5.1.1 nobody" if part == "RCPT" and "gone" in value else None
        self.user()

    def brake(self):
        """Eighteen good recipients and three that are gone."""
        self.assertEqual(self.send(18), {})
        self.assertEqual(self.send(3, "gone@example.net"), {})
        harness.wait_until(lambda: "blocked" in self.tool("credential", "list"), 20, "the brake")

    def test_too_many_bounces_block_a_credential_and_say_why(self):
        self.brake()
        why = r"3 hard bounces of 21 recipients in 24 hours \(14\.2 %; at most 10 %\)"
        self.assertRegex(self.tool("credential", "show", "app"), r"status +blocked\n(.*\n)*? +blocked because +" + why)
        self.assertRegex(self.tool("audit", "--limit", "1"), r"brake changed user app of account acme\n(.*\n)*.*" + why)
        self.assertRegex(self.daemon.console(), r'"event":"braked","account":"acme","credential":"app","words":"' + why)
        self.assertEqual(self.daemon.counter("credentials_braked_total"), 1)
        self.refused_login()
        # It is so after a restart too.
        self.daemon.stop()
        self.daemon.start()
        self.refused_login()

    def refused_login(self):
        done = self.swaks(self.daemon.port, *self.login())
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("blocked", done.stdout)

    def test_unblocked_it_begins_anew_also_after_a_kill(self):
        self.brake()
        time.sleep(SAVED_SECONDS)
        self.tool("credential", "allow", "app")
        self.assertNotIn("blocked", self.tool("credential", "show", "app"))
        time.sleep(2)
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.send(18), {})
        self.assertEqual(self.send(1, "gone@example.net"), {})
        time.sleep(3)
        self.assertEqual(self.send(1), {})
        self.assertEqual(self.send(2, "later.gone@example.net"), {})
        harness.wait_until(lambda: "blocked" in self.tool("credential", "list"), 20, "the brake")

    def test_exempt_accounts_and_too_few_recipients(self):
        self.assertEqual(self.send(10, "gone@example.net"), {})
        time.sleep(3)
        self.tool("account", "set", "acme", "--exempt")
        self.assertEqual(self.send(15, "gone@example.net"), {})
        time.sleep(3)
        self.assertEqual(self.send(), {})

    def test_a_reload_switches_it_on_and_off(self):
        config = self.daemon.config_path.read_text()
        self.daemon.config_path.write_text(config.replace("[brake]\n", "[brake]\nenabled = false\n"))
        self.tool("reload")
        self.assertEqual(self.send(18), {})
        self.assertEqual(self.send(3, "gone@example.net"), {})
        time.sleep(3)
        self.assertNotIn("blocked", self.tool("credential", "list"))
        self.daemon.config_path.write_text(config)
        self.tool("reload")
        harness.wait_until(lambda: "blocked" in self.tool("credential", "list"), 20, "the brake")


if __name__ == "__main__":
    unittest.main()
