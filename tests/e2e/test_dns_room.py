"""Sender domains before a real DNS server, Knot: what the customer publishes, what the operator's zone has, checks of
them in good and bad times, updates, and DNSSEC. dns_room does each step as the gateway will."""

import json
import re
import socket
import unittest

import harness
from knot import SECRET, Knot

CUSTOMER = "customer.example"
OPERATOR = "gw.example"
TXT, MX, CNAME = 16, 15, 5
RECORDS, NO_DATA, NO_NAME, FAILURE = range(4)
INSECURE, SECURE, BOGUS = range(3)
UNKNOWN, SEEN, NOT_SEEN = range(3)
NOT_FAILED, FAILED_SERVFAIL, FAILED_TIMEOUT, FAILED_BOGUS, FAILED_MALFORMED = range(5)


class Room(harness.Case):
    def setUp(self):
        super().setUp()
        self.room = self.folder / "room"
        self.room.mkdir()
        self.serial = 1

    def dns_room(self, *words):
        done = harness.run([harness.BIN / "dns_room", *words])
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done

    def new(self, *options):
        self.assertEqual(self.dns_room("new", CUSTOMER, OPERATOR, self.room, *options).returncode, 0)
        self.publish = [line.split() for line in (self.room / "publish").read_text().splitlines()]

    def customer_zone(self, records):
        """The zone of the customer, with these [owner, target]."""
        self.serial += 1
        lines = [f"$ORIGIN {CUSTOMER}.", f"@ 60 IN SOA ns hostmaster {self.serial} 3600 600 1209600 60", "@ 60 IN NS ns",
                 "ns 60 IN A 192.0.2.2", "@ 60 IN MX 10 ns"]
        return "\n".join(lines + [f"{owner}. 60 IN CNAME {target}." for owner, target in records]) + "\n"

    def operator_zone(self):
        self.serial += 1
        self.dns_room("zone", OPERATOR, self.room, str(self.serial))
        return (self.room / "zone").read_text()

    def run_knot(self, records=(), **options):
        knot = Knot(self.folder / "knot", {CUSTOMER: self.customer_zone(records), OPERATOR: self.operator_zone()},
                    updated=(OPERATOR,), **options)
        self.addCleanup(knot.stop)
        return knot.start()

    def check(self, server, *anchors):
        done = self.dns_room("check", server, OPERATOR, self.room, *anchors)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def ask(self, server, zone, name, kind, *anchors):
        return json.loads(self.dns_room("ask", server, zone, name, str(kind), *anchors).stdout)


