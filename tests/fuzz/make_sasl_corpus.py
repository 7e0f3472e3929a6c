#!/usr/bin/env python3
"""Writes the seed corpus of sasl_fuzz: exchanges of each mechanism, right and wrong, and stored records.

What it writes is kept in the repository:
    tests/fuzz/make_sasl_corpus.py
"""
import base64
import pathlib

CORPUS = pathlib.Path(__file__).resolve().parents[2] / "tests/fuzz/corpus/sasl"
PLAIN, LOGIN, SCRAM = 0, 1, 2
INITIAL, ENCODE, REFUSE = 4, 8, 16
PROOF = b",p=" + base64.b64encode(b"p" * 32)


def final(header=b"n,,", nonce=b"xyzserver", extensions=b"", proof=PROOF):
    return b"c=" + base64.b64encode(header) + b",r=" + nonce + extensions + proof


FIRST = b"n,,n=user,r=xyz"
SEEDS = {
    "plain": (PLAIN, b"\0tim\0tanstaaftanstaaf"),
    "plain-acts-for-itself": (PLAIN, b"tim\0tim\0tanstaaf"),
    "plain-acts-for-another": (PLAIN, b"ursel\0tim\0tanstaaf"),
    "plain-nul": (PLAIN, b"\0tim\0tan\0staaf"),
    "plain-short": (PLAIN, b"tim\0tanstaaf"),
    "plain-not-utf8": (PLAIN, b"\0tim\0t\xe4nstaaf"),
    "plain-utf8": (PLAIN, "\0tüm\0tänstaaf".encode()),
    "login": (LOGIN, b"tim", b"tanstaaf"),
    "login-empty": (LOGIN, b"tim", b"", b""),
    "login-control": (LOGIN, b"t\x01m"),
    "scram": (SCRAM, FIRST, final(), b"", b""),
    "scram-words-behind": (SCRAM, FIRST, final(), b"words"),
    "scram-could-bind": (SCRAM, b"y,a=user,n=user,r=xyz", final(b"y,a=user,"), b""),
    "scram-acts-for-another": (SCRAM, b"n,a=other,n=user,r=xyz"),
    "scram-binds": (SCRAM, b"p=tls-exporter,,n=user,r=xyz", final()),
    "scram-must-understand": (SCRAM, b"n,,m=x,n=user,r=xyz"),
    "scram-extensions": (SCRAM, FIRST + b",x=1", final(extensions=b",y=2"), b""),
    "scram-escapes": (SCRAM, b"n,,n=a=2Cb=3Dc,r=xyz", final(), b""),
    "scram-bad-escape": (SCRAM, b"n,,n=a=2cb,r=xyz"),
    "scram-no-nonce": (SCRAM, b"n,,n=user,r="),
    "scram-another-nonce": (SCRAM, FIRST, final(nonce=b"xyzother")),
    "scram-another-header": (SCRAM, FIRST, final(b"y,,")),
    "scram-no-proof": (SCRAM, FIRST, final(proof=b"")),
    "scram-short-proof": (SCRAM, FIRST, final(proof=b",p=AAAA")),
    "scram-bad-proof": (SCRAM, FIRST, final(proof=b",p=????")),
}
LINES = {
    "cancelled": (LOGIN, b"*"),
    "empty": (PLAIN | INITIAL, b"="),
    "not-base64": (PLAIN, b"AHRlc3QAMTIzNA"),
    "unused-bits": (PLAIN, b"AHRlc3QAMTIzNB=="),
    "encoded": (PLAIN | INITIAL, b"AHRlc3QAMTIzNA=="),
}


def main():
    CORPUS.mkdir(parents=True, exist_ok=True)
    for name, (options, *lines) in SEEDS.items():
        text = b"\n".join(lines)
        (CORPUS / name).write_bytes(bytes([options | ENCODE]) + text)
        (CORPUS / f"{name}-initial").write_bytes(bytes([options | ENCODE | INITIAL]) + text)
    for name in ("plain", "scram"):
        options, *lines = SEEDS[name]
        (CORPUS / f"{name}-refused").write_bytes(bytes([options | ENCODE | REFUSE]) + b"\n".join(lines))
    for name, (options, *lines) in LINES.items():
        (CORPUS / name).write_bytes(bytes([options]) + b"\n".join(lines))
    for name, version, iterations in (("record", 1, 4096), ("record-version", 2, 4096), ("record-few", 1, 4095)):
        record = bytes([version]) + iterations.to_bytes(4, "big") + bytes(range(80))
        (CORPUS / name).write_bytes(bytes([PLAIN]) + record)


if __name__ == "__main__":
    main()
