"""Reports on TLS (RFC 8460) from one end to the other: what was recorded is found in the store, a real DNS server says
where reports go, a next hop gets the signed mail, a real HTTPS server the post."""

import datetime
import email
import gzip
import http.server
import json
import ssl
import sys
import threading
import time
import unittest

import dkim

import harness
from harness import free_port, run, wait_until
from sender_domains import CUSTOMER, OPERATOR, SenderDomainCase
from tls_files import Authority

sys.path.append(str(harness.ROOT / "tests/unit/mail"))
import tlsrpt_schema

DOMAIN = f"rcpt.{CUSTOMER}"
TO, FROM = f"tls@{DOMAIN}", f"reports@{CUSTOMER}"


def day(ago):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=ago)).strftime("%Y-%m-%d")


class Collector(http.server.ThreadingHTTPServer):
    """Takes reports by HTTPS, under a certificate that nobody trusts; refuses as many at first."""

    def __init__(self, folder, port):
        super().__init__(("127.0.0.1", port), Handler)
        chain, key = Authority(folder).issue("collector", ["elsewhere.example"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.got, self.status = [], 201
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_):
        pass


class TlsReports(SenderDomainCase):
    reports = ""

    def setUp(self):
        self.port = free_port()
        self.CUSTOMER_RECORDS = [
            f'_smtp._tls.rcpt 1 IN TXT "v=TLSRPTv1; rua=mailto:{TO}," "https://reports.{CUSTOMER}:{self.port}/v1?a=b"',
            "reports 1 IN A 127.0.0.1", '_smtp._tls.quiet 1 IN TXT "v=spf1 -all"']
        super().setUp()
        self.collector = Collector(self.folder / "collector", self.port)
        self.addCleanup(self.collector.server_close)
        self.addCleanup(self.collector.shutdown)

    def run_gateway(self, folder):
        daemon = harness.Daemon(
            self.folder / folder, self.next_hop(), trust=False,
            extra=self.reports + f'[dns]\nzone = "{OPERATOR}"\nname_servers = ["ns.{OPERATOR}"]\n'
                  'allowed_networks = "127.0.0.0/8"\n'
                  + "".join(f'[[dns.stub]]\nzone = "{zone}"\nserver = "{self.knot.server}"\n'
                            for zone in (CUSTOMER, OPERATOR, *self.OTHER_ZONES)))
        self.addCleanup(daemon.kill)
        return daemon.start()

    def restart_with(self, *recorded, reports=f'[tls_reports]\nfrom = "{FROM}"\norganization = "Ours"\n'):
        """Another start, before which the (domain, days ago) were recorded."""
        self.daemon.stop()
        store = next(self.folder.glob("ringpost/**/control.store"))
        for domain, ago in recorded:
            done = run([harness.BIN / "tls_outcomes", store, domain, str(ago)])
            self.assertEqual(done.returncode, 0, done.stderr)
        self.reports = reports
        self.daemon = self.run_gateway("ringpost")

    def check_report(self, report, ago):
        tlsrpt_schema.check(report)
        self.assertEqual(report["organization-name"], "Ours")
        self.assertEqual(report["contact-info"], FROM)
        self.assertEqual(report["date-range"]["start-datetime"], day(ago) + "T00:00:00Z")
        sts, tlsa = report["policies"]
        self.assertEqual(sts["policy"]["mx-host"], [f"*.{DOMAIN}"])
        self.assertEqual(sts["summary"], {"total-successful-session-count": 3, "total-failure-session-count": 2})
        self.assertEqual(sts["failure-details"][0]["result-type"], "certificate-expired")
        self.assertEqual((tlsa["policy"]["policy-type"], tlsa["policy"]["policy-domain"]), ("tlsa", f"mx1.{DOMAIN}"))

    def mailed(self, number):
        message = self.sink.wait(number)[number - 1]
        self.assertEqual(message["to"], [TO])
        return message["content"]

    def test_leave_by_themselves_both_ways_and_once(self):
        self.verify_domain()
        self.restart_with((DOMAIN, 2), (f"quiet.{CUSTOMER}", 2))
        raw = self.mailed(1)
        self.assertTrue(dkim.verify(raw, minkey=2048, dnsfunc=self.texts))
        mail = email.message_from_bytes(raw)
        self.assertEqual((mail.get_content_type(), mail.get_param("report-type")), ("multipart/report", "tlsrpt"))
        self.assertEqual((mail["From"], mail["TLS-Report-Domain"], mail["TLS-Report-Submitter"], mail["TLS-Required"]),
                         (f"<{FROM}>", DOMAIN, CUSTOMER, "No"))
        part = mail.get_payload()[1]
        self.assertEqual(part.get_content_type(), "application/tlsrpt+gzip")
        report = json.loads(gzip.decompress(part.get_payload(decode=True)))
        self.check_report(report, 2)
        self.assertTrue(part.get_filename().startswith(f"{CUSTOMER}!{DOMAIN}!"), part.get_filename())
        self.assertIn(f"Report Domain: {DOMAIN} Submitter: {CUSTOMER} Report-ID: <{report['report-id']}>",
                      " ".join(mail["Subject"].split()))
        wait_until(lambda: self.collector.got, 30, "the post")
        path, headers, body = self.collector.got[0]
        self.assertEqual((path, headers["Content-Type"]), ("/v1?a=b", "application/tlsrpt+gzip"))
        self.assertEqual(json.loads(gzip.decompress(body)), report)
        wait_until(lambda: self.daemon.console().count("tls_report_sent") == 2, 30, "both are said")
        self.restart_with()
        time.sleep(12)  # two looks at what is due
        self.assertEqual((len(self.sink.messages), len(self.collector.got)), (1, 1))
        shown = self.ask("tls report", name=DOMAIN, day=day(2))
        self.check_report(shown["report"], 2)
        self.assertEqual([target["state"] for target in shown["sending"]["targets"]], ["sent", "sent"])

    def test_the_tool_shows_and_sends(self):
        self.verify_domain()
        self.restart_with((DOMAIN, 0))
        done = run([harness.BIN / "ringpost", "--socket", self.daemon.socket_path, "tls", "outcomes"])
        self.assertRegex(done.stdout, rf"{DOMAIN} +4 +2\n")
        done = run([harness.BIN / "ringpost", "--socket", self.daemon.socket_path, "tls", "report", DOMAIN])
        self.check_report(json.loads(done.stdout), 0)
        self.collector.status = 503
        send = [harness.BIN / "ringpost", "--socket", self.daemon.socket_path, "tls", "report", DOMAIN, "--send"]
        done = run(send)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"sent: mailto:{TO}\n", done.stdout)
        self.assertIn("answered 503", done.stdout)
        self.collector.status = 200
        done = run(send)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(len(self.collector.got), 2)
        self.mailed(2)

    def test_without_the_section_nothing_is_sent(self):
        self.restart_with((DOMAIN, 2), (DOMAIN, 0), reports="")
        answer = self.ask("tls report", ok=False, name=DOMAIN, send=True)
        self.assertIn("[tls_reports]", answer["error"]["message"])
        self.assertEqual(self.ask("tls outcomes")["outcomes"], [{"domain": DOMAIN, "successful": 4, "failed": 2}])
        self.ask("tls report", ok=False, name="nobody.example")
        time.sleep(7)
        self.assertEqual((self.sink.messages, self.collector.got), ([], []))


if __name__ == "__main__":
    unittest.main()
