"""Real clients hand mail in: each one's message must come out at the next hop with its content whole."""

import email
import email.policy
import json
import os
import pathlib
import re
import smtplib
import subprocess
import tempfile
import unittest

import harness
from harness import run

HERE = pathlib.Path(__file__).parent
EXIM_ID = 64990
BODY = "one\n.\n..two\n\nlast line\n"


def parse(message):
    return email.message_from_bytes(message["content"], policy=email.policy.SMTP)


class Clients(harness.Case):
    def setUp(self):
        super().setUp()
        self.sink = self.run_sink()
        self.daemon = self.run_daemon(self.sink.port)

    def one(self):
        (message,) = self.sink.wait(1)
        return message

    def test_swaks(self):
        done = run(["swaks", "--server", f"127.0.0.1:{self.daemon.port}", "--from", "a@example.com",
                    "--to", "b@example.net,c@example.net", "--header", "Subject: by swaks",
                    "--body", BODY.replace("\n", "\\n")])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"250 2\.0\.0 .*queued as [0-9A-Z]{26}")
        message = self.one()
        self.assertEqual(message["to"], ["b@example.net", "c@example.net"])
        self.assertEqual(parse(message).get_content().replace("\r\n", "\n").rstrip("\n"),
                         BODY.rstrip("\n"))
        self.assertRegex(parse(message)["Received"], r"by gw\.example\.com .*with ESMTP id")

    def test_swaks_pipelined_and_hostile_order(self):
        done = run(["swaks", "--server", f"127.0.0.1:{self.daemon.port}", "--from", "a@example.com",
                    "--to", "b@example.net", "--pipeline"])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.one()

    def test_curl(self):
        path = self.folder / "mail.txt"
        path.write_bytes(b"From: a@example.com\r\nTo: b@example.net\r\nSubject: by curl\r\n\r\n.dot\r\n..\r\n")
        done = run(["curl", "-sS", f"smtp://127.0.0.1:{self.daemon.port}/client.example.com",
                    "--mail-from", "a@example.com", "--mail-rcpt", "b@example.net", "-T", path])
        self.assertEqual(done.returncode, 0, done.stderr)
        content = self.one()["content"]
        self.assertTrue(content.endswith(b"\r\n\r\n.dot\r\n..\r\n"), content[-60:])

    def test_smtplib(self):
        with smtplib.SMTP("127.0.0.1", self.daemon.port) as client:
            client.ehlo("python.example.com")
            for name in ("size", "8bitmime", "smtputf8", "pipelining", "chunking", "dsn",
                         "enhancedstatuscodes", "limits"):
                self.assertTrue(client.has_extn(name), name)
            client.sendmail("a@example.com", ["b@example.net"],
                            "Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n\r\ngrüße\r\n".encode(),
                            mail_options=["BODY=8BITMIME", "RET=HDRS", "ENVID=abc+2B"],
                            rcpt_options=["NOTIFY=FAILURE", "ORCPT=rfc822;b@example.net"])
            client.sendmail("jürgen@example.com", ["bä@example.net"], "Subject: u\r\n\r\nü\r\n".encode(),
                            mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        messages = self.sink.wait(2)
        by_sender = {m["from"]: m for m in messages}
        self.assertIn("grüße".encode(), by_sender["a@example.com"]["content"])
        self.assertIn("BODY=8BITMIME", by_sender["a@example.com"]["mail_options"])
        utf8 = by_sender["jürgen@example.com"]
        self.assertEqual(utf8["to"], ["bä@example.net"])
        self.assertIn("SMTPUTF8", utf8["mail_options"])
        self.assertIn(b"with UTF8SMTP", utf8["content"])

    def test_adds_date_and_message_id(self):
        with smtplib.SMTP("127.0.0.1", self.daemon.port) as client:
            client.sendmail("a@example.com", ["b@example.net"], "Subject: bare\r\n\r\nx\r\n")
            client.sendmail("a@example.com", ["b@example.net"],
                            "Date: Tue, 24 Nov 2026 07:00:00 +0000\r\nMessage-ID: <own@example.com>\r\n"
                            "Subject: full\r\n\r\nx\r\n")
        parsed = {m["Subject"]: m for m in map(parse, self.sink.wait(2))}
        self.assertEqual(len(parsed["bare"].get_all("Message-ID")), 1)
        self.assertRegex(parsed["bare"]["Message-ID"], r"^<[^@]+@gw\.example\.com>$")
        self.assertIsNotNone(parsed["bare"]["Date"].datetime)
        self.assertEqual(parsed["full"].get_all("Message-ID"), ["<own@example.com>"])
        self.assertEqual(len(parsed["full"].get_all("Date")), 1)

    def test_msmtp(self):
        done = run(["msmtp", "--host=127.0.0.1", f"--port={self.daemon.port}", "--tls=off", "--auth=off",
                    "--from=a@example.com", "b@example.net"],
                   input="Subject: by msmtp\n\n" + BODY)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(parse(self.one())["Subject"], "by msmtp")

    def test_nodemailer(self):
        done = run(["node", HERE / "send_with_nodemailer.js", self.daemon.port], cwd=HERE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(json.loads(done.stdout)), 3)
        messages = {parse(m)["Subject"]: m for m in self.sink.wait(3)}
        self.assertGreater(len(messages["nodemailer 3"]["content"]), 400_000)
        text = parse(messages["nodemailer 1"]).get_content().replace("\r\n", "\n")
        self.assertEqual(text.rstrip("\n"), "Grüße\n.\n..\nend")

    def test_large_body(self):
        line = b"0123456789abcdef" * 4 + b"\r\n"
        body = b"Subject: large\r\n\r\n" + b".leading dot\r\n" + line * 300_000  # 19 MB
        with smtplib.SMTP("127.0.0.1", self.daemon.port) as client:
            client.sendmail("a@example.com", ["b@example.net"], body)
        content = self.sink.wait(1, 60)[0]["content"]
        self.assertTrue(content.endswith(body), "the body changed on its way")


class SmartHostClients(harness.Case):
    """Other MTAs that use the gateway as their smart host."""

    def test_postfix_pipelining_and_bounces(self):
        def answer(part, value):
            return "550 5.1.1 no such user" if part == "RCPT" and value.startswith("nobody") else None
        sink = self.run_sink(answer)
        daemon = self.run_daemon(sink.port)
        postfix = self.run_postfix("client", f"""
mydestination =
relayhost = [127.0.0.1]:{daemon.port}
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_destination_concurrency_limit = 5
hopcount_limit = 200
""")
        with smtplib.SMTP("127.0.0.1", postfix.port) as client:
            client.sendmail("a@example.com", [f"r{n}@example.net" for n in range(60)],
                            "Subject: many\r\n\r\n.\r\n..x\r\n")
            # What Postfix itself gives up comes to us from the null reverse-path: the gateway refuses a
            # message loop it was fed, Postfix turns that into its own bounce.
            client.sendmail("loop@example.com", ["b@example.net"],
                            "Received: x\r\n" * 60 + "Subject: loops\r\n\r\nx\r\n")
            client.sendmail("c@example.com", ["nobody@example.net"], "Subject: unknown\r\n\r\nx\r\n")
        messages = sink.wait(1, 60)
        harness.wait_until(lambda: any(m["to"] == ["loop@example.com"] for m in sink.messages) and
                           any(m["to"] == ["c@example.com"] for m in sink.messages), 60,
                           f"both reports arrive: {[m['to'] for m in sink.messages]}\n{postfix.log()[-1500:]}")

        def recipients():
            return sorted(to for m in sink.messages if m["from"] == "a@example.com" for to in m["to"])
        harness.wait_until(lambda: len(recipients()) >= 60, 60, f"60 recipients: {recipients()}")
        self.assertEqual(recipients(), sorted(f"r{n}@example.net" for n in range(60)))
        from_postfix = next(m for m in sink.messages if m["to"] == ["loop@example.com"])
        self.assertEqual(from_postfix["from"], "")
        self.assertIn(b"5.4.6", from_postfix["content"])
        report = parse(next(m for m in sink.messages if m["to"] == ["c@example.com"]))
        self.assertEqual(report.get_content_type(), "multipart/report")
        self.assertIn("550 5.1.1 no such user", report.as_string())

    def test_exim_bdat(self):
        """Exim sends BDAT where CHUNKING is offered. Its package conflicts with Postfix, so it is unpacked."""
        if os.geteuid() != 0:
            self.skipTest("Exim runs as a user of its own: only root can start it")
        self.folder.chmod(0o755)  # Exim's own user walks here
        unpacked = unpack_exim(self.folder / "exim-root")
        if unpacked is None:
            self.skipTest("Exim's package cannot be downloaded (apt-get download exim4-daemon-light)")
        exim, exim_binary = unpacked
        sink = self.run_sink()
        daemon = self.run_daemon(sink.port)
        spool = self.folder / "exim"
        spool.mkdir()
        os.chown(spool, EXIM_ID, EXIM_ID)
        config = self.folder / "exim.conf"
        config.write_text(f"""
spool_directory = {spool}
log_file_path = {spool}/%slog
primary_hostname = exim.example.com
exim_path = {exim_binary}
exim_user = Debian-exim
exim_group = Debian-exim
tls_advertise_hosts =
host_lookup =
keep_environment =
begin routers
hub:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = out
begin transports
out:
  driver = smtp
  port = {daemon.port}
  allow_localhost
  hosts_try_chunking = *
  hosts_avoid_tls = *
begin retry
* * F,1h,1m
""")
        content = ("From: a@example.com\nTo: b@example.net\nSubject: by exim\n\n" + BODY +
                   "filling line\n" * 20_000)
        done = run([*exim, "-C", config, "-odf", "-oi", "-f", "a@example.com", "b@example.net"], input=content)
        logs = "".join(p.read_text() for p in spool.glob("*nlog"))
        self.assertEqual(done.returncode, 0, done.stderr + logs)
        message = sink.wait(1, 30)[0] if sink.messages or "=>" in logs else self.fail(logs + done.stderr)
        self.assertIn(" K ", " ".join(re.findall(r"=> .*", logs)) + " ",
                      "Exim's log marks a delivery with CHUNKING by K: " + logs)
        text = parse(message).get_content().replace("\r\n", "\n")
        self.assertEqual(text, BODY + "filling line\n" * 20_000)


def exim_packages():
    """A folder with the packages of Exim and of the libraries it needs beyond those that are installed:
    downloaded once, kept beside the programs."""
    kept = harness.BIN.parent / "exim-packages"
    if kept.exists():
        return kept
    packages = ["exim4-daemon-light"]
    wanted = subprocess.run(
        ["apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts",
         "--no-breaks", "--no-replaces", "--no-enhances", *packages],
        capture_output=True, text=True, check=True).stdout
    have = set(subprocess.run(["dpkg-query", "-W", "-f", "${Package}\n"], capture_output=True,
                              text=True, check=True).stdout.split())
    for line in wanted.splitlines():
        name = line.strip()
        if line and not line[0].isspace() and name.startswith("lib") and name not in have:
            packages.append(name)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        fresh = pathlib.Path(folder) / "packages"
        fresh.mkdir()
        subprocess.run(["apt-get", "download", "-q", *packages], cwd=fresh, check=True, timeout=300,
                       capture_output=True, text=True)
        fresh.rename(kept)  # all of them or none
    return kept


def unpack_exim(root):
    """Unpacks Exim into the folder `root`, where its own user must be able to walk: the command that runs it and
    the program's path. None when its packages cannot be had."""
    try:
        packages = exim_packages()
    except (OSError, subprocess.SubprocessError) as error:
        print(f"\n{error}\n{getattr(error, 'stderr', '')}", flush=True)
        return None
    root.mkdir()
    for package in packages.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, root], check=True)
    # Debian's Exim wants its own user to exist: it gets one in a mount namespace of its own.
    passwd = root / "passwd"
    passwd.write_text(pathlib.Path("/etc/passwd").read_text() + f"Debian-exim:x:{EXIM_ID}:{EXIM_ID}::/:/bin/false\n")
    group = root / "group"
    group.write_text(pathlib.Path("/etc/group").read_text() + f"Debian-exim:x:{EXIM_ID}:\n")
    libraries = ":".join(str(p) for p in root.glob("usr/lib/*-linux-gnu"))
    # Exim starts itself again for a delivery: by this name, with the same libraries.
    wrapper = root / "exim4"
    wrapper.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {root}/usr/sbin/exim4 "$@"\n')
    wrapper.chmod(0o755)
    script = (f"mount --bind {passwd} /etc/passwd && mount --bind {group} /etc/group && "
              f'exec {wrapper} "$@"')
    return ["unshare", "--mount", "sh", "-c", script, "exim4"], wrapper


if __name__ == "__main__":
    unittest.main()
