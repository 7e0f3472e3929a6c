"""Return paths: what leaves under a customer's own name comes back to who sent it, and nothing else does."""

import contextlib
import json
import pathlib
import re
import smtplib
import subprocess
import time
import unittest

import dns.resolver
import spf

import harness
from harness import free_port, run
from sender_domains import CUSTOMER, FROM, SenderDomainCase

HERE = pathlib.Path(__file__).parent
TOKEN = "[a-z2-7]{48}"
BOUNCE = "From: MAILER-DAEMON@mx.example.net\r\nSubject: Undelivered\r\n\r\nit could not be delivered\r\n"
COMPLAINT = """From: feedback@mx.example.net\r
Subject: a complaint\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=feedback-report; boundary=b\r
\r
--b\r
Content-Type: message/feedback-report\r
\r
Feedback-Type: abuse\r
User-Agent: loop/1\r
Version: 1\r
Original-Rcpt-To: <c@example.net>\r
\r
--b--\r
"""
AWAY = "From: c@example.net\r\nAuto-Submitted: auto-replied\r\nSubject: away\r\n\r\n550 5.1.1 I am away\r\n"
GOLDEN = HERE.parent / "golden/bounces"  # by MTAs: tests/bounces
STRANGER = "127.0.0.2"
BOUNCES_MAX = 100  # limits::kBouncesOfMessageMax


class ReturnPathCase(SenderDomainCase):
    """Anybody may bring bounces, and only 127.0.0.1 may send."""
    LISTENER_EXTRA = "bounces = true"
    REGION_EXTRA = 'spf = "v=spf1 ip4:127.0.0.1 -all"'
    CUSTOMER_RECORDS = ['_dmarc 1 IN TXT "v=DMARC1; p=reject; adkim=s"']
    SENDERS = "127.0.0.1"

    def return_name(self):
        return next(record["owner"] for record in self.domain["publish"] if "_domainkey" not in record["owner"])

    def delivered(self, *options):
        """A message on its way; (its return path, the message) as the sink got them."""
        before = len(self.sink.messages)
        done = self.send(*options)
        self.assertEqual(done.returncode, 0, done.stdout)
        message = self.sink.wait(before + 1)[before]
        harness.wait_until(lambda: self.daemon.queued() == 0, 20, "it is over")
        return message["from"], message

    def stranger(self):
        peer = smtplib.SMTP("127.0.0.1", self.daemon.port, source_address=(STRANGER, 0), timeout=30)
        self.addCleanup(peer.close)
        peer.ehlo("mx.example.net")
        return peer

    def bring(self, to, sender="", text=BOUNCE):
        """A bounce from elsewhere: {recipient: what was said} of those refused."""
        peer = self.stranger()
        try:
            return peer.sendmail(sender, to, text)
        except smtplib.SMTPRecipientsRefused as refused:
            return refused.recipients
        finally:
            peer.close()

    def events(self, name, count):
        """Those of the log, once there are so many: a thread of its own writes it."""
        def logged():
            return [line for line in self.daemon.log() if line["event"] == name]
        harness.wait_until(lambda: len(logged()) >= count, 20, name)
        return logged()

    def counted(self):
        """Hard bounces and complaints of who sends."""
        shown = self.daemon.ctl("credential", "show", self.SENDERS, "--kind", "network")
        day = shown["use"]["last_24_hours"]
        return day["hard_bounces"], day["complaints"]

    def refused(self, to, code, words, **options):
        said = self.bring([to], **options)
        self.assertEqual(said[to][0], code, said)
        self.assertRegex(said[to][1].decode(), words)


