#!/usr/bin/env python3
"""Writes the seed corpora of dns_answer_fuzz, exchangers_fuzz, dane_lookup_fuzz, dane_verify_fuzz, mta_sts_fuzz,
dns_update_fuzz, return_path_fuzz and sender_domain_fuzz.

What it writes is kept in the repository:
    tests/fuzz/make_dns_corpus.py
"""
import base64
import hashlib
import hmac
import json
import pathlib
import struct

CORPUS = pathlib.Path(__file__).resolve().parents[2] / "tests/fuzz/corpus"
A, NS, CNAME, SOA, MX, TXT, AAAA, TLSA, TSIG, ANY = 1, 2, 5, 6, 15, 16, 28, 52, 250, 255
NOW = 1764000000


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def record(owner, kind, data, ttl=60, rr_class=1):
    owner = name(owner) if isinstance(owner, str) else owner
    return owner + struct.pack(">HHIH", kind, rr_class, ttl, len(data)) + data


def message(question, *sections, flags=0x8180):
    sections = list(sections) + [[]] * (3 - len(sections))
    counts = [len(section) for section in sections]
    asked = b"" if question is None else name(question[0]) + struct.pack(">HH", question[1], 1)
    head = struct.pack(">HHHHHH", 0x1234, flags, 0 if question is None else 1, *counts)
    return head + asked + b"".join(b"".join(section) for section in sections)


def text(*strings):
    return b"".join(bytes([len(string)]) + string for string in strings)


KEY = text(b"v=DKIM1; k=rsa; p=" + b"A" * 237, b"B" * 155)
Q = ("a.example", TXT)
ALIAS = record("a.example", CNAME, name("b.example"))
ANSWERS = {
    "text": message(Q, [record("a.example", TXT, KEY)]),
    "alias": message(Q, [ALIAS, record("b.example", TXT, KEY)]),
    "compressed": message(Q, [record(b"\xc0\x0c", CNAME, b"\1b\xc0\x0e"), record(b"\xc0\x27", TXT, text(b"x"))]),
    "only-alias": message(("a.example", CNAME), [ALIAS]),
    "dangling": message(Q, [ALIAS], [record("example", SOA, name("ns.example") + name("h.example") + bytes(20))],
                        flags=0x8183),
    "no-name": message(Q, flags=0x8183),
    "no-data": message(Q),
    "loop": message(Q, [ALIAS, record("b.example", CNAME, name("a.example"))]),
    "two-aliases": message(Q, [ALIAS, record("a.example", CNAME, name("c.example"))]),
    "address": message(("a.example", A), [record("a.example", A, bytes([192, 0, 2, 1]))]),
    "address-6": message(("a.example", AAAA), [record("a.example", AAAA, bytes(15) + b"\1")]),
    "address-short": message(("a.example", A), [record("a.example", A, b"\1")]),
    "address-6-short": message(("a.example", AAAA), [record("a.example", AAAA, b"\1")]),
    "mx": message(("a.example", MX), [record("a.example", MX, b"\0\x0a" + name("mx.example")),
                                      record("a.example", MX, b"\0\0\0")]),
    "mx-short": message(("a.example", MX), [record("a.example", MX, b"\0")]),
    "mx-long": message(("a.example", MX), [record("a.example", MX, b"\0\x0a" + name("mx.example") + b"x")]),
    "ns": message(("a.example", NS), [record("a.example", NS, name("ns.example"))]),
    "soa": message(("a.example", SOA), [record("a.example", SOA, name("ns.example") + name("h.example") + bytes(20))]),
    "tlsa": message(("a.example", TLSA), [record("a.example", TLSA, b"\3\1\1" + bytes(32))]),
    "other": message(("a.example", 99), [record("a.example", 99, b"x")]),
    "odd-names": message(("a\"*/._b.example", TXT), [record("a\"*/._b.example", TXT, text(b"\"\\\n\xff"))]),
    "empty-text": message(Q, [record("a.example", TXT, b"\0")]),
    "text-broken": message(Q, [record("a.example", TXT, b"\5abc")]),
    "alias-broken": message(Q, [record("a.example", CNAME, b"\xc0\xff")]),
    "edns": message(Q, [record("a.example", TXT, text(b"x"))], [], [record("", 41, b"", 0, 1232)]),
    "truncated": message(Q, flags=0x8380),
    "no-question": message(None),
    "query": message(Q, flags=0x0100),
    "trailing": message(Q) + b"x",
    "short": message(Q)[:20],
    "pointer-forwards": message(Q, [b"\xc0\xff" + bytes(10)]),
    "label-kind": message(Q, [b"\x40" + bytes(10)]),
    "long-name": message((".".join(["abcdefg"] * 31), TXT), [record(".".join(["abcdefg"] * 31), TXT, text(b"x"))]),
    "too-long-name": message((".".join(["abcdefg"] * 33), TXT)),
    "too-many": message(Q)[:6] + b"\xff\xff" + message(Q)[8:],
}
ANSWERS.update({f"rcode-{rcode}": message(Q, flags=0x8180 | rcode) for rcode in range(1, 12)})



