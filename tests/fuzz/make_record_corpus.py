#!/usr/bin/env python3
"""Writes the seed corpus of record_opener_fuzz: what a peer's records can be, in all modes and cuts.

What it writes is kept in the repository:
    tests/fuzz/make_record_corpus.py
"""
import pathlib
import struct

CORPUS = pathlib.Path(__file__).resolve().parents[2] / "tests/fuzz/corpus/record_opener"
SAY, MUCH, CONTROL, PADDED, FLIP, CUT, PLAIN = range(7)


def step(operation, words=b"", number=None):
    return struct.pack(">BH", operation, len(words) if number is None else number) + words


SCRIPTS = {
    "talk": step(SAY, b"EHLO client.example\r\n") + step(SAY, b"QUIT\r\n") + step(CONTROL, b"\x15\x01\x00"),
    "body": step(MUCH, number=16384) * 3 + step(SAY, b".\r\n"),
    "too-much": step(MUCH, number=16385),
    "too-much-padded": step(PADDED, b"x" * 16000),
    "padded": step(PADDED, b"x") + step(PADDED, b"y" * 500) + step(SAY, b"z"),
    "only-padding": step(CONTROL, b"\x00" * 300),
    "no-type": step(CONTROL, b"\x00"),
    "empty": step(SAY) * 20 + step(SAY, b"x"),
    "empty-flood": step(SAY) * 33 + step(SAY, b"x"),
    "key-update": step(CONTROL, b"\x16\x18\x00\x00\x01\x01") + step(SAY, b"x"),
    "warnings": step(CONTROL, b"\x15\x01\x5a") * 70,
    "again": step(SAY, b"once") + step(FLIP, number=5),
    "flip-header": step(SAY, b"text") + step(FLIP, number=0),
    "flip-version": step(SAY, b"text") + step(FLIP, number=1),
    "flip-length": step(SAY, b"text") + step(FLIP, number=3),
    "flip-tag": step(SAY, b"text") + step(FLIP, number=24),
    "cut": step(SAY, b"text") + step(CUT, number=9) + step(SAY, b"more"),
    "clear": step(SAY, b"text") + step(PLAIN, b"MAIL FROM:<mallory@example.com>\r\n"),
    "clear-alert": step(PLAIN, b"\x15\x03\x03\x00\x02\x02\x28"),
    "nothing-in-it": step(PLAIN, b"\x17\x03\x03\x00\x00"),
    "endless": step(PLAIN, b"\x17\x03\x03\xff\xff"),
    "longest": step(PLAIN, b"\x17\x03\x03\x41\x00" + b"x" * 100),
}

CORPUS.mkdir(parents=True, exist_ok=True)
for number, (name, script) in enumerate(sorted(SCRIPTS.items())):
    for version in (0, 1):
        modes = version | (number & 1) << 1 | (number % 8) << 2
        (CORPUS / f"{name}-{version}").write_bytes(bytes([modes]) + script)
