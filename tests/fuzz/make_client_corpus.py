#!/usr/bin/env python3
"""Writes the seed corpora of the SMTP client's and the mail room's fuzz targets.

Run after a transcript of tests/golden/smtp_client has changed; what it writes is kept in the repository:
    tests/fuzz/make_client_corpus.py
"""
import hashlib
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden/smtp_client"
CORPUS = ROOT / "tests/fuzz/corpus"


def write(target: str, seed: bytes) -> None:
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


def unescape(text: str) -> bytes:
    codes = {"r": b"\r", "n": b"\n", "0": b"\0"}
    out = b""
    for match in re.finditer(r"\\x([0-9a-fA-F]{2})|\\(.)|([^\\])", text):
        if match[1]:
            out += bytes([int(match[1], 16)])
        elif match[2]:
            out += codes.get(match[2], match[2].encode())
        else:
            out += match[3].encode()
    return out


def transcripts() -> None:
    for path in sorted(GOLDEN.glob("*.txt")):
        lines = path.read_text().splitlines()
        server = b"".join(unescape(line[3:]) + b"\r\n" for line in lines if line.startswith("S: "))
        body = b"".join(unescape(line[7:]) for line in lines if line.startswith("> body "))
        # The upper two bits of the seed say how TLS is used, the next three are AUTH, a long secret, verified TLS.
        seed = (128 if "> starttls-required" in lines else 64 if "> starttls" in lines else
                192 if "> implicit-tls" in lines else 1)
        if any(line.startswith("> auth ") for line in lines):
            seed |= 32 | (16 if "long" in path.name else 0) | (0 if "> unverified" in lines else 8)
        for options in (0, 1 | 16, 32, 64 | 2):
            write("client_session", bytes([options, seed]) + body + b"\x1e" + server)
        write("reply", b"\0" + server)


def capabilities() -> None:
    ehlo = [b"PIPELINING", b"CHUNKING", b"BINARYMIME", b"8BITMIME", b"SMTPUTF8", b"DSN", b"SIZE 1000", b"STARTTLS",
            b"ENHANCEDSTATUSCODES", b"AUTH=LOGIN PLAIN", b"AUTH PLAIN LOGIN", b"LIMITS MAILMAX=2 RCPTMAX=2 RCPTDOMAINMAX=1"]
    reply = b"250-mx\r\n" + b"".join(b"250-" + line + b"\r\n" for line in ehlo) + b"250 HELP\r\n"
    write("reply", b"\1" + reply)
    write("reply", b"\2" + b"250-" + b"x" * 2100)
    write("reply", b"\3" + b"250-x\r\n" * 130)
    answers = b"250 ok\r\n" * 5 + b"354 go\r\n250 ok\r\n"
    write("client_session", b"\x20\1a\n.\r\n\x1e220 hi\r\n" + reply + answers)
    write("client_session", b"\x00\1" + b".a\r\n" * 300 + b"\x1e220 hi\r\n250 PIPELINING\r\n" + answers)


TEXT = b"Gr\xc3\xbc\xc3\x9fe = 5\r\n.\r\n--b\r\n"
PARTS = [
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + TEXT,
    b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\xff\r\n\n",
    b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nplain",
    b"\r\nno header",
    b"",
]


def multipart(subtype: bytes, boundary: bytes, parts: list) -> bytes:
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    return (b"Content-Type: multipart/" + subtype + b"; boundary=\"" + boundary + b"\" (comment)\r\n"
            b"Content-Transfer-Encoding: 8bit\r\n\r\npreamble\r\n" + body + b"--" + boundary + b"--\r\nepilogue\r\n")


def messages() -> None:
    mime = b"From: a@b\r\nDate: now\r\nMessage-ID: <1@\r\n b>\r\nReceived: from x\r\n\tby y\r\nMIME-Version: 1.0\r\n"
    all_messages = [mime + part for part in PARTS]
    all_messages.append(mime + multipart(b"mixed", b"q", PARTS))
    all_messages.append(mime + multipart(b"mixed", b"q", [multipart(b"alternative", b"qq", PARTS[:2]), PARTS[0]]))
    all_messages.append(mime + multipart(b"signed", b"q", PARTS[:1]))
    all_messages.append(mime + multipart(b"digest", b"q", PARTS[3:]))
    all_messages.append(b"From ann Thu Jan 1\r\nDelivered-To: x\r\nreceived : y\r\n\r\nbody\r\n")
    all_messages.append(b"no header at all")
    for message in all_messages:
        write("reencode", message)
        write("header_scan", b"\0" + message)
        write("header_scan", b"\1client.example\nbob@example.net\n" + message)
        write("dsn", b"\x23QQ1\x1eann@example.org\x1ebob@example.net\x1erfc822;bob@example.net\x1emx.example.net\x1e"
              b"5.1.1 no\nsuch user\x1e" + message)
    write("header_scan", b"\1b\xc3\xbccher.example\n\"a b\"@example.net\n")
    write("header_scan", b"\0(evil) \\\n<x>\n")
    write("dsn", b"\x21\x1ej\xc3\xb6rg@x\x1ej\xc3\xb6rg@x\x1eutf-8;j\\x{F6}rg@x\x1e\x1ekein Empf\xc3\xa4nger\x1eA: \xc3\xa4\r\n\r\n")
    write("dsn", b"\x04\x1e\x1e\x1e\x1e\x1e\x1e")


transcripts()
capabilities()
messages()
