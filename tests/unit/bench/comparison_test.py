"""The comparison's own arithmetic: whose processor time is counted, and that mail which went astray is told."""

import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import tomllib
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "bench"))
import compare  # noqa: E402
from comparison import customers, processes, rows, servers  # noqa: E402

BURN = """
import os, sys, threading, time
def burn():
    began = time.thread_time()
    while time.thread_time() - began < 0.3:
        pass
"""
THREAD = BURN + """
thread = threading.Thread(target=burn)
thread.start()
thread.join()
"""
CHILD = BURN + """
child = os.fork()
if child == 0:
    burn()
    os._exit(0)
os.waitpid(child, 0)
"""
READY = "print(flush=True)\nsys.stdin.read()\n"


def burnt(code):
    """What cpu_seconds says of a program that has run `code` and waits."""
    with subprocess.Popen([sys.executable, "-c", code + READY], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as program:
        program.stdout.readline()
        seconds = processes.cpu_seconds(program.pid)
        program.stdin.close()
    return seconds


class CpuSeconds(unittest.TestCase):
    def test_a_thread_that_has_ended_counts(self):
        self.assertGreater(burnt(THREAD), 0.3)
        self.assertLess(burnt(THREAD), 0.3 + 1)

    def test_a_child_that_has_ended_counts(self):
        self.assertGreater(burnt(CHILD), 0.29)

    def test_less_than_a_tick_counts(self):
        first = burnt("import sys\n")
        self.assertNotEqual(round(first * 100, 6), int(first * 100), "finer than 10 ms")


def entry(**figures):
    return {"rate": 100.0, "cpu_us": 10.0, "memory_mib": 5.0, "missing": 0, "duplicates": 0, "refused": 0,
            **figures}


def relay(ours, theirs):
    return {"relay": {"ringpost": ours, "postfix": theirs}}


class Faults(unittest.TestCase):
    def test_a_clean_run_has_none(self):
        results = relay([entry(), entry()], [entry(), entry()])
        self.assertEqual(compare.faults_of(results), [])
        text = compare.table(compare.summary_rows(results), {"date": "today"}, [])
        self.assertIn("all mail was taken", text)
        self.assertNotIn("Not a result", text)

    def test_what_went_wrong_is_named_with_its_round(self):
        results = relay([entry(), entry(missing=3)], [entry(duplicates=2), entry(refused=1)])
        faults = compare.faults_of(results)
        self.assertEqual(faults, ["relay 2, ringpost: 3 messages were taken and did not arrive",
                                  "relay 1, postfix: 2 recipients got a message again",
                                  "relay 2, postfix: 1 messages were refused or not answered"])
        text = compare.table(compare.summary_rows(results), {"date": "today"}, faults)
        self.assertIn("**Not a result: 3 things went wrong.**", text)
        self.assertIn("3 messages were taken and did not arrive", text)

    def test_a_pair_without_a_ratio_is_named(self):
        results = relay([entry(), entry(cpu_us=0.0)], [entry(), entry()])
        self.assertEqual(compare.faults_of(results),
                         ["relay 2: no ratio of 0 and 10 (relay: CPU us per message)"])

    def test_the_exit_status_says_so(self):
        for results, failed, said in (
                (relay([entry()], [entry()]), [], None),
                (relay([entry(missing=1)], [entry()]), [], "1 messages were taken and did not arrive"),
                (relay([entry()], [entry()]), ["queue: it did not start"], "queue: it did not start")):
            with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
                stack.enter_context(mock.patch.object(compare, "run_all", lambda *_: (results, failed)))
                stack.enter_context(mock.patch.object(compare.os, "geteuid", lambda: 0))
                stack.enter_context(mock.patch.object(compare.signal, "signal"))
                stack.enter_context(mock.patch.object(sys, "argv", ["compare", "--out", folder, "--work", folder]))
                stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
                if said is None:
                    compare.main()
                else:
                    with self.assertRaisesRegex(SystemExit, said):
                        compare.main()
                written = sorted(path.suffix for path in pathlib.Path(folder).iterdir())
                self.assertEqual(written, [".json", ".md"], "what was measured is kept")


    def test_what_was_measured_before_a_failure_is_kept(self):
        def run_measure(name, *_):
            if name == "sessions":
                raise RuntimeError("it did not start")
            return relay([entry()], [entry()])["relay"]
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch.object(compare, "run_measure", run_measure))
            stack.enter_context(mock.patch.object(sys, "argv", ["compare", "--only", "accept", "sessions", "large"]))
            stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            results, failed = compare.run_all(compare.parse_arguments(), pathlib.Path(folder))
        self.assertEqual(sorted(results), ["accept", "large"])
        self.assertEqual(failed, ["sessions: RuntimeError('it did not start')"])


