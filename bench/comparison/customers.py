"""Stores of servers that know their customers: made once a run, each round's server begins with a copy of one.

The load tool sends as load.example, from 127.0.0.1: an account of that name has the domain, and 127.0.0.0/8 as a
credential.
"""

import json
import pathlib
import shutil
import sys
import time

from comparison import servers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/e2e"))
from knot import Knot  # noqa: E402

DOMAIN, ZONE, ACCOUNT = "load.example", "gw.example", "load"
USER, PASSWORD = "printer", "correct horse battery 7"
LIST_ENTRIES = 10_000
CHECK_SECONDS = 60
# How a server knows these clients: by nothing but the store.
BY_CREDENTIAL = {"trust": False}
WITH_PASSWORDS = {"trust": False, "listener_extra": "auth_in_clear = true\n"}


def _made(context, name, fill, **options):
    """The folder of the store that `fill` fills, by a server that runs meanwhile."""
    folder = context.work / "stores" / name
    if folder.exists():
        return folder
    server = servers.Ringpost(context.bin, context.work, **BY_CREDENTIAL, **options)
    try:
        server.start(servers.free_port())
        fill(server)
        server.process.terminate()
        server.process.wait(servers.STOP_SECONDS)
        shutil.copytree(server.work / "store", folder)
    finally:
        server.stop()
    return folder


def _import(server, senders, credential):
    """An account with verified senders and a network."""
    path = server.work / "accounts.json"
    network = {"kind": "network", "name": "127.0.0.0/8", "account": ACCOUNT, **credential}
    path.write_text(json.dumps({"ringpost": 1, "accounts": [{"name": ACCOUNT}], "senders": senders,
                                "credentials": [network]}))
    server.tool("account", "import", path)


VERIFIED = [{"name": DOMAIN, "account": ACCOUNT, "state": "verified"}]


def plain(context):
    """Nothing is signed, and USER may log in."""
    def fill(server):
        _import(server, VERIFIED, {})
        server.tool("credential", "add", USER, "--account", ACCOUNT, "--password-stdin", given=PASSWORD + "\n")
    return _made(context, "plain", fill)


def listed(context):
    """The network may send as who is on a list of 10,000: addresses, domains, domains with all below them."""
    shapes = ("user{0}@customer-{0}.example.com", "customer-{0}.example.net", "*.customer-{0}.example.org")
    entries = [shapes[number % len(shapes)].format(number) for number in range(LIST_ENTRIES - 1)] + [DOMAIN]
    return _made(context, "listed", lambda server: _import(
        server, VERIFIED, {"senders": {"mode": "allow", "entries": entries}}))


def signed(context):
    """The domain was verified by DNS, and an RSA key of 2048 bits signs its mail."""
    def zone(name, lines):
        return "\n".join([f"$ORIGIN {name}.", f"@ 1 IN SOA ns hostmaster {len(lines) + 1} 3600 600 1209600 1",
                          "@ 1 IN NS ns", "ns 1 IN A 192.0.2.2", *lines]) + "\n"

    def fill(server):
        _import(server, [], {})
        domain = server.tool("domain", "add", DOMAIN, "--account", ACCOUNT)["domain"]
        knot.reload(DOMAIN, zone(DOMAIN, [f"{one['owner']}. 1 IN {one['type']} {one['value']}."
                                          for one in domain["publish"]]))
        path = server.work / "zone"
        server.tool("dns", "zone", path)
        knot.reload(ZONE, path.read_text())
        deadline = time.monotonic() + CHECK_SECONDS
        while True:
            domain = server.tool("domain", "check", DOMAIN, codes=(0, 1))["domain"]  # 1: not verified
            if domain["state"] == "verified" and any(key["state"] == "active" for key in domain["keys"]):
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"{DOMAIN} is not verified: {domain['words']}")
            time.sleep(0.2)

    knot = Knot(context.work / "knot", {DOMAIN: zone(DOMAIN, []), ZONE: zone(ZONE, [])})
    try:
        knot.start()
        stubs = "".join(f'[[dns.stub]]\nzone = "{name}"\nserver = "{knot.server}"\n' for name in (DOMAIN, ZONE))
        return _made(context, "signed", fill,
                     extra=f'[dns]\nzone = "{ZONE}"\nname_servers = ["ns.{ZONE}"]\n{stubs}')
    finally:
        knot.stop()
        shutil.rmtree(context.work / "knot", ignore_errors=True)