class ReturnPaths(ReturnPathCase):
    def setUp(self):
        super().setUp()
        self.verify_domain()

    def test_it_is_under_the_customers_own_name_and_brings_the_bounce_to_the_sender(self):
        path, _ = self.delivered()
        self.assertRegex(path, f"^{TOKEN}@{re.escape(self.return_name())}$")
        # Another message, another path; after a restart, in capitals, from a sender that is not null: it is taken.
        other, _ = self.delivered()
        self.assertNotEqual(path, other)
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(self.bring([path.upper()], sender="postmaster@mx.example.net"), {})
        bounce = self.sink.wait(3)[2]
        self.assertEqual((bounce["from"], bounce["to"]), ("", [FROM]))
        self.assertIn(b"it could not be delivered", bounce["content"])

    def test_of_a_message_that_is_still_queued(self):
        self.sink.answer = lambda part, value: "451 4.2.0 later" if value == "slow@example.org" else None
        path = self.delivered_to_one_of_two()
        self.assertEqual(self.bring([path]), {})
        self.assertEqual(self.sink.wait(2)[1]["to"], [FROM])

    def delivered_to_one_of_two(self):
        done = self.send("--to", "b@example.net,slow@example.org")
        self.assertEqual(done.returncode, 0, done.stdout)
        path = self.sink.wait(1)[0]["from"]
        self.assertEqual(self.daemon.queued(), 1)
        return path

    def test_what_is_no_return_path_of_ours_is_refused(self):
        path, _ = self.delivered()
        local, name = path.split("@")
        forged = ("b" if local[-1] == "a" else "a")
        self.refused(f"{local[:-1]}{forged}@{name}", 550, "5.1.1 No such return path")
        self.refused(f"postmaster@{name}", 550, "5.1.1 No such return path")
        self.refused(f"{local}@other.{CUSTOMER}", 550, "5.7.1 127.0.0.2 may not send mail")
        self.refused("b@example.net", 550, "5.7.1 127.0.0.2 may not send mail", sender=FROM)
        # Behind one that is taken, and in front of one.
        said = self.bring([path, "b@example.net"])
        self.assertEqual((list(said), said["b@example.net"][0]), (["b@example.net"], 550))
        own = smtplib.SMTP("127.0.0.1", self.daemon.port, timeout=30)
        said = own.sendmail(FROM, ["b@example.net", path], f"From: {FROM}\r\n\r\nhello\r\n")
        self.assertEqual((list(said), said[path][0]), ([path], 452))
        own.close()
        self.assertEqual([one["to"] for one in self.sink.wait(3)[1:]], [[FROM], ["b@example.net"]])

    def test_what_comes_back_is_read_and_counts_once_for_whom_it_was_sent_to(self):
        path, _ = self.delivered()
        dsn = GOLDEN / "postfix/01-no-such-user.eml"
        text = dsn.read_text().replace("bob@r01.example.net", "b@example.net")
        for _ in range(3):
            self.assertEqual(self.bring([path], text=text), {})
        self.sink.wait(4)
        # Of somebody else nothing counts, and a complaint does.
        path, _ = self.delivered("--to", "d@example.net,c@example.net")  # b is suppressed by now
        self.assertEqual(self.bring([path], text=text.replace("b@example.net", "victim@example.net")), {})
        self.assertEqual(self.bring([path], text=COMPLAINT), {})
        self.assertEqual(self.bring([path], text=AWAY), {})
        harness.wait_until(lambda: self.counted() == (1, 1), 20, "both are counted")
        self.assertEqual([(one["to"], one["known"], one["class"]) for one in self.events("bounce_received", 4)],
                         [("b@example.net", True, "hard")] * 3 + [("victim@example.net", False, "hard")])
        self.assertEqual([(one["to"], one["known"], one["type"]) for one in self.events("complaint_received", 1)],
                         [("c@example.net", True, "abuse")])
        # All of it went on to the sender.
        self.assertEqual([one["to"] for one in self.sink.wait(8)].count([FROM]), 6)

    def test_the_rules_are_those_of_the_file_after_a_reload(self):
        rules = self.folder / "classes.toml"
        rules.write_text('[[rule]]\nclass = "content"\nstatus = "5.1.1"\n')
        config = self.daemon.config_path.read_text()
        self.daemon.config_path.write_text(config + f'[bounces]\nclasses = "{rules}"\n')
        self.daemon.ctl("reload")
        path, _ = self.delivered()
        text = (GOLDEN / "postfix/01-no-such-user.eml").read_text()
        self.assertEqual(self.bring([path], text=text), {})
        self.sink.wait(2)
        self.assertEqual([(one["class"], one["rule"]) for one in self.events("bounce_received", 1)],
                         [("content", 1)])
        self.assertEqual(self.counted(), (0, 0))
        rules.write_text('[[rule]]\nclass = "hart"\ncode = "4xx"\n')
        said = run([harness.BIN / "ringpost", "--socket", self.daemon.socket_path, "reload"]).stderr
        self.assertIn(f"bounces.classes: {rules}:2:9: rule.class: expects hard", said)

    def test_nothing_is_signed_for_who_only_brings_bounces(self):
        path, message = self.delivered()
        self.assertIn(b"DKIM-Signature:", message["content"])
        self.assertEqual(self.bring([path], sender=FROM, text=f"From: {FROM}\r\nSubject: pay\r\n\r\nme\r\n"), {})
        bounce = self.sink.wait(2)[1]
        self.assertEqual(bounce["from"], "")
        self.assertNotIn(b"DKIM-Signature:", bounce["content"])

    def test_who_wanted_no_notifications_gets_none(self):
        peer = smtplib.SMTP("127.0.0.1", self.daemon.port, timeout=30)
        peer.sendmail(FROM, ["b@example.net"], f"From: {FROM}\r\n\r\nhello\r\n", rcpt_options=["NOTIFY=NEVER"])
        peer.close()
        path = self.sink.wait(1)[0]["from"]
        self.refused(path, 550, "5.7.1 .*NOTIFY=NEVER")

    def test_in_bulk_it_is_held_back(self):
        path, _ = self.delivered()
        codes = []
        for number in range(BOUNCES_MAX + 3):
            if number % 10 == 0:
                peer = self.stranger()
            peer.mail("")
            codes.append(peer.rcpt(path))
            peer.rset()
        self.assertEqual([code for code, _ in codes], [250] * BOUNCES_MAX + [450] * 3)
        self.assertRegex(codes[-1][1].decode(), "4.7.1 Too many bounces of one message. Try again in [0-9]+ minutes")
        other, _ = self.delivered()
        self.assertEqual(self.bring([other]), {})

    def test_without_a_listener_for_them_mail_keeps_its_sender(self):
        config = self.daemon.config_path.read_text()
        self.daemon.config_path.write_text(config.replace("bounces = true", ""))
        self.daemon.ctl("reload")
        path, _ = self.delivered()
        self.assertEqual(path, FROM)


