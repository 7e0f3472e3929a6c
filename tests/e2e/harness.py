"""What the end-to-end tests stand on: a real ringpostd in a folder of its own, and real peers around it.

Everything listens on loopback at ports the kernel gave; everything started here is stopped here. The tests run
the programs of build/<preset>/bin, named by RINGPOST_BIN (ctest sets it).
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("RINGPOST_BIN", ROOT / "build/release/bin"))
# How many times longer than usual things may take: more than 1 where a sanitizer slows them (ctest sets it).
PATIENCE = float(os.environ.get("RINGPOST_TEST_PATIENCE", "1"))
# What the gateways' tls.ktls is to be; none: what they take by themselves.
KTLS = os.environ.get("RINGPOST_TEST_KTLS")
# What a sanitizer's report begins with.
REPORTS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error: ")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds, what):
    """Waits until condition() is true; fails naming `what` where it does not become so in time (times PATIENCE)."""
    seconds *= PATIENCE
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def listening(port, address="127.0.0.1"):
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def greets(port):
    """Whether a server speaks, or waits for a PROXY header. That something takes connections is not enough: those of
    a ringpostd that was killed are still taken for a moment, until the kernel has put its ring away."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return connection.recv(3).isdigit()
    except TimeoutError:
        return True
    except OSError:
        return False


