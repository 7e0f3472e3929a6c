"""A TLS client that shakes hands by Python's library and then writes records by hand, under the keys that were agreed:
empty ones, alerts, KeyUpdates, whatever a library would not send (RFC 8446 section 5, RFC 5246 section 6)."""

import hashlib
import hmac
import pathlib
import socket
import ssl
import struct
import tempfile

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

ALERT, HANDSHAKE, DATA = 21, 22, 23
WARNING, FATAL = 1, 2
CLOSE_NOTIFY, USER_CANCELED, NO_RENEGOTIATION = 0, 90, 100
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def expand_label(secret, label, size, digest):
    """HKDF-Expand-Label without context (RFC 8446 section 7.1), for what fits into one block."""
    name = b"tls13 " + label
    info = struct.pack(">HB", size, len(name)) + name + b"\0\1"
    return hmac.new(secret, info, digest).digest()[:size]


def prf12(secret, label, seed, size):
    """RFC 5246 section 5, with SHA-256."""
    seed, out, a = label + seed, b"", label + seed
    while len(out) < size:
        a = hmac.new(secret, a, hashlib.sha256).digest()
        out += hmac.new(secret, a + seed, hashlib.sha256).digest()
    return out[:size]


class Forger:
    """`socket` is the connection; what is sent through it and not by `record` is in clear."""

    def __init__(self, port, version):
        self.version = version
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.coming, self.going = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        self.raw = b""
        with tempfile.NamedTemporaryFile() as keys:
            context.keylog_filename = keys.name
            self.tls = context.wrap_bio(self.coming, self.going)
            while True:
                try:
                    self.tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    self.socket.sendall(self.going.read())
                    self.receive()
            self.socket.sendall(self.going.read())
            lines = [line.split() for line in pathlib.Path(keys.name).read_text().splitlines() if line[:1] != "#"]
        self.keys = {line[0]: (bytes.fromhex(line[1]), bytes.fromhex(line[2])) for line in lines}
        self.take_keys()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def receive(self):
        chunk = self.socket.recv(65536)
        self.raw += chunk
        self.coming.write(chunk) if chunk else self.coming.write_eof()
        return chunk

    def take_keys(self):
        if self.version == TLS12:
            client_random, master = self.keys["CLIENT_RANDOM"]
            server_random = self.raw[11:43]  # record header, message header, version
            block = prf12(master, b"key expansion", server_random + client_random, 40)
            self.aead, self.iv, self.sequence = AESGCM(block[:16]), block[32:36], 1  # Finished was 0
            return
        cipher = self.tls.cipher()[0]
        self.digest = hashlib.sha384 if "SHA384" in cipher else hashlib.sha256
        self.key_size = 16 if "AES_128" in cipher else 32
        self.kind = ChaCha20Poly1305 if "CHACHA" in cipher else AESGCM
        self.use(self.keys["CLIENT_TRAFFIC_SECRET_0"][1])

    def use(self, secret):
        self.secret, self.sequence = secret, 0
        self.aead = self.kind(expand_label(secret, b"key", self.key_size, self.digest))
        self.iv = expand_label(secret, b"iv", 12, self.digest)

    def sealed(self, kind, content):
        sequence = struct.pack(">Q", self.sequence)
        self.sequence += 1
        if self.version == TLS12:
            extra = sequence + struct.pack(">BHH", kind, 0x0303, len(content))
            body = sequence + self.aead.encrypt(self.iv + sequence, content, extra)
            return struct.pack(">BHH", kind, 0x0303, len(body)) + body
        inner = content + bytes([kind])
        nonce = bytes(a ^ b for a, b in zip(self.iv, b"\0" * 4 + sequence))
        header = struct.pack(">BHH", DATA, 0x0303, len(inner) + 16)
        return header + self.aead.encrypt(nonce, inner, header)

    def record(self, kind, content):
        self.socket.sendall(self.sealed(kind, content))

    def alert(self, level, what):
        self.record(ALERT, bytes([level, what]))

    def key_update(self, requested=False):
        self.record(HANDSHAKE, b"\x18\0\0\1" + bytes([requested]))
        self.use(expand_label(self.secret, b"traffic upd", len(self.secret), self.digest))

    def say(self, line):
        """A line, and the reply to it."""
        self.record(DATA, line.encode() + b"\r\n")
        return self.reply()

    def reply(self):
        heard = b""
        while not (heard.endswith(b"\r\n") and heard.rstrip().split(b"\n")[-1][3:4] == b" "):
            try:
                heard += self.tls.read(65536)
            except ssl.SSLWantReadError:
                if not self.receive():
                    break
        return heard.decode()

    def begin_mail(self):
        """As far as the body."""
        self.reply()
        for line in ("EHLO x.example", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.net>"):
            assert self.say(line)[0] == "2"

    def rest(self):
        """All that is still heard, until the other side has closed."""
        heard = b""
        try:
            while True:
                try:
                    chunk = self.tls.read(65536)
                    if not chunk:
                        break
                    heard += chunk
                except ssl.SSLWantReadError:
                    if not self.receive():
                        break
            while self.socket.recv(65536):  # behind its close_notify or alert there is nothing but the end
                pass
        except (ssl.SSLError, ConnectionError):
            while True:
                try:
                    if not self.socket.recv(65536):
                        break
                except ConnectionError:
                    break
        return heard.decode()