def mx(*hosts, flags=0x8180, before=()):
    """An answer with these (preference, host or bytes of a name)."""
    records = [record("a.example", MX, struct.pack(">H", preference) + (host if isinstance(host, bytes) else name(host)))
               for preference, host in hosts]
    return message(("a.example", MX), [*before, *records], flags=flags)


EXCHANGERS = {
    "one": mx((10, "mx.example")), "sorted": mx((10, "mx1.example"), (20, "mx2.example")),
    "turned": mx((20, "mx2.example"), (10, "mx1.example"), (10, "mx0.example")),
    "twice": mx((20, "mx.example"), (10, "MX.example")), "compressed": mx((10, b"\2mx\xc0\x0c"), (20, b"\xc0\x0c")),
    "null": mx((0, "")), "null-ten": mx((10, "")), "null-among": mx((0, ""), (10, "mx.example")),
    "null-twice": mx((0, ""), (1, "")), "address": mx((10, "192.0.2.1")), "number": mx((10, "mx.25")),
    "underscore": mx((10, "_mx.example")), "hyphen": mx((10, "-mx.example")), "odd": mx((10, b"\3a.b\3\0\xff \0")),
    "wildcard": mx((10, "*.example")), "one-label": mx((10, "mx")),
    "ours": mx((10, "mx1.ours.example")), "ours-best": mx((10, "b.example"), (20, "mx.example")),
    "ours-worst": mx((30, "B.example"), (20, "mx.example"), (30, "c.example")),
    "ours-equal": mx((20, "c.example"), (20, "mx1.OURS.example"), (20, "d.example"), (19, "e.example")),
    "alias": message(("a.example", MX), [ALIAS, record("b.example", MX, b"\0\x0a" + name("mx.example"))]),
    "alias-ours": message(("a.example", MX), [ALIAS]), "no-data": mx(), "no-name": mx(flags=0x8183),
    "own-domain": message(("b.example", MX)), "no-host-domain": message(("_a.example", MX)),
    "servfail": mx(flags=0x8182), "refused": mx(flags=0x8185), "cut-off": mx((10, "mx.example"), flags=0x8380),
    "short": mx((10, b"")), "trailing": mx((10, b"\2mx\0x")), "week": mx(before=[record("a.example", MX, b"\0\1\2mx\0", 604800)]),
    "forever": mx(before=[record("a.example", MX, b"\0\1\2mx\0", 2 ** 32 - 1)]),
    "many": mx(*((100 - i, f"mx{i}.example") for i in range(40))),
    "many-ours": mx(*((100 - i, f"mx{i}.example") for i in range(40)), (70, "b.example")),
}


def lookup(secure, *messages):
    """The answers of one lookup; `secure` has a bit for each."""
    return bytes([secure]) + b"".join(struct.pack(">H", len(one)) + one for one in messages)


HOST, END = "mx.example", "mx.hoster.example"
V4 = message((HOST, A), [record(HOST, A, bytes([192, 0, 2, 1]))])
V6 = message((HOST, AAAA), [record(HOST, AAAA, bytes(15) + b"\1")])
NO_V6, FAILS = message((HOST, AAAA)), message(None, flags=0x8182)
TO_END = record(HOST, CNAME, name(END))
V4_END = message((HOST, A), [TO_END, record(END, A, bytes([192, 0, 2, 1]))])
V6_END = message((HOST, AAAA), [TO_END])
TO_END_ALONE = message((HOST, CNAME), [TO_END])


