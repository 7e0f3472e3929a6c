"""Pebble, an ACME server for tests, with pebble-challtestsrv as its DNS: every name is 127.0.0.1, unless told otherwise."""

import json
import os
import pathlib
import ssl
import subprocess
import urllib.request

from harness import free_port, listening, wait_until


class Pebble:
    """`authority` (tls_files.Authority) issues the certificate of its HTTPS; `http_port` and `tls_port` are where it
    looks at challenges. What it knows is gone when it stops."""

    def __init__(self, folder, authority, http_port=1, tls_port=1, validity_seconds=None, **environment):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.authority = authority
        self.port, self.management, self.dns, self.dns_management = (free_port() for _ in range(4))
        self.directory = f"https://localhost:{self.port}/dir"
        chain, key = authority.issue("pebble", ["localhost"])
        self.config = self.folder / "pebble.json"
        settings = {"listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.management}",
                    "certificate": str(chain), "privateKey": str(key), "httpPort": http_port, "tlsPort": tls_port}
        if validity_seconds:
            settings["certificateValidityPeriod"] = validity_seconds
        self.config.write_text(json.dumps({"pebble": settings}))
        self.environment = dict(os.environ, PEBBLE_VA_NOSLEEP="1", PEBBLE_WFE_NONCEREJECT="0", PEBBLE_AUTHZREUSE="0")
        self.environment.update(environment)
        self.process = self.names = None

    def run(self, *command):
        with open(self.folder / "pebble.log", "ab") as log:
            return subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                    env=self.environment)

    def start(self):
        if not self.names:
            self.names = self.run("pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01",
                                  f"127.0.0.1:{self.dns}", "-http01", "", "-https01", "", "-tlsalpn01", "", "-management",
                                  f"127.0.0.1:{self.dns_management}")
            wait_until(lambda: listening(self.dns_management), 20, "pebble-challtestsrv listens")
        self.process = self.run("pebble", "-config", self.config, "-strict", "-dnsserver", f"127.0.0.1:{self.dns}")
        wait_until(lambda: listening(self.port) and listening(self.management), 20, "pebble listens")
        return self

    def stop(self):
        for process in (self.process, self.names):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        self.process = self.names = None

    def restart(self):
        """All that it knew is gone: accounts, and the keys it signs with."""
        self.process.kill()
        self.process.wait()
        self.start()

    def tell_names(self, what, **words):
        """One call of pebble-challtestsrv's management: "set-servfail", host=..."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.dns_management}/{what}", json.dumps(words).encode())
        urllib.request.urlopen(request, timeout=10).read()

    def root(self):
        """The file of the root that its certificates lead to."""
        context = ssl.create_default_context(cafile=self.authority.path)
        url = f"https://localhost:{self.management}/roots/0"
        path = self.folder / "root.pem"
        path.write_bytes(urllib.request.urlopen(url, timeout=10, context=context).read())
        return path
