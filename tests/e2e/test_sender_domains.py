"""Sender domains from one end to the other: added, their records published at a real DNS server, seen by the gateway,
mail from them taken and signed, and verified by who has the DNS alone; and what happens where the records go."""

import re
import unittest

import dkim

import harness
from harness import run
from sender_domains import CUSTOMER, OPERATOR, SenderDomainCase


class SenderDomains(SenderDomainCase):
    def signatures(self, message):
        """The selectors of those that verify; one that does not is a failure."""
        found = []
        verifier = dkim.DKIM(message["content"])
        fields = [value for name, value in verifier.headers if name.lower() == b"dkim-signature"]
        for index, value in enumerate(fields):
            self.assertTrue(verifier.verify(idx=index, dnsfunc=self.texts), value)
            self.assertEqual(verifier.domain.decode(), CUSTOMER)
            found.append(re.search(rb"s=\s*([^;\s]+)", value)[1].decode())
        return found

    def test_from_pending_to_verified_to_broken_and_back(self):
        domain = self.ask("domain add", name="Customer.Example.", account="acme")["domain"]
        self.assertEqual((domain["name"], domain["state"], len(domain["publish"])), (CUSTOMER, "pending", 3))
        self.assertTrue(all(record["value"].endswith("." + OPERATOR) for record in domain["publish"]))
        done = self.send()
        self.assertRegex(done.stdout, r"550 5\.7\.1 .*no verified sender")

        self.assertRegex(" ".join(self.check()["words"]), "has no record")
        self.publish(self.aliases(domain))
        domain = self.checked("verified", 1)
        self.assertEqual(sorted(key["state"] for key in domain["keys"]), ["active", "standby"])
        self.assertEqual(self.send().returncode, 0)
        active = [key["selector"] for key in domain["keys"] if key["state"] == "active"]
        self.assertEqual(self.signatures(self.sink.wait(1)[0]), active)

        # The active one's alias goes: the other key signs from then on, and mail is refused, since one is missing.
        gone = next(line for line in self.aliases(domain) if line.startswith(active[0]))
        self.publish([line for line in self.aliases(domain) if line != gone])
        self.checked("broken", 1)
        self.assertRegex(self.send().stdout, r"550 5\.7\.1 .*no verified sender")

        self.publish(self.aliases(domain))
        self.checked("verified", 1)
        self.assertEqual(self.send().returncode, 0)
        (other,) = self.signatures(self.sink.wait(2)[1])
        self.assertNotEqual(other, active[0])

        # It is there after a restart, keys too.
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(self.send().returncode, 0)
        self.assertEqual(self.signatures(self.sink.wait(3)[2]), [other])

    def test_ed25519_signs_beside_rsa(self):
        domain = self.ask("domain add", name=CUSTOMER, account="acme", ed25519=True)["domain"]
        self.assertEqual(len(domain["publish"]), 5)
        self.publish(self.aliases(domain))
        self.checked("verified", 2)
        self.assertEqual(self.send().returncode, 0)
        self.assertEqual(len(self.signatures(self.sink.wait(1)[0])), 2)

    def test_a_dns_that_is_away_changes_nothing(self):
        domain = self.ask("domain add", name=CUSTOMER, account="acme")["domain"]
        self.publish(self.aliases(domain))
        self.checked("verified", 1)
        self.knot.stop()
        domain = self.check()
        self.assertEqual(domain["state"], "verified")
        self.assertEqual(self.send().returncode, 0)

    def test_what_is_removed_is_gone(self):
        domain = self.ask("domain add", name=CUSTOMER, account="acme")["domain"]
        self.ask("domain add", name=CUSTOMER, account="acme", ok=False)
        self.ask("domain add", name="other.example", account="nobody", ok=False)
        target = domain["publish"][0]["value"]
        self.assertIn(target, self.ask("dns zone")["zone"])
        self.assertEqual([one["name"] for one in self.ask("domain list")["domains"]], [CUSTOMER])
        self.ask("domain remove", name=CUSTOMER)
        self.assertNotIn(target, self.ask("dns zone")["zone"])
        self.assertEqual(self.ask("domain show", name=CUSTOMER, ok=False)["error"]["code"], "not_found")
        self.assertEqual(self.ask("domain list")["domains"], [])

    def tool(self, *words):
        done = run([harness.BIN / "ringpost", "--socket", self.daemon.socket_path, *words])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def move(self, *export):
        """Accounts and domains go to another gateway, by what an operator types; it is self.daemon from then on."""
        document = self.folder / "document.json"
        self.tool("account", "export", document, *export)
        self.daemon.stop()
        self.daemon = self.run_gateway("another")
        self.assertRegex(self.tool("account", "import", "--dry-run", document), r"(?m)^domains +1 +0 +0$")
        self.ask("domain show", name=CUSTOMER, ok=False)
        text = self.tool("account", "import", document)
        self.assertRegex(text, r"(?m)^domains +1 +0 +0$")
        self.assertRegex(self.tool("account", "import", document), r"(?m)^domains +0 +0 +1$")
        return text

    def test_another_gateway_goes_on_with_its_keys(self):
        self.verify_domain()
        self.assertEqual(self.send().returncode, 0)
        (first,) = self.signatures(self.sink.wait(1)[0])
        self.move("--secrets")
        # Nothing was published anew, and no check has been waited for.
        self.assertEqual(self.send().returncode, 0)
        self.assertEqual(self.signatures(self.sink.wait(2)[1]), [first])
        self.checked("verified", 1)

    def test_another_gateway_without_the_keys_makes_its_own(self):
        published = self.verify_domain()["publish"]
        self.assertIn("1 domain that is new gets other keys", self.move())
        self.assertEqual(self.check()["publish"], published)
        self.knot.reload(OPERATOR, self.ask("dns zone")["zone"])
        self.checked("verified", 1)
        self.assertEqual(self.send().returncode, 0)
        self.assertEqual(len(self.signatures(self.sink.wait(1)[0])), 1)


if __name__ == "__main__":
    unittest.main()
