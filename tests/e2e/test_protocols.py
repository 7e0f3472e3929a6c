"""SMTP and HTTP on one port, by real clients: under TLS the handshake decides, in clear who speaks first."""

import concurrent.futures
import http.client
import pathlib
import re
import smtplib
import socket
import ssl
import subprocess
import time
import unittest

import harness
import tls_files
from harness import run

HOST, API = "gw.example.com", "api.example.com"
SOURCE = pathlib.Path(__file__).resolve().parents[2]
GREETING_SECONDS = 0.3  # how long a greeting waits for a client of HTTP
PROXY = b"PROXY TCP4 198.51.100.7 192.0.2.1 4000 443\r\n"


def read_until(connection, end=b"\r\n"):
    """What comes up to `end`, or to the connection's."""
    heard = b""
    while not heard.endswith(end):
        try:
            more = connection.recv(4096)
        except ConnectionResetError:
            break
        if not more:
            break
        heard += more
    return heard


class Protocols(harness.Case):
    """The main port takes both in clear, `tls_port` both under TLS."""

    def setUp(self):
        super().setUp()
        self.authority = tls_files.Authority(self.folder / "tls")
        self.chain, self.key = self.authority.issue("mail", [HOST, API])
        self.sink = self.run_sink()
        self.tls_port = harness.free_port()

    def listener(self, port, lines):
        return f'[[listener]]\naddress = "127.0.0.1:{port}"\nregion = "local"\n{lines}\n'

    def start(self, clear="", tls="", more=""):
        certificate = f'[[tls.certificate]]\nchain = "{self.chain}"\nkey = "{self.key}"\n'
        tls = self.listener(self.tls_port, f'tls = "implicit"\nprotocol = "auto"\nhttp_names = ["{API}"]\n{tls}')
        self.daemon = self.run_daemon(self.sink.port, listener_extra=f'protocol = "auto"\n{clear}',
                                      extra=certificate + tls + more)
        self.port = self.daemon.port
        return self.daemon

    def curl(self, url, *options):
        """The status, the headers and the body."""
        done = run(["curl", "-sS", "-i", "--max-time", 20, "--cacert", self.authority.path,
                    "--resolve", f"{HOST}:{self.tls_port}:127.0.0.1", "--resolve", f"{API}:{self.tls_port}:127.0.0.1",
                    "--resolve", f"{HOST}:{self.port}:127.0.0.1", *options, url])
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def swaks(self, port, *options):
        done = run(["swaks", "--server", f"127.0.0.1:{port}", "--from", "a@example.com", "--to", "b@example.net",
                    "--timeout", 20, *options])
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def connect(self, port=None):
        connection = socket.create_connection(("127.0.0.1", port or self.port), timeout=20 * harness.PATIENCE)
        self.addCleanup(connection.close)
        return connection

    def secure(self, connection, name=HOST, alpn=()):
        context = ssl.create_default_context(cafile=self.authority.path)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context.wrap_socket(connection, server_hostname=name)

    def lines_of(self, event):
        return [line for line in self.daemon.log() if line["event"] == event]

    def first_line_of(self, event):
        """The log is written a moment later."""
        return harness.wait_until(lambda: self.lines_of(event), 10, f"a line of {event}")[0]


