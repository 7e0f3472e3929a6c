#!/usr/bin/env python3
"""Writes the seed corpus of acme_fuzz: whole conversations with an ACME server, and what each of them can meet.

What it writes is kept in the repository:
    tests/fuzz/make_acme_corpus.py
"""
import hashlib
import json
import pathlib
import re
import struct

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests/fuzz/corpus/acme"
BASE = "https://ca.example/"
URN = "urn:ietf:params:acme:error:"
# For mx.example, of the key in acme_fuzz.cc.
CHAIN = """-----BEGIN CERTIFICATE-----
MIIBazCCARKgAwIBAgIUQSJLIlH5OV3cgHp2QI85thQ/rPAwCgYIKoZIzj0EAwIw
ADAeFw0yNjExMjcxODU4NDFaFw0zNjExMjQxODU4NDFaMAAwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAARXR0HgG9+VAIX8w6Wsz4ogcDjW7rn0/roU5eDOVhRGoNui
/oBhPdliOYs3YPrvFWGqn5pDkvS12Z/Qg/dStJjro2owaDAdBgNVHQ4EFgQUeANL
zxjH6NDo4I3HN/VARqfV1qAwHwYDVR0jBBgwFoAUeANLzxjH6NDo4I3HN/VARqfV
1qAwDwYDVR0TAQH/BAUwAwEB/zAVBgNVHREEDjAMggpteC5leGFtcGxlMAoGCCqG
SM49BAMCA0cAMEQCIFxPhSUHjLDNM/8jQeH7NhDMNy2qKC3j83aDMQZu4QVAAiBz
UhPxUWfkyVf1I1bCbvwt7Hc/GocIE9q5+hN0Ih+zSA==
-----END CERTIFICATE-----
"""


def answer(body="", status=200, kind="application/json", location="", nonce="abc", retry=""):
    text = body if isinstance(body, str) else json.dumps(body)
    return "\t".join([str(status), kind, location, nonce, retry, text.replace("\n", "\v")])


def order(state, **more):
    return {"status": state, "identifiers": [{"type": "dns", "value": "mx.example"}],
            "authorizations": [BASE + "authz"], "finalize": BASE + "finalize", **more}


def authorization(state, **more):
    return {"status": state, "identifier": {"type": "dns", "value": "mx.example"},
            "challenges": [{"type": kind, "url": BASE + kind, "token": "tok-en_1", **more}
                           for kind in ("dns-01", "tls-alpn-01", "http-01")]}


def problem(status, kind, **more):
    body = {"type": URN + kind, "detail": "no", "subproblems": [
        {"type": URN + "dns", "detail": "none", "identifier": {"type": "dns", "value": "mx.example"}}]}
    return answer(body, status, "application/problem+json", **more)


DIRECTORY = answer({"newNonce": BASE + "nonce", "newAccount": BASE + "account", "newOrder": BASE + "order",
                    "meta": {"externalAccountRequired": False}}, nonce="")
NONCE = answer()
ACCOUNT = answer({"status": "valid"}, 201, location=BASE + "account/1")
ORDER = answer(order("pending"), 201, location=BASE + "order/1")
PENDING, VALID = answer(authorization("pending"), retry="1"), answer(authorization("valid"))
CHALLENGE = answer({"status": "processing"})
READY, PROCESSING = answer(order("ready")), answer(order("processing"), retry="Sun, 06 Nov 2094 08:49:37 GMT")
ISSUED = answer(order("valid", certificate=BASE + "certificate"))
CERTIFICATE = answer(CHAIN, kind="application/pem-certificate-chain")
BEGUN = [DIRECTORY, NONCE, ACCOUNT, ORDER]
WHOLE = BEGUN + [PENDING, CHALLENGE, PENDING, VALID, READY, PROCESSING, PROCESSING, ISSUED, CERTIFICATE]


