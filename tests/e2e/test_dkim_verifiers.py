"""What DKIM signs, to verifiers that others wrote: dkimpy, OpenDKIM, Mail::DKIM and mailauth.

dkim_messages makes and signs messages from a seed, each with an RSA and an Ed25519 key. All verifiers must take both
signatures of each, and none of a message that was changed. dkimpy also is the oracle of the relaxed forms.
"""

import hashlib
import json
import pathlib
import random
import re
import subprocess
import tempfile
import unittest

import dkim
import dkim.canonicalization

import harness

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20251124
MESSAGES = 1000
LARGE = 3  # of 20 MiB
CHANGED = 60
RELAXED = dkim.canonicalization.Relaxed
KINDS = ("rsa", "ed25519")


def run(command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=300 * harness.PATIENCE,
                          **options)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}: {done.stderr.decode()[-2000:]}"
    return done.stdout


def changed(message, kind):
    """The message as someone on its way might have it."""
    return [
        lambda: b"From: Mallory <mallory@example.net>\r\n" + message,
        lambda: b"Subject: another\r\n" + message,
        lambda: b"To: someone@example.net\r\n" + message,
        lambda: b"Date: Tue, 25 Nov 2025 16:00:00 +0000\r\n" + message,
        lambda: b"List-Unsubscribe: <https://mallory.example/>\r\n" + message,
        lambda: b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" + message,
        lambda: message.replace(b"ann@example.org", b"amy@example.org"),
        lambda: message + b"more\r\n",
        lambda: message.replace(b"t=1764000000;", b"t=1764000001;"),
    ][kind % 9]()


def kind_of(selector):
    return "rsa" if "rsa" in selector else "ed25519"


class Verifiers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="ringpost-dkim-")
        cls.addClassCleanup(cls.folder.cleanup)
        path = pathlib.Path(cls.folder.name)
        run([harness.BIN / "dkim_messages", "sign", SEED, MESSAGES, LARGE, path])
        cls.keys = path / "keys"
        cls.records = dict(line.split(" ", 1) for line in cls.keys.read_text().splitlines())
        cls.files = sorted(path.glob("*.eml"))
        cls.changed = []
        for number, file in enumerate(cls.files[:CHANGED]):
            copy = path / (file.name.removesuffix(".eml") + ".changed")
            copy.write_bytes(changed(file.read_bytes(), number))
            cls.changed.append(copy)

    def check(self, verify, files=None, kinds=KINDS):
        """verify(paths) gives {"rsa": ..., "ed25519": ...} for each path, "pass" for what is good."""
        files = files or self.files
        self.assertEqual(len(self.files), MESSAGES)
        found = list(verify(files))
        self.assertEqual(len(found), len(files))
        wrong = [f"{file.name}: {results}" for file, results in zip(files, found)
                 if any(results.get(kind) != "pass" for kind in kinds)]
        self.assertEqual(wrong, [], f"{len(wrong)} of {len(files)} do not verify")
        changed_files = [file for file in self.changed if file.with_suffix(".eml") in files]
        self.assertGreater(len(changed_files), CHANGED / 2)
        found = list(verify(changed_files))
        self.assertEqual(len(found), len(changed_files))
        wrong = [f"{file.name}: {results}" for file, results in zip(changed_files, found)
                 if "pass" in results.values()]
        self.assertEqual(wrong, [], "verified though they were changed")

    def test_dkimpy(self):
        def lookup(name, timeout=5):
            return self.records.get(name.decode().removesuffix("."))

        def verify(files):
            for file in files:
                message = file.read_bytes()
                results = {}
                for index, kind in enumerate(KINDS):
                    try:
                        good = dkim.DKIM(message, minkey=2048).verify(idx=index, dnsfunc=lookup)
                    except dkim.DKIMException as problem:
                        good, results[kind] = False, str(problem)
                    results.setdefault(kind, "pass" if good else "fail")
                yield results

        self.check(verify)

    def test_opendkim(self):
        config = pathlib.Path(self.folder.name) / "opendkim.conf"
        config.write_text(f"Mode v\nTestPublicKeys {self.keys}\nInternalHosts 192.0.2.1\nSyslog no\n")

        def verify(files):
            # It reads lines, and as a last one no half one. What is added is not hashed.
            for file in files:
                message = file.read_bytes()
                file.with_suffix(".lines").write_bytes(message if message.endswith(b"\r\n") else message + b"\r\n")
            said = run(["opendkim", "-x", config, "-vv", "-t", ",".join(file.with_suffix(".lines").name for file in files)],
                       cwd=self.folder.name).decode()
            for block in said.split("### INSHEADER")[1:]:
                found = re.findall(r"dkim=(\w+)[^;]*header\.s=(\S+)", block)
                yield {kind_of(selector): result for result, selector in found}

        # Its version in Debian takes bytes beyond ASCII in a header section for a syntax error.
        self.check(verify, [file for file in self.files if ".8-bit." not in file.name])

    def test_mail_dkim(self):
        def verify(files):
            said = run(["perl", HERE / "verify_with_mail_dkim.pl", self.keys],
                       input="".join(f"{file}\n" for file in files).encode())
            return [{kind_of(selector): result for selector, result in json.loads(line).items()}
                    for line in said.splitlines()]

        # It knows no Ed25519, and must not stumble over it.
        self.check(verify, kinds=("rsa",))

    def test_mailauth(self):
        def verify(files):
            said = run(["node", HERE / "verify_with_mailauth.js", self.keys], cwd=HERE,
                       input="".join(f"{file}\n" for file in files).encode())
            return [{kind_of(selector): result for selector, result in json.loads(line).items()}
                    for line in said.splitlines()]

        self.check(verify)


