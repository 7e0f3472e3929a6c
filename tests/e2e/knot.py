"""Knot, an authoritative DNS server, for tests: zones from texts, updates under a key, DNSSEC where it is asked for."""

import base64
import pathlib
import subprocess

from harness import PATIENCE, free_port, wait_until

SECRET = base64.b64encode(bytes(range(32))).decode()


class Knot:
    """`zones`: {name: text}. `signed`: names of those that it signs. `updated`: names of those that take updates under
    the key "update-key"."""

    def __init__(self, folder, zones, signed=(), updated=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.server = f"127.0.0.1:{self.port}"
        self.key = f"hmac-sha256:update-key:{SECRET}"
        self.process = None
        lines = ["server:", f"    listen: 127.0.0.1@{self.port}", f"    rundir: {self.folder}", "database:",
                 f"    storage: {self.folder}", "log:", "  - target: stderr", "    any: info", "key:", "  - id: update-key",
                 "    algorithm: hmac-sha256", f"    secret: {SECRET}", "acl:", "  - id: updates", "    key: update-key",
                 "    action: update", "zone:"]
        for name, text in zones.items():
            self.write(name, text)
            lines += [f"  - domain: {name}", f"    file: {self.folder / name}.zone", "    zonefile-sync: -1",
                      "    zonefile-load: difference", "    journal-content: all" if name in updated else ""]
            lines += ["    acl: updates"] if name in updated else []
            lines += ["    dnssec-signing: on"] if name in signed else []
        self.config = self.folder / "knot.conf"
        self.config.write_text("\n".join(line for line in lines if line) + "\n")

    def write(self, name, text):
        (self.folder / f"{name}.zone").write_text(text)

    def control(self, *words):
        return subprocess.run(["knotc", "-c", str(self.config), *words], capture_output=True, text=True,
                              timeout=30 * PATIENCE)

    def start(self):
        log = open(self.folder / "knot.log", "ab")
        with log:
            self.process = subprocess.Popen(["knotd", "-c", str(self.config)], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)
        wait_until(lambda: self.control("status").returncode == 0, 20, "knotd runs")
        return self

    def reload(self, name, text):
        self.write(name, text)
        done = self.control("-b", "zone-reload", name)
        assert done.returncode == 0, done.stderr + (self.folder / "knot.log").read_text()[-2000:]

    def delegation(self, name):
        """The DS records of a zone that it signs, as lines."""
        done = subprocess.run(["keymgr", "-c", str(self.config), name, "ds"], capture_output=True, text=True,
                              timeout=30 * PATIENCE, check=True)
        return done.stdout

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None
