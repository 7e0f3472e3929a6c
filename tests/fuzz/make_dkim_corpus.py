#!/usr/bin/env python3
"""Writes the seed corpus of dkim_fuzz: messages with everything that the relaxed forms and the choice of fields turn on.

What it writes is kept in the repository:
    tests/fuzz/make_dkim_corpus.py
"""
import pathlib

CORPUS = pathlib.Path(__file__).resolve().parents[2] / "tests/fuzz/corpus/dkim"
NAMES = b"example.org 2026a.mail"
FROM = b"From: Ann <ann@example.org>\r\n"
LIST = (b"List-Unsubscribe: <https://example.org/u>,\r\n <mailto:u@example.org>\r\n"
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nList-Id: <list.example.org>\r\n")

MESSAGES = {
    "plain": FROM + b"To: bob@example.net\r\nSubject: x\r\nDate: today\r\n\r\nHi.\r\n\r\nJoe.\r\n",
    "rfc-6376-3.4.5": b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n",
    "list": LIST + FROM + b"Feedback-ID: a:b:c:d\r\nMIME-Version: 1.0\r\n\r\n\r\n",
    "twice": b"Subject: 1\r\nCc: 1\r\n" + FROM + b"subject: 2\r\nCC:2\r\nX-Mine: x\r\nSubject: 3\r\n\r\n",
    "two-from": FROM + FROM + b"\r\n",
    "no-from": b"Subject: x\r\n\r\n" + FROM,
    "no-field": FROM + b"this is no field\r\nSubject: x\r\n\r\n",
    "no-name": FROM + b": x\r\n\r\n",
    "begins-folded": b" x\r\n" + FROM,
    "no-separator": FROM + b"Subject: x",
    "ends-in-cr": FROM + b"Subject: x\r",
    "folds": FROM + b"Subject:\r\n\t \r\n a\r\n\tb \t c\r\n   \r\nTo :\t d \t\r\n\r\n",
    "line-feeds": FROM.replace(b"\r", b"") + b"Subject: a\n b\n\nbody \nline\n",
    "carriage-returns": FROM + b"Subject: a\rb\r\r\n c\r\r\n\r\na \r b\r\r\n \r\n\rc\r",
    "8-bit": FROM + b"Subject: Gr\xc3\xbc\xc3\x9fe \xff\r\n\r\n\xe4 \xf6\x00\r\n",
    "blank-body": FROM + b"\r\n \t\r\n\r\n  \r\n",
    "trailing": FROM + b"\r\na  \r\n b\t\r\n\t\tc \r\n\r\n\r\n",
    "half-line": FROM + b"\r\na \t",
    "empty-lines": FROM + b"\r\n" + b"\r\n" * 40 + b"x" + b"\r\n" * 40,
    "long-line": FROM + b"\r\n" + b"x" * 300 + b" " + b"y" * 300 + b"  z\r\n",
    "blanks-in-block": FROM + b"\r\n" + b"".join(b"x" * count + b"\t" for count in range(20)),
    "flowed": FROM + b"\r\n" + b"some words of a line that goes on and on in the next one, as it is \r\n" * 4,
    "indented": FROM + b"\r\n" + b"".join(b" " * count + b"<td>text of a cell that is long enough</td>\r\n"
                                          for count in range(8)),
    "most-fields": FROM + b"Cc:\n" * 127 + b"\r\n",
    "too-many-fields": FROM + b"Cc:\n" * 128 + b"\r\n",
    "all-fields": FROM + b"".join(name + b": x\r\n" for name in [
        b"To", b"Subject", b"Date", b"Sender", b"Reply-To", b"Cc", b"Message-ID", b"In-Reply-To", b"References",
        b"MIME-Version", b"Content-Type", b"Content-Transfer-Encoding", b"Resent-From", b"List-Archive"]) + b"\r\n",
}
OTHER_NAMES = {
    "same-selector": b"example.org other",
    "no-selector": b"example.org",
    "one-label": b"localhost s",
    "u-label": b"b\xc3\xbccher.example s",
    "a-label": b"xn--bcher-kva.example s",
    "hyphens": b"-a.example s-",
    "underscore": b"a_b.example s",
    "long-label": b"a" * 64 + b".example s",
    "long-domain": b"a" * 63 + b"." + b"b" * 63 + b"." + b"c" * 63 + b".example " + b"s" * 30,
    "too-long-together": b"a" * 63 + b"." + b"b" * 63 + b"." + b"c" * 63 + b".example " + b"s" * 60,
    "too-long": b"a." * 128 + b"example s",
    "injection": b"example.org; x=y\r s",
}

CORPUS.mkdir(parents=True, exist_ok=True)
for number, (name, message) in enumerate(sorted(MESSAGES.items())):
    # A piece for each byte, and cuts by chance; one key and two; with and without x=.
    (CORPUS / f"{name}-0").write_bytes(bytes([0]) + NAMES + b"\n" + message)
    (CORPUS / f"{name}-1").write_bytes(bytes([number % 252 + 1 | 1 + number % 2 * 2]) + NAMES + b"\n" + message)
for name, names in OTHER_NAMES.items():
    (CORPUS / f"names-{name}").write_bytes(bytes([1]) + names + b"\n" + MESSAGES["plain"])
