"""How long a refused login takes tells nothing of whether there is such a user: wrong passwords and unknown names in
turns, each from an address of its own (else they would have to wait), and their medians."""

import base64
import os
import socket
import statistics
import subprocess
import time
import unittest

import harness

PAIRS = int(os.environ.get("RINGPOST_LOGIN_PAIRS", 150))
# Of the medians; with 2,000 pairs they are within a fiftieth.
DIFFERENCE_MAX = 0.02 if PAIRS >= 2000 else 0.10


class LoginTimes(harness.Case):
    def setUp(self):
        super().setUp()
        self.port = harness.free_port()
        self.daemon = self.run_daemon(
            harness.free_port(), trust=False,
            extra=f'[[listener]]\naddress = "127.0.0.1:{self.port}"\nregion = "local"\nauth_in_clear = true\n'
                  'proxy_protocol_from = "127.0.0.1"\n')
        self.tool("account", "add", "acme")
        users = "".join(f'{{"name":"known{number}","account":"acme"}},' for number in range(1, PAIRS + 1))
        self.tool("credential", "add", "known0", "--account", "acme", "--password-stdin", given="a right one 1234\n")
        document = self.tool("account", "export", "--secrets")
        record = document.split('"password_record":"')[1].split('"')[0]
        users = users.replace('"account"', f'"password_record":"{record}","account"').rstrip(",")
        path = self.folder / "users.json"
        path.write_text(f'{{"ringpost":1,"accounts":[],"senders":[],"credentials":[{users}]}}')
        self.tool("account", "import", path)

    def tool(self, *words, given=""):
        done = subprocess.run([harness.BIN / "ringpost", "--socket", self.daemon.socket_path, *words], input=given,
                              capture_output=True, text=True, timeout=60 * harness.PATIENCE)
        self.assertEqual(done.returncode, 0, (words, done.stdout, done.stderr))
        return done.stdout

    def seconds(self, name, address):
        """Of one wrong password, from the command to its refusal."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30 * harness.PATIENCE) as client:
            replies = client.makefile("rb")
            client.sendall(f"PROXY TCP4 {address} 192.0.2.1 1000 25\r\n".encode())
            replies.readline()
            client.sendall(b"EHLO client.example\r\n")
            while replies.readline()[3:4] != b" ":
                pass
            guess = base64.b64encode(f"\0{name}\0a wrong one 1234".encode()).decode()
            began = time.perf_counter()
            client.sendall(f"AUTH PLAIN {guess}\r\n".encode())
            reply = replies.readline()
            took = time.perf_counter() - began
        self.assertTrue(reply.startswith(b"535 5.7.8 "), reply)
        return took

    def test_unknown_users_and_wrong_passwords_take_the_same_time(self):
        known, unknown = [], []
        for number in range(1, PAIRS + 1):
            address = f"10.{number >> 8}.{number & 255}"
            turns = [(known, f"known{number}", f"{address}.1"), (unknown, f"nobody{number}", f"{address}.2")]
            for times, name, at in turns if number % 2 else reversed(turns):
                times.append(self.seconds(name, at))
        medians = statistics.median(known), statistics.median(unknown)
        print(f"{PAIRS} pairs: wrong password {medians[0] * 1000:.2f} ms, unknown user {medians[1] * 1000:.2f} ms")
        self.assertLess(abs(medians[0] - medians[1]) / min(medians), DIFFERENCE_MAX, medians)


if __name__ == "__main__":
    unittest.main()
