"""Single addresses that are verified by a mailed link: a real daemon, swaks and curl around it. What a mail scanner does
(GET) confirms nothing, what a person does (POST) does, once."""

import base64
import email
import email.policy
import hashlib
import http.client
import re
import socket
import ssl
import unittest

import harness
import tls_files
from harness import run

HOST = "gw.example.com"
PASSWORD = "correct horse battery 7"
BOB = "bob@customer.example"


class LinkCase(harness.Case):
    """A gateway with an account and a user; its main port takes SMTP alone, `https` takes HTTP under TLS."""

    served = True

    def setUp(self):
        super().setUp()
        self.authority = tls_files.Authority(self.folder / "tls")
        self.chain, self.key = self.certificate()
        self.sink = self.run_sink()
        self.https, self.clear = harness.free_port(), harness.free_port()
        self.daemon = self.run_daemon(self.sink.port, trust=False, listener_extra="auth_in_clear = true\n",
                                      extra=self.extra())
        self.tool("account", "add", "acme")
        self.tool("credential", "add", "app", "--account", "acme", "--password-stdin", given=PASSWORD + "\n")

    def certificate(self):
        return self.authority.issue("mail", [HOST])

    def listener(self, port, lines):
        return f'[[listener]]\naddress = "127.0.0.1:{port}"\nregion = "local"\n{lines}\n'

    def extra(self):
        certificate = f'[[tls.certificate]]\nchain = "{self.chain}"\nkey = "{self.key}"\n'
        if not self.served:
            return certificate
        return (certificate + self.listener(self.https, 'tls = "implicit"\nprotocol = "auto"')
                + self.listener(self.clear, 'tls = "none"\nprotocol = "http"'))

    def tool(self, *words, given="", code=0):
        done = run([harness.BIN / "ringpost", "--socket", self.daemon.socket_path, *words], input=given)
        self.assertEqual(done.returncode, code, (words, done.stdout, done.stderr))
        return done.stdout + done.stderr

    def swaks(self, sender=BOB):
        return run(["swaks", "--server", f"127.0.0.1:{self.daemon.port}", "--from", sender, "--to", "x@example.net",
                    "--header", f"From: {sender}", "--auth", "PLAIN", "--auth-user", "app", "--auth-password", PASSWORD])

    def refused(self, sender=BOB):
        done = self.swaks(sender)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"550 5\.7\.1 .*no verified sender of this account: .*by a link that the operator")

    def accepted(self, sender=BOB):
        done = self.swaks(sender)
        self.assertEqual(done.returncode, 0, done.stdout)

    def mail(self, count=1):
        """The message that came last, of `count`."""
        return self.sink.wait(count)[count - 1]

    def link(self, count=1):
        text = self.mail(count)["content"].decode()
        (link,) = re.findall(r"^    (https?://\S+/confirm/[a-z2-7]{32})\r$", text, re.MULTILINE)
        return link

    def curl(self, url, *options):
        """The status, the header and the body."""
        done = run(["curl", "-sS", "-i", "--max-time", 20, "--cacert", self.authority.path, "--connect-to",
                    f"{HOST}:{self.https}:127.0.0.1:{self.https}", "--connect-to",
                    f"{HOST}:{self.clear}:127.0.0.1:{self.clear}", *options, url])
        self.assertEqual(done.returncode, 0, done.stderr)
        head, _, body = done.stdout.partition("\n\n")
        return int(head.split()[1]), head, body

    def audit(self):
        return [(one.get("by", "uid"), one["what"]) for one in self.daemon.ctl("audit") if one.get("type") == "sender"]


