"""DANE (RFC 7672) from one end to the other: signed zones by Knot, validated with their anchors; exchangers at port 25 of
loopback addresses with certificates of all kinds. Each case of TABLE is a domain of its own, and one message to it."""

import hashlib
import json
import re
import ssl
import subprocess
import unittest

import harness
from harness import run, wait_until
from knot import Knot
from tls_files import Authority

# "plain" is not signed; of "bogus" the anchor is another's.
SIGNED, PLAIN, BOGUS = "signed.example", "plain.example", "bogus.example"
# Of this test alone: others may run beside it.
ADDRESSES = "127.25.9"
TRUSTED, SELF, CLEAR, POSTFIX = (f"{ADDRESSES}.{i}" for i in range(1, 5))

BY_DANE = r"verified by DANE"
BY_PKIX = r"verified(?! by DANE)"
ENCRYPTED = r"^TLSv1\.[23] (?!.*verified)"
IN_CLEAR = None




class Files:
    """What the servers present, and what TLSA records say of it."""

    def __init__(self, folder):
        self.authority = Authority(folder / "authority")
        # Whoever is at TRUSTED has a certificate that proves it to anybody, for one name alone.
        leaf, self.key = self.authority.issue("trusted", [f"right.{SIGNED}", f"dane-ta.{SIGNED}"])
        self.chain = folder / "chain.pem"
        self.chain.write_text(leaf.read_text() + self.authority.path.read_text())
        self.leaf = leaf
        # Whoever is at SELF has none that proves anything: a stranger's, for another name, out of date.
        stranger = Authority(folder / "stranger")
        self.worthless, self.worthless_key = stranger.issue("nobody", ["nobody.example"], days=-1)

    @staticmethod
    def data(path, selector, matching):
        der = subprocess.run(["openssl", "x509", "-in", path, "-outform", "DER"], check=True, capture_output=True).stdout
        if selector == 1:
            pem = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-pubkey"], check=True, capture_output=True)
            der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=pem.stdout, check=True,
                                 capture_output=True).stdout
        return {0: der, 1: hashlib.sha256(der).digest(), 2: hashlib.sha512(der).digest()}[matching].hex()

    def tlsa(self, path, usage, selector, matching):
        return f"{usage} {selector} {matching} {self.data(path, selector, matching)}"

    def context(self, chain, key):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        return context


