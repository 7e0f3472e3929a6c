"""TLS again, with the kernel's records: the same programs and the same tests as on this machine, and some more, under a
kernel that has them (User Mode Linux; tools/uml-run), and under kernels that lack the module or a cipher.

It proves that it is right, and must not be timed: cryptography there is plain C.
"""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

import harness

E2E = pathlib.Path(__file__).resolve().parent
UML_RUN = harness.ROOT / "tools/uml-run"
GUEST_SECONDS = 800
GUESTS_MAX = 2
TIMED_OUT = 124  # exit status of tools/uml-run
SHOWN_CHARACTERS = 6_000
AES = ("tls", "ctr", "ghash-generic", "gcm")
CHACHA = ("chacha_generic", "poly1305_generic", "chacha20poly1305")


def shown(output):
    """The end of it, where what failed is told: a report of a failure may be cut elsewhere."""
    return output[-SHOWN_CHARACTERS:]


class KernelTls(unittest.TestCase):
    def setUp(self):
        if not shutil.which("linux.uml"):
            self.skipTest("KERNEL TLS WAS NOT TRIED: linux.uml is missing; install the package user-mode-linux")

    def guest(self, modules, tests, ktls="on"):
        """Runs tests in a guest, whose output it gives back: /proc/net/tls_stat is at its end."""
        options = [option for module in modules for option in ("-k", module)]
        command = (f"/usr/bin/python3 -B -m unittest -v {' '.join(tests)} 2>&1; status=$?; "
                   "cat /proc/net/tls_stat; exit $status")
        command_line = [UML_RUN, "-m", "2G", "-t", str(GUEST_SECONDS), *options, "--", "env", f"RINGPOST_BIN={harness.BIN}",
                        f"PYTHONPATH={E2E}", f"RINGPOST_TEST_KTLS={ktls}", "RINGPOST_TEST_PATIENCE=3", "bash", "-c", command]
        for _ in range(GUESTS_MAX):
            done = subprocess.run(command_line, cwd=E2E, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  errors="replace", timeout=GUEST_SECONDS + 60)
            ran = re.search(r"^Ran (\d+) tests? in", done.stdout, re.MULTILINE)
            # A test that hangs is no better under another kernel: it failed.
            if ran or done.returncode == TIMED_OUT:
                break
            # The tests did not come to their end: nothing is said about them. What did end is the kernel.
            print(f"\nTHE GUEST ENDED BEFORE ITS TESTS (status {done.returncode}):\n{shown(done.stdout)}", flush=True)
        self.assertTrue(ran and int(ran.group(1)) > 0, shown(done.stdout))
        self.assertEqual(done.returncode, 0, shown(done.stdout))
        if os.environ.get("RINGPOST_TEST_SHOW"):
            print(done.stdout)
        return done.stdout

    def stat(self, output, name):
        return int(re.search(rf"^{name}\s+(\d+)$", output, re.MULTILINE).group(1))

    def test_the_tests_of_tls_pass_with_the_kernels_records(self):
        output = self.guest(AES + CHACHA, ("test_tls", "test_tls_out"))
        self.assertGreater(self.stat(output, "TlsTxSw"), 50)
        self.assertGreater(self.stat(output, "TlsRxSw"), 50)
        self.assertEqual(self.stat(output, "TlsDecryptError"), 0)

    def test_what_only_such_a_kernel_shows(self):
        self.guest(AES + CHACHA, ("guest_kernel_tls.In", "guest_kernel_tls.Out", "guest_kernel_tls.Automatic"))

    def test_a_kernel_without_the_module(self):
        self.guest((), ("guest_no_kernel_tls.NoModule", "test_tls.Clients", "test_tls.Hostile"))

    def test_a_kernel_without_a_cipher(self):
        self.guest(AES, ("guest_no_kernel_tls.NoChaCha",))


if __name__ == "__main__":
    unittest.main()
