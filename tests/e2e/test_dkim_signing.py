"""What the gateway signs on its way from a client to a next hop, to a verifier that others wrote.

A unit test sends letters through it (a mailbox file's line in front, dots to stuff, bodies kept in memory and bodies
read back from the store in chunks) and leaves what the next hop got. test_dkim_verifiers.py shows dkimpy to be one
of four that agree.
"""

import os
import pathlib
import subprocess
import tempfile
import unittest

import dkim

import harness

LETTERS = 6


class Relayed(unittest.TestCase):
    def test_both_signatures_of_every_letter_verify(self):
        with tempfile.TemporaryDirectory(prefix="ringpost-dkim-") as folder:
            done = subprocess.run([harness.BIN / "unit_session", "--gtest_filter=InboundSigning.FromClientToNextHop"],
                                  env=dict(os.environ, RINGPOST_DKIM_FOLDER=folder), capture_output=True,
                                  timeout=300 * harness.PATIENCE)
            self.assertEqual(done.returncode, 0, done.stdout.decode())
            files = sorted(pathlib.Path(folder).glob("*.eml"))
            keys = (pathlib.Path(folder) / "keys").read_text()
            letters = [file.read_bytes() for file in files]
        self.assertEqual(len(letters), LETTERS)
        records = dict(line.split(" ", 1) for line in keys.splitlines())

        def verifies(letter, index):
            def lookup(name, timeout=5):
                return records.get(name.decode().removesuffix("."))
            try:
                return dkim.DKIM(letter, minkey=2048).verify(idx=index, dnsfunc=lookup)
            except dkim.DKIMException:
                return False

        for number, letter in enumerate(letters):
            for index in range(2):
                self.assertTrue(verifies(letter, index), (number, index))
                self.assertFalse(verifies(letter + b"more\r\n", index), (number, index))
                self.assertFalse(verifies(letter.replace(b"Subject: hello", b"Subject: hullo"), index))


if __name__ == "__main__":
    unittest.main()
