"""`ringpost dns push` and `dns zone` before a real server, Knot, with a daemon that has the records that a test says."""

import json
import os
import pathlib
import socket
import subprocess
import threading
import unittest

import harness
from knot import SECRET, Knot

DONE, REFUSED, USAGE, UNREACHABLE, PARTIAL = range(5)
ZONE = "gw.example"
EMPTY = f"$ORIGIN {ZONE}.\n@ 60 IN SOA ns1 hostmaster 1 3600 600 1209600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"
KEY_TEXT = "v=DKIM1; k=rsa; p=" + "A" * 392


class FakeDaemon:
    """A control socket that answers each command with what `answers` has for it."""

    def __init__(self, path, answers):
        self.path, self.answers = path, answers
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(8)
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            with client, client.makefile("rwb") as stream:
                for line in stream:
                    answer = self.answers[json.loads(line)["command"]]
                    stream.write(json.dumps(answer).encode() + b"\n")
                    stream.flush()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


def records_of(token, hosts=("mx1", "mx2")):
    """What the zone has of a domain."""
    path = f"{token}.rp.{ZONE}"
    return [*({"owner": path, "type": "MX", "ttl": 60, "preference": 10, "value": f"{host}.{ZONE}"} for host in hosts),
            {"owner": path, "type": "TXT", "ttl": 60, "preference": 0, "value": "v=spf1 ip4:192.0.2.0/24 -all"},
            {"owner": f"{token}.dkim.{ZONE}", "type": "TXT", "ttl": 60, "preference": 0, "value": KEY_TEXT}]


