"""ringpost-bench as a client that logs in: what it counts is what the gateway counts."""

import json
import subprocess
import unittest

import harness

MESSAGES = 40
CONNECTIONS = 4
USER, PASSWORD = "app", "correct horse battery 7"


class BenchLogins(harness.Case):
    def setUp(self):
        super().setUp()
        self.sink = self.run_bench_sink()
        self.daemon = self.run_daemon(self.sink.port, trust=False, listener_extra="auth_in_clear = true")
        self.tool("account", "add", "load")
        self.tool("sender", "add", "load.example", "--account", "load", "--state", "verified")
        self.tool("credential", "add", USER, "--account", "load", "--password-stdin", given=PASSWORD + "\n")

    def tool(self, *words, given=""):
        done = subprocess.run([harness.BIN / "ringpost", "--socket", self.daemon.socket_path, *words], input=given,
                              capture_output=True, text=True, timeout=60 * harness.PATIENCE)
        self.assertEqual(done.returncode, 0, (words, done.stdout, done.stderr))

    def bench(self, command, *words, code=0):
        done = subprocess.run([harness.BIN / "ringpost-bench", command, "--server", f"127.0.0.1:{self.daemon.port}",
                               "--connections", str(CONNECTIONS), *map(str, words)], capture_output=True, text=True,
                              timeout=120 * harness.PATIENCE)
        self.assertEqual(done.returncode, code, (words, done.stdout, done.stderr))
        return json.loads(done.stdout)

    def load(self, *words, code=0):
        return self.bench("load", "--json", *words, code=code)

    def test_load_logs_in_once_for_each_connection(self):
        said = self.load("--messages", MESSAGES, "--auth", f"{USER}:{PASSWORD}")
        self.assertEqual((said["accepted"], said["replies"]["auth 235"]), (MESSAGES, CONNECTIONS))
        self.assertEqual(self.daemon.counter("smtp_auth_total"), CONNECTIONS)
        harness.wait_until(lambda: len(self.sink.ids()) == MESSAGES, 30, "all messages arrive")

    def test_load_logs_in_anew_for_each_message(self):
        said = self.load("--messages", MESSAGES, "--auth", f"{USER}:{PASSWORD}", "--session-per-message")
        self.assertEqual(said["accepted"], MESSAGES)
        # Some are opened again before it is known that no message is left.
        self.assertGreaterEqual(said["replies"]["auth 235"], MESSAGES)
        self.assertEqual(self.daemon.counter("smtp_auth_total"), said["replies"]["auth 235"])

    def test_load_sends_nothing_where_it_is_not_let_in(self):
        said = self.load("--seconds", 0.5, "--auth", f"{USER}:wrong", code=3)
        self.assertEqual((said["started"], said["accepted"]), (0, 0))
        self.assertGreater(said["replies"]["auth 535"], 0)
        self.assertIn("5.7.8", said["refusal_samples"]["auth 535"])

    def test_logins_on_a_new_connection_each(self):
        said = self.bench("login", "--user", USER, "--password", PASSWORD, "--seconds", 1)
        self.assertEqual((said["failures"], said["replies"]), (0, {"235": said["answered"]}))
        self.assertGreater(said["answered"], CONNECTIONS)
        counted = self.daemon.ctl("status")["status"]["counters"]
        self.assertEqual(counted["smtp_auth_total"], said["answered"])
        self.assertGreaterEqual(counted["connections_accepted_total"], said["answered"])
        # The cache knows a password that was right; what is verified at the same time is not in it yet.
        self.assertLessEqual(counted["password_iterations_total"], 3 * CONNECTIONS * 100_000)

    def test_a_rate_is_kept(self):
        said = self.bench("login", "--user", USER, "--password", PASSWORD, "--rate", 20, "--seconds", 2)
        self.assertEqual(said["answered"], 40)

    def test_guesses_are_counted_by_what_they_were_answered(self):
        said = self.bench("login", "--user", USER, "--bad", "--seconds", 1)
        counted = self.daemon.ctl("status")["status"]["counters"]
        self.assertEqual(said["failures"], 0)
        self.assertEqual(set(said["replies"]), {"454", "535"}, "some are looked at, and then he has to wait")
        self.assertEqual(counted["smtp_auth_refused_total"], said["replies"]["535"])
        self.assertEqual(counted["smtp_auth_too_soon_total"], said["replies"]["454"])
        self.assertEqual(sum(said["replies"].values()), said["answered"])

    def test_guesses_from_many_addresses_at_many_names_reach_the_workers(self):
        before = self.daemon.counter("password_iterations_total")
        said = self.bench("login", "--user", "nobody", "--bad", "--rate", 40, "--seconds", 2, "--names", 5000,
                          "--sources", 5000)
        self.assertEqual(said["replies"], {"535": 80})
        self.assertEqual(self.daemon.counter("smtp_auth_too_soon_total"), 0)
        self.assertEqual(self.daemon.counter("password_iterations_total") - before, 80 * 100_000)

    def test_a_password_that_is_wrong_is_no_success(self):
        said = self.bench("login", "--user", USER, "--password", "a wrong one 1234", "--seconds", 0.5, code=3)
        self.assertNotIn("235", said["replies"])


if __name__ == "__main__":
    unittest.main()
