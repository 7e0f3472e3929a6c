"""Kernels that lack TLS, or one cipher of it, and a gateway that was told to use it: run by test_kernel_tls.py."""

import unittest

import test_tls
from guest_kernel_tls import CIPHERS, tls_stat
from test_tls import MAIL, QUIT, parse, talk


class NoModule(test_tls.TlsCase):
    def test_it_says_so_and_makes_them_itself(self):
        self.assertIn('"ktls":"on","kernel":"none"', self.daemon.console())
        self.assertIn("modprobe tls", self.daemon.console())
        said = talk(self.s_client(self.daemon.port, "-tls1_3"), MAIL + [QUIT])
        self.assertIn("queued as", said)
        self.assertIn("(TLSv1.3)", parse(self.one())["Received"])


class NoChaCha(test_tls.TlsCase):
    def test_the_others_are_in_the_kernel_and_this_one_is_not(self):
        self.assertIn('"ktls":"on","kernel":"AES128-GCM AES256-GCM"', self.daemon.console())
        for number, (options, _) in enumerate(CIPHERS, 1):
            with self.subTest(options=options):
                before = tls_stat()["TlsTxSw"]
                said = talk(self.s_client(self.daemon.port, *options), MAIL + [QUIT])
                self.assertIn("queued as", said)
                kernel = "CHACHA" not in options[-1]
                self.assertEqual("/kernel)" in parse(self.sink.wait(number)[-1])["Received"], kernel)
                self.assertEqual(tls_stat()["TlsTxSw"] - before, int(kernel))


if __name__ == "__main__":
    unittest.main()