class Daemon:
    """One ringpostd with its configuration, store and log in `folder`."""

    def __init__(self, folder, next_hop, extra="", listener_extra="", store=None, trust=True,
                 preload=None, store_extra="", region_extra=""):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.store = store or self.folder / "store"
        self.socket_path = self.folder / "control.sock"
        self.log_path = self.folder / "region.log"
        self.config_path = self.folder / "ringpost.toml"
        self.process = None
        self.cgroup = None  # a folder of /sys/fs/cgroup: where it runs
        self.environment = dict(os.environ)
        if preload:
            self.environment["LD_PRELOAD"] = str(preload)
        self.write_config(next_hop, extra, listener_extra, trust, store_extra, region_extra)

    def write_config(self, next_hop, extra="", listener_extra="", trust=True, store_extra="", region_extra=""):
        if KTLS and "[tls]\n" in extra:
            extra = extra.replace("[tls]\n", f'[tls]\nktls = "{KTLS}"\n')
        elif KTLS:
            extra += f'[tls]\nktls = "{KTLS}"\n'
        trusted = '[[trust]]\nnetwork = "127.0.0.0/8"\n' if trust else ""
        hops = next_hop if isinstance(next_hop, str) else f"127.0.0.1:{next_hop}"
        relay = "mx = true" if hops == "mx" else f'relay = "{hops}"'
        self.config_path.write_text(f"""
hostname = "gw.example.com"
[store]
path = "{self.store}"
{store_extra}
[reactor]
cores = 2
[control]
socket = "{self.socket_path}"
[[region]]
name = "local"
log = "{self.log_path}"
{region_extra}
[[listener]]
address = "127.0.0.1:{self.port}"
region = "local"
{listener_extra}
{trusted}
[[route]]
domain = "*"
{relay}
{extra}
""")

    def start(self, wait=True):
        with open(self.folder / "daemon.out", "ab") as output:
            self.process = subprocess.Popen(
                [BIN / "ringpostd", "--config", self.config_path], stdout=output,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=self.environment,
                preexec_fn=self.enter_cgroup if self.cgroup else None)
        if wait:
            wait_until(lambda: greets(self.port) or self.process.poll() is not None, 30,
                       "ringpostd greets")
            if self.process.poll() is not None:
                raise AssertionError(f"ringpostd ended at once: {self.console()}")
        return self

    def enter_cgroup(self):
        (self.cgroup / "cgroup.procs").write_text(str(os.getpid()))

    def huge_pages_bytes(self):
        """How much of its memory is in huge pages."""
        lines = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("AnonHugePages:")) << 10

    def stop(self, seconds=30):
        """SIGTERM and the exit status."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("ringpostd did not end after SIGTERM: " + self.console())

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def console(self):
        return (self.folder / "daemon.out").read_text(errors="replace")[-4000:]

    def log(self):
        if not self.log_path.exists():
            return []
        lines = self.log_path.read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines]

    def ctl(self, *words, check=True, as_json=True):
        """Runs `ringpost` against this daemon; the parsed JSON, or the text."""
        command = [BIN / "ringpost", "--socket", self.socket_path]
        if as_json:
            command.append("--json")
        done = subprocess.run([*command, *map(str, words)], capture_output=True, text=True,
                              timeout=120 * PATIENCE, stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise AssertionError(f"ringpost {words}: {done.returncode} {done.stderr} {done.stdout}")
        if not as_json:
            return done.stdout
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
        return lines[0] if len(lines) == 1 else lines


    def counter(self, name):
        """One counter, summed over the process."""
        return self.ctl("status")["status"]["counters"][name]

    def accepting(self):
        return all(region["spool"]["accepting"] for region in self.ctl("status")["status"]["regions"])

    def queued(self):
        """How many entries wait, whatever their state."""
        totals = self.ctl("queue", "summary")["totals"]
        return sum(totals[state] for state in ("queued", "deferred", "held", "delivering"))

    def queue(self):
        """Every entry of `ringpost queue list`, by message id."""
        listed = self.ctl("queue", "list")
        entries = listed if isinstance(listed, list) else [listed]
        return {entry["id"]: entry for entry in entries if "id" in entry}


class Sink:
    """A next hop by aiosmtpd that keeps what it gets and can be told how to answer.

    `answer(envelope_part, value)` may return a reply string instead of None for "MAIL", "RCPT", "DATA".
    `tls`: an ssl.SSLContext it offers STARTTLS with, or (implicit) begins with. `users`: {name: password}, as bytes;
    then mail is taken from them alone, and `auths` is what was tried: (mechanism, name, whether it was right).
    """

    def __init__(self, answer=None, port=None, tls=None, implicit=False, users=None, mechanisms=("PLAIN", "LOGIN"),
                 address="127.0.0.1"):
        from aiosmtpd.controller import Controller
        self.messages, self.auths, self.users = [], [], users
        auth = {}
        if users is not None:
            auth = {"auth_required": True, "auth_require_tls": not implicit, "authenticator": self.authenticate,
                    "auth_exclude_mechanism": {"PLAIN", "LOGIN"} - set(mechanisms)}
        self.answer = answer or (lambda part, value: None)
        self.lock = threading.Lock()
        self.port = port or free_port()
        self.controller = Controller(self, hostname=address, port=self.port, ident="sink ready",
                                     decode_data=False, enable_SMTPUTF8=True,
                                     data_size_limit=128 * 1024 * 1024,
                                     **({"ssl_context": tls} if implicit else {"tls_context": tls}), **auth)

    def start(self):
        self.controller.start()
        return self

    def stop(self):
        with contextlib.suppress(Exception):
            self.controller.stop()

    def authenticate(self, server, session, envelope, mechanism, data):
        from aiosmtpd.smtp import AuthResult
        right = self.users.get(data.login) == data.password
        self.auths.append((mechanism, data.login, right))
        return AuthResult(success=right, handled=False)

    async def handle_MAIL(self, server, session, envelope, address, options):
        reply = self.answer("MAIL", address)
        if reply:
            return reply
        envelope.mail_from = address  # aiosmtpd takes an empty one for no MAIL at all
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        reply = self.answer("RCPT", address)
        if reply:
            return reply
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        reply = self.answer("DATA", envelope)
        if reply:
            return reply
        with self.lock:
            self.messages.append({
                "from": "" if envelope.mail_from == "<>" else envelope.mail_from, "to": list(envelope.rcpt_tos),
                "tls": tls_facts(server), "helo": session.host_name,
                "content": envelope.original_content or envelope.content,
                "mail_options": list(envelope.mail_options),
                "rcpt_options": list(envelope.rcpt_options)})
        return "250 2.0.0 OK"

    def wait(self, count, seconds=30):
        wait_until(lambda: len(self.messages) >= count, seconds,
                   f"{count} messages in the sink (there are {len(self.messages)})")
        return self.messages


def tls_facts(server):
    """(version, cipher, whether resumed) of an aiosmtpd connection; None in clear."""
    connection = server.transport.get_extra_info("ssl_object")
    return connection and (connection.version(), connection.cipher()[0], connection.session_reused)


class BenchSink:
    """The fast sink of ringpost-bench; `ids()` is the set of unique message ids it has accepted."""

    def __init__(self, folder, *options, port=None):
        self.folder = pathlib.Path(folder)
        self.port = port or free_port()
        self.ids_path = self.folder / f"sink-{self.port}.ids"
        self.options = options
        self.process = None

    def start(self):
        with open(self.folder / "sink.out", "ab") as output:
            self.process = subprocess.Popen(
                [BIN / "ringpost-bench", "sink", "--listen", f"127.0.0.1:{self.port}", "--ids",
                 self.ids_path, *self.options], stdout=output, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL)
        wait_until(lambda: listening(self.port), 10, "the sink listens")
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10 * PATIENCE)

    def ids(self):
        return first_words(self.ids_path)

    def arrivals(self):
        """"ID RECIPIENT" for each that was taken, as often as it was."""
        text = self.ids_path.read_text()
        return text[:text.rfind("\n") + 1].splitlines()


class Postfix:
    """A private Postfix: own configuration, queue and data; nothing of the system's instance is touched."""

    def __init__(self, folder, main, smtpd_port=None, address="127.0.0.1"):
        self.folder = pathlib.Path(folder)
        self.port, self.address = smtpd_port or free_port(), address
        self.conf, self.queue, self.data = (self.folder / name for name in ("conf", "queue", "data"))
        self.log_path = self.folder / "postfix.log"
        for path in (self.conf, self.queue, self.data):
            path.mkdir(parents=True, exist_ok=True)
        shutil.chown(self.data, "postfix", "postfix")
        # Postfix's own processes must be able to walk here.
        for parent in [self.folder, *self.folder.parents][:-1]:
            if str(parent).startswith(tempfile.gettempdir()) and parent != pathlib.Path("/tmp"):
                parent.chmod(parent.stat().st_mode | 0o055)
        (self.conf / "main.cf").write_text(f"""
compatibility_level = 3.6
queue_directory = {self.queue}
data_directory = {self.data}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = pf.example.com
mynetworks = 127.0.0.0/8
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtp_tls_security_level = none
alias_maps =
local_recipient_maps =
maillog_file = {self.log_path}
maillog_file_prefixes = {self.folder}
{main}
""")
        master = pathlib.Path("/usr/share/postfix/master.cf.dist")
        if not master.exists():
            master = pathlib.Path("/etc/postfix/master.cf")
        lines = []
        for line in master.read_text().splitlines():
            words = line.split()
            if line.startswith("#") or not words:
                continue
            if not line[0].isspace() and len(words) >= 8:
                if words[0] == "smtp" and words[1] == "inet":
                    words[0] = f"{address}:{self.port}"
                words[4] = "n"  # no chroot
                line = " ".join(words)
            lines.append(line)
        if not any(line.startswith("postlog") for line in lines):
            lines.append("postlog unix-dgram n - n - 1 postlogd")
        (self.conf / "master.cf").write_text("\n".join(lines) + "\n")

    def start(self):
        done = subprocess.run(["postfix", "-c", self.conf, "start"], capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"postfix: {done.stderr} {self.log()[-2000:]}")
        wait_until(lambda: listening(self.port, self.address), 20, "Postfix listens")
        return self

    def stop(self):
        subprocess.run(["postfix", "-c", self.conf, "stop"], capture_output=True)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""