class Dane(harness.Case):
    def setUp(self):
        super().setUp()
        self.files = files = Files(self.folder)
        self.zones = {name: [f"$ORIGIN {name}.", "$TTL 60", "@ SOA ns hostmaster 1 3600 600 1209600 1", "@ NS ns",
                             "ns A 127.0.0.1"] for name in (SIGNED, PLAIN, BOGUS)}
        self.cases = {}
        self.sinks = [self.run_sink(port=25, address=TRUSTED, tls=files.context(files.chain, files.key)),
                      self.run_sink(port=25, address=SELF, tls=files.context(files.worthless, files.worthless_key)),
                      self.run_sink(port=25, address=CLEAR)]

    def host(self, name, address, *tlsa, zone=SIGNED):
        """A host, and its TLSA records: what is behind the type."""
        self.zones[zone].append(f"{name} A {address}")
        self.zones[zone] += [f"_25._tcp.{name} TLSA {record}" for record in tlsa]

    def case(self, name, expected, *hosts, zone=SIGNED):
        """A domain by MX; `expected`: what `tls` says in the log where it is delivered, else the words of why not."""
        for i, one in enumerate(hosts):
            self.zones[zone].append(f"{name} MX {10 * (i + 1)} {one if '.' in one else f'{one}.{zone}'}.")
        self.cases[f"{name}.{zone}"] = expected

    def one_host(self, name, expected, address, *tlsa, **where):
        self.host(f"mx-{name}", address, *tlsa, **where)
        self.case(name, expected, f"mx-{name}", **where)

    def add_cases(self):
        right, wrong = self.files, "3 1 1 " + "ab" * 32
        mine = self.files.worthless
        # DANE-EE: the certificate's or the key's own bytes; neither name nor date counts.
        for selector, matching in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)):
            self.one_host(f"ee{selector}{matching}", (BY_DANE,), SELF, right.tlsa(mine, 3, selector, matching))
        self.one_host("ee-wrong", "TLSA", SELF, wrong)
        self.one_host("ee-one-of-two", (BY_DANE,), SELF, wrong, right.tlsa(mine, 3, 1, 1))
        self.one_host("ee-trusted-wrong", "TLSA", TRUSTED, wrong)
        # Of the digests of one kind the strongest counts (RFC 7671 section 9).
        self.one_host("agility", "TLSA", SELF, right.tlsa(mine, 3, 1, 1), "3 1 2 " + "cd" * 64)
        # DANE-TA: an authority, and the host's name.
        for selector in (0, 1):
            name = f"ta{selector}"
            self.host(f"right-{name}", TRUSTED)
            self.zones[SIGNED] += [f"{name} MX 10 {name}-mx", f"{name}-mx CNAME dane-ta-{name}", f"dane-ta-{name} A {TRUSTED}"]
            self.cases[f"{name}.{SIGNED}"] = "TLSA"  # the name at the alias's end is not in the certificate
            self.zones[SIGNED].append(f"_25._tcp.dane-ta-{name} TLSA "
                                      + right.tlsa(self.files.authority.path, 2, selector, 1))
        self.host("dane-ta", TRUSTED, right.tlsa(self.files.authority.path, 2, 0, 1))
        self.case("ta-right-name", (BY_DANE,), "dane-ta")
        self.one_host("ta-wrong-name", "TLSA", TRUSTED, right.tlsa(self.files.authority.path, 2, 0, 1))
        self.one_host("ta-wrong-authority", "TLSA", SELF, right.tlsa(self.files.authority.path, 2, 0, 1))
        # Records that cannot be used: TLS, whoever it is (RFC 7672 section 2.2).
        self.one_host("pkix-ee", (ENCRYPTED,), SELF, right.tlsa(mine, 1, 1, 1))
        self.one_host("pkix-ta", (ENCRYPTED,), SELF, right.tlsa(self.files.authority.path, 0, 0, 1))
        self.one_host("unknown-matching", (ENCRYPTED,), SELF, "3 1 9 " + "ab" * 32)
        self.one_host("unusable-in-clear", "TLS", CLEAR, right.tlsa(mine, 1, 1, 1))
        self.one_host("usable-in-clear", "TLS", CLEAR, wrong)
        # Neither: as without DANE.
        self.one_host("none", (ENCRYPTED,), SELF)
        self.one_host("none-in-clear", (IN_CLEAR,), CLEAR)
        self.host("right", TRUSTED)
        self.case("none-trusted", (BY_PKIX,), "right")
        self.host("other-port", SELF)
        self.zones[SIGNED].append(f"_465._tcp.other-port TLSA {wrong}")
        self.case("other-port", (ENCRYPTED,), "other-port")
        # What is not signed says nothing.
        self.one_host("insecure", (ENCRYPTED,), SELF, wrong, zone=PLAIN)
        self.case("insecure-host", (ENCRYPTED,), f"mx-insecure.{PLAIN}")
        self.case("insecure-mx", (ENCRYPTED,), f"mx-ee-wrong.{SIGNED}", zone=PLAIN)
        # What cannot be known defers.
        self.one_host("bogus", "", SELF, zone=BOGUS)
        self.case("bogus-host", "bogus", f"mx-bogus.{BOGUS}")
        self.host("lame", SELF)
        self.zones[SIGNED] += ["_tcp.lame NS ns.nowhere.invalid."]
        self.case("tlsa-not-had", "TLSA records", "lame")
        # Aliases: the name at the end, else the first one.
        self.zones[SIGNED] += ["alias-a CNAME alias-a-end", f"alias-a-end A {SELF}",
                               f"_25._tcp.alias-a-end TLSA {right.tlsa(mine, 3, 1, 1)}", f"_25._tcp.alias-a TLSA {wrong}",
                               "alias-b CNAME alias-b-end", f"alias-b-end A {SELF}",
                               f"_25._tcp.alias-b TLSA {right.tlsa(mine, 3, 1, 1)}",
                               f"alias-c CNAME mx-insecure.{PLAIN}.", f"_25._tcp.alias-c TLSA {wrong}"]
        self.case("alias-end", (BY_DANE,), "alias-a")
        self.case("alias-first", (BY_DANE,), "alias-b")
        self.case("alias-into-insecure", "TLSA", "alias-c")
        # The domain is its own exchanger.
        self.host("no-mx", SELF, right.tlsa(mine, 3, 1, 1))
        self.cases[f"no-mx.{SIGNED}"] = (BY_DANE,)
        self.host("no-mx-wrong", SELF, wrong)
        self.cases[f"no-mx-wrong.{SIGNED}"] = "TLSA"
        # One exchanger's trouble is not the other's.
        self.case("second-is-right", (BY_DANE,), "mx-ee-wrong", "mx-ee11")
        # Postfix, with its own certificate.
        self.one_host("postfix", (BY_DANE,), POSTFIX, right.tlsa(mine, 3, 1, 1))
        self.one_host("postfix-wrong", "TLSA", POSTFIX, wrong)

    def start(self):
        self.knot = Knot(self.folder / "knot", {name: "\n".join(zone) + "\n" for name, zone in self.zones.items()},
                         signed=(SIGNED, BOGUS))
        self.addCleanup(self.knot.stop)
        self.knot.start()
        self.run_postfix("pf", f"relayhost = [{CLEAR}]:25\nrelay_domains = {SIGNED}\nsmtpd_tls_security_level = may\n"
                               f"smtpd_tls_cert_file = {self.files.worthless}\n"
                               f"smtpd_tls_key_file = {self.files.worthless_key}\n"
                               "smtpd_tls_loglevel = 1\n", address=POSTFIX, smtpd_port=25)
        anchors = self.folder / "anchors"
        others = [re.sub(r"[0-9a-f]{16}$", "0" * 16, line) for line in self.knot.delegation(BOGUS).splitlines()]
        anchors.write_text(self.knot.delegation(SIGNED) + "\n".join(others) + "\n")
        stubs = "".join(f'[[dns.stub]]\nzone = "{name}"\nserver = "{self.knot.server}"\n' for name in self.zones)
        self.daemon = self.run_daemon(
            "mx", extra=f'[delivery]\nretry = ["600s"]\n[tls]\nauthorities = "{self.files.authority.path}"\n'
                        f'[dns]\nallowed_networks = "{ADDRESSES}.0/24"\ntrust_anchors = "{anchors}"\n{stubs}')

    def outcomes(self):
        """By domain: the first line about a recipient there that is "delivered", "deferred" or "bounced"."""
        found = {}
        for line in self.daemon.log_path.read_text().splitlines():
            entry = json.loads(line)
            if entry["event"] in ("delivered", "deferred", "bounced"):
                found.setdefault(entry["to"].split("@")[1], entry)
        return found

    def test_every_outcome(self):
        self.add_cases()
        self.assertGreaterEqual(len(self.cases), 20)
        self.start()
        for domain in self.cases:
            done = run(["swaks", "--server", f"127.0.0.1:{self.daemon.port}", "--from", "a@sender.example",
                        "--to", f"b@{domain}"])
            self.assertEqual(done.returncode, 0, done.stdout)
        wait_until(lambda: len(self.outcomes()) >= len(self.cases), 90, "every case has come to something")
        outcomes = self.outcomes()
        for domain, expected in self.cases.items():
            entry = outcomes[domain]
            with self.subTest(domain, entry=entry):
                if isinstance(expected, str):
                    self.assertEqual(entry["event"], "deferred")
                    self.assertIn(expected, entry["reply"])
                    continue
                self.assertEqual(entry["event"], "delivered")
                if expected[0] is None:
                    self.assertNotIn("tls", entry)
                else:
                    self.assertRegex(entry["tls"], expected[0])
        got = {message["to"][0].split("@")[1] for sink in self.sinks for message in sink.messages}
        refused = {domain for domain, expected in self.cases.items() if isinstance(expected, str)}
        self.assertEqual(got & refused, set(), "what is deferred has reached nobody")


if __name__ == "__main__":
    unittest.main()
