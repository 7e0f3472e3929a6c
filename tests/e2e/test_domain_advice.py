"""What a domain's owner and the gateway's are advised: DMARC, SPF at the return path, names of the addresses that mail
leaves from; by real servers, and apart from whether the domain is verified."""

import unittest

import harness
from sender_domains import CUSTOMER, OPERATOR, SenderDomainCase

# Of no host here; not of those that a resolver takes for its own.
SOURCE, REVERSE, HELO = "198.18.0.25", "0.18.198.in-addr.arpa", "gw.example.com"


class Advice(SenderDomainCase):
    REGION_EXTRA = f'egress = ["{SOURCE}"]\nspf = "v=spf1 include:spf.example.com -all"'
    OTHER_ZONES = ("example", "example.com", REVERSE)

    def advice(self):
        domain = self.check()
        self.assertEqual((domain["state"], domain["words"]), ("verified", []))
        return domain["advice"]

    def has(self, zone, *records):
        self.knot.reload(zone, self.zone(zone, records))

    def settled(self, *found):
        """What is asked is kept for a second."""
        try:
            harness.wait_until(lambda: self.matches(found), 20, "the advice")
        except AssertionError:
            self.fail(f"{self.found} and not {found}")

    def matches(self, found):
        self.found = self.advice()
        return len(self.found) == len(found) and all(word in said for word, said in zip(found, self.found))

    def test_each_in_its_turn(self):
        self.domain = self.ask("domain add", name=CUSTOMER, account="acme")["domain"]
        self.publish(self.aliases(self.domain))
        self.checked("verified", 1)
        self.settled("there is no DMARC policy", "leads to spf.example.com, which has no SPF record",
                     f"calls itself {HELO} (EHLO), which has no A record", f"{SOURCE}, which mail leaves from, has no PTR")
        said = self.daemon.ctl("domain", "show", CUSTOMER, as_json=False)
        self.assertIn("  all is right\n\nAdvice, which its state does not depend on:\n  there is no DMARC policy", said)
        self.assertRegex(said, "state +verified")
        self.assertRegex(said, rf"(?m)^\S+\.{CUSTOMER}\. 3600 IN CNAME \S+\.{OPERATOR}\.$")

        self.has(REVERSE, "25 1 IN PTR host-25.isp.example.")
        self.has("example.com", "gw 1 IN A 198.18.0.26", 'spf 1 IN TXT "v=spf1 ip4:198.18.1.0/24 -all"')
        self.CUSTOMER_RECORDS = ['_dmarc 1 IN TXT "v=DMARC1; p=reject; aspf=s"']
        self.publish(self.aliases(self.domain))
        self.settled("has aspf=s: mail of customer.example is aligned by DKIM alone", f"does not let {SOURCE} send",
                     "has 198.18.0.26 for its A record", f"{SOURCE}, which mail leaves from, is called host-25.isp.example")

        self.has(REVERSE, f"25 1 IN PTR {HELO}.")
        self.has("example.com", f"gw 1 IN A {SOURCE}", 'spf 1 IN TXT "v=spf1 ip4:198.18.0.0/24 -all"')
        self.CUSTOMER_RECORDS = ['_dmarc 1 IN TXT "v=DMARC1; p=reject"']
        self.publish(self.aliases(self.domain))
        self.settled()

        # A policy above it will do, and what was said is there after a restart.
        self.has("example", '_dmarc 1 IN TXT "v=DMARC1; p=x"')
        self.CUSTOMER_RECORDS = []
        self.publish(self.aliases(self.domain))
        self.settled("the DMARC record of _dmarc.example has no p that is")
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(self.ask("domain show", name=CUSTOMER)["domain"]["advice"], self.found)


class SourceNotKnown(SenderDomainCase):
    def test_nothing_is_said_of_it(self):
        domain = self.verify_domain()
        self.assertEqual(len(domain["advice"]), 1, domain["advice"])
        self.assertIn("there is no DMARC policy", domain["advice"][0])


if __name__ == "__main__":
    unittest.main()
