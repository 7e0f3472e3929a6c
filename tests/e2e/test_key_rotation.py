"""DKIM keys turn from A to B while mail signed with both is in flight, and all of it verifies at the far end: to
dkimpy, OpenDKIM and mailauth, by the zones as they are published after the turn."""

import json
import pathlib
import re
import smtplib
import subprocess
import threading
import unittest

import dkim

import harness
from harness import run
from sender_domains import CUSTOMER, FROM, OPERATOR, SenderDomainCase

HERE = pathlib.Path(__file__).parent
STREAM = 60  # messages of a client that sends on while keys turn


def selector(content):
    return re.search(rb"DKIM-Signature:[^:]*?\bs=\s*([^;\s]+)", content, re.S)[1].decode()


class RotationCase(SenderDomainCase):
    CUSTOMER_RECORDS = ['_dmarc 1 IN TXT "v=DMARC1; p=reject; adkim=s"']

    def setUp(self):
        super().setUp()
        self.verify_domain()
        self.old, self.new = self.key("active"), self.key("standby")

    def key(self, state):
        return next(one["selector"] for one in self.domain["keys"] if one["state"] == state)

    def states(self):
        return {one["selector"]: one["state"] for one in self.ask("domain show", name=CUSTOMER)["domain"]["keys"]}

    def rotate(self):
        said = self.daemon.ctl("domain", "rotate", CUSTOMER, as_json=False)
        self.assertRegex(said, rf"\({self.new}\) signs from now on")
        self.assertRegex(said, rf"\({self.old}\) signs no more, and stays published until")
        self.publish(self.aliases(self.domain))
        self.assertEqual(self.states(), {self.old: "retired", self.new: "active"})

    def send_one(self, to, subject):
        with smtplib.SMTP("127.0.0.1", self.daemon.port, timeout=60) as peer:
            peer.sendmail(FROM, [to], f"From: {FROM}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nhello\r\n")

    def target(self, of):
        return next(one["value"] for one in self.domain["publish"] if one["owner"].startswith(of + "."))

    # --- Who verifies, each with what the DNS has

    def dkimpy(self, contents):
        def one(content):
            try:
                return dkim.DKIM(content, minkey=2048).verify(dnsfunc=self.texts)
            except Exception:  # no key: of the resolver
                return False
        return [one(content) for content in contents]

    def opendkim(self, contents):
        keys = self.folder / "keys"
        with open(keys, "w") as file:
            for of in (self.old, self.new):
                name = f"{of}._domainkey.{CUSTOMER}"
                try:
                    file.write(f"{name} {self.texts(name).decode()}\n")
                except Exception:
                    continue
        config = self.folder / "opendkim.conf"
        config.write_text(f"Mode v\nTestPublicKeys {keys}\nInternalHosts 192.0.2.1\nSyslog no\n")
        names = []
        for number, content in enumerate(contents):
            names.append(f"{number:03}.eml")
            (self.folder / names[-1]).write_bytes(content)
        done = run(["opendkim", "-x", config, "-vv", "-t", ",".join(names)], cwd=self.folder)
        blocks = done.stdout.split("### INSHEADER")[1:]
        self.assertEqual(len(blocks), len(contents), done.stdout + done.stderr)
        return [bool(re.search(r"dkim=pass", block)) for block in blocks]

    def mailauth(self, contents):
        def one(content):
            done = subprocess.run(["node", HERE / "authenticate_with_mailauth.js", self.knot.server, "127.0.0.1",
                                   "gw.example.com", FROM], input=content, capture_output=True,
                                  timeout=60 * harness.PATIENCE, cwd=HERE)
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            said = json.loads(done.stdout)
            return said["dkim"] == ["pass"] and said["dmarc"] == "pass"
        return [one(content) for content in contents]

    def verified(self, contents):
        """{verifier: [whether it took each]}; mailauth, a process for each message, is asked of the first ten."""
        return {"dkimpy": self.dkimpy(contents), "opendkim": self.opendkim(contents),
                "mailauth": self.mailauth(contents[:10])}

    def expect(self, contents, good):
        for verifier, found in self.verified(contents).items():
            self.assertEqual(found, good[:len(found)], verifier)