def conversations():
    yield WHOLE
    for length in range(len(WHOLE)):
        yield WHOLE[:length]
        for bad in (problem(400, "badNonce"), problem(400, "badNonce", nonce=""), problem(400, "accountDoesNotExist"),
                    problem(403, "orderNotReady"), problem(429, "rateLimited", retry="60"), answer("x", 503),
                    answer("", 302, location="https://elsewhere.example/"), answer("{}"), answer("[]"),
                    answer({"status": "invalid"}), answer("", nonce="a b")):
            yield WHOLE[:length] + [bad] + WHOLE[length:]
    yield [answer({"newNonce": "http://ca.example/", "newAccount": BASE, "newOrder": BASE}, nonce="")]
    yield [answer({"newNonce": "https://other.example/", "newAccount": BASE, "newOrder": BASE}, nonce="")]
    yield [answer({"newNonce": BASE, "newAccount": BASE, "newOrder": BASE, "meta": {"externalAccountRequired": True}}, nonce="")]
    yield [DIRECTORY, NONCE, answer({"status": "deactivated"}, location=BASE)]
    yield [DIRECTORY, NONCE, answer({"status": "valid"})]
    yield BEGUN[:3] + [answer(order("pending"))]
    yield BEGUN[:3] + [answer({**order("pending"), "identifiers": [{"type": "ip", "value": "::1"}]}, location=BASE)]
    yield BEGUN[:3] + [answer({**order("pending"), "authorizations": [BASE] * 9}, location=BASE)]
    yield BEGUN[:3] + [answer({**order("pending"), "authorizations": [1]}, location=BASE)]
    yield BEGUN[:3] + [answer({**order("pending"), "authorizations": []}, location=BASE)]
    yield BEGUN[:3] + [answer({**order("pending"), "finalize": 1}, location=BASE)]
    yield BEGUN[:3] + [answer(order("valid"), location=BASE)]
    yield BEGUN[:3] + [answer(order("valid", certificate=BASE), location=BASE)]
    yield BEGUN[:3] + [answer(order("invalid", error={"type": URN + "dns", "detail": "x"}), location=BASE)]
    yield BEGUN[:3] + [answer(order("ready"), location=BASE), answer(order("ready"))]
    yield BEGUN[:3] + [answer({**order("pending"), "authorizations": [BASE + "1", BASE + "2"]}, location=BASE), VALID, VALID]
    yield BEGUN + [answer({**authorization("pending"), "wildcard": True})]
    yield BEGUN + [answer({**authorization("pending"), "challenges": [{"type": "dns-01"}]})]
    yield BEGUN + [answer({**authorization("pending"), "challenges": [1]})]
    yield BEGUN + [answer({**authorization("pending"), "challenges": [{}] * 40})]
    yield BEGUN + [answer({"status": "pending"})]
    yield BEGUN + [answer(authorization("pending", token="../x"))]
    yield BEGUN + [answer(authorization("pending", url="ftp://ca.example/"))]
    yield BEGUN + [answer(authorization("invalid", status="invalid", error={"type": "x", "detail": "timed out"}))]
    yield WHOLE[:-1] + [answer(CHAIN, kind="text/html")]
    yield WHOLE[:-1] + [answer("no certificate", kind="application/pem-certificate-chain")]
    yield WHOLE[:-1] + [answer(CHAIN + CHAIN, kind="application/pem-certificate-chain")]


def records():
    text = (ROOT / "tests/fuzz/acme_fuzz.cc").read_text()
    key = bytes.fromhex("".join(re.findall(r'^    "([0-9a-f]+)"', text, re.M)))
    url = BASE.encode()
    account = b"\x01" + struct.pack(">H", len(url)) + url + struct.pack(">H", len(key)) + key
    certificate = account + struct.pack(">I", len(CHAIN)) + CHAIN.encode()
    for record in (account, certificate):
        yield b"#" + record
        yield b"#" + record[:-1]
        yield b"#\x02" + record[1:]


def main():
    CORPUS.mkdir(parents=True, exist_ok=True)
    for old in CORPUS.iterdir():
        old.unlink()
    seeds = ["\n".join(conversation).encode() for conversation in conversations()] + list(records())
    for seed in set(seeds):
        (CORPUS / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


main()