class Push(harness.Case):
    def setUp(self):
        super().setUp()
        self.answers = {}
        self.daemon = FakeDaemon(self.folder / "control.sock", self.answers)
        self.addCleanup(self.daemon.stop)
        self.has(records_of("abc"))
        self.knot = Knot(self.folder / "knot", {ZONE: EMPTY}, updated=(ZONE,)).start()
        self.addCleanup(self.knot.stop)
        self.key_file = self.write_key(self.knot.key)

    def has(self, records, zone=ZONE):
        self.answers["dns records"] = {"ok": True, "zone": zone, "records": records}

    def write_key(self, text):
        path = self.folder / "tsig.key"
        path.write_text(text + "\n")
        path.chmod(0o600)
        return path

    def tool(self, *words):
        return subprocess.run([harness.BIN / "ringpost", "--socket", self.daemon.path, *map(str, words)],
                              capture_output=True, text=True, timeout=120 * harness.PATIENCE, stdin=subprocess.DEVNULL)

    def push(self, *options):
        return self.tool("dns", "push", "--server", self.knot.server, "--tsig-key", self.key_file, *options)

    def ask(self, name, kind):
        done = harness.run(["kdig", "@127.0.0.1", "-p", self.knot.port, "+tcp", "+short", f"{name}.{ZONE}", kind])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return sorted(done.stdout.splitlines())

    def test_records_arrive_and_are_replaced(self):
        for _ in range(2):  # as often as one likes
            done = self.push()
            self.assertEqual((done.returncode, done.stderr), (DONE, ""))
            self.assertEqual(done.stdout, f"Sent 4 records of the zone {ZONE} to {self.knot.server}, which has them.\n")
        self.assertEqual(self.ask("abc.rp", "MX"), [f"10 mx1.{ZONE}.", f"10 mx2.{ZONE}."])
        self.assertEqual("".join(self.ask("abc.dkim", "TXT")).replace('" "', "").strip('"'), KEY_TEXT)
        self.has(records_of("abc", hosts=("mx3",)))
        self.assertEqual(self.push().returncode, DONE)
        self.assertEqual(self.ask("abc.rp", "MX"), [f"10 mx3.{ZONE}."])
        self.assertEqual(self.ask("ns1", "A"), ["192.0.2.1"])

    def test_many_records_go_in_parts(self):
        self.has([record for number in range(400) for record in records_of(f"t{number:03}")])
        done = self.push("--json")
        self.assertEqual((done.returncode, done.stderr), (DONE, ""))
        end = json.loads(done.stdout)
        self.assertEqual((end["ok"], end["records"], end["sent"], end["refused"]), (True, 1600, 1600, []))
        self.assertGreater(end["parts"], 3)
        for token in ("t000", "t200", "t399"):
            self.assertEqual(len(self.ask(f"{token}.rp", "MX")), 2)
            self.assertEqual(len(self.ask(f"{token}.dkim", "TXT")), 1)

    def test_a_part_that_cannot_be_sent_is_named_and_the_others_go(self):
        big = [{"owner": f"big.{ZONE}", "type": "TXT", "ttl": 60, "preference": 0, "value": f"{number:04}" * 1000}
               for number in range(20)]
        self.has([*records_of("abc"), *big, *records_of("xyz")])
        done = self.push()
        self.assertEqual(done.returncode, PARTIAL, done.stdout + done.stderr)
        self.assertIn(f"part 2 of 3, 20 records from big.{ZONE} to big.{ZONE}: too many bytes", done.stderr)
        self.assertTrue(done.stdout.startswith(f"8 of 28 records of the zone {ZONE} went to "), done.stdout)
        self.assertEqual(len(self.ask("xyz.rp", "MX")), 2)

    def test_a_part_that_the_server_refuses_is_named(self):
        self.knot.stop()
        owners = [f"t{number:03}.{kind}" for number in range(200) for kind in ("dkim", "rp")]
        config = self.knot.config.read_text()
        self.knot.config.write_text(config.replace(
            "action: update\n", "action: update\n    update-owner: name\n    update-owner-match: equal\n"
                                f"    update-owner-name: [{', '.join(owners)}]\n"))
        self.knot.start()
        self.has([record for number in range(400) for record in records_of(f"t{number:03}")])
        done = self.push()
        self.assertEqual(done.returncode, PARTIAL, done.stdout + done.stderr)
        self.assertRegex(done.stderr, rf"^ringpost: part [23] of \d, \d+ records from t\S+ to t\S+: .*refuses")
        self.assertRegex(done.stdout, rf"^\d+ of 1,600 records of the zone {ZONE} went to ")
        end = json.loads(self.push("--json").stdout)
        self.assertEqual((end["ok"], end["error"]["code"]), (False, "partial"))
        self.assertEqual([refused["part"] in (2, 3) for refused in end["refused"]], [True])
        self.assertGreater(end["sent"], 0)
        self.assertEqual(len(self.ask("t000.rp", "MX")), 2)
        self.assertEqual(self.ask("t399.rp", "MX"), [])

    def test_what_keymgr_writes_is_a_key(self):
        done = harness.run(["keymgr", "-t", "update-key", "hmac-sha256"])
        self.assertEqual(done.returncode, 0, done.stderr)
        made = done.stdout.splitlines()[0].rpartition(":")[2]
        self.write_key(done.stdout.replace(made, SECRET))
        self.assertEqual(self.push().returncode, DONE)

    def test_a_wrong_key(self):
        for key, words in ((f"hmac-sha256:update-key:{SECRET[:-4]}AAA=", "BADSIG"),
                           (f"hmac-sha256:another-key:{SECRET}", "BADKEY")):
            self.write_key(key)
            done = self.push()
            self.assertEqual(done.returncode, REFUSED, done.stdout)
            self.assertRegex(done.stderr, rf"^ringpost: part 1 of 1, 4 records from abc\.dkim\.{ZONE} to "
                                          rf"abc\.rp\.{ZONE}: .*{words}")
            self.assertTrue(done.stdout.startswith(f"None of 4 records of the zone {ZONE} went to "), done.stdout)
            self.assertNotIn(SECRET[:-4], done.stdout + done.stderr)
            done = self.push("--json")
            self.assertEqual(done.returncode, REFUSED)
            end = json.loads(done.stdout)
            self.assertEqual((end["ok"], end["sent"], end["error"]["code"]), (False, 0, "refused"))
            self.assertIn(words, end["error"]["message"])
        self.assertEqual(self.ask("abc.rp", "MX"), [])

    def test_a_zone_that_the_server_does_not_have(self):
        self.has([{"owner": "a.other.example", "type": "A", "ttl": 60, "preference": 0, "value": "192.0.2.1"}],
                 zone="other.example")
        done = self.push()
        self.assertEqual(done.returncode, REFUSED, done.stdout)
        self.assertIn("the server refuses the update: NOT", done.stderr)

    def test_the_server_is_away(self):
        self.knot.stop()
        # Many parts: the first that finds nobody ends it.
        self.has([record for number in range(400) for record in records_of(f"t{number:03}")])
        done = self.push()
        self.assertEqual(done.returncode, REFUSED, done.stdout)
        self.assertEqual(done.stderr.count("no connection to the server"), 1, done.stderr)
        self.assertIn("None of 1,600 records", done.stdout)
        self.knot.start()
        self.assertEqual(self.push().returncode, DONE)

    def test_the_daemon_refuses_or_is_away(self):
        self.answers["dns records"] = {"ok": False, "error": {"code": "unavailable", "message": "it has no zone",
                                                              "hint": "set [dns] zone"}}
        done = self.push()
        self.assertEqual((done.returncode, done.stderr), (REFUSED, "ringpost: it has no zone\n  set [dns] zone\n"))
        self.daemon.path = self.folder / "nowhere.sock"
        self.assertEqual(self.push().returncode, UNREACHABLE)

    def test_the_zone_file_is_one_that_the_server_reads(self):
        path = pathlib.Path(self.folder / "knot" / f"{ZONE}.zone")
        self.answers["dns zone"] = {"ok": True, "zone": EMPTY.replace(" 1 3600", " 2 3600") + "new 60 IN A 192.0.2.9\n"}
        done = self.tool("dns", "zone", path)
        self.assertEqual((done.returncode, done.stderr), (DONE, ""))
        self.assertEqual(path.stat().st_mode & 0o777, 0o666 & ~self.umask())
        self.assertEqual(self.knot.control("-b", "zone-reload", ZONE).returncode, 0)
        self.assertEqual(self.ask("new", "A"), ["192.0.2.9"])

    @staticmethod
    def umask():
        mask = os.umask(0)
        os.umask(mask)
        return mask


if __name__ == "__main__":
    unittest.main()