class SenderLinks(LinkCase):
    def test_a_link_confirms_once_and_only_by_its_button(self):
        self.refused()
        said = self.tool("sender", "add", BOB, "--account", "acme")
        self.assertIn("A link was mailed to bob@customer.example", said)
        self.assertIn("Until it is confirmed there, mail from this address is refused", said)
        link = self.link()
        self.assertTrue(link.startswith(f"https://{HOST}:{self.https}/confirm/"), link)
        self.refused()
        # What scanners of mail do.
        for options in ((), ("-I",), ("-X", "OPTIONS"), ("-L", "-A", "scanner")):
            self.curl(link, *options)
        self.refused()
        status, head, body = self.curl(link)
        self.assertEqual(status, 200)
        self.assertIn(BOB, body)
        self.assertIn("acme", body)
        self.assertIn(HOST, body)
        self.assertEqual(re.findall(r"<form[^>]*>", body), ['<form method="post">'])
        for field in (r"Content-Security-Policy: default-src 'none'; ", "Referrer-Policy: no-referrer",
                      "Cache-Control: no-store", "Content-Type: text/html; charset=utf-8"):
            self.assertIn(field, head)
        style = re.search(r"<style>(.*?)</style>", body)[1]
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.assertIn(f"style-src 'sha256-{digest}'", head)
        # The daemon begins anew in between.
        self.daemon.stop()
        self.daemon.start()
        self.refused()
        status, _, body = self.curl(link, "-X", "POST")
        self.assertEqual(status, 200)
        self.assertIn("<h1>Confirmed</h1>", body)
        self.accepted()
        self.refused("eve@customer.example")
        for options in (("-X", "POST"), ("-d", "a=b"), ()):
            status, _, body = self.curl(link, *options)
            self.assertEqual(status, 410)
            self.assertIn("used already", body)
        self.assertEqual(self.audit(), [("link", "confirmed"), ("uid", "sent a link to"), ("uid", "added")])
        self.assertRegex(self.tool("audit"), r"link confirmed sender bob@customer\.example[^\n]*\n +client +127")
        self.daemon.stop()
        self.daemon.start()
        self.accepted()

    def test_the_mail_is_proper(self):
        self.tool("sender", "add", "Bob@Customer.Example", "--account", "acme")
        message = self.mail()
        self.assertEqual((message["from"], message["to"]), ("", ["Bob@customer.example"]))
        content = message["content"]
        self.assertNotIn(b"\n", content.replace(b"\r\n", b""))
        self.assertTrue(content.isascii())
        mail = email.message_from_bytes(content, policy=email.policy.SMTP)
        self.assertEqual(mail.defects, [])
        self.assertEqual([one.addr_spec for one in mail["To"].addresses], ["Bob@customer.example"])
        self.assertEqual(mail["From"].addresses[0].addr_spec, f"postmaster@{HOST}")
        self.assertEqual(mail["Auto-Submitted"], "auto-generated")
        self.assertRegex(mail["Message-ID"], rf"^<[0-9A-Z]{{26}}@{re.escape(HOST)}>$")
        self.assertIsNotNone(mail["Date"].datetime)
        self.assertEqual(mail.get_content_type(), "text/plain")
        self.assertIn("the account acme", mail.get_content())
        for name in ("Date", "From", "To", "Subject", "Message-ID"):
            self.assertEqual(len(mail.get_all(name)), 1)

    def test_the_mail_is_durable_before_the_command_answers(self):
        self.sink.stop()
        self.tool("sender", "add", BOB, "--account", "acme")
        self.daemon.kill()
        self.sink = self.run_sink(port=self.sink.port)
        self.daemon.start()
        harness.wait_until(lambda: self.sink.messages or self.daemon.ctl("queue", "retry", "--all"), 30, "the mail")
        self.assertEqual(self.curl(self.link(), "-X", "POST")[0], 200)
        self.accepted()

    def test_another_link_is_bounded_and_by_hand_it_goes_too(self):
        self.tool("sender", "add", BOB, "--account", "acme")
        self.mail()
        for words in (("sender", "link", BOB), ("sender", "link", BOB.upper())):
            said = self.tool(*words, code=1)
            self.assertIn("at most one in 5 minutes, and 5 a day", said)
        self.daemon.stop()
        self.daemon.start()
        self.assertIn("not long ago", self.tool("sender", "link", BOB, code=1))
        self.tool("sender", "remove", BOB, "--yes")
        self.assertIn("not long ago", self.tool("sender", "add", BOB, "--account", "acme", code=1))
        self.assertEqual(self.curl(self.link(), "-X", "POST")[0], 404)
        self.tool("sender", "add", BOB, "--account", "acme", "--state", "verified")
        self.accepted()
        self.tool("sender", "set", BOB, "--state", "pending")
        self.refused()
        self.tool("sender", "set", BOB, "--state", "verified")
        self.accepted()
        self.assertEqual(self.curl(self.link(), "-X", "POST")[0], 410)
        self.assertEqual(len([one for one in self.sink.messages if not one["from"]]), 1)

    def test_what_is_not_known_is_not_found(self):
        self.tool("sender", "add", BOB, "--account", "acme")
        link = self.link()
        other = link[:-1] + ("a" if link[-1] != "a" else "b")
        for url in (other, link + "x", link[:-1], link.rsplit("/", 1)[0] + "/", link + "?a=b"):
            for options in ((), ("-X", "POST")):
                status, _, body = self.curl(url, *options)
                self.assertEqual(status, 404, url)
                self.assertIn("not known", body)
                self.assertNotIn(BOB, body)
        self.assertEqual(self.curl(link, "-X", "PUT")[0], 405)
        self.assertEqual(self.curl(link, "-d", "x" * 5000)[0], 413)
        self.refused()
        log = self.daemon.log_path.read_text() + self.daemon.console()
        self.assertIn("/confirm/...", log)
        self.assertNotIn(link.rsplit("/", 1)[1], log)

    def test_in_clear_there_is_a_redirect(self):
        self.tool("sender", "add", BOB, "--account", "acme")
        path = self.link().split("/", 3)[3]
        for options in ((), ("-X", "POST")):
            status, head, _ = self.curl(f"http://{HOST}:{self.clear}/{path}", *options)
            self.assertEqual(status, 308)
            self.assertIn(f"Location: https://{HOST}:{self.https}/{path}", head)
        self.refused()

    def test_one_client_may_not_try_for_ever(self):
        context = ssl.create_default_context(cafile=self.authority.path)
        raw = socket.create_connection(("127.0.0.1", self.https), timeout=20 * harness.PATIENCE)
        context.set_alpn_protocols(["http/1.1"])
        client = http.client.HTTPConnection(HOST)
        client.sock = context.wrap_socket(raw, server_hostname=HOST)
        self.addCleanup(client.close)
        statuses = []
        for number in range(35):
            client.request("POST", "/confirm/" + "abcdefgh" * 4)
            answer = client.getresponse()
            answer.read()
            statuses.append(answer.status)
        self.assertEqual(statuses[:30], [404] * 30)
        self.assertEqual(statuses[-1], 429)
        self.assertIsNotNone(answer.headers["Retry-After"])

    def test_an_address_beyond_ascii(self):
        address = "müller@customer.example"
        self.tool("sender", "add", address, "--account", "acme")
        message = self.mail()
        self.assertEqual(message["to"], [address])
        self.assertIn("SMTPUTF8", message["mail_options"])
        self.assertIn(f"To: <{address}>\r\n".encode(), message["content"])
        self.assertIn(address, self.curl(self.link())[2])
        self.assertEqual(self.curl(self.link(), "-X", "POST")[0], 200)
        (record,) = [one for one in self.daemon.ctl("sender", "list") if one.get("name") == address]
        self.assertEqual(record["state"], "verified")

    def test_hostile_names(self):
        name = "o'neil&co{\u202etxt}@customer.example"
        self.tool("sender", "add", name, "--account", "acme")
        status, _, body = self.curl(self.link())
        self.assertEqual(status, 200)
        self.assertIn("<bdi>o&#39;neil&amp;co{?txt}@customer.example</bdi>", body)
        for bad in ('"<script>alert(1)</script>"@customer.example',"bob@customer.example\r\nBcc: eve@customer.example", "bob@customer.example>", "a b@customer.example",
                    "x" * 300 + "@customer.example", "@customer.example", "bob@"):
            done = run([harness.BIN / "ringpost", "--socket", self.daemon.socket_path, "sender", "add", bad, "--account",
                        "acme"])
            self.assertNotEqual(done.returncode, 0, bad)
        self.assertEqual(len(self.sink.messages), 1)

    def test_without_a_route_it_says_so(self):
        self.daemon.config_path.write_text(self.daemon.config_path.read_text().replace('domain = "*"',
                                                                                       'domain = "example.net"'))
        self.tool("reload")
        said = self.tool("sender", "add", BOB, "--account", "acme", code=1)
        self.assertIn("no link was sent to it: no route says where mail to customer.example goes", said)
        self.assertIn("--state verified", said)
        self.tool("sender", "set", BOB, "--state", "verified")
        self.accepted()


