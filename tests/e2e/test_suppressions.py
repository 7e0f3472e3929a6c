"""Suppression lists, by real clients: what is on one is refused at RCPT, what a next hop says does not exist comes onto
it, and all of it stays over a restart. Files of many entries are imported and exported by the operator's tool."""

import json
import os
import resource
import subprocess
import tempfile
import time
import unittest

import harness
import test_who_may_send
from harness import run


class Suppressions(test_who_may_send.AccountsCase):
    def setUp(self):
        super().setUp()
        self.user()

    def send(self, to="b@example.net"):
        return self.swaks(self.loud, *self.login(tls=None), to=to)

    def suppression(self, *words, code=0, given=""):
        done = subprocess.run([harness.BIN / "ringpost", "--socket", self.daemon.socket_path, "suppression", *words,
                               "--account", "acme"], input=given, capture_output=True, text=True,
                              timeout=120 * harness.PATIENCE)
        self.assertEqual(done.returncode, code, (words, done.stdout, done.stderr))
        return done.stdout + done.stderr

    def refused_as_suppressed(self, to="b@example.net", words="put there by hand"):
        done = self.send(to)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, rf"550[ -]5\.7\.1 <{to}> is on this account's suppression list.*\({words}, 20")

    @staticmethod
    def refuse_gone(part, value):
        return "550 5.1.1 no such user here" if part == "RCPT" and value.startswith("gone") else None

    def restart(self):
        self.daemon.stop()
        self.daemon.start()

    def test_an_address_is_refused_until_it_is_removed(self):
        self.suppression("add", "B@Example.NET", "--detail", "asked by phone")
        self.refused_as_suppressed()
        self.assertEqual(self.send("c@example.net").returncode, 0)
        log = [one for one in self.daemon.log() if one["event"] == "refused"]
        self.assertEqual([(one["stage"], one["to"], one["code"]) for one in log], [("RCPT", "b@example.net", 550)])
        self.assertEqual(self.daemon.counter("recipients_suppressed_total"), 1)
        self.restart()
        self.refused_as_suppressed()
        self.assertRegex(self.suppression("show", "b@example.net"), "(?s)reason +manual.*asked by phone")
        self.suppression("remove", "b@example.net")
        self.assertEqual(self.send().returncode, 0)
        self.restart()
        self.assertEqual(self.send().returncode, 0)

    def test_a_domain_and_all_below_another(self):
        self.suppression("add", "example.net", "*.example.org", "--reason", "complaint")
        self.refused_as_suppressed(words="it has complained of spam")
        self.refused_as_suppressed("x@a.b.example.org", words="it has complained of spam")
        self.assertEqual(self.send("x@example.org").returncode, 0)

    def test_lists_are_of_one_account(self):
        self.tool("account", "add", "other")
        self.tool("suppression", "add", "b@example.net", "--account", "other")
        self.tool("suppression", "add", "b@example.net", "--own")
        self.assertEqual(self.send().returncode, 0)

    def test_what_does_not_exist_comes_onto_the_list(self):
        self.sink.answer = self.refuse_gone
        self.assertEqual(self.send("gone@example.net").returncode, 0)
        harness.wait_until(lambda: "gone@example.net" in self.suppression("list"), 20, "the entry")
        self.refused_as_suppressed("gone@example.net", words="its mailbox does not exist")
        shown = json.loads(self.tool("suppression", "show", "gone@example.net", "--account", "acme", "--json"))
        entry = shown["entries"][0]
        accepted = [one for one in self.daemon.log() if one["event"] == "accepted"]
        self.assertEqual((entry["reason"], entry["detail"], entry["message"]),
                         ("bounce", "550 5.1.1 no such user here", accepted[0]["id"]))
        self.assertEqual(self.daemon.counter("suppressions_added_total"), 1)
        self.restart()
        self.refused_as_suppressed("gone@example.net", words="its mailbox does not exist")

    def test_a_policy_is_no_missing_mailbox(self):
        self.sink.answer = lambda part, value: "550 5.7.1 blocked for spam" if part == "RCPT" else None
        self.assertEqual(self.send("b@example.net").returncode, 0)
        harness.wait_until(self.bounces, 20, "the bounce")
        self.assertEqual(self.daemon.counter("suppressions_added_total"), 0)
        self.assertEqual(self.send("b@example.net").returncode, 0)

    def test_what_waits_is_not_sent_to_who_is_suppressed_meanwhile(self):
        self.sink.answer = lambda part, value: "450 4.2.1 later" if part == "RCPT" else None
        done = self.swaks(self.loud, *self.login(tls=None), to="b@example.net,c@example.net")
        self.assertEqual(done.returncode, 0, done.stdout)
        harness.wait_until(lambda: any(one["event"] == "deferred" for one in self.daemon.log()), 20, "a try")
        self.suppression("add", "b@example.net")
        self.sink.answer = lambda part, value: None
        self.tool("queue", "retry", "--all")
        message = self.sink.wait(1)[0]
        self.assertEqual(message["to"], ["c@example.net"])
        harness.wait_until(self.bounces, 20, "the bounce")
        self.assertEqual(self.bounces(), [("b@example.net", "5.7.1")])

    def bounces(self):
        return [(one["to"], one["dsn"]) for one in self.daemon.log() if one["event"] == "bounced"]

    def test_export_is_what_import_takes(self):
        self.suppression("add", '"a b"@example.com', "example.org", "*.example.net", "--since", "2026-01-02")
        self.suppression("add", "c@b\u00fccher.example", "--reason", "unsubscribe", "--detail", 'said "no, never"')
        for options in ((), ("--csv",)):
            document = self.tool("suppression", "export", "--account", "acme", *options)
            self.assertEqual(len(document.splitlines()), 4 + len(options))
            again = self.suppression("import", "-", given=document)
            self.assertIn("0 added, 0 changed, 4 there already", again)
            self.suppression("remove", '"a b"@example.com', "example.org", "*.example.net", "c@b\u00fccher.example")
            self.assertIn("4 added", self.suppression("import", "-", given=document))
            self.assertEqual(self.tool("suppression", "export", "--account", "acme", *options), document)

    def test_bad_lines_are_named_and_left_out(self):
        said = self.suppression("import", "-", code=4,
                                given="email,reason\na@example.com,bounce\nnobody@,bounce\nb@example.com,no reason\n")
        self.assertIn('line 3: "nobody@" is no entry', said)
        self.assertIn('line 4: "no reason" is no reason', said)
        self.assertIn("1 added", said)

    def test_a_dry_run_changes_nothing(self):
        self.assertIn("It would be: 1 added", self.suppression("import", "--dry-run", "-", given="b@example.net\n"))
        self.assertEqual(self.send().returncode, 0)

    def test_a_whole_list_is_asked_for_by_whose_it_is(self):
        done = run([harness.BIN / "ringpost", "--socket", self.daemon.socket_path, "suppression", "list"])
        self.assertEqual(done.returncode, 2)
        self.assertIn("--account NAME, or --own", done.stderr)

    def test_many_are_imported_in_little_memory(self):
        count = int(os.environ.get("RINGPOST_SUPPRESSIONS", 50_000))
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
            file.write("entry,reason,since\n")
            for i in range(count):
                file.write(f"recipient{i}@mail{i % 997}.example,bounce,2026-11-0{i % 9 + 1}\n")
            file.flush()
            before = self.resident()
            begun = time.monotonic()
            self.assertIn(f"{count:,} added", self.suppression("import", file.name))
            seconds = time.monotonic() - begun
            self.assertIn(f"{count:,} there already", self.suppression("import", file.name))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        grown = self.resident() - before
        print(f"\n  {count:,} entries in {seconds:.1f} s; the tool took {peak // 1024} MiB, the daemon {grown // 1024} MiB more")
        self.assertLess(peak, 100_000)
        self.refused_as_suppressed(f"recipient{count - 1}@mail{(count - 1) % 997}.example", "its mailbox does not exist")
        self.restart()
        loaded = [one for one in self.daemon.log() if one["event"] == "suppressions_loaded"][-1]
        print(f"  loaded {loaded['entries']:,} in {loaded['ms']} ms, {loaded['bytes'] / loaded['entries']:.1f} bytes each")
        self.assertEqual(loaded["entries"], count)

    def resident(self):
        with open(f"/proc/{self.daemon.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


if __name__ == "__main__":
    unittest.main()
