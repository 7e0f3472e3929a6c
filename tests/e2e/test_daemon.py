"""The daemon as its operator meets it: start, check, reload, drain, limits, what it says when it can't."""

import os
import signal
import smtplib
import socket
import subprocess
import threading
import time
import unittest

import harness
from harness import run


class Lines:
    """A raw SMTP connection."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.stream = self.socket.makefile("rwb")

    def close(self):
        self.stream.close()
        self.socket.close()

    def reply(self):
        lines = []
        while True:
            line = self.stream.readline().decode()
            lines.append(line.rstrip("\r\n"))
            if not line or line[3:4] != "-":
                return "\n".join(lines)

    def say(self, line):
        self.stream.write(line.encode() + b"\r\n")
        self.stream.flush()
        return self.reply()


class Daemon(harness.Case):
    def connect(self, daemon):
        peer = Lines(daemon.port)
        self.addCleanup(peer.close)
        return peer

    def test_no_open_relay(self):
        sink = self.run_sink()
        daemon = self.run_daemon(sink.port, trust=False)
        peer = self.connect(daemon)
        self.assertRegex(peer.reply(), r"^220 gw\.example\.com ")
        peer.say("EHLO client.example.com")
        refused = peer.say("MAIL FROM:<a@example.com>")
        if refused.startswith("250"):
            refused = peer.say("RCPT TO:<b@example.net>")
        self.assertRegex(refused, r"^5\d\d 5\.7\.1 ")

    def test_drain_finishes_the_transaction_in_hand(self):
        sink = self.run_sink()
        daemon = self.run_daemon(sink.port)
        busy, idle = self.connect(daemon), self.connect(daemon)
        for peer in (busy, idle):
            peer.reply()
            peer.say("EHLO client.example.com")
        busy.say("MAIL FROM:<a@example.com>")
        busy.say("RCPT TO:<b@example.net>")
        self.assertTrue(busy.say("DATA").startswith("354"))
        daemon.process.send_signal(signal.SIGTERM)
        self.assertTrue(idle.reply().startswith("421 4.3.2"))
        harness.wait_until(lambda: not harness.listening(daemon.port), 5, "no new connections")
        self.assertTrue(busy.say("Subject: x\r\n\r\nx\r\n.").startswith("250 2.0.0"))
        self.assertEqual(daemon.process.wait(20), 0)
        # What was taken while it drained is on disk: the next start delivers it.
        daemon.start()
        sink.wait(1)

    def test_reload_keeps_the_old_configuration_when_the_new_one_is_bad(self):
        first, second = self.run_sink(), self.run_sink()
        daemon = self.run_daemon(first.port)
        good = daemon.config_path.read_text()
        daemon.config_path.write_text(good.replace("[[route]]", "[[rout]]"))
        daemon.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: "route" in daemon.console(), 10, "it says what is wrong")
        with smtplib.SMTP("127.0.0.1", daemon.port) as client:
            client.sendmail("a@example.com", ["b@example.net"], "Subject: old\r\n\r\nx\r\n")
            first.wait(1)
            daemon.config_path.write_text(good.replace(f":{first.port}", f":{second.port}"))
            before = len(daemon.console())
            daemon.process.send_signal(signal.SIGHUP)
            harness.wait_until(lambda: "reload" in daemon.console()[before:].lower(), 10, "it says so")
            # The same session goes on.
            client.sendmail("a@example.com", ["b@example.net"], "Subject: new\r\n\r\nx\r\n")
        second.wait(1)

    def test_check_names_place_and_key(self):
        path = self.folder / "bad.toml"
        path.write_text('[store]\npath = "/tmp/x"\n[reactor]\ncoers = 2\n[[listener]]\naddress = "nonsense"\n')
        done = run([harness.BIN / "ringpostd", "--check", "--config", path])
        self.assertNotEqual(done.returncode, 0)
        text = done.stdout + done.stderr
        self.assertRegex(text, r"bad\.toml:4:\d+")
        self.assertIn("coers", text)
        self.assertIn("cores", text)
        self.assertRegex(text, r"bad\.toml:6:\d+")
        daemon = harness.Daemon(self.folder / "good", 2626)
        done = run([harness.BIN / "ringpostd", "--check", "--config", daemon.config_path])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_second_daemon_on_the_same_store_says_so(self):
        daemon = self.run_daemon(2626)
        other = harness.Daemon(self.folder / "other", 2626, store=daemon.store)
        other.start(wait=False)
        self.assertNotEqual(other.process.wait(20), 0)
        self.assertIn(str(daemon.store), other.console())

    def test_garbage_on_the_control_socket(self):
        daemon = self.run_daemon(2626)
        self.assertEqual(daemon.socket_path.stat().st_mode & 0o777, 0o600)
        for garbage in (b"\0" * 100_000, os.urandom(50_000), b"{" * 10_000 + b"\n", b"[]\n", b"\n" * 1000):
            with socket.socket(socket.AF_UNIX) as peer:
                peer.connect(str(daemon.socket_path))
                peer.settimeout(5)
                try:
                    peer.sendall(garbage)
                    peer.shutdown(socket.SHUT_WR)
                    while peer.recv(65536):
                        pass
                except OSError:
                    pass
        self.assertTrue(daemon.accepting())

    def test_resets_and_half_open_leave_nothing_behind(self):
        daemon = self.run_daemon(2626)
        script = [b"EHLO x\r\n", b"MAIL FROM:<a@example.com>\r\n", b"RCPT TO:<b@example.net>\r\n",
                  b"DATA\r\n", b"Subject: x\r\n\r\n" + b"x" * 100_000]
        for steps in range(len(script) + 1):
            for how in ("reset", "half", "close"):
                peer = socket.create_connection(("127.0.0.1", daemon.port), timeout=10)
                for step in script[:steps]:
                    peer.recv(4096)
                    peer.sendall(step)
                if how == "reset":
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                elif how == "half":
                    peer.shutdown(socket.SHUT_WR)
                    while peer.recv(65536):
                        pass
                peer.close()

        def open_connections():
            return (daemon.counter("connections_accepted_total") -
                    daemon.counter("connections_closed_total"))
        harness.wait_until(lambda: open_connections() <= 0, 20, "all are closed")
        self.assertEqual(daemon.stop(), 0)

    def test_stop_while_the_queue_is_still_read(self):
        daemon = self.run_daemon(harness.free_port())  # nobody there: all of it stays queued

        def send(count):
            with smtplib.SMTP("127.0.0.1", daemon.port, timeout=60) as client:
                for _ in range(count):
                    client.sendmail("a@example.com", ["b@example.net"], "Subject: x\r\n\r\nx\r\n")
        senders = [threading.Thread(target=send, args=(500,)) for _ in range(8)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        self.assertEqual(daemon.stop(), 0)
        for _ in range(8):
            daemon.start()  # it listens, and has just begun to read the queue
            self.assertEqual(daemon.stop(), 0, daemon.console())
        daemon.start()
        harness.wait_until(lambda: daemon.queued() == 4000, 60, "all is there")

    def test_sd_notify(self):
        path = self.folder / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
            receiver.bind(str(path))
            receiver.settimeout(20)
            os.environ["NOTIFY_SOCKET"] = str(path)
            try:
                daemon = self.run_daemon(2626)
            finally:
                del os.environ["NOTIFY_SOCKET"]
            said = ""
            while "READY=1" not in said:
                said += receiver.recv(4096).decode() + "\n"
            daemon.process.send_signal(signal.SIGTERM)
            while "STOPPING=1" not in said:
                said += receiver.recv(4096).decode() + "\n"
            self.assertEqual(daemon.process.wait(20), 0)

    def test_no_openssl_in_the_live_process(self):
        daemon = self.run_daemon(2626)
        with smtplib.SMTP("127.0.0.1", daemon.port) as client:
            client.noop()
        with open(f"/proc/{daemon.process.pid}/maps") as maps:
            libraries = {line.split()[-1] for line in maps if ".so" in line}
        crypto = [path for path in libraries if "libssl" in path or "libcrypto" in path]
        self.assertTrue(crypto, "BoringSSL is there")
        self.assertTrue(all("/android/" in path for path in crypto), crypto)


def listener(port=0):
    """A listening socket as systemd makes it for a .socket unit: nobody else may bind its address."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    made.listen(128)
    return made


