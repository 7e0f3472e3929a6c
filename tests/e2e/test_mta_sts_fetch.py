"""Policies of MTA-STS (RFC 8461): records from a real DNS server, Knot, policies from real web servers at port 443 of
loopback addresses, and what is known of them over time and restarts."""

import json
import subprocess
import threading
import unittest

import harness
from harness import PATIENCE, wait_until
from https_server import HttpsServer
from knot import Knot
from tls_files import Authority

ZONE = "example"
# Of this test alone: others may run beside it.
WEB, NOBODY, ALLOWED = "127.26.3.1", "127.26.3.9", "127.26.3.0/24"
WAIT_MILLIS = 15000
ENFORCE = ["version: STSv1", "mode: enforce", "mx: mx.good.example", "mx: *.backup.example", "max_age: 604800"]


def body(lines):
    return "".join(line + "\r\n" for line in lines).encode()


def response(content, status="200 OK", content_type="text/plain", more=""):
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(content)}\r\n{more}\r\n"
    return [head.encode() + content]


class Room:
    """dns_room sts: the service in a process of its own."""

    def __init__(self, knot, authority, store, wait=WAIT_MILLIS, clock=0):
        self.log = []
        self.process = subprocess.Popen(
            [harness.BIN / "dns_room", "sts", knot.server, ZONE, authority, store, ALLOWED, str(wait),
             str(clock)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True)
        self.reader.start()

    def say(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "".join(self.log)
        return json.loads(line)

    def find(self, *names):
        found = self.say("find", *(f"{name}.{ZONE}" for name in names))
        found = {name.removesuffix(f".{ZONE}"): verdict for name, verdict in found.items()}
        return found if len(names) > 1 else found[names[0]]

    def logged(self, event, name):
        lines = (json.loads(line) for line in list(self.log) if line.startswith("{"))
        return [line for line in lines if line["event"] == event and line["domain"] == f"{name}.{ZONE}"]

    def stop(self):
        self.process.stdin.close()
        code = self.process.wait(timeout=30 * PATIENCE)
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        assert code == 0, "".join(self.log)


class MtaStsFetch(harness.Case):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder / "ca")
        self.serial = 1
        self.records = {}
        self.answers = {}
        self.knot = Knot(self.folder / "knot", {ZONE: self.zone()})
        self.addCleanup(self.knot.stop)
        self.knot.start()
        self.rooms = []

    def zone(self):
        self.serial += 1
        return "\n".join([f"$ORIGIN {ZONE}.", f"@ 1 IN SOA ns hostmaster {self.serial} 3600 600 1209600 1",
                          "@ 1 IN NS ns", "ns 1 IN A 127.0.0.1", *self.records.values()]) + "\n"

    def publish(self, name, *ids, address=WEB, record=None):
        """The records of a domain, as many as there are ids."""
        text = record or "v=STSv1; id={};"
        self.records[name] = "\n".join([f'_mta-sts.{name} 0 IN TXT "{text.format(one)}"' for one in ids]
                                       + [f"mta-sts.{name} 60 IN A {address}"])
        self.knot.reload(ZONE, self.zone())

    def serve(self, chains=None, names=()):
        """The web server, with a certificate for every domain that is published."""
        hosts = [f"mta-sts.{name}.{ZONE}" for name in (*self.records, *names)]
        own = {host: self.authority.issue("web", hosts) for host in hosts}
        self.web = HttpsServer(WEB, {**own, **(chains or {})}, lambda host, _: self.answers[host.split(".")[1]])
        self.addCleanup(self.web.stop)
        self.web.start()

    def room(self, **options):
        room = Room(self.knot, self.authority.path, self.folder / "store", **options)
        self.rooms.append(room)
        self.addCleanup(lambda: room in self.rooms and self.leave(room))
        return room

    def leave(self, room):
        self.rooms.remove(room)
        room.stop()

    def asked(self, name):
        return self.web.count(f"mta-sts.{name}.{ZONE}")

    def test_policies(self):
        testing = ["version: STSv1", "mode: testing", "mx: mx.good.example", "max_age: 86400"]
        self.answers = {"good": response(body(ENFORCE)), "testing": response(body(testing)),
                        "none": response(b"version: STSv1\nmode: none\nmax_age: 86400\n"),
                        "type": response(body(ENFORCE), content_type="Text/Plain ; charset=utf-8")}
        for name in self.answers:
            self.publish(name, "a1")
        self.publish("silent")
        self.serve()
        room = self.room()
        found = room.find("good", "testing", "none", "type", "silent")
        self.assertEqual({name: verdict["outcome"] for name, verdict in found.items()},
                         {"good": "policy", "testing": "policy", "none": "none", "type": "policy", "silent": "none"})
        self.assertEqual((found["good"]["lines"], found["good"]["id"]), (ENFORCE, "a1"))
        self.assertEqual(found["testing"]["lines"], testing)
        self.assertEqual(found["good"]["failure"], "")
        self.assertEqual(self.web.requests.count(("mta-sts.good.example", "/.well-known/mta-sts.txt")), 1)
        # The edition is known: nobody is asked again, for the one with mode "none" neither.
        self.assertEqual(room.find("good", "testing", "none", "type", "silent").keys(), found.keys())
        self.assertEqual(len(self.web.requests), 4)
        self.assertEqual(len(room.logged("sts_policy", "good")), 1)

    def test_what_is_no_policy(self):
        chunked = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        endless = [chunked] + [b"8000\r\n" + b"a: b\r\n" * 5461 + b"c\n" + b"\r\n"] * 1000
        self.answers = {
            "redirect": response(b"", "301 Moved", more="Location: https://mta-sts.good.example/x\r\n"),
            "html": response(body(ENFORCE), content_type="text/html"),
            "untyped": [b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na:b"],
            "missing": response(body(ENFORCE), "404 Not Found"), "endless": endless,
            "long": response(body(ENFORCE) + b"x: " + b"y" * 65536 + b"\r\n"),
            "header": [b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000],
            "invalid": response(body(ENFORCE[:3])), "version": response(body(["version: STSv2", *ENFORCE[1:]])),
            "binary": response(bytes(range(256))), "no-http": [b"220 mx.example ESMTP\r\n"], "nothing": [],
        }
        for name in self.answers:
            self.publish(name, "a1")
        self.publish("two", "a1", "a2")
        self.publish("other", "a1", record="v=STSv2; id={};")
        self.publish("no-id", "a1", record="v=STSv1; ie={};")
        self.publish("refused", "a1", address=NOBODY)
        self.publish("private", "a1", address="127.0.0.1")
        self.publish("no-host", "a1")
        self.records["no-host"] = '_mta-sts.no-host 0 IN TXT "v=STSv1; id=a1"'
        self.knot.reload(ZONE, self.zone())
        self.serve()
        room = self.room()
        found = room.find(*self.records)
        fetch, invalid = ("failed", "sts-policy-fetch-error"), ("failed", "sts-policy-invalid")
        self.assertEqual({name: (verdict["outcome"], verdict["failure"]) for name, verdict in found.items()}, {
            "redirect": fetch, "html": fetch, "untyped": fetch, "missing": fetch, "endless": invalid, "long": invalid,
            "header": fetch, "invalid": invalid, "version": invalid, "binary": invalid, "no-http": fetch,
            "nothing": fetch, "refused": fetch, "private": fetch, "no-host": fetch,
            "two": ("none", ""), "other": ("none", ""), "no-id": ("none", "")})
        for name, words in {"redirect": "status 301", "html": 'content type "text/html"', "endless": "longer than 65536",
                            "private": "127.0.0.1 is a loopback address", "invalid": "no max_age"}.items():
            self.assertIn(words, found[name]["words"])
        # Failures are remembered: nobody is asked again so soon, and one line says why.
        asked = len(self.web.requests)
        self.assertEqual(room.find(*self.records)["html"]["failure"], "sts-policy-fetch-error")
        self.assertEqual(len(self.web.requests), asked)
        self.assertEqual(len(room.logged("sts_failed", "html")), 1)
        # Later it is tried again.
        self.answers["html"] = response(body(ENFORCE))
        room.say("clock", "299")
        self.assertEqual(room.find("html")["outcome"], "failed")
        room.say("clock", "301")
        self.assertEqual(room.find("html")["outcome"], "policy")

    def test_certificates_that_prove_nothing(self):
        stranger = Authority(self.folder / "stranger")
        for name in ("good", "wrong-name", "untrusted", "expired"):
            self.publish(name, "a1")
            self.answers[name] = response(body(ENFORCE))
        self.serve({"mta-sts.wrong-name.example": self.authority.issue("wrong", ["mta-sts.good.example"]),
                    "mta-sts.untrusted.example": stranger.issue("untrusted", ["mta-sts.untrusted.example"]),
                    "mta-sts.expired.example": self.authority.issue("expired", ["mta-sts.expired.example"], days=-1)})
        found = self.room().find("good", "wrong-name", "untrusted", "expired")
        self.assertEqual(found["good"]["outcome"], "policy")
        for name in ("wrong-name", "untrusted", "expired"):
            self.assertEqual((found[name]["outcome"], found[name]["failure"]), ("failed", "sts-webpki-invalid"), name)
            self.assertEqual(self.asked(name), 0)
        self.assertIn("expired", found["expired"]["words"])

    def test_mail_does_not_wait_for_a_slow_one(self):
        drip = [b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"] + [0.2, b"X-A: b\r\n"] * 500
        slow = [2, *response(body(ENFORCE))]
        self.answers = {"drip": drip, "slow": slow, "good": response(body(ENFORCE))}
        for name in self.answers:
            self.publish(name, "a1")
        self.serve()
        room = self.room(wait=500)
        found = room.find("drip", "slow", "good")
        self.assertEqual({name: verdict["outcome"] for name, verdict in found.items()},
                         {"drip": "failed", "slow": "failed", "good": "policy"})
        self.assertIn("has not come within 500 ms", found["slow"]["words"])
        self.assertLess(found["drip"]["millis"], 2000 * PATIENCE)
        # What is slow comes all the same; what drips is given up, within a bound.
        wait_until(lambda: room.find("slow")["outcome"] == "policy", 20, "the slow one has come")
        self.assertEqual(self.asked("slow"), 1)
        wait_until(lambda: room.logged("sts_failed", "drip"), 30, "the dripping one is given up")
        self.assertIn("not in time", room.logged("sts_failed", "drip")[0]["words"])

    def test_a_policy_outlives_the_record_and_the_server_and_us(self):
        self.publish("good", "a1")
        self.answers["good"] = response(body(ENFORCE))
        self.serve()
        room = self.room()
        self.assertEqual(room.find("good")["lines"], ENFORCE)
        self.publish("good")  # whoever hides the record gains nothing
        self.assertEqual(room.find("good")["lines"], ENFORCE)
        self.leave(room)
        room = self.room()
        self.assertEqual((room.find("good")["lines"], self.asked("good")), (ENFORCE, 1))
        self.knot.stop()  # nor does who stops the DNS
        self.assertEqual(room.find("good")["lines"], ENFORCE)
        self.leave(room)
        self.knot.start()
        room = self.room()
        # Nor who forges another record: the policy that cannot be fetched takes nothing away, and is told.
        self.answers["good"] = response(b"", "500 Broken")
        self.publish("good", "forged")
        found = room.find("good")
        self.assertEqual((found["outcome"], found["lines"], found["failure"]),
                         ("policy", ENFORCE, "sts-policy-fetch-error"))
        self.leave(room)
        # Its life is over: now it is gone, with the failure alone.
        room = self.room()
        room.say("clock", "604700")
        self.assertEqual(room.find("good")["lines"], ENFORCE)
        room.say("clock", "605100")
        self.assertEqual(room.find("good")["outcome"], "failed")

    def test_another_edition_is_fetched(self):
        self.publish("good", "a1")
        self.answers["good"] = response(body(ENFORCE))
        self.serve()
        room = self.room()
        room.find("good")
        changed = [*ENFORCE[:2], "mx: other.example", "max_age: 86400"]
        self.answers["good"] = response(body(changed))
        self.assertEqual(room.find("good")["lines"], ENFORCE)
        self.publish("good", "a2")
        found = room.find("good")
        self.assertEqual((found["lines"], found["id"], self.asked("good")), (changed, "a2", 2))
        self.answers["good"] = response(b"version: STSv1\nmode: none\nmax_age: 60\n")
        self.publish("good", "a3")
        self.assertEqual(room.find("good")["outcome"], "none")
        self.publish("good")
        self.assertEqual(room.find("good")["outcome"], "none")
        self.leave(room)
        self.assertEqual((self.room().find("good")["outcome"], self.asked("good")), ("none", 3))

    def test_policies_in_use_are_fetched_again_in_the_background(self):
        self.publish("good", "a1")
        self.answers["good"] = response(body(ENFORCE))
        self.serve()
        room = self.room()
        room.find("good")
        renewed = [*ENFORCE[:2], "mx: other.example", "max_age: 604800"]
        self.answers["good"] = response(body(renewed))
        self.leave(room)
        # A day has passed: without the DNS, and without mail, which still finds what it has.
        self.publish("good")
        room = self.room(clock=86401)
        wait_until(lambda: self.asked("good") == 2, 20, "it is fetched again")
        wait_until(lambda: room.find("good")["lines"] == renewed, 10, "the new one counts")

    def test_many_ask_at_once(self):
        self.answers = {f"d{i}": response(body(ENFORCE)) for i in range(60)}
        for name in self.answers:
            self.records[name] = f'_mta-sts.{name} 0 IN TXT "v=STSv1; id=1"\nmta-sts.{name} 60 IN A {WEB}'
        self.publish("d0", "1")
        self.serve()
        room = self.room()
        found = room.find(*self.answers, *self.answers)
        self.assertEqual({verdict["outcome"] for verdict in found.values()}, {"policy"})
        for name in self.answers:
            self.assertEqual(self.asked(name), 1, name)


if __name__ == "__main__":
    unittest.main()