class Case(unittest.TestCase):
    """A test with a folder of its own and things that are stopped in reverse order."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ringpost-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(self.no_reports)  # runs when all that was started has been stopped

    def no_reports(self):
        """No program wrote a sanitizer's report. Its exit status says so too, but most are killed."""
        for path in self.folder.glob("**/*.out"):
            text = path.read_text(errors="replace")
            starts = [text.find(report) for report in REPORTS if report in text]
            if starts:
                self.fail(f"{path.name}: {text[min(starts):][:4000]}")

    def run_sink(self, answer=None, port=None, **options):
        sink = Sink(answer, port, **options).start()
        self.addCleanup(sink.stop)
        return sink

    def run_bench_sink(self, *options, port=None):
        sink = BenchSink(self.folder, *options, port=port).start()
        self.addCleanup(sink.stop)
        return sink

    def run_daemon(self, next_hop, **options):
        daemon = Daemon(self.folder / "ringpost", next_hop, **options)
        self.addCleanup(daemon.kill)
        return daemon.start()

    def run_postfix(self, name, main, **options):
        postfix = Postfix(self.folder / name, main, **options)
        self.addCleanup(postfix.stop)
        return postfix.start()


def first_words(path):
    """The ids in a file of ringpost-bench: each whole line is "ID RECIPIENT"."""
    if not path.exists():
        return set()
    text = path.read_text()
    return {line.split()[0] for line in text[:text.rfind("\n") + 1].splitlines()}


def run(command, **options):
    """Runs a client; its exit status and output."""
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120 * PATIENCE,
                          **options)