class HandedOver(harness.Case):
    """Listening sockets that the service manager hands over (sd_listen_fds(3)) and keeps."""

    def prepare(self, sockets, **options):
        """A daemon that will find `sockets` ({name: socket}) at descriptors 3, 4, ..."""
        daemon = harness.Daemon(self.folder / "ringpost", options.pop("next_hop", 2626), **options)
        self.addCleanup(daemon.kill)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.notify.close)
        self.notify.settimeout(20)
        self.notify.bind(str(self.folder / "notify"))
        self.sockets = sockets
        return daemon

    def start(self, daemon, user=None):
        moves = " ".join(f"{3 + i}<&{one.fileno()}" for i, one in enumerate(self.sockets.values()))
        script = (f"export LISTEN_PID=$$ LISTEN_FDS={len(self.sockets)} "
                  f"LISTEN_FDNAMES='{':'.join(self.sockets)}' NOTIFY_SOCKET={self.folder / 'notify'}; "
                  f"exec {harness.BIN / 'ringpostd'} --config {daemon.config_path} {moves}")
        if user is not None:
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, user, user)
        with open(daemon.folder / "daemon.out", "ab") as output:
            daemon.process = subprocess.Popen(
                ["sh", "-c", script], stdout=output, stderr=subprocess.STDOUT, user=user, group=user,
                extra_groups=None if user is None else [], stdin=subprocess.DEVNULL,
                pass_fds=[one.fileno() for one in self.sockets.values()])

    def said(self, until):
        """What the daemon told the manager, up to and with `until`."""
        said = ""
        while until not in said:
            said += self.notify.recv(4096).decode() + "\n"
        return said

    def send(self, daemon, count):
        for i in range(count):
            with smtplib.SMTP("127.0.0.1", daemon.port, timeout=20) as client:
                client.sendmail("a@example.com", ["b@example.net"], f"Subject: {i}\r\n\r\nx\r\n")

    def check_unit(self, user=None):
        sink = self.run_sink()
        unit = listener()
        self.addCleanup(unit.close)
        daemon = self.prepare({"smtp": unit}, next_hop=sink.port)
        daemon.port = unit.getsockname()[1]
        daemon.write_config(sink.port)
        self.start(daemon, user)
        try:
            self.assertNotIn("FDSTORE", self.said("READY=1"))  # the manager has it anyway
        except TimeoutError:
            self.fail(daemon.console())
        self.send(daemon, 20)
        sink.wait(20)
        self.assertEqual(daemon.stop(), 0)
        # Between two starts clients wait in the unit's socket.
        waiting = socket.create_connection(("127.0.0.1", daemon.port), timeout=30)
        self.start(daemon, user)
        self.assertTrue(waiting.recv(100).startswith(b"220 "))
        waiting.close()
        self.assertEqual(daemon.stop(), 0)

    def test_a_units_socket_serves_all_cores(self):
        self.check_unit()

    @unittest.skipIf(os.geteuid() != 0, "needs root to become somebody else")
    def test_a_units_socket_serves_a_user_who_may_not_bind_it(self):
        self.check_unit(user=65534)

    def test_a_start_that_fails_forgets_no_socket(self):
        other = harness.Daemon(self.folder / "other", 2626).start()
        self.addCleanup(other.kill)
        kept = listener()
        self.addCleanup(kept.close)
        daemon = self.prepare({f"ringpost-127.0.0.1_{kept.getsockname()[1]}-0": kept},
                              store=other.store)
        self.start(daemon)  # the store is another daemon's
        self.assertEqual(daemon.process.wait(20), 1)
        self.assertIn("another ringpostd", daemon.console())
        self.notify.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            self.notify.recv(4096)
        # A start that succeeds has the manager forget what no listener names.
        other.stop()
        self.notify.settimeout(20)
        self.start(daemon)
        name = next(iter(self.sockets))
        self.assertIn(f"FDSTOREREMOVE=1\nFDNAME={name}", self.said("READY=1"))


if __name__ == "__main__":
    unittest.main()
