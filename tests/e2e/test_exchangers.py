"""Delivery by MX from one end to the other: a real DNS server says where mail goes, and hosts at port 25 of loopback
addresses take it."""

import json
import unittest

import harness
from harness import run, wait_until
from knot import Knot

ZONE = "example"
# Of this test alone: others may run beside it.
HOSTS = {"mx1": "127.25.7.1", "mx2": "127.25.7.2", "postfix": "127.25.7.3"}
ALLOWED = "127.25.7.0/24"


class Exchangers(harness.Case):
    def setUp(self):
        super().setUp()
        self.serial = 1
        self.knot = Knot(self.folder / "knot", {ZONE: self.zone([])})
        self.addCleanup(self.knot.stop)
        self.knot.start()
        self.mx1, self.mx2 = (self.run_sink(port=25, address=HOSTS[name]) for name in ("mx1", "mx2"))
        self.daemon = self.run_daemon(
            "mx", extra=f'[delivery]\nretry = ["2s"]\n[dns]\nallowed_networks = "{ALLOWED}"\n'
                        f'[[dns.stub]]\nzone = "{ZONE}"\nserver = "{self.knot.server}"\n')

    def zone(self, records):
        self.serial += 1
        return "\n".join([f"$ORIGIN {ZONE}.", f"@ 1 IN SOA ns hostmaster {self.serial} 3600 600 1209600 1",
                          "@ 1 IN NS ns", "ns 1 IN A 127.0.0.1",
                          *(f"{name} 60 IN A {address}" for name, address in HOSTS.items()), *records]) + "\n"

    def publish(self, *records):
        self.knot.reload(ZONE, self.zone(records))

    def send(self, domain, sender=f"sender@from.{ZONE}"):
        done = run(["swaks", "--server", f"127.0.0.1:{self.daemon.port}", "--from", sender, "--to", f"b@{domain}"])
        self.assertEqual(done.returncode, 0, done.stdout)

    def logged(self, event, domain):
        """The first line of an event about a domain."""
        def there():
            for line in self.daemon.log_path.read_text().splitlines():
                entry = json.loads(line)
                if entry["event"] == event and domain in (entry.get("to_domain"), entry.get("to", "").split("@")[-1]):
                    return entry
            return None
        return wait_until(there, 30, f"{event} of {domain}")

    def test_the_best_that_answers_takes_it(self):
        self.publish("one 60 IN MX 20 mx2", "one 60 IN MX 10 mx1", "two 60 IN MX 10 nowhere-listens",
                     "two 60 IN MX 20 mx2", "nowhere-listens 60 IN A 127.25.7.99", "bare 60 IN A 127.25.7.1",
                     "alias 60 IN CNAME one", "null-among 60 IN MX 5 .", "null-among 60 IN MX 10 mx2")
        for domain in ("one", "two", "bare", "alias", "null-among"):
            self.send(f"{domain}.{ZONE}")
        self.assertEqual({message["to"][0] for message in self.mx1.wait(3)},
                         {f"b@{name}.{ZONE}" for name in ("one", "bare", "alias")})
        self.assertEqual({message["to"][0] for message in self.mx2.wait(2)},
                         {f"b@{name}.{ZONE}" for name in ("two", "null-among")})

    def test_what_is_for_good_comes_back_at_once(self):
        self.publish("from 60 IN MX 10 mx1", "null 60 IN MX 0 .", "loop 60 IN MX 10 gw.example.com.",
                     "worse 60 IN MX 20 mx2", "worse 60 IN MX 10 GW.example.com.", "no-address 60 IN MX 10 nobody",
                     "nothing 60 IN TXT hello")
        expected = {"null": "5.1.10", "gone": "5.1.2", "loop": "5.4.6", "worse": "5.4.6", "no-address": "5.4.4",
                    "nothing": "5.4.4"}
        for name in expected:
            self.send(f"{name}.{ZONE}")
        for name, status in expected.items():
            self.assertEqual(self.logged("bounced", f"{name}.{ZONE}")["dsn"], status, name)
        reports = b"".join(message["content"] for message in self.mx1.wait(len(expected)))
        for name, status in expected.items():
            self.assertRegex(reports, rb"Final-Recipient: rfc822; ?b@" + f"{name}.{ZONE}".encode()
                             + rb"\r?\n(?:.+\r?\n)*?Status: " + status.encode())
        self.assertEqual(self.mx2.messages, [])

    def test_no_stranger_sends_mail_to_this_machine(self):
        self.publish("a 60 IN MX 10 local", "local 60 IN A 127.0.0.1", "b 60 IN MX 10 private",
                     "private 60 IN A 10.1.2.3", "c 60 IN MX 10 zero", "zero 60 IN A 0.0.0.0",
                     "d 60 IN MX 10 mapped", "mapped 60 IN AAAA ::ffff:127.0.0.1", "d 60 IN MX 20 mx2")
        sink = self.run_sink(port=25, address="127.0.0.1")
        for name in "abcd":
            self.send(f"{name}.{ZONE}")
        for name, words in {"a": "127.0.0.1", "b": "10.1.2.3", "c": "0.0.0.0"}.items():
            self.assertIn(words, self.logged("deferred", f"{name}.{ZONE}")["reply"])
        self.assertEqual(self.mx2.wait(1)[0]["to"], [f"b@d.{ZONE}"])
        self.assertEqual(sink.messages, [])

    def test_a_dns_that_is_away_defers(self):
        self.publish("one 60 IN MX 10 mx1", "two 60 IN MX 10 mx1")
        self.send(f"one.{ZONE}")
        self.mx1.wait(1)
        self.knot.stop()
        self.send(f"two.{ZONE}")
        self.assertEqual(self.logged("deferred", f"two.{ZONE}")["dsn"], "4.4.3")
        self.send(f"one.{ZONE}")  # known for a minute yet
        self.mx1.wait(2, 60)  # whatever is not known any more is asked for in vain first
        self.knot.start()
        wait_until(lambda: len(self.mx1.messages) == 3, 150, "the DNS is back, and mail leaves")

    def test_postfix_is_a_mail_exchanger(self):
        self.publish("pf 60 IN MX 10 postfix", "relayed 60 IN MX 10 mx1")
        self.run_postfix("pf", f"relayhost = [{HOSTS['mx1']}]:25\n"
                               f"relay_domains = pf.{ZONE}\n", address=HOSTS["postfix"], smtpd_port=25)
        for _ in range(20):
            self.send(f"pf.{ZONE}")
        self.assertEqual({message["to"][0] for message in self.mx1.wait(20)}, {f"b@pf.{ZONE}"})
        tool = run([harness.BIN / "ringpost", "--socket", self.daemon.socket_path, "queue", "summary"])
        self.assertEqual(tool.returncode, 0, tool.stderr)


if __name__ == "__main__":
    unittest.main()