class RelaxedForms(unittest.TestCase):
    def ask(self, kind, inputs):
        said = run([harness.BIN / "dkim_messages", "relax"],
                   input="".join(f"{kind} {one.hex()}\n" for one in inputs).encode())
        return [bytes.fromhex(line.decode()) for line in said.splitlines()]

    def test_bodies(self):
        chooser = random.Random(SEED)
        bodies = []
        for number in range(5000):
            words = [b"a", b"bc", b"\xc3\xbc", b"\0", b" ", b" ", b"\t", b"\r\n", b"\r\n", b"\n", b"\r"]
            weights = [1 + 20 * (number % 5), 1, 1, 1, 5, 1 + number % 9, 2, 5, 2, 0.2, 0.2]
            body = b"".join(chooser.choices(words, weights, k=chooser.randrange(300)))
            # A last line of blanks without its end is where dkimpy leaves one.
            bodies.append(body + b"\r\n" if body.endswith((b" ", b"\t")) else body)
        for body, found in zip(bodies, self.ask("body", bodies), strict=True):
            # Of no body at all it makes an empty line; RFC 6376 section 3.4.4 says nothing is added to it.
            relaxed = RELAXED.canonicalize_body(body) if body else b""
            self.assertEqual(found, hashlib.sha256(relaxed).digest(), body)

    def test_header_sections(self):
        chooser = random.Random(SEED)
        headers = []
        for _ in range(5000):
            header = b""
            for _ in range(chooser.randrange(1, 8)):
                name = b"".join(chooser.choices([b"A", b"b", b"-", b"Z", b"9"], k=chooser.randrange(1, 8)))
                words = [b"a", b"b:", b"\xc3\xbc", b"=", b" ", b" ", b"\t", b"\r\n ", b"\r\n\t", b"\r\n  "]
                header += name + b":" + b"".join(chooser.choices(words, k=chooser.randrange(60))) + b"\r\n"
            headers.append(header)
        for header, found in zip(headers, self.ask("header", headers), strict=True):
            fields, _ = dkim.rfc822_parse(header + b"\r\n")
            relaxed = b"".join(name + b":" + value for name, value in RELAXED.canonicalize_headers(fields))
            self.assertEqual(found, relaxed, header)


if __name__ == "__main__":
    unittest.main()