class UnderTls(Protocols):
    def test_curl_and_mail_clients_on_one_port(self):
        self.start()
        answer = self.curl(f"https://{HOST}:{self.tls_port}/some/path")
        self.assertRegex(answer, r"^HTTP/1\.1 404 Not Found\r?\n")
        self.assertIn("mail gateway", answer)
        self.assertNotIn("Strict-Transport-Security", answer)
        self.swaks(self.tls_port, "--tls-on-connect")
        with smtplib.SMTP_SSL("127.0.0.1", self.tls_port, context=ssl._create_unverified_context()) as client:
            client.sendmail("a@example.com", ["b@example.net"], "Subject: x\r\n\r\nx\r\n")
        done = run(["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{self.tls_port}", "-crlf"],
                   input="quit\n")
        self.assertIn("220 gw.example.com ESMTP", done.stdout)
        self.assertIn("221 ", done.stdout)
        self.assertEqual(len(self.sink.wait(2)), 2)
        self.assertEqual(self.daemon.counter("connections_to_http_total"), 1)
        line = self.first_line_of("http_request")
        self.assertEqual((line["method"], line["target"], line["status"], line["name"], line["client"]),
                         ("GET", "/some/path", 404, HOST, "127.0.0.1"))
        self.assertTrue(line["tls"].startswith("TLSv1."))

    def test_versions_and_alpn_of_curl(self):
        self.start()
        for options in (["--http1.1"], ["--http2"], ["--tls-max", "1.2"], ["--tlsv1.3"]):
            with self.subTest(options=options):
                self.assertRegex(self.curl(f"https://{HOST}:{self.tls_port}/", *options), r"^HTTP/1\.1 404")

    def test_a_name_of_http_needs_no_alpn(self):
        self.start()
        self.assertRegex(self.curl(f"https://{API}:{self.tls_port}/", "--no-alpn"), r"^HTTP/1\.1 404")
        for name, alpn in ((HOST, ()), (HOST, ["h2"]), (HOST, ["smtp"]), (HOST, ["x" * 200])):
            with self.subTest(name=name, alpn=alpn):
                with self.secure(self.connect(self.tls_port), name, alpn) as client:
                    self.assertIsNone(client.selected_alpn_protocol())
                    self.assertTrue(read_until(client).startswith(b"220 "))

    def test_what_comes_with_the_end_of_the_handshake_is_not_lost(self):
        self.start()
        for size in (0, 100, 6000):
            for _ in range(20):
                with self.secure(self.connect(self.tls_port), alpn=["http/1.1"]) as client:
                    client.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nX: " + b"x" * size +
                                   b"\r\n\r\n")
                    heard = read_until(client, b"gateway.\n")
                    self.assertTrue(heard.startswith(b"HTTP/1.1 404 "), heard)
                    self.assertEqual(client.recv(100), b"")  # close_notify: else an exception

    def test_sessions_are_resumed_into_http_too(self):
        self.start()
        context = ssl.create_default_context(cafile=self.authority.path)
        context.set_alpn_protocols(["http/1.1"])
        session = None
        for attempt in range(3):
            with context.wrap_socket(self.connect(self.tls_port), server_hostname=HOST, session=session) as client:
                self.assertEqual(client.selected_alpn_protocol(), "http/1.1")
                client.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
                read_until(client, b"gateway.\n")
                self.assertEqual(client.session_reused, attempt > 0)
                session = client.session

    def test_behind_proxy(self):
        self.start(tls='proxy_protocol_from = "127.0.0.0/8"')
        connection = self.connect(self.tls_port)
        connection.sendall(PROXY)
        with self.secure(connection, alpn=["http/1.1"]) as client:
            client.sendall(b"GET /proxied HTTP/1.1\r\nHost: a.example\r\n\r\n")
            self.assertTrue(read_until(client, b"gateway.\n").startswith(b"HTTP/1.1 404 "))
        self.assertEqual(self.first_line_of("http_request")["client"], "198.51.100.7")
        answer = self.curl(f"https://{HOST}:{self.tls_port}/curl", "--haproxy-protocol")
        self.assertRegex(answer, r"^HTTP/1\.1 404")
        connection = self.connect(self.tls_port)
        connection.sendall(PROXY)
        with self.secure(connection) as client:
            self.assertTrue(read_until(client).startswith(b"220 "))

    def test_garbage_is_no_handshake(self):
        self.start()
        for said in (b"GET / HTTP/1.1\r\n\r\n", b"EHLO a\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 600, b"\0" * 100):
            connection = self.connect(self.tls_port)
            connection.sendall(said)
            heard = read_until(connection)
            self.assertNotIn(b"HTTP", heard)
            self.assertNotIn(b"220", heard)
        self.assertRegex(self.curl(f"https://{HOST}:{self.tls_port}/"), r"^HTTP/1\.1 404")


class InClear(Protocols):
    def test_curl_and_mail_clients_on_one_port(self):
        self.start()
        answer = self.curl(f"http://{HOST}:{self.port}/a?b=c")
        self.assertRegex(answer, r"^HTTP/1\.1 308 Permanent Redirect\r?\n")
        self.assertIn(f"Location: https://{HOST}:{self.tls_port}/a?b=c", answer)
        followed = self.curl(f"http://{HOST}:{self.port}/a?b=c", "-L")
        self.assertRegex(followed, r"(?s)^HTTP/1\.1 308 .*HTTP/1\.1 404 ")
        challenge = self.curl(f"http://{HOST}:{self.port}/.well-known/acme-challenge/none")
        self.assertRegex(challenge, r"^HTTP/1\.1 404 ")
        self.assertNotIn("Location", challenge)
        self.assertRegex(self.curl(f"http://{HOST}:{self.port}/", "--data", "a=b"), r"^HTTP/1\.1 413 ")
        self.swaks(self.port)
        self.swaks(self.port, "--tls")
        self.assertEqual(len(self.sink.wait(2)), 2)

    def test_the_greeting_waits(self):
        self.start()
        connection = self.connect()
        began = time.monotonic()
        self.assertTrue(read_until(connection).startswith(b"220 "))
        waited = time.monotonic() - began
        self.assertGreaterEqual(waited, GREETING_SECONDS - 0.05)
        self.assertLess(waited, GREETING_SECONDS + 2 * harness.PATIENCE)

    def test_a_beginning_that_stalls_is_smtp(self):
        self.start()
        connection = self.connect()
        began = time.monotonic()
        connection.sendall(b"GE")
        self.assertTrue(read_until(connection).startswith(b"220 "))
        self.assertGreaterEqual(time.monotonic() - began, GREETING_SECONDS - 0.05)
        connection.sendall(b"T / HTTP/1.1\r\n")
        self.assertTrue(read_until(connection).startswith(b"554 5.5.1 "))

    def test_a_beginning_in_pieces_is_http(self):
        self.start()
        connection = self.connect()
        for piece in (b"G", b"E", b"T", b" /x HTTP/1.1\r\nHost: a.example\r\n", b"Connection: close\r\n\r\n"):
            connection.sendall(piece)
            time.sleep(0.02)
        heard = read_until(connection, b"alone.\n")
        self.assertIn(f"Location: https://a.example:{self.tls_port}/x\r\n".encode(), heard)

    def test_who_talks_smtp_early(self):
        self.start()
        connection = self.connect()
        connection.sendall(b"EHLO hasty.example.com\r\n")
        began = time.monotonic()
        self.assertTrue(read_until(connection).startswith(b"220 "))
        self.assertLess(time.monotonic() - began, GREETING_SECONDS * harness.PATIENCE)
        self.assertEqual(self.lines_of("early_talker"), [])

    def test_who_talks_smtp_early_where_there_is_a_greet_delay(self):
        self.start(clear='greet_delay = "1s"')
        connection = self.connect()
        connection.sendall(b"EHLO hasty.example.com\r\n")
        self.assertTrue(read_until(connection).startswith(b"554 5.5.1 "))
        self.assertRegex(self.curl(f"http://{HOST}:{self.port}/"), r"^HTTP/1\.1 308 ")

    def test_garbage(self):
        self.start()
        for said in (b"\0" * 64, b"\xff\xfe\xfd\r\n", b"GETGETGET\r\n", b"\r\n\r\n\r\n", b"get / http/1.1\r\n",
                     b"GET " + b"x" * 20000 + b"\r\n\r\n", b"OPTIONS * HTTP/1.1\r\n\r\n", b"GET \r\n\r\n",
                     b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"HEAD / HTTP/1.1\r\nHost: <>\r\n\r\n"):
            with self.subTest(said=said[:30]):
                connection = self.connect()
                connection.sendall(said)
                connection.shutdown(socket.SHUT_WR)
                heard = read_until(connection, b"\0")
                if said.split(b" ")[0] in (b"GET", b"OPTIONS", b"POST", b"HEAD"):
                    self.assertRegex(heard, rb"^HTTP/1\.1 4\d\d ")
                else:
                    self.assertRegex(heard, rb"^220 ")
        self.swaks(self.port)

    def test_behind_proxy(self):
        self.start(clear='proxy_protocol_from = "127.0.0.0/8"')
        connection = self.connect()
        connection.sendall(PROXY + b"GET /proxied HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
        self.assertTrue(read_until(connection, b"alone.\n").startswith(b"HTTP/1.1 308 "))
        self.assertEqual(self.first_line_of("http_request")["client"], "198.51.100.7")
        self.assertRegex(self.curl(f"http://{HOST}:{self.port}/", "--haproxy-protocol"), r"^HTTP/1\.1 308 ")
        connection = self.connect()
        connection.sendall(PROXY)
        self.assertTrue(read_until(connection).startswith(b"220 "))
        connection = self.connect()
        connection.sendall(PROXY + b"GE")
        self.assertTrue(read_until(connection).startswith(b"220 "))


class Together(Protocols):
    def test_http_alone_has_no_smtp(self):
        port, tls_port = harness.free_port(), harness.free_port()
        self.start(more=self.listener(port, 'protocol = "http"') +
                   self.listener(tls_port, 'protocol = "http"\ntls = "implicit"'))
        connection = self.connect(port)
        connection.settimeout(1.0)
        with self.assertRaises(TimeoutError):
            connection.recv(100)
        connection.settimeout(20 * harness.PATIENCE)
        connection.sendall(b"EHLO a.example\r\n")
        self.assertRegex(read_until(connection, b"\0"), rb"^HTTP/1\.1 400 ")
        with self.secure(self.connect(tls_port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
            self.assertRegex(read_until(client, b"gateway.\n"), rb"^HTTP/1\.1 404 ")

    def test_many_at_once(self):
        self.start()

        def ask(number):
            if number % 5 == 0:
                with smtplib.SMTP("127.0.0.1", self.port, timeout=60 * harness.PATIENCE) as client:
                    client.sendmail("a@example.com", ["b@example.net"], "Subject: x\r\n\r\nx\r\n")
                return 1
            if number % 2:
                client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60 * harness.PATIENCE)
            else:
                context = ssl._create_unverified_context()
                context.set_alpn_protocols(["http/1.1"])
                client = http.client.HTTPSConnection("127.0.0.1", self.tls_port, context=context,
                                                     timeout=60 * harness.PATIENCE)
            for _ in range(10):
                client.request("GET", "/x", headers={"Host": "a.example"})
                answer = client.getresponse()
                answer.read()
                self.assertEqual(answer.status, 308 if number % 2 else 404)
            client.close()
            return 0

        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            mails = sum(pool.map(ask, range(200)))
        self.assertEqual(len(self.sink.wait(mails)), mails)
        self.assertEqual(self.daemon.counter("http_requests_total"), 160 * 10)
        self.assertEqual(self.daemon.counter("connections_to_http_total"), 160)

    def test_drain_does_not_wait_for_idle_clients(self):
        self.start()
        idle = self.connect()
        idle.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        read_until(idle, b"alone.\n")
        with self.secure(self.connect(self.tls_port), alpn=["http/1.1"]):
            began = time.monotonic()
            self.assertEqual(self.daemon.stop(), 0)
        self.assertLess(time.monotonic() - began, 10 * harness.PATIENCE)
        self.assertEqual(idle.recv(100), b"")

    def test_a_reload_changes_what_a_port_takes(self):
        self.start()
        text = self.daemon.config_path.read_text()
        self.daemon.config_path.write_text(text.replace('protocol = "auto"\n', "", 1))
        self.daemon.ctl("reload")
        began = time.monotonic()
        connection = self.connect()
        connection.sendall(b"GET / HTTP/1.1\r\n")
        self.assertTrue(read_until(connection).startswith(b"220 "))
        self.assertLess(time.monotonic() - began, GREETING_SECONDS * harness.PATIENCE)
        self.assertRegex(self.curl(f"https://{HOST}:{self.tls_port}/"), r"^HTTP/1\.1 404 ")


class Example(Protocols):
    """The configuration that is shipped."""

    def check(self, text):
        path = self.folder / "example.toml"
        path.write_text(text)
        return subprocess.run([harness.BIN / "ringpostd", "--config", path, "--check"], capture_output=True, text=True)

    def test_it_has_the_default_ports_and_nothing_is_wrong_with_it(self):
        text = (SOURCE / "gateway/app/ringpost.example.toml").read_text()
        text = text.replace("/etc/ringpost/tls/mail.pem", str(self.chain))
        text = text.replace("/etc/ringpost/tls/mail.key", str(self.key))
        done = self.check(text)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        found = {}
        for listener in text.split("[[listener]]")[1:]:
            keys = dict(re.findall(r'^(\w+) = "([^"]*)"$', listener.split("[[")[0], re.MULTILINE))
            found[int(keys["address"].rsplit(":", 1)[1])] = (keys["tls"], keys.get("protocol", "smtp"))
        self.assertEqual(found, {
            25: ("optional", "smtp"), 80: ("optional", "auto"), 587: ("optional", "smtp"),
            2525: ("optional", "smtp"), 8025: ("optional", "smtp"), 465: ("implicit", "smtp"),
            443: ("implicit", "auto"), 8465: ("implicit", "smtp")})

    def test_it_runs_on_other_ports(self):
        text = (SOURCE / "gateway/app/ringpost.example.toml").read_text()
        text = text.replace("/etc/ringpost/tls/mail.pem", str(self.chain))
        text = text.replace("/etc/ringpost/tls/mail.key", str(self.key))
        text = text.replace("/var/lib/ringpost", str(self.folder / "store"))
        ports = {}
        for port in (25, 80, 587, 2525, 8025, 465, 443, 8465):
            ports[port] = harness.free_port()
            text = text.replace(f'"0.0.0.0:{port}"', f'"127.0.0.1:{ports[port]}"')
        self.daemon = harness.Daemon(self.folder / "ringpost", self.sink.port)
        self.addCleanup(self.daemon.kill)
        self.daemon.config_path.write_text("[reactor]\ncores = 1\n" + text)
        self.daemon.port = self.port = ports[25]
        self.tls_port = ports[443]
        self.daemon.start()
        for port in (25, 80, 587, 2525, 8025):
            with smtplib.SMTP("127.0.0.1", ports[port], timeout=20 * harness.PATIENCE) as client:
                client.starttls(context=ssl._create_unverified_context())
                self.assertEqual(client.noop()[0], 250)
        for port in (465, 443, 8465):
            with smtplib.SMTP_SSL("127.0.0.1", ports[port], context=ssl._create_unverified_context(),
                                  timeout=20 * harness.PATIENCE) as client:
                self.assertEqual(client.noop()[0], 250)
        self.port = ports[80]
        self.assertRegex(self.curl(f"http://{HOST}:{self.port}/"), r"^HTTP/1\.1 308 ")
        self.assertRegex(self.curl(f"https://{HOST}:{self.tls_port}/"), r"^HTTP/1\.1 404 ")


if __name__ == "__main__":
    unittest.main()
