"""`ringpost` as scripts use it: each command with and without --json, and the exit code it documents."""

import json
import signal
import smtplib
import socket
import subprocess
import time
import unittest

import harness

DONE, REFUSED, USAGE, UNREACHABLE, PARTIAL = range(5)
NOBODY = "01K0000000000000000000000A"  # an id that is not queued


class OperatorTool(harness.Case):
    def setUp(self):
        super().setUp()
        # Nobody listens at the next hop: what is sent stays queued.
        self.daemon = self.run_daemon(harness.free_port(), extra='[limits]\ndrain_grace = "1s"\n')

    def send(self, *recipients, sender="a@example.org"):
        with smtplib.SMTP("127.0.0.1", self.daemon.port) as client:
            for recipient in recipients:
                client.sendmail(sender, [recipient], "Subject: x\r\n\r\nx\r\n")

    def tool(self, *words, as_json=False, socket_path=None):
        command = [harness.BIN / "ringpost", "--socket", socket_path or self.daemon.socket_path]
        return [*map(str, command), *(["--json"] if as_json else []), *map(str, words)]

    def run_tool(self, *words, **options):
        return subprocess.run(self.tool(*words, **options), capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL)

    def check_json(self, done, code):
        """One object a line; the last says how it ended, and agrees with the exit code."""
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if not lines:
            # The command line itself was wrong: nothing was asked of anybody.
            self.assertEqual(code, USAGE, done.stderr)
            return lines
        self.assertIsInstance(lines[-1].get("ok"), bool, lines[-1])
        answers = [line for line in lines if "ok" in line]
        if code == DONE:
            self.assertTrue(all(answer["ok"] for answer in answers), answers)
        for answer in answers:
            if not answer["ok"]:
                self.assertIn("code", answer["error"])
                self.assertIn("message", answer["error"])
        return lines

    def check(self, words, code):
        """The same exit code both ways, and answers of either kind."""
        text = self.run_tool(*words)
        self.assertEqual(text.returncode, code, (words, text.stdout, text.stderr))
        self.assertTrue(text.stdout or text.stderr, words)
        if code in (USAGE, UNREACHABLE):
            self.assertIn("ringpost: " if "is empty" not in text.stderr else "is empty", text.stderr)
        answer = self.run_tool(*words, as_json=True)
        self.assertEqual(answer.returncode, code, (words, answer.stdout, answer.stderr))
        self.check_json(answer, code)

    def test_exit_codes(self):
        self.send(*(f"u@{name}.example" for name in ("one", "two", "three", "four")))
        harness.wait_until(lambda: self.daemon.queued() == 4, 20, "four are queued")
        some = next(iter(self.daemon.queue()))
        bad_file = self.folder / "bad.toml"
        bad_file.write_text("[store]\nnonsense = 1\n")
        table = [
            (["status"], DONE),
            (["status", "--counters"], DONE),
            (["nonsense"], USAGE),
            (["queue"], USAGE),
            (["queue", "summary"], DONE),
            (["queue", "summary", "--region", "mars"], REFUSED),
            (["queue", "list"], DONE),
            (["mailq", "--limit", "1"], DONE),
            (["queue", "list", "--domain", "nowhere.example"], DONE),
            (["queue", "list", "--region", "mars"], REFUSED),
            (["queue", "list", "--domain", ""], USAGE),
            (["queue", "list", "--domain", "."], USAGE),
            (["queue", "list", "--sender", ""], USAGE),
            (["queue", "show", some], DONE),
            (["queue", "show", NOBODY], REFUSED),
            (["queue", "show", some, NOBODY], PARTIAL),
            (["queue", "show", "nonsense"], USAGE),
            (["queue", "hold"], USAGE),
            (["queue", "hold", "--domain", "Nowhere.example."], REFUSED),
            (["queue", "retry", some, NOBODY], PARTIAL),
            (["queue", "retry", "--sender", "a@example.org"], DONE),
            (["queue", "release", "--held", "--domain", ""], USAGE),
            (["queue", "delete", "--all"], USAGE),  # nobody can be asked
            (["queue", "delete", "--yes", "--domain", "."], USAGE),
            (["queue", "delete", "--yes", "--held", "--all"], USAGE),
            (["queue", "delete", "--yes", "--domain", "nowhere.example"], REFUSED),
            (["queue", "bounce", "--yes", "--reason", "", "--all"], USAGE),
            (["suspend"], USAGE),
            (["suspend", "--domain", "one.example", "--for", "soon"], USAGE),
            (["suspend", "--domain", "One.example."], DONE),
            (["suspensions"], DONE),
            (["resume"], USAGE),
            (["resume", "--domain", "two.example"], REFUSED),
            (["reload"], DONE),
            (["config", "check"], DONE),
            (["config", "check", self.daemon.config_path], DONE),
            (["config", "check", bad_file], REFUSED),
            (["config", "check", self.folder / "none.toml"], REFUSED),
            (["trace"], USAGE),
            (["trace", "--client", "127.0.0.1/8"], USAGE),
            (["store", "check", self.daemon.store / "local"], REFUSED),  # a daemon has it open
            (["store", "export-queue", self.daemon.store / "local"], REFUSED),
        ]
        for words, code in table:
            with self.subTest(words=words):
                self.check(words, code)
        self.assertEqual(self.daemon.queued(), 4, "nothing of this took a message away")
        for as_json in (False, True):
            self.assertEqual(self.run_tool("resume", "--all", as_json=as_json).returncode,
                             REFUSED if as_json else DONE)

    def test_lists_end_with_how_they_ended(self):
        self.send("u@one.example", "u@two.example")
        harness.wait_until(lambda: self.daemon.queued() == 2, 20, "two are queued")
        lines = self.check_json(self.run_tool("queue", "list", as_json=True), DONE)
        self.assertEqual([("id" in line) for line in lines], [True, True, False])
        self.assertEqual(lines[-1], {"ok": True, "next": None, "listed": 2})
        lines = self.check_json(self.run_tool("queue", "list", "--limit", "1", as_json=True), DONE)
        self.assertEqual(lines[-1]["next"], lines[0]["id"])

    def test_a_broken_file_is_refused_line_by_line(self):
        self.daemon.config_path.write_text("[stor]\nx = 1\n[store]\ny = 2\n")
        for words in (["reload"], ["config", "check"]):
            with self.subTest(words=words):
                self.check(words, REFUSED)
                shown = self.run_tool(*words).stderr
                self.assertRegex(shown, r"(?m)^\S*ringpost\.toml:\d+:\d+: ")
                self.assertNotIn("?/", shown)
        path = str(self.daemon.config_path)
        self.assertGreater(self.run_tool("reload").stderr.count("\n" + path), 1)

    def test_nobody_answers(self):
        nowhere = self.folder / "nowhere.sock"
        for words in (["status"], ["queue", "list"], ["queue", "delete", "--all", "--yes"],
                      ["resume", "--all"], ["suspensions"], ["reload"], ["drain"],
                      ["trace", "--client", "127.0.0.1"], ["config", "check"]):
            for as_json in (False, True):
                with self.subTest(words=words, as_json=as_json):
                    done = self.run_tool(*words, as_json=as_json, socket_path=nowhere)
                    self.assertEqual(done.returncode, UNREACHABLE, done.stderr)
                    self.assertIn("is ringpostd running?", done.stderr)
                    if as_json:
                        self.assertEqual(self.check_json(done, UNREACHABLE)[-1]["error"]["code"],
                                         "unreachable")

    def test_trace_ends_with_the_interrupt(self):
        for as_json in (False, True):
            with self.subTest(as_json=as_json):
                words = self.tool("trace", "--client", "127.0.0.0/8", as_json=as_json)
                with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as trace:
                    if as_json:
                        self.assertIn("tracing", trace.stdout.readline())
                        self.check(["trace", "--client", "::1"], REFUSED)  # there can be only one
                    time.sleep(1)
                    self.send("u@one.example")
                    time.sleep(0.5)
                    trace.send_signal(signal.SIGINT)
                    shown = trace.communicate(timeout=10)[0]
                self.assertEqual(trace.returncode, DONE)
                self.assertIn("TO:<u@one.example>", shown)
                if as_json:
                    self.assertTrue(all(json.loads(line) for line in shown.splitlines()))

    def test_drain_and_what_works_after_it(self):
        for as_json in (False, True):
            with self.subTest(as_json=as_json):
                self.send("u@one.example")
                done = self.run_tool("drain", as_json=as_json)
                self.assertEqual(done.returncode, DONE, done.stderr)
                self.assertEqual(self.daemon.process.wait(20), 0)
                if as_json:
                    self.assertEqual(self.check_json(done, DONE)[-1], {"ok": True, "stopped": True})
                self.daemon.start()
        self.assertEqual(self.daemon.stop(), 0)
        store = self.daemon.store / "local"
        for words in (["store", "check", store], ["store", "export-queue", store]):
            with self.subTest(words=words):
                self.assertEqual(self.run_tool(*words).returncode, DONE)

    def test_a_drain_that_is_cut_short_says_so(self):
        for as_json in (False, True):
            with self.subTest(as_json=as_json):
                with socket.create_connection(("127.0.0.1", self.daemon.port)) as client:
                    stream = client.makefile("rwb")
                    stream.readline()
                    for line in (b"HELO x", b"MAIL FROM:<a@example.org>", b"RCPT TO:<b@one.example>",
                                 b"DATA"):
                        stream.write(line + b"\r\n")
                        stream.flush()
                        stream.readline()
                    done = self.run_tool("drain", as_json=as_json)
                self.assertEqual(done.returncode, PARTIAL, (done.stdout, done.stderr))
                self.assertIn("grace period ended", done.stderr)
                if as_json:
                    self.assertTrue(self.check_json(done, PARTIAL)[-1]["stopped"])
                self.assertEqual(self.daemon.process.wait(20), 0)
                self.daemon.start()


if __name__ == "__main__":
    unittest.main()
