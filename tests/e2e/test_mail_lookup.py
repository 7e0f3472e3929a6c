"""Lookups for delivery by MX before a real DNS server, Knot: each kind of answer, a thousand domains at once, DNSSEC."""

import json
import re
import unittest

import harness
from knot import Knot

ZONE = "mail.example"
# dns::Exchangers::Outcome
HOSTS, NULL_MX, NO_DOMAIN, LOOP, NO_HOST, SERVFAIL, TIMEOUT, BOGUS, MALFORMED = range(9)
MANY = 1000
RECORDS = """
ns 60 IN A 192.0.2.2
two 300 IN MX 20 mx2
two 300 IN MX 10 mx1
null 300 IN MX 0 .
plain 300 IN A 1.1.1.9
alias 300 IN CNAME two
inside 300 IN MX 10 private
address 300 IN MX 10 192.0.2.1.
elsewhere 300 IN MX 10 mx.other.example.
mx1 300 IN A 1.1.1.1
mx1 300 IN AAAA 2a00::1
mx2 300 IN A 1.1.1.2
mx2 300 IN A 1.1.1.3
private 300 IN A 192.168.0.1
"""


class MailLookup(harness.Case):
    def knot(self, *, many=0, signed=()):
        lines = [f"$ORIGIN {ZONE}.", "@ 60 IN SOA ns hostmaster 1 3600 600 1209600 60", "@ 60 IN NS ns", RECORDS]
        for i in range(many):
            lines += [f"d{i} 300 IN MX 10 mx.d{i}", f"mx.d{i} 300 IN A 1.1.{i // 250}.{i % 250}"]
        knot = Knot(self.folder / "knot", {ZONE: "\n".join(lines) + "\n"}, signed=signed)
        self.addCleanup(knot.stop)
        return knot.start()

    def mail(self, knot, names, *more):
        (self.folder / "names").write_text("".join(f"{name}.{ZONE}\n" for name in names))
        done = harness.run([harness.BIN / "dns_room", "mail", knot.server, ZONE, self.folder / "names", *more])
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_each_kind_of_answer(self):
        knot = self.knot()
        found = self.mail(knot, ["two", "null", "plain", "alias", "inside", "address", "nowhere", "elsewhere"])
        domains = {name.removesuffix(f".{ZONE}"): domain for name, domain in found["domains"].items()}
        self.assertEqual({name: domain["outcome"] for name, domain in domains.items()},
                         {"two": HOSTS, "null": NULL_MX, "plain": HOSTS, "alias": HOSTS, "inside": HOSTS,
                          "address": NO_HOST, "nowhere": NO_DOMAIN, "elsewhere": HOSTS})
        self.assertEqual(domains["two"]["hosts"], [[10, f"mx1.{ZONE}"], [20, f"mx2.{ZONE}"]])
        self.assertEqual(domains["alias"]["hosts"], domains["two"]["hosts"])
        self.assertEqual((domains["plain"]["hosts"], domains["plain"]["implicit"]), ([[0, f"plain.{ZONE}"]], True))
        self.assertEqual(domains["two"]["ttl"], 300)
        hosts = {name.removesuffix(f".{ZONE}"): host for name, host in found["hosts"].items()}
        self.assertEqual(hosts["mx1"]["addresses"], ["2a00::1", "1.1.1.1"])
        self.assertEqual(sorted(hosts["mx2"]["addresses"]), ["1.1.1.2", "1.1.1.3"])
        self.assertEqual(hosts["private"], {"addresses": [], "error": "192.168.0.1 is a private address, to which no "
                                                                      "mail is sent"})

    def test_a_thousand_at_once(self):
        knot = self.knot(many=MANY)
        found = self.mail(knot, [f"d{i}" for i in range(MANY)])
        for i in range(MANY):
            self.assertEqual(found["domains"][f"d{i}.{ZONE}"]["hosts"], [[10, f"mx.d{i}.{ZONE}"]])
            self.assertEqual(found["hosts"][f"mx.d{i}.{ZONE}"]["addresses"], [f"1.1.{i // 250}.{i % 250}"])

    def test_signed(self):
        knot = self.knot(signed=(ZONE,))
        anchors = self.folder / "anchors"
        anchors.write_text(knot.delegation(ZONE))
        found = self.mail(knot, ["two", "plain", "nowhere"], anchors)["domains"]
        self.assertEqual([(domain["outcome"], domain["secure"]) for domain in found.values()],
                         [(HOSTS, True), (HOSTS, True), (NO_DOMAIN, True)])
        # Another key's digest: nothing of the zone can be believed.
        lines = [re.sub(r"[0-9a-f]{16}$", "0" * 16, line) for line in anchors.read_text().splitlines()]
        anchors.write_text("\n".join(lines) + "\n")
        found = self.mail(knot, ["two", "nowhere"], anchors)["domains"]
        self.assertEqual([(domain["outcome"], domain["secure"]) for domain in found.values()], [(BOGUS, False)] * 2)

    def test_the_server_is_gone(self):
        knot = self.knot()
        knot.stop()
        domain = self.mail(knot, ["two"])["domains"][f"two.{ZONE}"]
        self.assertIn(domain["outcome"], (SERVFAIL, TIMEOUT))
        self.assertTrue(domain["words"])


if __name__ == "__main__":
    unittest.main()