class FarEnd(ReturnPathCase):
    """What who gets the mail finds, by the DNS alone."""

    def lookup(self, name, kind, strict=True, timeout=20):
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], self.knot.port
        nothing = (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN, dns.resolver.NoNameservers)
        target = name
        with contextlib.suppress(*nothing):
            target = resolver.resolve(name, "CNAME")[0].target
        with contextlib.suppress(*nothing):
            return [((name, kind), list(one.strings) if kind == "TXT" else one.to_text())
                    for one in resolver.resolve(target, kind)]
        return []

    def mailauth(self, address, path, content):
        done = subprocess.run(["node", HERE / "authenticate_with_mailauth.js", self.knot.server, address,
                               "gw.example.com", path], input=content, capture_output=True,
                              timeout=60 * harness.PATIENCE, cwd=HERE)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return json.loads(done.stdout)

    def test_spf_dkim_and_dmarc_pass_and_are_aligned(self):
        self.verify_domain()
        path, message = self.delivered()
        spf.DNSLookup = self.lookup
        self.assertEqual(spf.check2("127.0.0.1", path, "gw.example.com")[0], "pass")
        self.assertEqual(spf.check2("192.0.2.99", path, "gw.example.com")[0], "fail")
        said = self.mailauth("127.0.0.1", path, message["content"])
        self.assertEqual(said, {"spf": "pass", "spfDomain": self.return_name(), "dkim": ["pass"], "dmarc": "pass",
                                "spfAligned": self.return_name(), "dkimAligned": CUSTOMER})
        # Each carries DMARC alone: from another host's address, and with the body changed.
        said = self.mailauth("192.0.2.99", path, message["content"])
        self.assertEqual((said["spf"], said["dmarc"]), ("fail", "pass"))
        said = self.mailauth("127.0.0.1", path, message["content"] + b"more\r\n")
        self.assertEqual((said["dkim"], said["dmarc"]), (["neutral"], "pass"))
        said = self.mailauth("192.0.2.99", path, message["content"] + b"more\r\n")
        self.assertEqual(said["dmarc"], "fail")


class PostfixBounces(ReturnPathCase):
    """The next hop is a Postfix that takes the mail, and then cannot deliver it."""

    def next_hop(self):
        self.postfix_port = free_port()
        return self.postfix_port

    def routes(self):
        return f'[[route]]\ndomain = "{CUSTOMER}"\nrelay = "127.0.0.1:{self.sink.port}"\n'

    def test_a_bounce_comes_back_to_the_sender_once(self):
        nowhere = self.run_sink(lambda part, value: "550 5.1.1 no such user" if part == "RCPT" else None)
        postfix = harness.Postfix(self.folder / "pf", f"""
mydestination =
relay_domains = example.net
smtp_bind_address = {STRANGER}
transport_maps = inline:{{ {{ example.net = smtp:[127.0.0.1]:{nowhere.port} }},
    {{ .{CUSTOMER} = smtp:[127.0.0.1]:{self.daemon.port} }} }}
""", self.postfix_port)
        self.addCleanup(postfix.stop)
        postfix.start()
        self.verify_domain()
        peer = smtplib.SMTP("127.0.0.1", self.daemon.port, timeout=30)
        peer.sendmail(FROM, ["b@example.net"], f"From: {FROM}\r\nSubject: hello\r\n\r\nhello\r\n",
                      mail_options=["ENVID=order-4711", "RET=HDRS"])
        peer.close()
        bounce = self.sink.wait(1)[0]
        self.assertEqual((bounce["from"], bounce["to"]), ("", [FROM]))
        self.assertIn(b"no such user", bounce["content"])
        self.assertIn(b"Original-Envelope-Id: order-4711", bounce["content"])
        log = postfix.log_path.read_text()
        self.assertRegex(log, f"from=<{TOKEN}@{re.escape(self.return_name())}>")
        harness.wait_until(lambda: self.daemon.queued() == 0, 20, "nothing is left")
        time.sleep(2)
        self.assertEqual(len(self.sink.messages), 1)
        self.assertEqual(run(["postqueue", "-c", postfix.conf, "-p"]).stdout.strip(), "Mail queue is empty")
        said = self.events("bounce_received", 1)
        self.assertEqual([(one["kind"], one["to"], one["known"], one["action"], one["class"], one["status"])
                          for one in said], [("dsn", "b@example.net", True, "failed", "hard", "5.1.1")])
        self.assertRegex(said[0]["reply"], "^550 5.1.1 no such user")
        self.assertEqual(self.counted(), (1, 0))


if __name__ == "__main__":
    unittest.main()
