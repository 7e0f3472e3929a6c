"""What tests of sender domains begin with: a customer's and the operator's zone at a real DNS server, a gateway that
asks it, an account that may send from here."""

import json
import socket

import dns.resolver

import harness
from harness import run
from knot import Knot

CUSTOMER, OPERATOR = "customer.example", "gw.example"
FROM = f"a@{CUSTOMER}"


class SenderDomainCase(harness.Case):
    LISTENER_EXTRA = ""  # of the gateway's listener
    REGION_EXTRA = ""
    CUSTOMER_RECORDS = []  # that the zone has besides
    SENDERS = "127.0.0.0/8"  # who may send
    OTHER_ZONES = ("example", "example.com")  # that advice asks about: above the customer's, and of the gateway's name

    def next_hop(self):
        return self.sink.port

    def routes(self):
        return ""

    def setUp(self):
        super().setUp()
        self.sink = self.run_sink()
        self.serial = 1
        self.knot = Knot(self.folder / "knot", {CUSTOMER: self.customer_zone([]), OPERATOR: self.operator_zone(""),
                                                **{zone: self.zone(zone, []) for zone in self.OTHER_ZONES}})
        self.addCleanup(self.knot.stop)
        self.knot.start()
        self.daemon = self.run_gateway("ringpost")
        self.ask("identity put", records=[{"type": "account", "name": "acme"},
                                          {"type": "credential", "kind": "network", "name": self.SENDERS,
                                           "account": "acme"}])

    def run_gateway(self, folder):
        """Who connects from here may send, and nobody vouches for what."""
        daemon = harness.Daemon(
            self.folder / folder, self.next_hop(), trust=False, listener_extra=self.LISTENER_EXTRA, region_extra=self.REGION_EXTRA,
            extra=self.routes() + f'[dns]\nzone = "{OPERATOR}"\nname_servers = ["ns.{OPERATOR}"]\n'
                  + "".join(f'[[dns.stub]]\nzone = "{zone}"\nserver = "{self.knot.server}"\n'
                            for zone in (CUSTOMER, OPERATOR, *self.OTHER_ZONES)))
        self.addCleanup(daemon.kill)
        return daemon.start()

    def ask(self, command, ok=True, **members):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(60 * harness.PATIENCE)
            peer.connect(str(self.daemon.socket_path))
            peer.sendall(json.dumps({"command": command, **members}).encode() + b"\n")
            answer = json.loads(peer.makefile().readline())
        self.assertEqual(answer["ok"], ok, answer)
        return answer

    def customer_zone(self, aliases):
        self.serial += 1
        return "\n".join([f"$ORIGIN {CUSTOMER}.", f"@ 1 IN SOA ns hostmaster {self.serial} 3600 600 1209600 1",
                          "@ 1 IN NS ns", "ns 1 IN A 192.0.2.2", *self.CUSTOMER_RECORDS, *aliases]) + "\n"

    def zone(self, name, records):
        self.serial += 1
        return "\n".join([f"$ORIGIN {name}.", f"@ 1 IN SOA ns hostmaster {self.serial} 3600 600 1209600 1",
                          "@ 1 IN NS ns", "ns 1 IN A 192.0.2.4", *records]) + "\n"

    def operator_zone(self, text):
        return text or (f"$ORIGIN {OPERATOR}.\n@ 1 IN SOA ns hostmaster 1 3600 600 1209600 1\n@ 1 IN NS ns\n"
                        "ns 1 IN A 192.0.2.3\n")

    def aliases(self, domain):
        return [f"{record['owner']}. 1 IN {record['type']} {record['value']}." for record in domain["publish"]]

    def publish(self, aliases):
        self.knot.reload(CUSTOMER, self.customer_zone(aliases))
        self.knot.reload(OPERATOR, self.ask("dns zone")["zone"])

    def check(self):
        return self.ask("domain check", name=CUSTOMER)["domain"]

    def checked(self, state, active):
        """The domain, once it is that and so many of its keys sign."""
        def there():
            self.domain = self.check()
            signing = [key for key in self.domain["keys"] if key["state"] == "active"]
            return self.domain["state"] == state and len(signing) == active
        harness.wait_until(there, 60, f"{CUSTOMER} is {state} with {active} active keys")
        return self.domain

    def send(self, *options, sender=FROM):
        return run(["swaks", "--server", f"127.0.0.1:{self.daemon.port}", "--from", sender, "--to", "b@example.net",
                    "--header", f"From: {FROM}", *options])

    def verify_domain(self):
        """It is added, published and seen; the domain."""
        domain = self.ask("domain add", name=CUSTOMER, account="acme")["domain"]
        self.publish(self.aliases(domain))
        return self.checked("verified", 1)

    def texts(self, name, timeout=5):
        """As a verifier asks: by the DNS alone."""
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], self.knot.port
        # The server leaves it to who asks to follow an alias into its other zone.
        alias = resolver.resolve(name.decode() if isinstance(name, bytes) else name, "CNAME", lifetime=timeout)
        return b"".join(resolver.resolve(alias[0].target, "TXT", lifetime=timeout)[0].strings)
