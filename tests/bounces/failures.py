"""Ten ways for mail to fail, as a scripted server says them, and the class each is to get.

Each has a domain of its own, rNN.example.net, and mail to it a sender of its own, nNN@example.com; the names say nothing
of the failure, and no words here have served for a rule of bounce-classes.toml."""

import dataclasses

SIZE_MAX = 4000  # the server's, where it has one


@dataclasses.dataclass(frozen=True)
class Failure:
    number: int
    name: str
    expected: str        # the class
    at: str = ""         # RCPT or DATA (its end): where the reply is given
    reply: tuple = ()    # its lines
    size: int = 0        # of the body, in bytes
    exists: bool = True  # the domain

    @property
    def domain(self):
        return f"r{self.number:02}.example.net"

    @property
    def sender(self):
        return f"n{self.number:02}@example.com"


FAILURES = [
    Failure(1, "no-such-user", "hard", "RCPT",
            ("550 5.1.1 <bob@{domain}>: Recipient address rejected: User unknown in virtual mailbox table",)),
    Failure(2, "mailbox-full", "soft", "RCPT", ("552 The mailbox of bob@{domain} is over its quota, try later",)),
    Failure(3, "reputation", "block", "DATA",
            ("554-5.7.1 Mail from 192.0.2.10 is not accepted because of the poor reputation",
             "554-5.7.1 of your network. Please read",
             "554 5.7.1 https://postmaster.{domain}/help?id=4711 and write to us")),
    Failure(4, "dnsbl", "block", "RCPT",
            ("554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using bl.example.org; "
             "https://bl.example.org/q?a=192.0.2.10",)),
    Failure(5, "too-big", "content", size=SIZE_MAX + 2000),
    Failure(6, "content", "content", "DATA",
            ("550 Your message was rejected since it has an attachment of a forbidden type (ref 17)",)),
    Failure(7, "relay-denied", "policy", "RCPT", ("554 5.7.1 <bob@{domain}>: Relay access denied",)),
    Failure(8, "greylisted", "soft", "RCPT", ("450 4.2.0 <bob@{domain}>: Greylisted for 300 seconds",)),
    Failure(9, "no-such-host", "hard", exists=False),
    Failure(10, "dmarc", "policy", "DATA",
            ("550-5.7.26 Unauthenticated email from example.com is not accepted due to the domain's",
             "550-5.7.26 DMARC policy. Please contact the administrator of example.com if this was",
             "550 5.7.26 a legitimate message. https://support.{domain}/mail?p=1")),
]
BY_DOMAIN = {failure.domain: failure for failure in FAILURES}
BY_SENDER = {failure.sender: failure for failure in FAILURES}
