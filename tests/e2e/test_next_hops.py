"""Real servers as next hops: Postfix, aiosmtpd, smtp-sink; and one that is down, slow or refuses."""

import email
import email.policy
import smtplib
import subprocess
import time
import unittest

import harness


def send(port, sender, recipients, content, **options):
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail(sender, recipients, content, **options)


class NextHops(harness.Case):
    def test_postfix_takes_all_and_keeps_the_content(self):
        sink = self.run_sink()
        postfix = self.run_postfix("hop", f"""
mydestination =
relayhost = [127.0.0.1]:{sink.port}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_forbid_bare_newline = yes
""")
        daemon = self.run_daemon(postfix.port)
        body = "Subject: through\r\n\r\n.\r\n..\r\n...x\r\nend\r\n"
        send(daemon.port, "a@example.com", [f"r{n}@example.net" for n in range(20)], body)
        harness.wait_until(lambda: sum(len(m["to"]) for m in sink.messages) == 20, 30, "20 recipients")
        for message in sink.messages:
            self.assertTrue(message["content"].endswith(b"\r\n\r\n.\r\n..\r\n...x\r\nend\r\n"))
        self.assertIn("nrcpt=20", postfix.log(), "20 recipients in one transaction")

    def test_smtp_sink(self):
        port = harness.free_port()
        dump = self.folder / "dump"
        dump.mkdir()
        sink = subprocess.Popen(["smtp-sink", "-u", "root", "-d", str(dump) + "/%Y.", "-c", f"127.0.0.1:{port}",
                                 "100"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(sink.wait)
        self.addCleanup(sink.kill)
        harness.wait_until(lambda: harness.listening(port), 10, "smtp-sink listens")
        daemon = self.run_daemon(port)
        for n in range(10):
            send(daemon.port, f"s{n}@example.com", ["b@example.net"], f"Subject: {n}\r\n\r\n.\r\nx\r\n")
        harness.wait_until(lambda: daemon.counter("recipients_delivered_total") == 10, 20,
                           "10 delivered")

    def test_permanent_refusal_comes_back_as_a_bounce(self):
        def answer(part, value):
            return "550 5.1.1 <nobody> unknown" if part == "RCPT" and value.startswith("nobody") else None
        sink = self.run_sink(answer)
        daemon = self.run_daemon(sink.port)
        send(daemon.port, "a@example.com", ["nobody@example.net", "somebody@example.net"],
             "Subject: two\r\nX-Marker: kept\r\n\r\nbody text\r\n")
        messages = sink.wait(2)
        report = next(m for m in messages if m["from"] == "")
        self.assertEqual(report["to"], ["a@example.com"])
        parsed = email.message_from_bytes(report["content"], policy=email.policy.default)
        self.assertEqual(parsed.get_content_type(), "multipart/report")
        self.assertEqual(parsed["Auto-Submitted"], "auto-replied")
        status = next(p for p in parsed.walk() if p.get_content_type() == "message/delivery-status")
        fields = status.get_payload()[1]
        self.assertEqual(fields["Action"], "failed")
        self.assertEqual(fields["Status"], "5.1.1")
        self.assertIn("nobody@example.net", fields["Final-Recipient"])
        self.assertIn("550 5.1.1 <nobody> unknown", fields["Diagnostic-Code"])
        self.assertIn("X-Marker: kept", parsed.as_string())
        self.assertNotIn("body text", parsed.as_string())

    def test_null_sender_is_never_bounced(self):
        sink = self.run_sink(lambda part, value: "550 5.1.1 no" if part == "RCPT" else None)
        daemon = self.run_daemon(sink.port)
        send(daemon.port, "", ["nobody@example.net"], "Subject: x\r\n\r\nx\r\n")
        harness.wait_until(lambda: daemon.counter("recipients_bounced_total") == 1, 20,
                           "the refusal is counted")
        time.sleep(1)
        self.assertEqual(sink.messages, [])
        self.assertEqual(daemon.counter("bounce_messages_queued_total"), 0)

    def test_notify_never_and_success(self):
        def answer(part, value):
            return "550 5.1.1 no" if part == "RCPT" and value.startswith("nobody") else None
        sink = self.run_sink(answer)
        daemon = self.run_daemon(sink.port)
        send(daemon.port, "quiet@example.com", ["nobody@example.net"], "Subject: x\r\n\r\nx\r\n",
             rcpt_options=["NOTIFY=NEVER"])
        send(daemon.port, "asks@example.com", ["somebody@example.net"], "Subject: y\r\n\r\ny\r\n",
             rcpt_options=["NOTIFY=SUCCESS"])
        harness.wait_until(lambda: any(m["to"] == ["asks@example.com"] for m in sink.messages), 20,
                           "the success report: aiosmtpd has no DSN, so the gateway reports 'relayed'")
        report = next(m for m in sink.messages if m["to"] == ["asks@example.com"])
        self.assertIn(b"Action: relayed", report["content"])
        self.assertFalse(any(m["to"] == ["quiet@example.com"] for m in sink.messages))

    def test_temporary_refusal_is_retried_on_schedule(self):
        refusals = {"left": 2}

        def answer(part, value):
            if part == "DATA" and refusals["left"] > 0:
                refusals["left"] -= 1
                return "451 4.3.0 later"
            return None
        sink = self.run_sink(answer)
        daemon = self.run_daemon(sink.port, extra='[delivery]\nretry = ["1s", "2s"]\n')
        began = time.monotonic()
        send(daemon.port, "a@example.com", ["b@example.net"], "Subject: x\r\n\r\nx\r\n")
        sink.wait(1, 20)
        took = time.monotonic() - began
        self.assertGreater(took, 2.0)
        self.assertLess(took, 8.0)
        entries = [line for line in daemon.log() if line["event"] == "deferred"]
        self.assertEqual(len(entries), 2)

    def test_second_next_hop_by_preference(self):
        sink = self.run_sink()
        dead = harness.free_port()
        daemon = harness.Daemon(self.folder / "ringpost", dead)
        text = daemon.config_path.read_text().replace(
            f'relay = "127.0.0.1:{dead}"', f'relay = ["127.0.0.1:{dead}", "127.0.0.1:{sink.port}"]')
        daemon.config_path.write_text(text)
        self.addCleanup(daemon.kill)
        daemon.start()
        send(daemon.port, "a@example.com", ["b@example.net"], "Subject: x\r\n\r\nx\r\n")
        sink.wait(1, 20)

    def test_8bit_is_downgraded_for_a_hop_without_8bitmime(self):
        port = harness.free_port()
        dump = self.folder / "dump"
        dump.mkdir()
        # smtp-sink -8 does not announce 8BITMIME; -D keeps each message in a file.
        sink = subprocess.Popen(["smtp-sink", "-u", "root", "-8", "-d", str(dump) + "/m.",
                                 f"127.0.0.1:{port}", "100"], stderr=subprocess.DEVNULL)
        self.addCleanup(sink.wait)
        self.addCleanup(sink.kill)
        harness.wait_until(lambda: harness.listening(port), 10, "smtp-sink listens")
        daemon = self.run_daemon(port)
        send(daemon.port, "a@example.com", ["b@example.net"],
             "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
             "Content-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n".encode(), mail_options=["BODY=8BITMIME"])
        harness.wait_until(lambda: any(p.stat().st_size for p in dump.iterdir()), 20, "a message came")
        harness.wait_until(lambda: daemon.counter("messages_downgraded_total") == 1, 10,
                           "counted")
        content = next(p for p in dump.iterdir() if p.stat().st_size).read_bytes()
        self.assertTrue(all(byte < 128 for byte in content), content)
        start = content.index(b"Received:")
        parsed = email.message_from_bytes(content[start:], policy=email.policy.default)
        self.assertEqual(parsed.get_content().strip(), "Grüße")


if __name__ == "__main__":
    unittest.main()
