"""No OpenSSL in the process: BoringSSL exports the same names, and a library that drags OpenSSL in would bind
to the wrong functions. Looks at what the programs would load, and at what a running daemon has loaded."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ.get("RINGPOST_BIN", "build/release/bin"))
SECONDS_TO_START = 20
TLS_LIBRARY = re.compile(r"(/\S*lib(?:ssl|crypto)\.so\S*)")


def foreign(text):
    """Paths of libssl and libcrypto in `text` that are not BoringSSL's."""
    return sorted({path for path in TLS_LIBRARY.findall(text) if "/android/" not in path})


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def greeting(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            return connection.recv(512)
    except OSError:
        return b""


class NoOpenSsl(unittest.TestCase):
    def test_the_pattern_knows_openssl_from_boringssl(self):
        self.assertEqual(foreign("libssl.so.3 => /lib/x86_64-linux-gnu/libssl.so.3 (0x7f)"),
                         ["/lib/x86_64-linux-gnu/libssl.so.3"])
        self.assertEqual(foreign("/usr/lib/x86_64-linux-gnu/android/libcrypto.so.0"), [])

    def test_what_the_programs_load(self):
        for name in ("ringpostd", "ringpost"):
            with self.subTest(program=name):
                listed = subprocess.run(["ldd", BIN / name], capture_output=True, text=True,
                                        check=True).stdout
                self.assertIn("libc.so", listed)
                self.assertNotIn("not found", listed)
                self.assertEqual(foreign(listed), [])

    def test_what_a_running_daemon_has_loaded(self):
        port, next_hop = free_port(), free_port()
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder) / "ringpost.toml"
            config.write_text(
                f'[store]\npath = "{folder}/store"\n[reactor]\ncores = 1\n'
                f'[[region]]\nname = "local"\n'
                f'[[listener]]\naddress = "127.0.0.1:{port}"\nregion = "local"\n'
                f'[[trust]]\nnetwork = "127.0.0.0/8"\n'
                f'[[route]]\ndomain = "*"\nrelay = "127.0.0.1:{next_hop}"\n')
            log = (pathlib.Path(folder) / "log").open("wb+")
            daemon = subprocess.Popen([BIN / "ringpostd", "--config", config], stdout=log, stderr=log)
            try:
                deadline = time.monotonic() + SECONDS_TO_START
                while not greeting(port).startswith(b"220"):
                    if daemon.poll() is not None or time.monotonic() > deadline:
                        log.seek(0)
                        self.fail("ringpostd did not start:\n" + log.read().decode(errors="replace"))
                    time.sleep(0.05)
                maps = pathlib.Path(f"/proc/{daemon.pid}/maps").read_text()
            finally:
                daemon.send_signal(signal.SIGTERM)
                daemon.wait(timeout=30)
                log.close()
        self.assertIn("libcrypto", maps)  # BoringSSL's: else the test looked at the wrong thing
        self.assertEqual(foreign(maps), [])


if __name__ == "__main__":
    unittest.main()
