"""The load tool, the gateway and the sink of ringpost-bench, all under TLS: what the tools count is what the gateway
counts, and what is measured over TLS was under TLS."""

import json
import subprocess
import unittest

import harness
import tls_files

MESSAGES = 200
CONNECTIONS = 5
TLS_ROUTE = 'tls = "required"\n'


def bench(*words):
    """The JSON that ringpost-bench prints; it must be content."""
    done = subprocess.run([harness.BIN / "ringpost-bench", *map(str, words)], capture_output=True, text=True,
                          timeout=120 * harness.PATIENCE)
    if done.returncode != 0:
        raise AssertionError(f"ringpost-bench {words}: {done.returncode} {done.stderr} {done.stdout}")
    return json.loads(done.stdout)


class BenchOverTls(harness.Case):
    def setUp(self):
        super().setUp()
        self.authority = tls_files.Authority(self.folder / "tls")
        self.chain, self.key = self.authority.issue("gw", ["gw.example.com"])

    def gateway(self, next_hop, listener_tls, route=TLS_ROUTE):
        certificate = f'[[tls.certificate]]\nchain = "{self.chain}"\nkey = "{self.key}"\n'
        return self.run_daemon(next_hop, listener_extra=f'tls = "{listener_tls}"', extra=route + certificate)

    def run_sink(self, mode, *options):
        self.stats = self.folder / "sink.json"
        return self.run_bench_sink("--tls", mode, "--stats", self.stats, *options)

    def load(self, daemon, mode, *options):
        return bench("load", "--server", f"127.0.0.1:{daemon.port}", "--json", "--connections", CONNECTIONS,
                     "--messages", MESSAGES, "--tls", mode, *options)

    def sink_counts(self, sink):
        """What the sink says at its end; a greeting that the harness waited for is a connection too."""
        harness.wait_until(lambda: len(sink.ids()) >= MESSAGES, 30, "all messages arrive")
        sink.stop()
        return json.loads(self.stats.read_text())

    def test_starttls_on_both_legs(self):
        sink = self.run_sink("starttls")
        daemon = self.gateway(sink.port, "required")
        said = self.load(daemon, "starttls")
        self.assertEqual((said["accepted"], said["tls_handshakes"], said["tls_failures"]), (MESSAGES, CONNECTIONS, 0))
        self.assertEqual(daemon.counter("tls_handshakes_total"), CONNECTIONS)
        out = harness.wait_until(lambda: daemon.counter("tls_outbound_handshakes_total"), 30, "a connection leaves")
        counts = self.sink_counts(sink)
        self.assertEqual((counts["unique_messages"], counts["tls_messages"]), (MESSAGES, MESSAGES))
        self.assertGreaterEqual(counts["tls_handshakes"], out)
        self.assertEqual(counts["tls_failures"], 0)

    def test_implicit_on_both_legs_with_resumed_sessions(self):
        sink = self.run_sink("implicit", "--tls-chain", self.chain, "--tls-key", self.key)
        daemon = self.gateway(f"smtps://127.0.0.1:{sink.port}", "implicit")
        said = self.load(daemon, "implicit", "--session-per-message", "--resume")
        self.assertEqual(said["accepted"], MESSAGES)
        # Some are opened again before it is known that no message is left.
        self.assertGreaterEqual(said["tls_handshakes"], MESSAGES)
        self.assertEqual(said["tls_resumed"], said["tls_handshakes"] - CONNECTIONS)
        self.assertEqual(daemon.counter("tls_sessions_resumed_total"), said["tls_resumed"])
        counts = self.sink_counts(sink)
        self.assertEqual(counts["tls_messages"], MESSAGES)

    def test_large_messages(self):
        sink = self.run_sink("starttls")
        daemon = self.gateway(sink.port, "optional")
        said = self.load(daemon, "starttls", "--size", 300_000)
        counts = self.sink_counts(sink)
        self.assertEqual(counts["tls_messages"], MESSAGES)
        # What was sent, the final dot and the field that the gateway adds.
        self.assertGreater(counts["message_bytes"], said["text_bytes"])

    def test_connect_and_idle_count_handshakes(self):
        daemon = self.gateway(harness.free_port(), "implicit")
        server = f"127.0.0.1:{daemon.port}"
        said = bench("connect", "--server", server, "--tls", "implicit", "--connections", CONNECTIONS, "--seconds", 0.5)
        self.assertGreater(said["connections"], CONNECTIONS)
        self.assertEqual((said["failures"], said["handshake_failures"]), (0, 0))
        self.assertEqual(daemon.counter("tls_sessions_resumed_total"), 0, "each is a full one")
        before = daemon.counter("tls_handshakes_total")
        self.assertGreaterEqual(before, said["connections"])
        holder = subprocess.Popen([harness.BIN / "ringpost-bench", "idle", "--server", server, "--tls", "implicit",
                                   "--connections", str(CONNECTIONS)], stdout=subprocess.PIPE, text=True)
        self.addCleanup(holder.stdout.close)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.terminate)
        self.assertEqual(json.loads(holder.stdout.readline())["ready"], CONNECTIONS)
        self.assertEqual(daemon.counter("tls_handshakes_total"), before + CONNECTIONS)

    def test_a_sink_without_tls_gets_nothing(self):
        sink = self.run_sink("none")
        daemon = self.gateway(sink.port, "required", TLS_ROUTE + '[delivery]\nretry = ["1s"]\n')
        self.load(daemon, "starttls")
        harness.wait_until(lambda: daemon.counter("recipients_deferred_total") > 0, 30, "mail is deferred")
        sink.stop()
        self.assertEqual(json.loads(self.stats.read_text())["messages"], 0)


class BareHandshake(unittest.TestCase):
    def test_says_what_one_costs(self):
        said = bench("handshake", "--warm-up", 0.1, "--seconds", 0.2)
        self.assertGreater(said["handshakes"], 0)
        self.assertGreater(said["server_us"], 1)
        self.assertLess(said["server_us"], 1e6)


if __name__ == "__main__":
    unittest.main()