def tlsa(*records, host=HOST, flags=0x8180):
    owner = "_25._tcp." + host
    return message((owner, TLSA), [record(owner, TLSA, data) for data in records], flags=flags)


EE, EE_512, TA = b"\3\1\1" + b"a" * 32, b"\3\1\2" + b"b" * 64, b"\2\0\1" + b"c" * 32
WHOLE = b"\2\0\0" + b"\x30\x03\2\1\0"
LOOKUPS = {
    "usable": lookup(7, V4, V6, tlsa(EE)), "insecure": lookup(0, V4, V6), "v4-alone": lookup(7, V4, NO_V6, tlsa(EE, TA)),
    "v6-fails": lookup(7, V4, FAILS, tlsa(EE)), "both-fail": lookup(7, FAILS, FAILS), "no-address": lookup(3, NO_V6, NO_V6),
    "none": lookup(7, V4, V6, tlsa()), "no-name": lookup(7, V4, V6, tlsa(flags=0x8183)),
    "insecure-records": lookup(3, V4, V6, tlsa(EE)), "servfail": lookup(7, V4, V6, tlsa(flags=0x8182)),
    "cut-off": lookup(7, V4, V6, tlsa(EE, flags=0x8380)), "unusable": lookup(7, V4, V6, tlsa(b"\1\1\1" + b"a" * 32)),
    "short": lookup(7, V4, V6, tlsa(b"\3\1", b"")), "digest-length": lookup(7, V4, V6, tlsa(EE[:-1], EE_512 + b"b")),
    "stronger": lookup(7, V4, V6, tlsa(EE, EE_512)), "weaker-of-others": lookup(7, V4, V6, tlsa(EE, b"\3\0\2" + b"b" * 64, TA)),
    "weaker-of-usage": lookup(7, V4, V6, tlsa(EE, b"\2\1\1" + b"b" * 32)), "whole": lookup(7, V4, V6, tlsa(WHOLE, TA)),
    "twice": lookup(7, V4, V6, tlsa(EE, EE)),
    "many": lookup(7, V4, V6, tlsa(*(b"\3\1\1" + bytes([i]) * 32 for i in range(80)))),
    "end": lookup(7, V4_END, V6_END, tlsa(EE, host=END)), "end-then-host": lookup(15, V4_END, V6_END, tlsa(host=END), tlsa(EE)),
    "end-insecure": lookup(11, V4_END, V6_END, tlsa(EE, host=END), tlsa(EE)), "end-none": lookup(15, V4_END, V6_END, tlsa(host=END), tlsa()),
    "alias": lookup(12, V4_END, V6_END, TO_END_ALONE, tlsa(EE)), "alias-insecure": lookup(0, V4_END, V6_END, TO_END_ALONE),
    "alias-gone": lookup(12, V4_END, V6_END, message((HOST, CNAME))), "alias-fails": lookup(12, V4_END, V6_END, FAILS),
    "end-odd": lookup(15, message((HOST, A), [record(HOST, CNAME, b"\3a b\0"), record(b"\3a b\0", A, bytes(4))]), FAILS, tlsa(EE)),
}


def held(usage, selector, matching, begin, data=b""):
    """A record of dane_verify_fuzz."""
    return bytes([usage, selector, matching, begin]) + struct.pack(">H", len(data)) + data


# Somebody else's certificate, and its key.
OTHER_CERTIFICATE = base64.b64decode(
    b"MIIBdTCCARugAwIBAgIUJohbiwGJv7xAaqwyMvL++YIxMEowCgYIKoZIzj0EAwIwEDEOMAwGA1UEAwwFb3RoZXIwHhcNMjYx"
    b"MTI4MTYxNzI3WhcNMzYxMTI1MTYxNzI3WjAQMQ4wDAYDVQQDDAVvdGhlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJB2"
    b"JvPY1Neyz0WJ4ad/hZpyWsUVvkgK9hwhisdLZFd8QyKgxAT70CVuWYrcLMJHhlGW3tzpsOimuapJMosK6UujUzBRMB0GA1Ud"
    b"DgQWBBRsRscE9IqUia8MApoaZD9j9Xz1njAfBgNVHSMEGDAWgBRsRscE9IqUia8MApoaZD9j9Xz1njAPBgNVHRMBAf8EBTAD"
    b"AQH/MAoGCCqGSM49BAMCA0gAMEUCIFCdvyvG7NDjkppWg4k1mhWwdmmpbSp5Fzzqoim9UU7IAiEAo6pj4BaImNeuu86kU05i"
    b"m6+3AWd5hWcIiWAg8nrjqi8=")