class Domains(Room):
    def test_a_life(self):
        self.new("ed25519")
        knot = self.run_knot()
        found = self.check(knot.server)
        self.assertEqual(found["dns"], "pending")
        self.assertEqual(len(found["words"]), 5)
        for (owner, target), words in zip(self.publish, found["words"], strict=True):
            self.assertTrue(words.startswith(f"{owner} has no record, and has to be a CNAME to {target}"), words)
        self.assertEqual({slot["state"] for slot in found["slots"]}, {"waiting"})

        # All but the two that are optional.
        knot.reload(CUSTOMER, self.customer_zone(self.publish[:3]))
        found = self.check(knot.server)
        self.assertEqual((found["dns"], found["state_changed"]), ("verified", True))
        self.assertEqual(found["sights"], [SEEN, SEEN, NOT_SEEN, NOT_SEEN])
        self.assertEqual([slot["state"] for slot in found["slots"]], ["active", "standby", "waiting", "waiting"])
        self.assertEqual(len(found["words"]), 2)

        knot.reload(CUSTOMER, self.customer_zone(self.publish))
        found = self.check(knot.server)
        self.assertEqual([slot["state"] for slot in found["slots"]], ["active", "standby", "active", "standby"])
        self.assertEqual((found["dns"], found["words"], found["secure"]), ("verified", [], False))

        # One is gone, and one leads elsewhere.
        wrong = [self.publish[0], [self.publish[1][0], "elsewhere.example"], *self.publish[3:]]
        knot.reload(CUSTOMER, self.customer_zone(wrong))
        found = self.check(knot.server)
        self.assertEqual(found["dns"], "broken")
        # Where the second alias leads nobody can see: there is no server for it.
        self.assertTrue(found["words"][0].startswith(f"{self.publish[1][0]} is a CNAME to elsewhere.example, not to "
                                                     f"{self.publish[1][1]}, and where that leads"), found["words"])
        self.assertTrue(found["words"][1].startswith(f"{self.publish[2][0]} has no record"), found["words"])

        inside = [self.publish[0], [self.publish[1][0], f"nothing.{CUSTOMER}"], *self.publish[2:]]
        knot.reload(CUSTOMER, self.customer_zone(inside))
        found = self.check(knot.server)
        self.assertEqual(found["dns"], "broken")
        self.assertEqual(found["words"], [f"{self.publish[1][0]} is a CNAME to nothing.{CUSTOMER}, and has to be one to "
                                          f"{self.publish[1][1]}"])
        # The key that can still be found took over.
        self.assertEqual([slot["state"] for slot in found["slots"][:2]], ["waiting", "active"])

        knot.reload(CUSTOMER, self.customer_zone(self.publish))
        found = self.check(knot.server)
        self.assertEqual((found["dns"], found["state_changed"], found["words"]), ("verified", True, []))

    def test_an_alias_in_two_steps(self):
        self.new()
        step = f"step.{CUSTOMER}"
        knot = self.run_knot([[self.publish[0][0], step], [step, self.publish[0][1]], *self.publish[1:]])
        found = self.check(knot.server)
        self.assertEqual((found["dns"], found["words"]), ("verified", []))
        answer = self.ask(knot.server, CUSTOMER, self.publish[0][0], CNAME)
        self.assertEqual(answer["aliases"], [[self.publish[0][0], step]])

    def test_the_operators_zone_is_missing(self):
        self.new()
        knot = self.run_knot(self.publish)
        text = (self.room / "zone").read_text()
        knot.reload(OPERATOR, re.sub(r"(?m)^\S+\.(dkim|rp)\..*\n", "", text).replace(f" {self.serial} ", " 1000 ", 1))
        found = self.check(knot.server)
        self.assertEqual((found["dns"], found["sights"]), ("verified", [NOT_SEEN, NOT_SEEN]))
        self.assertEqual(["the operator's zone" in words for words in found["words"]], [True] * 3)
        self.assertEqual({slot["state"] for slot in found["slots"]}, {"waiting"})

    def test_broken_dns_changes_nothing(self):
        self.new()
        knot = self.run_knot(self.publish)
        self.assertEqual(self.check(knot.server)["dns"], "verified")
        knot.stop()
        found = self.check(knot.server)
        self.assertEqual((found["dns"], found["state_changed"]), ("verified", False))
        self.assertEqual(found["sights"], [UNKNOWN, UNKNOWN])
        self.assertEqual(["nothing is changed" in words for words in found["words"]], [True] * 3)
        self.assertEqual([slot["state"] for slot in found["slots"]], ["active", "standby"])
        self.assertLess(found["next_check_ms"] - found["last_check_ms"], 8 * 60_000)
        knot.start()
        found = self.check(knot.server)
        self.assertEqual((found["dns"], found["state_changed"], found["words"]), ("verified", False, []))

    def test_a_server_that_says_nothing(self):
        self.new()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            found = self.check(f"127.0.0.1:{silent.getsockname()[1]}")
        self.assertEqual(found["dns"], "pending")
        self.assertEqual(["nothing is changed" in words for words in found["words"]], [True] * 3)

    def test_a_server_that_does_not_have_the_zone(self):
        self.new()
        knot = Knot(self.folder / "knot", {OPERATOR: self.operator_zone()})
        self.addCleanup(knot.stop)
        found = self.check(knot.start().server)
        self.assertEqual(found["dns"], "pending")
        self.assertEqual(["nothing is changed" in words for words in found["words"]], [True] * 3)


