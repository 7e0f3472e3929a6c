"""Certificates for the end-to-end tests: an authority and what it issues, by the openssl command."""

import pathlib
import subprocess


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """A certificate authority in a folder; `path` is its certificate."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / "authority.pem"
        self.key = self.folder / "authority.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2,
                "-subj", "/CN=Test Authority", "-keyout", self.key, "-out", self.path)

    def issue(self, name, hosts, kind="ecdsa", days=2):
        """A chain and a key in files `name`.pem and `name`.key, for the DNS names `hosts`."""
        chain, key, request = (self.folder / f"{name}.{end}" for end in ("pem", "key", "csr"))
        keys = ["-newkey", "rsa:2048"] if kind == "rsa" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("req", *keys, "-nodes", "-subj", f"/CN={hosts[0]}", "-keyout", key, "-out", request)
        extensions = self.folder / f"{name}.ext"
        extensions.write_text("subjectAltName=" + ",".join(f"DNS:{host}" for host in hosts) + "\n")
        openssl("x509", "-req", "-in", request, "-CA", self.path, "-CAkey", self.key, "-CAcreateserial",
                "-days", days, "-extfile", extensions, "-out", chain)
        key.chmod(0o600)
        return chain, key
