#!/usr/bin/env python3
"""Writes the seed corpora of the SMTP server's fuzz targets from its golden transcripts.

Run after a transcript has changed; what it writes is kept in the repository:
    tests/fuzz/make_smtp_corpus.py
"""
import hashlib
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden/smtp_server"
CORPUS = ROOT / "tests/fuzz/corpus"
SEED_BYTES_MAX = 6000

OPTION_BITS = {"strict": 1, "normalise": 2, "no-chunking": 4, "xclient": 8, "size": 16,
               "recipients": 32, "mails": 64, "no-dsn": 128}
# In the byte of refusals.
SECURITY_BITS = {"starttls": 32, "starttls-required": 64, "auth": 128 | 32, "auth-in-clear": 128, "auth-required": 64}
ANSWER_BITS = {"mail": 1, "recipient": 2, "data": 4, "end": 8, "salt": 4 | 8, "password": 8, "proof": 8}


def unescape(text):
    codes = {"r": b"\r", "n": b"\n", "t": b"\t"}
    out = b""
    for match in re.finditer(r"\\x([0-9a-fA-F]{2})|\\(.)|([^\\])", text):
        if match[1]:
            out += bytes([int(match[1], 16)])
        elif match[2]:
            out += codes.get(match[2], match[2].encode())
        else:
            out += match[3].encode("latin-1")
    return out


def read(path):
    """Options, refusals, and what the client sends, step by step."""
    options = refusals = 0
    repeat = 1
    sent = []
    for line in path.read_text().splitlines():
        if line.startswith("OPTION "):
            options |= OPTION_BITS.get(line.split()[1], 0)
            refusals |= SECURITY_BITS.get(line.split()[1], 0)
        elif line.startswith("ANSWER ") and line.split()[2] != "accept":
            refusals |= ANSWER_BITS[line.split()[1]]
        elif line.startswith("REPEAT "):
            repeat = int(line.split()[1])
        elif line.startswith("C:") or line.startswith("C>"):
            data = unescape(line[3:])
            sent.append((data + b"\r\n" if line[1] == ":" else data) * repeat)
            repeat = 1
    return options, refusals, sent


def write(target, seeds):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for seed in sorted(set(seeds)):
        if len(seed) <= SEED_BYTES_MAX:
            (folder / hashlib.sha1(seed).hexdigest()[:16]).write_bytes(seed)


def proxy_seeds():
    signature = b"\r\n\r\n\0\r\nQUIT\n"
    v4 = bytes([192, 0, 2, 1, 192, 0, 2, 2]) + b"\x12\x34\x00\x19"
    v6 = bytes(15) + b"\1" + bytes(15) + b"\2" + b"\x12\x34\x00\x19"

    def v2(command, family, body):
        return signature + bytes([command, family, len(body) >> 8, len(body) & 255]) + body

    yield from [b"PROXY TCP4 192.0.2.1 192.0.2.2 4660 25\r\nEHLO x\r\n",
                b"PROXY TCP6 2001:db8::1 ::ffff:192.0.2.2 4660 25\r\n",
                b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ffff:: ffff:: 1 2\r\n",
                b"PROXY TCP4 192.0.2.1\r\n", b"EHLO x\r\n"]
    yield from [v2(0x21, 0x11, v4), v2(0x21, 0x21, v6), v2(0x20, 0x00, b""), v2(0x21, 0x00, b""),
                v2(0x21, 0x31, bytes(216)), v2(0x21, 0x11, v4 + b"\x04\x00\x03xyz") + b"EHLO x\r\n",
                v2(0x21, 0x12, v4), v2(0x11, 0x11, v4), v2(0x21, 0x11, v4[:8])]


def main():
    sessions, lines, addresses, data, bdat = [], [], [], [], []
    for path in sorted(GOLDEN.glob("*.txt")):
        options, refusals, sent = read(path)
        sessions.append(bytes([options, refusals, len(sessions)]) + b"".join(sent))
        for piece in sent:
            if piece.endswith(b"\r\n") and len(piece) < 600:
                lines.append(piece[:-2])
            for address in re.findall(rb"[<:]([^<>]*@[^>]*)>", piece):
                addresses.append(address)
        body = b"".join(piece for piece in sent if not piece[:5].isupper())
        data.append(bytes([len(data) % 4, len(data)]) + body)
        bdat.append(bytes([len(bdat) % 4, len(bdat)]) + body)
    endings = [b"\n", b"\r", b"\r\n", b"\r\r\n", b"\n\r", b"\r\n\r"]
    for before in endings:
        for after in endings:
            for mode in (0, 1):
                data.append(bytes([mode, 7]) + b"body" + before + b"." + after + b"QUIT\r\n")
    write("server_session", sessions)
    write("command", lines)
    write("address", addresses + [b"a.example", b"[192.0.2.1]", b"[IPv6:2001:db8::1]"])
    write("data_stream", data)
    write("bdat", bdat)
    write("proxy_protocol", proxy_seeds())


if __name__ == "__main__":
    main()