class Signed(Room):
    def test_secure_and_bogus(self):
        self.new()
        knot = self.run_knot(self.publish, signed=(CUSTOMER, OPERATOR))
        anchors = self.folder / "anchors"
        anchors.write_text(knot.delegation(CUSTOMER) + knot.delegation(OPERATOR))
        found = self.check(knot.server, anchors)
        self.assertEqual((found["dns"], found["secure"], found["words"]), ("verified", True, []))
        absent = self.ask(knot.server, CUSTOMER, f"no.{CUSTOMER}", TXT, anchors)
        self.assertEqual((absent["outcome"], absent["security"]), (NO_NAME, SECURE))
        absent = self.ask(knot.server, CUSTOMER, CUSTOMER, TXT, anchors)
        self.assertEqual((absent["outcome"], absent["security"]), (NO_DATA, SECURE))
        self.assertEqual(self.ask(knot.server, CUSTOMER, CUSTOMER, MX)["security"], INSECURE)

        # Another key's digest: nothing of the zone can be believed.
        lines = [re.sub(r"[0-9a-f]{16}$", "0" * 16, line) for line in anchors.read_text().splitlines()]
        anchors.write_text("\n".join(lines) + "\n")
        found = self.check(knot.server, anchors)
        self.assertEqual((found["dns"], found["state_changed"]), ("verified", False))
        self.assertEqual(["does not validate (DNSSEC)" in words for words in found["words"]], [True] * 3, found["words"])
        answer = self.ask(knot.server, CUSTOMER, CUSTOMER, MX, anchors)
        self.assertEqual((answer["outcome"], answer["security"], answer["records"]), (FAILURE, BOGUS, []))
        self.assertEqual(answer["failure"], FAILED_BOGUS)
        self.assertTrue(answer["words"])


class Zones(Room):
    def test_knot_takes_the_zone_file(self):
        self.new("ed25519")
        done = harness.run(["kzonecheck", "-o", OPERATOR, self.room / "zone"])
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        knot = self.run_knot()
        keys = (self.room / "keys").read_text().splitlines()
        for (_, target), key in zip(self.publish[1:], keys, strict=True):
            self.assertEqual(self.ask(knot.server, OPERATOR, target, TXT)["records"], [key])
        path = self.publish[0][1]
        self.assertEqual(sorted(self.ask(knot.server, OPERATOR, path, MX)["records"]),
                         [f"mx1.{OPERATOR}", f"mx2.{OPERATOR}"])
        self.assertEqual(self.ask(knot.server, OPERATOR, path, TXT)["records"],
                         ["v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"])

    def test_updates(self):
        self.new()
        knot = self.run_knot(self.publish)
        empty = f"$ORIGIN {OPERATOR}.\n@ 60 IN SOA ns1 hostmaster 5000 3600 600 1209600 60\n@ 60 IN NS ns1\n"
        knot.reload(OPERATOR, empty + "ns1 60 IN A 192.0.2.1\n")
        self.assertEqual(self.check(knot.server)["sights"], [NOT_SEEN, NOT_SEEN])
        # As often as one likes: the same update again does no harm.
        for _ in range(2):
            done = self.dns_room("update", knot.server, OPERATOR, self.room, knot.key)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        found = self.check(knot.server)
        self.assertEqual((found["dns"], found["sights"], found["words"]), ("verified", [SEEN, SEEN], []))
        path = self.publish[0][1]
        self.assertEqual(len(self.ask(knot.server, OPERATOR, path, MX)["records"]), 2)
        done = self.dns_room("update", knot.server, OPERATOR, self.room, knot.key, "remove")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.ask(knot.server, OPERATOR, path, MX)["outcome"], NO_NAME)
        self.assertEqual(self.check(knot.server)["sights"], [NOT_SEEN, NOT_SEEN])

    def test_updates_that_are_refused(self):
        self.new()
        knot = self.run_knot(self.publish)
        wrong_secret = f"update-key:{SECRET[:-4]}AAA="
        for key, words in ((wrong_secret, "BADSIG"), (f"another-key:{SECRET}", "BADKEY")):
            done = self.dns_room("update", knot.server, OPERATOR, self.room, key)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)
        done = self.dns_room("update", knot.server, "other.example", self.room, knot.key)
        self.assertEqual(done.returncode, 1)
        self.assertIn("the server refuses the update", done.stderr)
        knot.stop()
        done = self.dns_room("update", knot.server, OPERATOR, self.room, knot.key)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no connection", done.stderr)


if __name__ == "__main__":
    unittest.main()
