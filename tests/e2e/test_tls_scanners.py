"""What scanners find on a default listener, with an ECDSA and an RSA certificate: testssl.sh and sslscan. What they say of
the certificates is of the test's own authority, which nobody trusts, and not looked at."""

import json
import subprocess
import unittest
import xml.etree.ElementTree

import harness
import test_tls

# Of the report, not of the listener.
NOT_OURS = ("cert_", "DNS_CAA", "engine_problem", "service", "scanTime")
ABOVE_LOW = ("MEDIUM", "HIGH", "CRITICAL")


class Scanners(test_tls.TlsCase):
    def findings(self, port, *options, severities=ABOVE_LOW):
        """{id: finding} of these severities."""
        report = self.folder / f"{port}.json"
        subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "off", "--jsonfile", report, *options,
                        f"127.0.0.1:{port}"], capture_output=True, text=True, timeout=600 * harness.PATIENCE)
        found = json.loads(report.read_text())
        self.assertGreater(len(found), 20, "it did not get far")
        return {one["id"]: one["finding"] for one in found
                if one["severity"] in severities and not one["id"].startswith(NOT_OURS)}

    def scan(self, port, *options):
        done = subprocess.run(["sslscan", "--no-colour", "--xml=-", *options, f"127.0.0.1:{port}"], capture_output=True,
                              text=True, timeout=300 * harness.PATIENCE, check=True)
        return xml.etree.ElementTree.fromstring(done.stdout).find("ssltest")

    def test_testssl_finds_nothing_above_low(self):
        self.assertEqual(self.findings(self.smtps), {})
        self.assertEqual(self.findings(self.daemon.port, "-t", "smtp"), {})

    def test_testssl_finds_what_old_devices_need(self):
        """Else it would find nothing anywhere."""
        found = self.findings(self.old, "-t", "smtp", "-p", "-S", severities=("LOW",))
        self.assertEqual({"TLS1", "TLS1_1"} - set(found), set())

    def test_sslscan_sees_two_versions_and_aeads_alone(self):
        for port, options in ((self.smtps, ()), (self.daemon.port, ("--starttls-smtp",))):
            seen = self.scan(port, *options)
            self.assertEqual({one.get("version") for one in seen.findall("protocol") if one.get("enabled") == "1"},
                             {"1.2", "1.3"})
            ciphers = [one.get("cipher") for one in seen.findall("cipher")]
            self.assertGreaterEqual(len(ciphers), 6)
            for cipher in ciphers:
                self.assertTrue(cipher.startswith("TLS_") or "GCM" in cipher or "CHACHA20" in cipher, cipher)
            self.assertEqual(seen.find("renegotiation").get("supported"), "0")
            for one in seen.findall("heartbleed"):
                self.assertEqual(one.get("vulnerable"), "0")


if __name__ == "__main__":
    unittest.main()
