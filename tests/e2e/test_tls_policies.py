"""MTA-STS (RFC 8461) and REQUIRETLS (RFC 8689) from one end to the other, and what reports say of them (RFC 8460): policies
from a real web server, exchangers at port 25 of loopback addresses, with certificates that prove something or not."""

import json
import smtplib
import ssl
import sys
import unittest

import harness
from harness import run, wait_until
from https_server import HttpsServer
from knot import Knot
from tls_files import Authority

sys.path.append(str(harness.ROOT / "tests/unit/mail"))
import tlsrpt_schema

ZONE = "example"
# Of this test alone: others may run beside it.
GOOD, OTHER, CLEAR, WEB, ALLOWED = "127.26.7.1", "127.26.7.2", "127.26.7.3", "127.26.7.9", "127.26.7.0/24"


def response(content, status="200 OK"):
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(content)}\r\n\r\n"
    return [(head + content).encode()]


def policy(mode, *mx):
    """Of a domain whose name takes the place of DOMAIN."""
    return "".join(line + "\r\n" for line in ("version: STSv1", f"mode: {mode}", *(f"mx: {one}" for one in mx),
                                              "max_age: 86400"))


class TlsPolicies(harness.Case):
    # By domain: its exchangers, its policy, and what becomes of its mail: what `tls` says in the log, or why it waits.
    # The hosts are each domain's own, so that none goes over another's connection.
    CASES = {
        "enforced": (["good"], policy("enforce", "good.DOMAIN"), ("verified",)),
        "by-pattern": (["good"], policy("enforce", "*.DOMAIN"), ("verified",)),
        "wrong-name": (["other"], policy("enforce", "other.DOMAIN"), "TLS with the next hop failed"),
        "in-clear": (["clear"], policy("enforce", "clear.DOMAIN"), "TLS"),
        "not-named": (["good"], policy("enforce", "mx.elsewhere.example"), "MTA-STS"),
        "one-named": (["other", "good"], policy("enforce", "good.DOMAIN"), ("verified",)),
        "testing": (["other"], policy("testing", "other.DOMAIN"), ("TLSv1",)),
        "testing-clear": (["clear"], policy("testing", "clear.DOMAIN"), (None,)),
        "none": (["clear"], policy("none"), (None,)),
        "not-had": (["clear"], None, (None,)),
        "without": (["other"], "", ("TLSv1",)),
    }

    @classmethod
    def answer(cls, host, _):
        name = host.split(".")[1]
        text = cls.CASES[name][1]
        return response("", "404 Not Found") if text is None else response(text.replace("DOMAIN", f"{name}.{ZONE}"))

    def setUp(self):
        super().setUp()
        authority = Authority(self.folder / "authority")
        web = {f"mta-sts.{name}.{ZONE}": authority.issue("web", [f"mta-sts.{one}.{ZONE}" for one in self.CASES])
               for name in self.CASES}
        self.web = HttpsServer(WEB, web, self.answer)
        self.addCleanup(self.web.stop)
        self.web.start()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue("good", [f"good.{name}.{ZONE}" for name in self.CASES]))
        self.sinks = {name: self.run_sink(port=25, address=address, tls=tls)
                      for name, address, tls in (("good", GOOD, context), ("other", OTHER, context), ("clear", CLEAR, None))}
        records = [f"$ORIGIN {ZONE}.", "@ 60 IN SOA ns hostmaster 1 3600 600 1209600 60", "@ 60 IN NS ns",
                   "ns 60 IN A 127.0.0.1"]
        addresses = {"good": GOOD, "other": OTHER, "clear": CLEAR}
        for name, (hosts, published, _) in self.CASES.items():
            for i, host in enumerate(hosts):
                records += [f"{name} 60 IN MX {10 * (i + 1)} {host}.{name}", f"{host}.{name} 60 IN A {addresses[host]}"]
            if published != "":
                records += [f'_mta-sts.{name} 60 IN TXT "v=STSv1; id=1;"', f"mta-sts.{name} 60 IN A {WEB}"]
        self.knot = Knot(self.folder / "knot", {ZONE: "\n".join(records) + "\n"})
        self.addCleanup(self.knot.stop)
        self.knot.start()
        certificate, key = authority.issue("daemon", ["gw.example.com"])
        self.daemon = self.run_daemon(
            "mx", listener_extra='tls = "optional"\n',
            extra=f'[delivery]\nretry = ["600s"]\n[tls]\nauthorities = "{authority.path}"\n'
                  f'[[tls.certificate]]\nchain = "{certificate}"\nkey = "{key}"\n'
                  f'[dns]\nallowed_networks = "{ALLOWED}"\n[[dns.stub]]\nzone = "{ZONE}"\nserver = "{self.knot.server}"\n')

    def events(self, *names):
        return [entry for entry in map(json.loads, self.daemon.log_path.read_text().splitlines()) if entry["event"] in names]

    def outcomes(self):
        found = {}
        for entry in self.events("delivered", "deferred", "bounced"):
            found.setdefault(entry["to"].split("@")[1].split(".")[0], entry)
        return found

    def send(self, name):
        done = run(["swaks", "--server", f"127.0.0.1:{self.daemon.port}", "--from", "a@sender.invalid",
                    "--to", f"b@{name}.{ZONE}"])
        self.assertEqual(done.returncode, 0, done.stdout)

    def tool(self, *words):
        done = run([harness.BIN / "ringpost", "--socket", self.daemon.socket_path, *words])
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_policies_and_the_report_on_them(self):
        for name in self.CASES:
            self.send(name)
        wait_until(lambda: len(self.outcomes()) >= len(self.CASES), 60, "every case has come to something")
        for name, (_, _, expected) in self.CASES.items():
            entry = self.outcomes()[name]
            with self.subTest(name, entry=entry):
                if isinstance(expected, str):
                    self.assertEqual(entry["event"], "deferred")
                    self.assertIn(expected, entry["reply"])
                    continue
                self.assertEqual(entry["event"], "delivered")
                self.assertIn(expected[0] or "", entry.get("tls", ""))
                self.assertEqual("tls" in entry, expected[0] is not None)
                self.assertEqual("verified" in entry.get("tls", ""), expected[0] == "verified")
        self.assertEqual(self.outcomes()["not-named"]["dsn"], "4.7.5")
        self.assertIn("enforce", self.tool("tls", "policies", f"enforced.{ZONE}"))
        reports = {name: json.loads(self.tool("tls", "report", f"{name}.{ZONE}")) for name in self.CASES}
        for report in reports.values():
            tlsrpt_schema.check(report)
        def failures(name):
            return {detail["result-type"] for one in reports[name]["policies"] for detail in one.get("failure-details", [])}
        for name in ("enforced", "by-pattern", "one-named", "without"):
            self.assertEqual(failures(name), set(), name)
            self.assertEqual(reports[name]["policies"][0]["summary"]["total-successful-session-count"], 1)
        self.assertEqual(reports["wrong-name"]["policies"][0]["policy"]["policy-type"], "sts")
        self.assertEqual(failures("wrong-name"), {"certificate-host-mismatch"})
        self.assertEqual(failures("in-clear"), {"starttls-not-supported"})
        self.assertEqual(failures("not-named"), {"validation-failure"})
        self.assertEqual(failures("testing"), {"certificate-host-mismatch"})
        self.assertEqual(failures("testing-clear"), {"starttls-not-supported"})
        self.assertIn("sts-policy-fetch-error", failures("not-had"))

    def test_who_asks_for_tls_all_the_way(self):
        client = smtplib.SMTP("127.0.0.1", self.daemon.port, timeout=30)
        client.ehlo()
        self.assertNotIn("requiretls", client.esmtp_features)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client.starttls(context=context)
        client.ehlo()
        self.assertIn("requiretls", client.esmtp_features)
        for name in ("without", "enforced"):
            client.sendmail(f"a@enforced.{ZONE}", [f"b@{name}.{ZONE}"], "Subject: x\r\n\r\nsecret\r\n", ["REQUIRETLS"])
        wait_until(lambda: len(self.events("bounced")) == 2, 30, "neither server promises it")
        self.assertEqual({entry["to"].split("@")[1].split(".")[0]: entry["dsn"] for entry in self.events("bounced")},
                         {"without": "5.7.10", "enforced": "5.7.30"})
        report = self.sinks["good"].wait(2)[0]["content"]
        self.assertNotIn(b"secret", report)
        client.quit()


if __name__ == "__main__":
    unittest.main()