OTHER_KEY = base64.b64decode(
    b"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEkHYm89jU17LPRYnhp3+FmnJaxRW+SAr2HCGKx0tkV3xDIqDEBPvQJW5Zitws"
    b"wkeGUZbe3Omw6Ka5qkkyiwrpSw==")
HELD = {
    "certificate": held(3, 0, 0, 1), "digest": held(3, 0, 1, 2), "digest-changed": held(3, 0, 1, 3),
    "longer": held(3, 0, 0, 1, b"x"), "digest-longer": held(3, 0, 1, 2, b"x"), "as-authority": held(2, 0, 0, 1),
    "as-authority-digest": held(2, 0, 1, 2), "pkix": held(1, 0, 1, 2) + held(0, 0, 1, 2), "as-key": held(3, 1, 1, 2),
    "as-sha512": held(3, 0, 2, 2), "unknown": held(4, 2, 3, 1) + held(255, 255, 255, 2), "empty": held(3, 1, 1, 0),
    "other": held(3, 0, 0, 0, OTHER_CERTIFICATE), "other-authority": held(2, 0, 0, 0, OTHER_CERTIFICATE),
    "other-key": held(2, 1, 0, 0, OTHER_KEY), "other-key-longer": held(2, 1, 0, 0, OTHER_KEY + b"x"),
    "second": held(2, 0, 0, 0, OTHER_CERTIFICATE) + held(2, 1, 0, 0, OTHER_KEY) + held(3, 0, 1, 2),
    "garbage": held(2, 0, 0, 0, b"\x30\x03\2\1\0") + held(2, 1, 0, 0, b"\x30\x03\2\1\0"),
}

STS_TEXT = b"v=STSv1; id=20260101T000000;\0"
STS_BODY = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example\r\nmx: *.a.example\r\nmax_age: 604800\r\n"
STS = {
    "usual": STS_TEXT + STS_BODY, "lf": STS_TEXT + STS_BODY.replace(b"\r", b""), "text-alone": STS_TEXT[:-1],
    "testing": b"v=STSv1;id=1\0" + STS_BODY.replace(b"enforce", b"testing"),
    "none": b"v=STSv1 ; x=1; id=2 ;\0version:STSv1\nmode:none\nmax_age:0",
    "twice": b"v=STSv1; id=1; id=2\0" + STS_BODY + STS_BODY, "unknown": b"v=STSv2; id=1\0" + b"x.y: z\n\n" + STS_BODY,
    "no-mx": b"v=STSv1; id=\0" + b"version: STSv1\nmode: enforce\nmax_age: 1\n",
    "forever": b"v=STSv1\0" + STS_BODY.replace(b"604800", b"9999999999"), "html": b"\0<!DOCTYPE html>\n",
    "wild": b"v=STSv1; id=a-b\0" + STS_BODY.replace(b"*.a", b"*.*"),
    "many": STS_TEXT + STS_BODY + b"".join(b"mx: %d.example\n" % i for i in range(210)),
    "utf-8": STS_TEXT + STS_BODY + "x: m\u00fcnchen".encode(), "ulabel": STS_TEXT + STS_BODY + "mx: m\u00fcnchen.example".encode(),
}

LINE = b"hmac-sha256:update-key:AAECAwQFBgcICQoLDA0ODw==\n"


def tsig(owner="update-key", algorithm="hmac-sha256", time=NOW, mac=bytes(32), error=0, other=b"", rr_class=ANY, ttl=0):
    data = name(algorithm) + struct.pack(">HIHH", time >> 32, time & 0xFFFFFFFF, 300, len(mac)) + mac
    return record(owner, TSIG, data + struct.pack(">HHH", 0x1234, error, len(other)) + other, ttl, rr_class)


