"""What TLS costs. All of it is the server's own user-space records; sessions are those of an ECDSA P-256 certificate
that nobody verifies."""

import contextlib
import json
import os
import subprocess

from comparison import measures, servers

SIZES = {"4k": 4096, "100k": 100 * 1024}
# Connections a second times a round would use up the ports of one source address.
CONNECT_SOURCES = 20
# A core's warm-up of caches and clock before handshakes are counted.
BARE_WARM_UP = 0.5
ONE_CORE = "[reactor]\ncores = 1\n"


def certificate(context):
    """Made once a run: a chain and its key."""
    folder = context.work / "tls"
    pair = servers.Tls(folder / "chain.pem", folder / "key.pem")
    if not pair.chain.exists():
        folder.mkdir(exist_ok=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=gw.example.com", "-addext", "subjectAltName=DNS:gw.example.com",
                        "-keyout", pair.key, "-out", pair.chain], check=True, capture_output=True)
        pair.key.chmod(0o600)
    return pair


@contextlib.contextmanager
def secured(server, context):
    """The server with a certificate, for as long as this lasts: entrants take part in other measures too."""
    server.tls = certificate(context)
    try:
        yield server
    finally:
        server.tls = None


def on_cores(cores, *command):
    """What a program prints as JSON, run once on each of these cores at the same time."""
    programs = [subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], stdout=subprocess.PIPE, text=True)
                for core in cores]
    printed = [program.communicate(timeout=120)[0] for program in programs]
    if not all(text.strip() for text in printed):
        raise RuntimeError(f"{command} said nothing")
    return [json.loads(text) for text in printed]


# --- Handshakes

def _bare(context, core):
    """Microseconds of a processor for the server's side of a connection by BoringSSL alone."""
    (result,) = on_cores([core], context.bin / "ringpost-bench", "handshake", "--warm-up", BARE_WARM_UP, "--seconds",
                         context.seconds)
    return result["server_us"]


def _connections(server, context, cores, port, *options):
    """(microseconds of the server's processor time per connection, connections that failed)."""
    def connect(seconds):
        return on_cores(cores, context.bin / "ringpost-bench", "connect", "--server", f"127.0.0.1:{port}",
                        "--connections", measures.CONNECTIONS, "--sources", CONNECT_SOURCES, "--seconds", seconds,
                        *options)
    connect(context.warm_up / 4)
    cpu = server.cpu_seconds()
    results = connect(context.seconds)
    cpu = server.cpu_seconds() - cpu
    count = sum(result["connections"] for result in results)
    if count == 0:
        raise RuntimeError(f"no connection went well: {results}")
    return cpu / count * 1e6, sum(result["failures"] for result in results)


def handshakes(_, context):
    """Whole connections (connect, full handshake, greeting, QUIT, 221, end) by the processor time of the one core that
    the server has: rates are what that core would give if it did nothing else. A client pays more for a handshake than
    the server, so there is one on the server's core and one on another: else the server would wait for its clients,
    with cold caches at each wake-up, and that is no core at its full rate.

    The bar: the same handshakes and records by BoringSSL alone, in memory, and the same server's connections in clear.
    With a NOOP these have as many sends as those under TLS, and a receive less; without, two receives and a send
    less."""
    cores = sorted(os.sched_getaffinity(0))
    ours, clients = cores[0], {cores[0], cores[-1]}
    server = servers.Ringpost(context.bin, context.work, ONE_CORE, wrapper=("taskset", "-c", str(ours)))
    sink = measures.Sink(context.bin, context.work, "--tls", "starttls")
    with secured(server, context):
        try:
            server.start(sink.port)
            ways = {"tls": lambda: _connections(server, context, clients, server.tls_port, "--tls", "implicit"),
                    "plain": lambda: _connections(server, context, clients, server.port, "--noops", 1),
                    "short": lambda: _connections(server, context, clients, server.port),
                    "bare": lambda: (_bare(context, ours), 0)}
            micros, failed = {}, 0
            for name in (ways if context.round_number % 2 else reversed(ways)):
                micros[name], failures = ways[name]()
                failed += failures
        finally:
            server.stop()
            sink.stop()
    return {**{f"{name}_us": value for name, value in micros.items()},
            **{f"{name}_s": 1e6 / value for name, value in micros.items()}, "failed": failed,
            "share": (micros["bare"] + micros["plain"]) / micros["tls"],
            "share_of_short": (micros["bare"] + micros["short"]) / micros["tls"]}


# --- Messages

def messages(_, context):
    """Accepting, as `accept` does it, over connections that were secured by STARTTLS and stay open, of the same in
    clear; one after the other in changing order, each on a fresh server."""
    figures, refused = {}, 0
    for size, size_bytes in SIZES.items():
        server = servers.Ringpost(context.bin, context.work)
        with secured(server, context):
            for way in (("clear", "tls") if context.round_number % 2 else ("tls", "clear")):
                options = ("--size", str(size_bytes)) + (("--tls", "starttls") if way == "tls" else ())
                one = measures.accept(server, context, options)
                figures[f"rate_{way}_{size}"], figures[f"cpu_{way}_{size}_us"] = one["rate"], one["cpu_us"]
                refused += one["refused"]
        figures[f"share_{size}"] = figures[f"rate_tls_{size}"] / figures[f"rate_clear_{size}"]
        figures[f"cpu_times_{size}"] = figures[f"cpu_tls_{size}_us"] / figures[f"cpu_clear_{size}_us"]
    return {**figures, "refused": refused}


def relay(server, context):
    """The row of relay with STARTTLS on the way in, and on the way out to a sink that says how much came in clear."""
    with secured(server, context):
        return measures.relay(server, context, ("--tls", "starttls"), ("--tls", "starttls"))


def idle(server, context):
    """Sessions after a full handshake and EHLO."""
    with secured(server, context):
        return measures.idle(server, context, "tls_port", ("--tls", "implicit"))
