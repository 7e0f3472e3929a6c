"""The part of count.py that runs in the emulated machine: makes the gateway receive and send, and marks before and
after. marks.json says what the marks were, in their order, and where the code of the gateway and of this program is."""

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

PORT, SINK_PORT = 2465, 2626
WORK = pathlib.Path("/tmp/kernel_tls")
# Messages of a pair of runs on one connection: what the second has more is what is counted.
REUSED = {"20 MiB": (20 << 20, 1, 2), "100 KiB": (100 << 10, 2, 22), "4 KiB": (4 << 10, 20, 120)}
FEW_BYTES = 4 << 10
# Connections of a pair of runs, with a message of FEW_BYTES each.
CONNECTIONS = (2, 12)
# Pairs of each, for what the gateway does at its own times: the median counts. Of the largest one is enough.
PAIRS = {"20 MiB": 1}
PAIRS_ELSE = 3
# Of the guest's clock: by then all that was asked for is done, and one look at it is enough.
SETTLE_SECONDS = 0.7


class Guest:
    def __init__(self, bin_dir, work):
        self.bin, self.work = bin_dir, work
        self.marks = []
        self.tcg_mark = ctypes.CDLL(os.environ["TCG_MARK"]).tcg_mark
        self.taken = 0

    def mark(self, label):
        self.tcg_mark()
        self.marks.append({"label": label, "gateway": self.code(self.gateway.pid), "guest": self.code("self")})

    @staticmethod
    def code(pid):
        lines = pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()
        return [line for line in lines if " r-xp " in line]

    @contextlib.contextmanager
    def servers(self, tls_in, tls_out, ktls, messages_per_connection=0):
        """A gateway and its next hop, made anew."""
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir()
        config = WORK / "ringpost.toml"
        chain, key = self.work / "chain.pem", self.work / "key.pem"
        config.write_text(
            f'hostname = "gw.example.com"\n[store]\npath = "{WORK}/store"\n[reactor]\ncores = 1\nbuffers = 1024\n'
            f'[[region]]\nname = "local"\n[tls]\nktls = "{ktls}"\n'
            f'[[tls.certificate]]\nchain = "{chain}"\nkey = "{key}"\n'
            f'[[listener]]\naddress = "127.0.0.1:{PORT}"\nregion = "local"\ntls = "{"implicit" if tls_in else "none"}"\n'
            f'[[trust]]\nnetwork = "127.0.0.0/8"\n'
            f'[delivery]\nmessages_per_connection = {messages_per_connection}\nconnections_per_next_hop = 1\n'
            f'[[route]]\ndomain = "*"\nrelay = "127.0.0.1:{SINK_PORT}"\n'
            f'tls = "{"required" if tls_out else "opportunistic"}"\n')
        with open(WORK / "log", "wb") as log:
            self.sink = subprocess.Popen(
                [self.bin / "ringpost-bench", "sink", "--listen", f"127.0.0.1:{SINK_PORT}", "--stats", WORK / "sink.json",
                 "--tls", "starttls" if tls_out else "none"], stdout=log, stderr=log)
            self.gateway = subprocess.Popen([self.bin / "ringpostd", "--config", config], stdout=log, stderr=log)
        self.taken = 0
        self.load_options = ["--tls", "implicit" if tls_in else "none"]
        try:
            self.wait_for("the gateway", lambda: (WORK / "store/control.sock").exists())
            time.sleep(SETTLE_SECONDS)
            yield
        except Exception:
            print((WORK / "log").read_text(errors="replace")[-3000:], file=sys.stderr)
            raise
        finally:
            for process in (self.gateway, self.sink):
                process.kill()
                process.wait()

    def wait_for(self, what, condition):
        for _ in range(600):
            if condition():
                return
            for process in (self.gateway, self.sink):
                if process.poll() is not None:
                    raise RuntimeError(f"{process.args[0]} ended while {what} was waited for")
            time.sleep(0.2)
        raise RuntimeError(f"{what} did not come")

    def arrived(self):
        self.sink.send_signal(signal.SIGUSR1)
        time.sleep(0.1)
        try:
            return json.loads((WORK / "sink.json").read_text())["unique_messages"]
        except (OSError, ValueError):  # not there yet, or not whole
            return 0

    def pass_on(self, messages, size_bytes, *options):
        """So many messages in on one connection, and on to the next hop."""
        done = subprocess.run(
            [self.bin / "ringpost-bench", "load", "--server", f"127.0.0.1:{PORT}", "--json", "--connections", "1",
             "--threads", "1", "--messages", str(messages), "--size", str(size_bytes), *self.load_options, *options],
            capture_output=True, text=True, timeout=3600)
        result = json.loads(done.stdout) if done.stdout.strip() else {"accepted": 0}
        if result["accepted"] != messages:
            raise RuntimeError(f"{messages} messages were sent: {done.stdout} {done.stderr}")
        self.taken += messages
        time.sleep(SETTLE_SECONDS)
        self.wait_for("the mail", lambda: self.arrived() >= self.taken)

    def pairs(self, label, counts, size_bytes, *options):
        """Pairs of runs whose two differ in their number of messages alone."""
        self.pass_on(counts[0], size_bytes, *options)  # all that is made once
        for i in range(PAIRS.get(label.partition("/")[2], PAIRS_ELSE)):
            self.mark(f"{label}: {i} start")
            self.pass_on(counts[0], size_bytes, *options)
            self.mark(f"{label}: {i} few")
            self.pass_on(counts[1], size_bytes, *options)
            self.mark(f"{label}: {i} many")

    def run(self, cases):
        for name, tls_in, tls_out, ktls in cases:
            with self.servers(tls_in, tls_out, ktls):
                for size, (size_bytes, *counts) in REUSED.items():
                    self.pairs(f"{name}/{size}", counts, size_bytes)
                if not tls_out:
                    self.pairs(f"{name}/connections", CONNECTIONS, FEW_BYTES, "--session-per-message")
            if tls_out:
                with self.servers(tls_in, tls_out, ktls, messages_per_connection=1):
                    self.pairs(f"{name}/connections", CONNECTIONS, FEW_BYTES)
            print(f"{name}: done", file=sys.stderr, flush=True)
            self.write()

    def write(self):
        (self.work / "marks.json").write_text(json.dumps({
            "marks": self.marks, "modules": pathlib.Path("/proc/modules").read_text(),
            "tls_stat": pathlib.Path("/proc/net/tls_stat").read_text(), "kernel": os.uname().release}))


if __name__ == "__main__":
    bin_path, work, chosen = sys.argv[1:]
    Guest(pathlib.Path(bin_path), pathlib.Path(work)).run(json.loads(chosen))