def answer(*additionals, rcode=0, **sections):
    return message(None, sections.get("answers", []), [], list(additionals), flags=0xA800 | rcode)


UPDATES = {
    "signed": LINE + answer(tsig()),
    "refused": LINE + answer(tsig(), rcode=5),
    "not-auth": LINE + answer(tsig(mac=b"", error=16), rcode=9),
    "bad-key": LINE + answer(tsig(mac=b"", error=17), rcode=9),
    "bad-time": LINE + answer(tsig(error=18, other=bytes(6)), rcode=9),
    "bad-truncation": LINE + answer(tsig(error=22), rcode=9),
    "wrong-mac": LINE + answer(tsig(mac=b"x" * 32)),
    "short-mac": LINE + answer(tsig(mac=b"")),
    "old": LINE + answer(tsig(time=NOW - 301)),
    "another-key": LINE + answer(tsig(owner="another")),
    "another-algorithm": LINE + answer(tsig(algorithm="hmac-md5")),
    "wrong-class": LINE + answer(tsig(rr_class=1)),
    "wrong-ttl": LINE + answer(tsig(ttl=1)),
    "unsigned": LINE + answer(),
    "twice": LINE + answer(tsig(), tsig()),
    "not-last": LINE + answer(tsig(), record("", 41, b"", 0, 1232)),
    "elsewhere": LINE + answer(answers=[tsig()]),
    "cut": LINE + answer(record("update-key", TSIG, name("hmac-sha256") + bytes(5), 0, ANY)),
    "cut-mac": LINE + answer(record("update-key", TSIG, name("hmac-sha256") + bytes(8) + b"\0\xff", 0, ANY)),
    "malformed": LINE + b"x",
    "records": LINE + message(("example", SOA), [record("a.example", TXT, KEY), record("a.example", A, bytes(4)),
                                                 record("b.example", MX, b"\0\x0a" + name("mx.example"))],
                              [record("c.example", MX, b"", 0, ANY)]),
    "elsewhere-records": LINE + message(("other.example", SOA), [record("a.example", TXT, KEY)]),
    "no-zone": LINE + message(("", SOA), [record("a.example", TXT, KEY)]),
    "bad-record": LINE + message(("example", SOA), [record("a.example", 99, b"x")]),
    "many-records": LINE + message(("example", SOA), [record(f"n{i}.example", TXT, text(b"x")) for i in range(300)]),
    "large-records": LINE + message(("example", SOA),
                                    [record("n.example", TXT, text(b"x" * 250) * 16) for _ in range(15)],
                                    [record(f"n{i}.example", MX, b"", 0, ANY) for i in range(300)]),
    "key-no-algorithm": b"a.b:AAECAwQFBgcICQoLDA0O+/==\n",
    "key-short": b"a:AAAA\n", "key-none": b"\n", "key-name": b"a b:AAECAwQFBgcICQoLDA0ODw==\n",
    "key-algorithm": b"hmac-md5:a:AAECAwQFBgcICQoLDA0ODw==\n", "key-base64": b"a:AAECAwQFBgcICQoLDA0ODw=!\n",
    "key-bits": b"a:AAECAwQFBgcICQoLDA0ODx==\n", "key-length": b"a:AAE\n",
}
UPDATES.update({f"rcode-{rcode}": LINE + answer(tsig(), rcode=rcode) for rcode in (2, 9, 10, 4)})


def return_path(number, day, message_id, secret):
    head = bytes([0x10 | number]) + day.to_bytes(2, "big") + message_id
    tag = hmac.new(secret, b"return path 1" + head + b"rp7x.example.com", hashlib.sha256).digest()[:11]
    return base64.b32encode(head + tag).lower()


DAY = NOW // 86400
GOOD = return_path(3, DAY, bytes(range(16)), b"k" * 32)
PATHS = {
    "valid": GOOD, "upper": GOOD.upper(), "old-key": return_path(0, DAY, bytes(16), b"o" * 32),
    "stale": return_path(3, DAY - 36, bytes(16), b"k" * 32), "to-come": return_path(3, DAY + 2, bytes(16), b"k" * 32),
    "forged": GOOD[:-1] + (b"a" if GOOD[-1:] != b"a" else b"b"), "no-key": return_path(7, DAY, bytes(16), b"k" * 32),
    "other-form": b"a" * 48, "no-base32": GOOD[:-1] + b"1", "short": GOOD[:-1], "postmaster": b"postmaster",
    "bytes": bytes(range(40)), "empty": b"",
}


