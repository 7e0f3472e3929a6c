"""The servers that are compared. Each is started with a next hop and a folder of its own, answers at
127.0.0.1:port, and is stopped with everything it left."""

import dataclasses
import json
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time

from comparison import processes

BENCH = pathlib.Path(__file__).resolve().parents[1]
START_SECONDS = 30
STOP_SECONDS = 30


def free_port():
    """A port nobody listens on, below those the kernel gives to connections: one of those may be in use as a
    connection's own end by the time a server wants it."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def wait_for_greeting(port, what):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                if connection.recv(512).startswith(b"220"):
                    connection.sendall(b"QUIT\r\n")
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"{what} does not answer at 127.0.0.1:{port}")


def end(process):
    """Stops a process started here; by force when asking does not do."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.communicate(timeout=STOP_SECONDS)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0]


@dataclasses.dataclass
class Tls:
    """A certificate. A server that is given one offers STARTTLS at its port, takes connections with implicit TLS at
    its `tls_port` (Ringpost alone), and passes mail on under TLS only."""
    chain: pathlib.Path
    key: pathlib.Path


class Server:
    name = ""
    tls = None

    def __init__(self, bin_dir, work):
        self.bin = pathlib.Path(bin_dir)
        self.work = pathlib.Path(work) / self.name
        self.port = 0
        self.tls_port = 0
        self.pid = 0

    def start(self, next_hop):
        self.port, self.tls_port = free_port(), free_port()
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self._start(next_hop)
        wait_for_greeting(self.port, self.name)

    def stop(self):
        self._stop()
        shutil.rmtree(self.work, ignore_errors=True)

    def cpu_seconds(self):
        return processes.cpu_seconds(self.pid)

    def pss_kib(self):
        return processes.pss_kib(self.pid)


class Program(Server):
    """A server that is one process of ours. It is killed: what is still queued is not wanted."""

    def command(self, next_hop):
        raise NotImplementedError

    environment = {}  # beside our own

    def _start(self, next_hop):
        self.log = open(self.work / "log", "wb")
        self._run(next_hop)

    def _run(self, next_hop):
        self.process = subprocess.Popen(self.command(next_hop), stdout=self.log, stderr=self.log,
                                        env=os.environ | self.environment)
        self.pid = self.process.pid

    def _stop(self):
        if self.pid == 0:
            return
        self.pid = 0
        self.process.kill()
        self.process.wait()
        self.log.close()


class Ringpost(Program):
    name = "ringpost"

    def __init__(self, bin_dir, work, extra="", wrapper=(), trust=True, listener_extra="", store=None):
        """`extra`: configuration behind the rest. `wrapper`: words before the command, such as taskset's. `trust`:
        whether clients on this machine may send by the configuration alone. `store`: a folder that a server left,
        whose copy this one begins with."""
        super().__init__(bin_dir, work)
        self.extra = extra
        self.wrapper = wrapper
        self.trust = trust
        self.listener_extra = listener_extra
        self.store = store

    def _start(self, next_hop):
        if self.store:
            shutil.copytree(self.store, self.work / "store")
        super()._start(next_hop)

    def tool(self, *words, given="", codes=(0,)):
        """What `ringpost` prints as JSON. `codes`: how it may exit."""
        done = subprocess.run([self.bin / "ringpost", "--socket", self.work / "store/control.sock", "--json",
                               *map(str, words)], input=given, capture_output=True, text=True, timeout=120)
        if done.returncode not in codes:
            raise RuntimeError(f"ringpost {words[0]} {words[1:2]}: {done.stderr} {done.stdout}")
        return json.loads(done.stdout)

    def status(self):
        return self.tool("status")["status"]

    def queued(self):
        return self.status()["regions"][0]["queued_entries"]

    def wait_until(self, condition, seconds):
        """Until `condition` holds of the status."""
        deadline = time.monotonic() + seconds
        while not condition(self.status()):
            if time.monotonic() > deadline:
                raise RuntimeError(f"ringpost did not get there in {seconds} s")
            time.sleep(0.05)

    def restart_killed(self, next_hop):
        """kill -9, and started again on the same store."""
        self.process.kill()
        self.process.wait()
        self._run(next_hop)

    def command(self, next_hop):
        config = self.work / "ringpost.toml"
        listener, route = self.listener_extra, ""
        if self.tls:
            listener += (f'tls = "optional"\n'
                        f'[[listener]]\naddress = "127.0.0.1:{self.tls_port}"\nregion = "local"\ntls = "implicit"\n'
                        f'[[tls.certificate]]\nchain = "{self.tls.chain}"\nkey = "{self.tls.key}"\n')
            route = 'tls = "required"\n'
        config.write_text(
            f'hostname = "gw.example.com"\n'
            f'[store]\npath = "{self.work}/store"\n'
            f'[[region]]\nname = "local"\nlog = "{self.work}/messages.log"\n'
            f'[[listener]]\naddress = "127.0.0.1:{self.port}"\nregion = "local"\n{listener}'
            + ('[[trust]]\nnetwork = "127.0.0.0/8"\n' if self.trust else "") +
            f'[[route]]\ndomain = "*"\nrelay = "127.0.0.1:{next_hop}"\n{route}' + self.extra)
        return [*self.wrapper, self.bin / "ringpostd", "--config", config]


class Ceiling(Program):
    """Moves the bytes and does nothing else: no relay on this machine can be faster by much."""
    name = "ceiling"

    def command(self, next_hop):
        return [self.bin / "ringpost-bench", "relay", "--listen", f"127.0.0.1:{self.port}",
                "--next-hop", f"127.0.0.1:{next_hop}"]


class Postfix(Server):
    name = "postfix"

    def _start(self, next_hop):
        conf = self.work / "conf"
        conf.mkdir()
        self.configure(conf, next_hop)
        (self.work / "queue").mkdir()
        data = self.work / "data"
        data.mkdir()
        os.chown(data, pwd.getpwnam("postfix").pw_uid, -1)
        self._postfix("start")
        self.pid = int((self.work / "queue/pid/master.pid").read_text())

    def configure(self, folder, next_hop):
        """Fills in the settings of bench/postfix."""
        tls = (BENCH / "postfix" / ("tls.cf" if self.tls else "clear.cf")).read_text()
        marks = {"@TLS@": tls, "@WORK@": self.work, "@NEXT_HOP@": next_hop, "@PORT@": f"127.0.0.1:{self.port}"}
        if self.tls:
            marks |= {"@CHAIN@": self.tls.chain, "@KEY@": self.tls.key}
        for name in ("main.cf", "master.cf"):
            text = (BENCH / "postfix" / name).read_text()
            for mark, value in marks.items():
                text = text.replace(mark, str(value))
            (folder / name).write_text(text)

    def _postfix(self, action):
        done = subprocess.run(["/usr/sbin/postfix", "-c", str(self.work / "conf"), action],
                              capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            log = self.work / "postfix.log"
            tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise RuntimeError(f"postfix {action}: {done.stderr}\n{tail}")

    def _stop(self):
        if self.pid == 0:  # it never started
            return
        # The tree as it is now: if asking the master does not end all of it, it is ended by its ids.
        pids = processes.tree(self.pid)
        self.pid = 0
        try:
            self._postfix("abort")
        except (RuntimeError, subprocess.TimeoutExpired):
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and any(os.path.exists(f"/proc/{pid}") for pid in pids):
            time.sleep(0.05)


def postfix_version():
    done = subprocess.run(["/usr/sbin/postconf", "-d", "-h", "mail_version"], capture_output=True,
                          text=True)
    return done.stdout.strip()