class WithoutHttp(LinkCase):
    served = False

    def test_it_says_what_is_missing_and_a_reload_mends_it(self):
        said = self.tool("sender", "add", BOB, "--account", "acme", code=1)
        self.assertIn("no listener serves HTTP", said)
        self.assertIn('protocol = "http" or "auto"', said)
        self.assertIn("--state verified", said)
        self.assertEqual(self.sink.messages, [])
        text = self.daemon.config_path.read_text()
        self.daemon.config_path.write_text(text + self.listener(self.clear, 'tls = "none"\nprotocol = "http"'))
        self.tool("reload")
        self.tool("sender", "add", BOB, "--account", "acme")
        link = self.link()
        self.assertTrue(link.startswith(f"http://{HOST}:{self.clear}/confirm/"), link)
        self.assertEqual(self.curl(link)[0], 200)
        self.refused()
        self.assertEqual(self.curl(link, "-X", "POST")[0], 200)
        self.accepted()


class SelfSigned(LinkCase):
    def certificate(self):
        chain, key = self.folder / "own.pem", self.folder / "own.key"
        tls_files.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2,
                          "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", key, "-out", chain)
        key.chmod(0o600)
        return chain, key

    def test_a_person_who_accepts_it_can_confirm(self):
        self.tool("sender", "add", BOB, "--account", "acme")
        self.assertEqual(self.curl(self.link(), "-k")[0], 200)
        self.assertEqual(self.curl(self.link(), "-k", "-X", "POST")[0], 200)
        self.accepted()


if __name__ == "__main__":
    unittest.main()