class Rows(unittest.TestCase):
    def summary(self, row, ours, theirs=None):
        by_server = {"ringpost": [{"figure": value} for value in ours]}
        if theirs is not None:
            by_server["postfix"] = [{"figure": value} for value in theirs]
        return row.summary(by_server)

    def test_the_nearer_end_of_the_interval_must_meet_the_target(self):
        for row, values, met in (
                (rows.Row("figure", "", at_least=2), [2, 3, 4, 5, 6, 7, 8], True),
                (rows.Row("figure", "", at_least=2), [1, 3, 4, 5, 6, 7, 8], False),
                (rows.Row("figure", "", at_most=8), [2, 3, 4, 5, 6, 7, 8], True),
                (rows.Row("figure", "", at_most=7), [2, 3, 4, 5, 6, 7, 8], False),
                (rows.Row("figure", ""), [1], None)):
            self.assertIs(self.summary(row, values)["met"], met, row)

    def test_rounds_are_held_against_each_other_one_by_one(self):
        better = self.summary(rows.Row("figure", "", against="postfix"), [10, 40, 90], [1, 2, 3])
        self.assertEqual(better["interval"][:3], (20, 10, 30))
        less = self.summary(rows.Row("figure", "", against="postfix", less=True), [1, 2, 3], [10, 40, 90])
        self.assertEqual(less["interval"][:3], (20, 10, 30))
        share = self.summary(rows.Row("figure", "", against="postfix", way="share", less=True), [1, 2, 3], [10, 40, 90])
        self.assertEqual(share["interval"][:3], (2 / 40, 3 / 90, 1 / 10))

    def test_the_table_says_what_was_missed(self):
        row = rows.Row("figure", "what", against="postfix", at_least=15)
        shown = rows.table([self.summary(row, [16.0, 14.0], [1, 1])])
        self.assertIn("| what | 15.00 | 1.00 |  |  | 15.00 (14.00 to 16.00, 50%) x postfix | at least 15.00: **missed** |",
                      shown)

    def test_every_measure_has_rows_and_a_way_to_run(self):
        for name, measure in compare.MEASURES.items():
            self.assertTrue(measure.rows, name)
            self.assertNotEqual(measure.run is None, measure.run_rounds is None, name)


