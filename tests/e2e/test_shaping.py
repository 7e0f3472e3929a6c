"""Traffic shaping from one end to the other: what an exchanger sees of a gateway with two shards, over time, and what becomes of
it when it says that it is too much."""

import json
import pathlib
import smtplib
import threading
import time
import unittest

import harness
from harness import run, wait_until
from knot import Knot

ZONE = "example"
# Of this test alone: others may run beside it.
HOST, ALLOWED = "127.26.8.1", "127.26.8.0/24"
GMAIL = ("421 4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP address. To "
         "protect our users from spam, mail sent from your IP address has been temporarily rate limited.")


class Watch:
    """How many connections to HOST:25 are there at once, looked at every few milliseconds."""

    def __init__(self):
        self.most, self.stopping = 0, False
        octets = [int(part) for part in HOST.split(".")]
        self.peer = "".join(f"{octet:02X}" for octet in reversed(octets)) + ":0019"
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopping:
            lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
            # The client's side of each: established.
            now = sum(1 for fields in map(str.split, lines) if fields[2] == self.peer and fields[3] == "01")
            self.most = max(self.most, now)
            time.sleep(0.005)

    def stop(self):
        self.stopping = True
        self.thread.join()
        return self.most


class Shaping(harness.Case):
    def setUp(self):
        super().setUp()
        self.knot = Knot(self.folder / "knot", {ZONE: f"$ORIGIN {ZONE}.\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 1209600 60\n"
                                                      f"@ NS ns\nns A 127.0.0.1\nmx.big A {HOST}\n*.to MX 10 mx.big\n"})
        self.addCleanup(self.knot.stop)
        self.knot.start()
        self.times = []
        self.refusals = []
        self.sink = self.run_sink(answer=self.answer, port=25, address=HOST)
        self.rules = self.folder / "shaping.toml"

    def answer(self, part, _):
        if part == "RCPT" and self.refusals:
            return self.refusals.pop()
        if part == "DATA":
            self.times.append(time.monotonic())
        return None

    def start(self, rules):
        self.rules.write_text(rules)
        self.daemon = self.run_daemon(
            "mx", extra=f'[delivery]\nretry = ["1s"]\n[shaping]\nfile = "{self.rules}"\n[dns]\nallowed_networks = "{ALLOWED}"\n'
                        f'[[dns.stub]]\nzone = "{ZONE}"\nserver = "{self.knot.server}"\n')

    def send(self, count, clients=4):
        """By several connections, so that both shards have some; to domains of their own."""
        def one(number):
            with smtplib.SMTP("127.0.0.1", self.daemon.port, timeout=60) as client:
                for i in range(number, count, clients):
                    client.sendmail("a@sender.invalid", [f"b@d{i % 5}.to.{ZONE}"], "Subject: x\r\n\r\nhello\r\n")
        threads = [threading.Thread(target=one, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def events(self, name):
        return [entry for entry in map(json.loads, self.daemon.log_path.read_text().splitlines()) if entry["event"] == name]

    def test_neither_rate_nor_connections_are_exceeded(self):
        self.start('[[provider]]\nname = "big"\nmx = "*.big.example"\nconnections = 3\nmessage_rate = "20/s"\n'
                   "messages_per_connection = 10\n")
        watch = Watch()
        self.send(200)
        self.sink.wait(200, 60)
        self.assertLessEqual(watch.stop(), 3)
        times = sorted(self.times)
        for span in (1, 5):
            most = max(sum(1 for one in times if begin <= one < begin + span) for begin in times)
            self.assertLessEqual(most, 20 * span + 20 + 2, f"in {span} s")  # a burst, and what was on its way
        self.assertGreater(times[-1] - times[0], 8)
        self.assertLess(times[-1] - times[0], 30, "and not much slower than need be")

    def test_who_says_that_it_is_too_much_is_left_alone(self):
        self.start('[[automation]]\nname = "too-much"\nreply = "4[.]7[.]28"\naction = "suspend"\nduration = "6s"\n'
                   '[[domain]]\ndomain = "*"\nconnections = 1\n')
        self.refusals = [GMAIL]
        self.send(1, 1)
        action = wait_until(lambda: self.events("shaping_action"), 20, "the rule acts")[0]
        said = time.monotonic()
        self.assertEqual((action["rule"], action["action"]), ("too-much", "suspend"))
        self.sink.wait(1, 30)
        self.assertGreater(self.times[0] - said, 4)

    def test_what_providers_say_sets_the_built_in_rules_off(self):
        """As Gmail, Yahoo and Microsoft say it, at names of theirs that the test's DNS has: only their mail waits."""
        said = {"google.com": ("google-address-rate", GMAIL),
                "yahoodns.net": ("yahoo-deferred", "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to "
                                                   "unexpected volume or user complaints - 4.16.55.1"),
                "olc.protection.outlook.com": ("microsoft-hourly-limit", "421 RP-001 (SNT004-MC1F43) Unfortunately, some "
                                                                         "messages from 192.0.2.1 weren't sent.")}
        zones = {zone: f"$ORIGIN {zone}.\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 1209600 60\n@ NS ns\nns A 127.0.0.1\n"
                       f"mx A {HOST}\nto MX 10 mx\n" for zone in said}
        knot = Knot(self.folder / "providers", zones)
        self.addCleanup(knot.stop)
        knot.start()
        stubs = "".join(f'[[dns.stub]]\nzone = "{zone}"\nserver = "{server}"\n'
                        for zone, server in [(ZONE, self.knot.server), *((zone, knot.server) for zone in said)])
        self.daemon = self.run_daemon(
            "mx", extra=f'[delivery]\nretry = ["1s"]\n[dns]\nallowed_networks = "{ALLOWED}"\n{stubs}')
        tried = {zone: [] for zone in said}

        def answer(part, value):
            for zone, (_, reply) in said.items():
                if part == "RCPT" and value.endswith(f"@to.{zone}"):
                    tried[zone].append(time.monotonic())
                    return reply
            return None
        self.sink.answer = answer
        with smtplib.SMTP("127.0.0.1", self.daemon.port, timeout=60) as client:
            # Some rules want a second reply of the kind.
            for number in range(6):
                for zone in said:
                    client.sendmail("a@sender.invalid", [f"b{number}@to.{zone}"], "Subject: x\r\n\r\nhello\r\n")
        wait_until(lambda: {entry["rule"] for entry in self.events("shaping_action")} >= {rule for rule, _ in said.values()},
                   30, "each provider's rule acts")
        time.sleep(2)  # what was on its way
        since = time.monotonic()
        time.sleep(6)
        after = {zone: sum(1 for one in times if one > since) for zone, times in tried.items()}
        # The rules for two of them hold mail back; for the third it goes on, at one message a second at most.
        self.assertEqual((after["yahoodns.net"], after["olc.protection.outlook.com"]), (0, 0), after)
        self.assertLessEqual(after["google.com"], 8)
        self.send(1, 1)
        self.assertEqual(len(self.sink.wait(1)), 1)

    def test_explain_and_reload(self):
        self.start('[[provider]]\nname = "big"\nmx = "*.big.example"\nconnections = 3\n')
        tool = [harness.BIN / "ringpost", "shaping", "explain", f"d1.to.{ZONE}", "--mx", "mx.big.example", "--config",
                self.daemon.config_path]
        self.assertRegex(run(tool).stdout, r"connections +3 +\[\[provider\]\] big +\S*shaping.toml:4")
        self.rules.write_text("[[provider]]\nname = 7\n")
        done = run([harness.BIN / "ringpost", "--socket", self.daemon.socket_path, "reload"])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("shaping.toml:2", done.stdout + done.stderr)
        self.rules.write_text('[[provider]]\nname = "big"\nmx = "*.big.example"\nmessage_rate = "5/s"\n')
        done = run([harness.BIN / "ringpost", "--socket", self.daemon.socket_path, "reload"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.send(25)
        self.sink.wait(25, 30)
        self.assertGreater(max(self.times) - min(self.times), 3)


if __name__ == "__main__":
    unittest.main()