def slot(kind, which, number, state="none", generation=0, until=0):
    return {"kind": kind, "slot": which, "selector": "selectorab" + "abcd"[number], "token": "tokentoken22" + "abcd"[number],
            "state": state, "since_ms": NOW * 1000 - 86400_000 * 200, "until_ms": until, "generation": generation}


def domain(slots=None, **changes):
    slots = slots or [slot("rsa", "a", 0, "active", 1), slot("rsa", "b", 1, "standby", 2)]
    whole = {"version": 1, "name": "customer.example", "account": 7, "created_ms": NOW, "return_path_label": "returnpath",
             "return_path_token": "returntoken22", "ed25519": len(slots) > 2, "slots": slots, "dns": "pending",
             "dns_since_ms": 5, "last_check_ms": 0, "next_check_ms": 9, "words": []}
    whole.update(changes)
    return {key: value for key, value in whole.items() if value is not None}


FOUR = [slot("rsa", "a", 0, "retired", 3, NOW * 1000 - 200), slot("rsa", "b", 1, "waiting", 1),
        slot("ed25519", "a", 2, "active", 1), slot("ed25519", "b", 3, "standby", 1)]
FOUR[0]["since_ms"] = 5
DOMAINS = {
    "two": domain(), "four": domain(FOUR), "verified": domain(FOUR, dns="verified", words=["x"]),
    "broken": domain(dns="broken"), "unwanted": domain(FOUR, ed25519=False),
    "unwanted-gone": domain(FOUR[:2] + [slot("ed25519", "a", 2), slot("ed25519", "b", 3)], ed25519=False),
    "unknown-member": domain(colour=1), "missing": domain(account=None), "negative": domain(account=-1),
    "large": domain(account=2 ** 32), "version": domain(version=2), "name": domain(name="localhost"),
    "long-name": domain(name="x" * 2000), "flag": domain(ed25519=1), "word": domain(dns="fine"),
    "words": domain(words="x"), "words-number": domain(words=[1]), "slot-number": domain([1, 2]),
    "slots-none": domain(slots=[slot("rsa", "a", 0)]), "token": domain(return_path_token="x"),
    "same": domain([slot("rsa", "a", 0), slot("rsa", "b", 0)]),
    "never-made": domain([slot("rsa", "a", 0, "active"), slot("rsa", "b", 1)]),
    "two-active": domain([slot("rsa", "a", 0, "active", 1), slot("rsa", "b", 1, "active", 1)]),
    "array": [1],
}
POLICIES = [b"v=DMARC1; p=reject", b"v=DMARC1; p=none;", b" v = DMARC1 ; sp= None;aspf=s ", b"v=DMARC1;;P=x;adkim", b"v=DMARC2",
            b"DMARC1", b";"]


def main():
    sets = {"dns_answer": ANSWERS, "exchangers": EXCHANGERS, "dane_lookup": LOOKUPS, "dane_verify": HELD, "mta_sts": STS,
            "dns_update": UPDATES, "return_path": PATHS,
            "sender_domain": {"empty": b"", "no-json": b"\0{", "long": b"\0" + b" " * 66000}}
    for number, (key, value) in enumerate(DOMAINS.items()):
        sets["sender_domain"][key] = bytes([number]) + json.dumps(value).encode()
    sets["sender_domain"].update({f"policy-{number}": policy for number, policy in enumerate(POLICIES)})
    for seed in range(24):  # answers of every kind
        value = [DOMAINS["two"], DOMAINS["four"], DOMAINS["verified"], DOMAINS["unwanted"]][seed % 4]
        sets["sender_domain"][f"answers-{seed}"] = bytes([100 + seed]) + json.dumps(value).encode()
    for target, inputs in sets.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for key, value in inputs.items():
            (folder / key).write_bytes(value)


if __name__ == "__main__":
    main()