class OneThreadsSeconds(unittest.TestCase):
    NAMED = BURN + """
def named():
    with open("/proc/thread-self/comm", "w") as comm:
        comm.write("burner")
    burn()
    over.set()
    time.sleep(60)
over = threading.Event()
threading.Thread(target=named, daemon=True).start()
over.wait()
"""

    def test_threads_of_that_name_alone(self):
        with subprocess.Popen([sys.executable, "-c", self.NAMED + READY], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as program:
            program.stdout.readline()
            burner = processes.thread_seconds(program.pid, "burner")
            nobody = processes.thread_seconds(program.pid, "nobody")
            whole = processes.cpu_seconds(program.pid)
            program.stdin.close()
        self.assertGreater(burner, 0.29)
        self.assertLess(burner, whole)
        self.assertEqual(nobody, 0)

    def test_who_idles_is_all_processors(self):
        before = processes.idle_seconds()
        time.sleep(0.5)
        self.assertLessEqual(processes.idle_seconds() - before, 0.7 * os.cpu_count())


class RingpostSettings(unittest.TestCase):
    def test_who_is_not_trusted_needs_a_credential(self):
        with tempfile.TemporaryDirectory() as name:
            store = pathlib.Path(name, "made")
            store.mkdir()
            (store / "mark").touch()
            server = servers.Ringpost("/bin", name, store=store, **customers.WITH_PASSWORDS)
            server.work.mkdir()
            told = tomllib.loads(pathlib.Path(server.command(2626)[-1]).read_text())
            self.assertNotIn("trust", told)
            self.assertTrue(told["listener"][0]["auth_in_clear"])
            with mock.patch.object(servers.Program, "_start"):
                server._start(2626)
            self.assertTrue((server.work / "store/mark").exists(), "it begins with a copy")
            usual = servers.Ringpost("/bin", name)
            self.assertEqual(tomllib.loads(pathlib.Path(usual.command(2626)[-1]).read_text())["trust"],
                             [{"network": "127.0.0.0/8"}])

    def test_with_a_certificate_nothing_leaves_in_clear(self):
        with tempfile.TemporaryDirectory() as name:
            server = servers.Ringpost("/bin", name, "[reactor]\ncores = 1\n", wrapper=("taskset", "-c", "0"))
            server.work.mkdir()
            server.port, server.tls_port = 2525, 2465
            clear = pathlib.Path(server.command(2626)[-1]).read_text()
            self.assertNotIn("tls", clear)
            server.tls = servers.Tls(pathlib.Path("/chain.pem"), pathlib.Path("/key.pem"))
            command = server.command(2626)
            self.assertEqual(command[:3], ["taskset", "-c", "0"])
            told = tomllib.loads(pathlib.Path(command[-1]).read_text())
            self.assertEqual([route["tls"] for route in told["route"]], ["required"])
            self.assertEqual([(listener["address"], listener["tls"]) for listener in told["listener"]],
                             [("127.0.0.1:2525", "optional"), ("127.0.0.1:2465", "implicit")])
            self.assertEqual(told["tls"]["certificate"], [{"chain": "/chain.pem", "key": "/key.pem"}])


class PostfixSettings(unittest.TestCase):
    @unittest.skipUnless(pathlib.Path("/usr/sbin/postconf").exists(), "Postfix is not installed")
    def test_postfix_knows_them_all(self):
        for tls in (None, servers.Tls(pathlib.Path("/chain.pem"), pathlib.Path("/key.pem"))):
            with self.subTest(tls=tls):
                told = self.told(tls)
                # Its processes must not be what is measured: one lives longer than a round.
                self.assertGreaterEqual(int(told["max_use"]), 10000)
                self.assertEqual(told["smtp_tls_security_level"].strip(), "encrypt" if tls else "none")

    def told(self, tls):
        """What Postfix makes of its settings, by their names."""
        with tempfile.TemporaryDirectory() as name:
            postfix = servers.Postfix("/", name)
            postfix.port, postfix.tls = 2525, tls
            postfix.configure(pathlib.Path(name), 2626)
            done = subprocess.run(["/usr/sbin/postconf", "-c", name, "-n"], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertNotIn("@", "".join(line for file in ("main.cf", "master.cf") for line in
                                          (pathlib.Path(name) / file).read_text().splitlines() if line[:1] != "#"))
            return dict(line.split(" =", 1) for line in done.stdout.splitlines())


class Facts(unittest.TestCase):
    def test_the_flags_are_those_of_the_daemon(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            self.assertIn("not known", compare.build_facts(folder)[1])
            (folder / "compile_commands.json").write_text(json.dumps([
                {"file": "/x/tests/main.cc", "command": "/usr/bin/c++ -O0 -c /x/tests/main.cc"},
                {"file": "/x/gateway/app/main.cc", "command": "/usr/bin/ccache /usr/bin/g++ -DNDEBUG -I/x -isystem "
                 "/y -O2 -g -Wall -std=c++20 -fPIE -o some/main.cc.o -c /x/gateway/app/main.cc"}]))
            self.assertEqual(compare.build_facts(folder),
                             ("/usr/bin/g++", "-DNDEBUG -O2 -g -std=c++20 -fPIE"))


if __name__ == "__main__":
    unittest.main()