class InFlight(RotationCase):
    def test_signed_with_either_all_of_it_verifies_after_the_turn(self):
        taken, turned = threading.Event(), threading.Event()
        captured = {}  # subjects of what was put off: as it was first sent

        def answer(part, value):
            if part != "DATA":
                return None
            if value.rcpt_tos == ["later@example.net"] and "later" not in captured:
                captured["later"] = value.content
                return "451 4.7.1 come back later"
            if value.rcpt_tos == ["slow@example.net"]:
                taken.set()
                self.assertTrue(turned.wait(60 * harness.PATIENCE))
            return None

        self.sink.answer = answer
        # One that was delivered, one that waits in the queue, one whose final reply is still to come.
        self.send_one("b@example.net", "delivered")
        self.sink.wait(1)
        self.send_one("later@example.net", "later")
        harness.wait_until(lambda: "later" in captured, 30, "it was put off")
        self.send_one("slow@example.net", "slow")
        self.assertTrue(taken.wait(30 * harness.PATIENCE))
        self.rotate()
        self.send_one("b@example.net", "after")
        turned.set()
        self.sink.wait(3)
        self.daemon.ctl("queue", "retry", "--all")
        self.sink.wait(4)

        contents = [self.sink.messages[0]["content"], captured["later"]]
        contents += [next(one["content"] for one in self.sink.messages if subject in one["content"])
                     for subject in (b"Subject: slow", b"Subject: after", b"Subject: later")]
        self.assertEqual([selector(one) for one in contents], [self.old] * 3 + [self.new] * 2)
        self.expect(contents, [True] * 5)
        zone = self.ask("dns zone")["zone"]
        self.assertIn(self.target(self.old), zone)

        # It is the old key in the zone that does it.
        without = [line for line in self.lines_of(zone) if not line.startswith(self.target(self.old))]
        self.assertLess(len(without), len(self.lines_of(zone)))
        self.knot.reload(OPERATOR, self.later("\n".join(without) + "\n"))
        self.expect(contents, [False] * 3 + [True] * 2)

    def lines_of(self, zone):
        """A record each: what is in parentheses is one line."""
        return re.sub(r"\(([^)]*)\)", lambda found: found[0].replace("\n", " "), zone).splitlines()

    def later(self, zone):
        """With a serial that is higher, so that the server takes it."""
        return re.sub(r"(SOA(?:\s+\S+){2}\s+\(?\s*)(\d+)", lambda found: found[1] + str(int(found[2]) + 100), zone, count=1)

    def test_a_client_that_sends_on_meanwhile_notices_nothing(self):
        failed = []

        def stream():
            try:
                with smtplib.SMTP("127.0.0.1", self.daemon.port, timeout=60) as peer:
                    for number in range(STREAM):
                        peer.sendmail(FROM, ["b@example.net"], f"From: {FROM}\r\nSubject: {number}\r\n\r\nhello\r\n")
                        if number == STREAM // 3:
                            third.set()
                        if number == 2 * STREAM // 3:
                            self.assertTrue(turned.wait(60 * harness.PATIENCE))
            except Exception as problem:
                failed.append(problem)
                third.set()

        third, turned = threading.Event(), threading.Event()
        client = threading.Thread(target=stream)
        client.start()
        self.assertTrue(third.wait(60 * harness.PATIENCE))
        self.rotate()
        turned.set()
        client.join()
        self.assertEqual(failed, [])
        contents = [one["content"] for one in self.sink.wait(STREAM)]
        by = [selector(one) for one in contents]
        self.assertGreaterEqual(min(by.count(self.old), by.count(self.new)), STREAM // 4, by)
        self.expect(contents, [True] * STREAM)
        self.assertEqual(self.daemon.counter("messages_dkim_unsigned_total"), 0)


class NoTurn(RotationCase):
    def refused(self, words):
        done = run([harness.BIN / "ringpost", "--socket", self.daemon.socket_path, "domain", "rotate", CUSTOMER])
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stderr, words)

    def test_keys_that_nobody_could_verify_do_not_sign(self):
        self.knot.reload(CUSTOMER, self.customer_zone([line for line in self.aliases(self.domain)
                                                       if not line.startswith(self.new)]))
        # What was seen may be in the gateway's cache for its second.
        harness.wait_until(lambda: self.check()["state"] == "broken", 20, "its alias is seen to be gone")
        self.refused("nothing was changed: the next key of .* is not seen in the DNS")
        self.assertEqual(self.states()[self.old], "active")

    def test_the_key_before_is_not_pushed_out(self):
        self.rotate()
        self.refused("nothing was changed: the key before this one stays published until 20")
        self.assertEqual(self.states(), {self.old: "retired", self.new: "active"})
        entry = self.daemon.ctl("audit")[0]
        self.assertEqual([entry[name] for name in ("what", "type", "name", "account")],
                         ["rotated", "domain", CUSTOMER, "acme"])
        self.assertRegex(self.daemon.ctl("audit", as_json=False), f"rotated domain {CUSTOMER} of account acme")
        # After a restart it is as it was, and what is refused does not stop mail.
        self.daemon.stop()
        self.daemon.start()
        self.send_one("b@example.net", "again")
        self.assertEqual(selector(self.sink.wait(1)[0]["content"]), self.new)


if __name__ == "__main__":
    unittest.main()
