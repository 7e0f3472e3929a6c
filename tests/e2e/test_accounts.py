"""Accounts and credentials as an operator has them: added, looked at, changed, removed, carried to another gateway
and read about afterwards, with `ringpost` against a running daemon."""

import base64
import hashlib
import json
import os
import pty
import re
import select
import stat
import subprocess
import time
import unittest

import harness

DONE, REFUSED, USAGE, UNREACHABLE, PARTIAL = range(5)
PASSWORD = "correct horse battery 7"


class Accounts(harness.Case):
    def setUp(self):
        super().setUp()
        self.daemon = self.run_daemon(harness.free_port())

    def command(self, *words, daemon=None):
        return [str(harness.BIN / "ringpost"), "--socket", str((daemon or self.daemon).socket_path),
                *map(str, words)]

    def tool(self, *words, code=DONE, daemon=None, given=""):
        """What it printed on standard output; on both where it is to fail."""
        done = subprocess.run(self.command(*words, daemon=daemon), capture_output=True, text=True, input=given,
                              timeout=60 * harness.PATIENCE)
        self.assertEqual(done.returncode, code, (words, done.stdout, done.stderr))
        return done.stdout if code == DONE else done.stdout + done.stderr

    def records(self, *words, daemon=None):
        """The records of a list, and its last line."""
        lines = [json.loads(line) for line in self.tool("--json", *words, daemon=daemon).splitlines()]
        self.assertTrue(lines[-1]["ok"])
        return lines[:-1], lines[-1]

    def shown(self, *words, daemon=None):
        return json.loads(self.tool("--json", *words, daemon=daemon))["records"][0]

    def on_terminal(self, *words, typed):
        """Runs it on a terminal, answers each prompt with the next of `typed`; exit code and all it showed."""
        pid, terminal = pty.fork()
        if pid == 0:
            command = self.command(*words)
            os.execv(command[0], command)
        shown, deadline = "", time.monotonic() + 20 * harness.PATIENCE
        answers = list(typed)
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 0.2)[0]:
                continue
            try:
                shown += os.read(terminal, 4096).decode()
            except OSError:  # the other end is closed
                break
            if answers and re.search(r"(Password|again): $|\[y/N\] $", shown):
                os.write(terminal, answers.pop(0).encode() + b"\n")
                shown += "|"
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown

    def test_the_life_of_an_account(self):
        self.assertIn("Added account acme.", self.tool("account", "add", "acme", "--description", "Acme Ltd",
                                                       "--rate", "100/1h"))
        self.assertIn("Added sender acme.example.",
                      self.tool("sender", "add", "acme.example", "--account", "acme"))
        self.assertEqual(self.records("sender", "list")[0][0]["state"], "verified")
        text = self.tool("credential", "add", "printer-7", "--account", "acme", "--networks", "192.0.2.0/24,::1",
                         "--allow-sender", "acme.example", "--deadline", "2d")
        self.assertIn("Added user printer-7.", text)
        self.assertRegex(text, r"(?m)^[a-zA-Z0-9]{26}$")
        self.assertIn("only now", text)
        self.tool("credential", "add", "198.51.100.0/24", "--kind", "network", "--account", "acme")
        self.assertRegex(self.tool("account", "show", "acme"), r"(?m)^ +rate +100 in 1h$")
        self.assertIn("--kind", self.tool("credential", "show", "198.51.100.0/24", code=REFUSED))
        self.assertEqual(self.shown("credential", "show", "198.51.100.0/24", "--kind", "network")["account"], "acme")

        user = self.shown("credential", "show", "printer-7")
        self.assertEqual(user["networks"], ["192.0.2.0/24", "::1"])
        self.assertEqual(user["deadline_seconds"], 2 * 86400)
        self.assertEqual(user["senders"], {"mode": "allow", "entries": ["acme.example"]})
        self.assertNotIn("password_record", user)
        text = self.tool("credential", "show", "printer-7")
        self.assertLess(text.index("networks"), text.index("daily quota"), "what differs comes first")

        self.assertIn("Changed user printer-7.",
                      self.tool("credential", "set", "printer-7", "--no-networks", "--lane", "bulk"))
        self.assertIn("Nothing to change", self.tool("credential", "set", "printer-7", "--lane", "bulk"))
        self.tool("credential", "block", "printer-7")
        self.tool("account", "suspend", "acme")
        user = self.shown("credential", "show", "printer-7")
        self.assertEqual((user.get("networks", []), user["lane"], user["status"]), ([], "bulk", "blocked"))
        self.assertTrue(self.shown("account", "show", "acme")["suspended"])
        self.assertRegex(self.tool("credential", "list", "--account", "acme"),
                         r"(?m)^printer-7 +user +acme +blocked +bulk")

        self.assertIn("--with-all", self.tool("account", "remove", "acme", "--yes", code=REFUSED))
        self.assertEqual(self.records("credential", "list")[1]["listed"], 2, "nothing of it went")
        self.tool("credential", "remove", "printer-7", "--yes")
        self.tool("credential", "show", "printer-7", code=REFUSED)
        self.tool("account", "remove", "acme", "--with-all", "--yes")
        self.assertEqual(self.records("credential", "list")[1]["listed"], 0)
        self.assertIn("There is none.", self.tool("account", "list"))

    def test_passwords(self):
        self.tool("account", "add", "acme")
        self.tool("credential", "add", "u", "--account", "acme", "--password-stdin", given=PASSWORD + "\n")
        made = self.tool("credential", "password", "u")
        self.assertNotIn(PASSWORD, made)
        other = self.tool("credential", "password", "u")
        self.assertNotEqual(made, other)
        self.assertIn("password", self.tool("credential", "password", "u", "--password-stdin", code=USAGE,
                                            given="short\n"))
        self.assertIn("nothing was changed",
                      self.tool("credential", "password", "u", "--password-stdin", code=USAGE, given=""))
        self.tool("credential", "password", "198.51.100.1", "--kind", "network", code=USAGE)
        self.tool("credential", "add", "later", "--account", "acme", "--no-password")

    def test_keys_of_api_keys(self):
        self.tool("account", "add", "acme")
        text = self.tool("credential", "add", "shop", "--kind", "api_key", "--account", "acme", "--networks", "192.0.2.0/24")
        self.assertIn("Added API key shop.\nIts key is shown only now", text)
        (first,) = re.findall(r"(?m)^rp_[a-z2-9]{30}$", text)
        text = self.tool("credential", "key", "shop")
        self.assertIn("Changed the key of API key shop.", text)
        (second,) = re.findall(r"(?m)^rp_[a-z2-9]{30}$", text)
        self.assertNotEqual(first, second)
        self.assertIn("ringpost credential key", self.tool("credential", "password", "shop", "--kind", "api_key", code=USAGE))
        self.assertRegex(self.tool("audit"), r"(?m)^ +key +set$")

        # It is kept, and carried elsewhere, as its digest alone.
        document = self.folder / "accounts.json"
        self.tool("account", "export", document, "--secrets")
        (written,) = json.loads(document.read_text())["credentials"]
        digest = hashlib.sha256(second.encode()).digest()
        self.assertEqual(base64.b64decode(written["key_record"]), b"\1" + digest)
        self.assertNotIn("key", self.shown("credential", "show", "shop", "--kind", "api_key"))
        self.tool("credential", "key", "shop")
        self.assertRegex(self.tool("account", "import", document), r"(?m)^credentials +0 +1 +0$")
        self.assertIn(written["key_record"], self.tool("account", "export", "--secrets"))
        self.tool("account", "remove", "acme", "--with-all", "--yes")
        del written["key_record"]
        document.write_text(json.dumps({"ringpost": 1, "accounts": [{"name": "acme"}], "credentials": [written]}))
        self.assertIn("1 API key that is new has no key: ringpost credential key NAME", self.tool("account", "import", document))

    def test_on_a_terminal(self):
        self.tool("account", "add", "acme")
        code, shown = self.on_terminal("credential", "add", "u", "--account", "acme", "--password-stdin",
                                       typed=[PASSWORD, PASSWORD])
        self.assertEqual(code, DONE, shown)
        self.assertNotIn(PASSWORD, shown, "what is typed is not shown")
        code, shown = self.on_terminal("credential", "password", "u", "--password-stdin",
                                       typed=[PASSWORD, PASSWORD + "x"])
        self.assertEqual(code, USAGE, shown)
        self.assertIn("differ", shown)
        code, shown = self.on_terminal("account", "remove", "acme", "--with-all", typed=["n"])
        self.assertEqual(code, USAGE, shown)
        self.assertIn("remove account acme with 1 credential and 0 senders", shown)
        self.assertEqual(len(self.records("account", "list")[0]), 1)
        code, shown = self.on_terminal("account", "remove", "acme", "--with-all", typed=["y"])
        self.assertEqual(code, DONE, shown)
        self.assertEqual(self.records("account", "list")[0], [])

    def fill(self):
        for account in ("acme", "umbrella"):
            self.tool("account", "add", account, "--description", "gr\u00fcn")
            self.tool("sender", "add", f"{account}.example", "--account", account)
            self.tool("credential", "add", f"user-of-{account}", "--account", account, "--rate", "7/60")

    def test_a_document_carries_everything_to_another_gateway(self):
        self.fill()
        document = self.folder / "accounts.json"
        self.tool("account", "export", document, "--secrets")
        self.assertEqual(stat.S_IMODE(document.stat().st_mode), 0o600)
        written = json.loads(document.read_text())
        self.assertEqual([len(written[name]) for name in ("accounts", "senders", "credentials")], [2, 2, 2])
        self.assertTrue(all(one["password_record"] for one in written["credentials"]))

        answer = json.loads(self.tool("--json", "account", "import", "--dry-run", document))
        unchanged = {"added": 0, "changed": 0, "unchanged": 2}
        self.assertEqual(answer, {"ok": True, "dry_run": True, "accounts": unchanged, "senders": unchanged,
                                  "credentials": unchanged, "domains": {**unchanged, "unchanged": 0}})
        self.assertRegex(self.tool("account", "import", "--dry-run", document), r"(?m)^credentials +0 +0 +2$")

        fresh = harness.Daemon(self.folder / "fresh", harness.free_port())
        self.addCleanup(fresh.kill)
        fresh.start()
        self.assertRegex(self.tool("account", "import", "--dry-run", document, daemon=fresh),
                         r"(?m)^credentials +2 +0 +0$")
        self.assertEqual(self.records("account", "list", daemon=fresh)[0], [])
        self.assertRegex(self.tool("account", "import", document, daemon=fresh), r"(?m)^credentials +2 +0 +0$")
        self.assertRegex(self.tool("account", "import", document, daemon=fresh), r"(?m)^accounts +0 +0 +2$")
        again = json.loads(self.tool("account", "export", "--secrets", daemon=fresh))
        for one in (written, again):
            del one["exported"]
        self.assertEqual(again, written)

        plain = self.tool("account", "export")
        self.assertNotIn("password", plain)

    def test_what_is_wrong_with_a_document_is_said(self):
        self.fill()
        document = self.folder / "accounts.json"
        accounts = [{"name": f"n{i}"} for i in range(1000)]
        users = [{"kind": "user", "name": f"u{i}", "account": "n0"} for i in range(10)]
        document.write_text(json.dumps({"ringpost": 1, "accounts": accounts, "credentials": users}))
        self.tool("account", "import", "--dry-run", document)  # of accounts that are in an earlier block
        users[7]["account"] = "nobody"
        document.write_text(json.dumps({"ringpost": 1, "accounts": accounts, "credentials": users}))
        self.assertIn("credential number 8", self.tool("account", "import", "--dry-run", document, code=REFUSED))
        text = self.tool("account", "import", document, code=PARTIAL)
        self.assertIn("(user u7)", text)
        self.assertIn("nobody", text)
        self.assertIn("the first 1,000 records were done", text)
        self.assertEqual(self.records("credential", "list", "--account", "n0")[0], [])
        self.assertEqual(len(self.records("account", "list")[0]), 1002)
        for text, words in (('{"ringpost":1,"robots":[]}', "robots"), ('{"ringpost":9}', "version"),
                            ('{"ringpost":1,"credentials":[],"accounts":[]}', "accounts come first"),
                            ('{"ringpost":1,"accounts":[{"name":"a","colour":"red"}]}', "colour"),
                            ('{"ringpost":1,"accounts":[{"na', "cut off"), ("hello", "is not JSON")):
            document.write_text(text)
            with self.subTest(text=text):
                self.assertIn(words, self.tool("account", "import", document, code=REFUSED))

    def test_the_audit_says_what_was_changed(self):
        self.fill()
        self.tool("credential", "set", "user-of-acme", "--no-rate", "--description", "x")
        self.tool("credential", "remove", "user-of-umbrella", "--yes")
        entries, _ = self.records("audit")
        self.assertEqual([(one["what"], one["type"], one["name"]) for one in entries[:3]], [
            ("removed", "credential", "user-of-umbrella"), ("changed", "credential", "user-of-acme"),
            ("added", "credential", "user-of-umbrella")])
        self.assertEqual(len(entries), 8)
        self.assertEqual(entries[0]["uid"], os.getuid())
        text = self.tool("audit", "--account", "acme")
        self.assertIn("changed user user-of-acme of account acme", text)
        self.assertRegex(text, r"(?m)^ +rate +7 in 1m -> no limit$")
        self.assertRegex(text, r"(?m)^ +password +set$")
        self.assertRegex(text, r"(?m)^ +description +none -> x$")
        self.assertNotIn("umbrella", text)
        self.assertEqual(len(self.records("audit", "--limit", "2")[0]), 2)

    def test_errors_are_words(self):
        self.tool("account", "add", "acme")
        table = [
            (["account", "add", "acme"], REFUSED, "acme"),
            (["account", "add", ""], USAGE, "is empty"),
            (["account", "show", "nobody"], REFUSED, "nobody"),
            (["account", "set", "acme"], USAGE, "what is to be changed?"),
            (["account", "remove", "acme"], USAGE, "--yes"),
            (["account", "import", self.folder / "none"], REFUSED, "No such file"),
            (["account", "export", self.folder / "none" / "x"], REFUSED, "cannot write"),
            (["credential", "add", "u", "--account", "nobody"], REFUSED, "nobody"),
            (["credential", "add", "u", "--account", "acme", "--rate", "often"], USAGE, "100/60"),
            (["credential", "add", "u", "--account", "acme", "--lane", "fast"], USAGE, "transactional"),
            (["credential", "block", "u"], REFUSED, "--kind"),
            (["credential", "remove", "u", "--yes"], REFUSED, "u"),
        ]
        for words, code, said in table:
            with self.subTest(words=words):
                self.assertIn(said, self.tool(*words, code=code))
        self.daemon.kill()
        for words in (["account", "list"], ["audit"], ["credential", "block", "u"], ["account", "export"]):
            with self.subTest(words=words):
                self.assertIn("is ringpostd running?", self.tool(*words, code=UNREACHABLE))


if __name__ == "__main__":
    unittest.main()
