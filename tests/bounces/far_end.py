"""The rest of the world for an MTA in a network of its own: a DNS server, and an SMTP server that refuses mail in ten
ways and keeps the bounces."""

import asyncio
import re
import socketserver
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from failures import BY_DOMAIN, BY_SENDER, FAILURES, SIZE_MAX

ADDRESS = "192.0.2.25"
BOUNCES_ADDRESS = "192.0.2.26"  # where mail to example.com goes
MTA_ADDRESS = "192.0.2.10"
MTA_NAME = "mta.example.org"


class Dns(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        question = dns.message.from_wire(data)
        name = question.question[0].name.to_text().rstrip(".").lower()
        kind = dns.rdatatype.to_text(question.question[0].rdtype)
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA | dns.flags.AA
        known = name == "example.com" or (name in BY_DOMAIN and BY_DOMAIN[name].exists)
        value = None
        if known and kind == "MX":
            value = f"10 mx.{name}."
        elif name == MTA_NAME and kind == "A":
            value = MTA_ADDRESS
        elif name.startswith("mx.") and kind == "A":
            value = BOUNCES_ADDRESS if name == "mx.example.com" else ADDRESS
        elif not known and name != MTA_NAME and not name.startswith("mx."):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        if value:
            answer.answer.append(dns.rrset.from_text(question.question[0].name, 60, "IN", kind, value))
        sock.sendto(answer.to_wire(), self.client_address)


class Smtp:
    """`bounces`: {sender of the original: bytes}."""

    def __init__(self):
        self.bounces, self.said = {}, []

    async def serve(self, reader, writer):
        def say(*lines):
            self.said += lines
            writer.write("".join(line + "\r\n" for line in lines).encode())
        say("220 mx.example.net ESMTP")
        failure, taken, own = None, None, True
        while line := await reader.readline():
            text = line.decode("latin-1").strip()
            self.said.append("> " + text)
            verb = text[:4].upper()
            if verb == "EHLO":
                own = writer.get_extra_info("sockname")[0] == BOUNCES_ADDRESS
                size = "" if own else f" {SIZE_MAX}"
                say("250-mx.example.net", "250-PIPELINING", f"250-SIZE{size}", "250-ENHANCEDSTATUSCODES",
                    "250 8BITMIME")
            elif verb == "RCPT":
                address = re.search("<(.*?)>", text).group(1)
                found = BY_DOMAIN.get(address.split("@")[-1].lower())
                if found and found.at == "RCPT":
                    say(*self.reply(found))
                    continue
                failure, taken = found, address
                say("250 2.1.5 ok")
            elif verb == "DATA":
                if taken is None:
                    say("503 5.5.1 no recipients")
                    continue
                say("354 go on")
                body = b""
                while (line := await reader.readline()) not in (b".\r\n", b""):
                    body += line[1:] if line.startswith(b".") else line
                if failure and failure.at == "DATA":
                    say(*self.reply(failure))
                else:
                    if taken in BY_SENDER:
                        self.bounces.setdefault(taken, body)
                    say("250 2.0.0 taken")
                taken = None
            elif verb == "MAIL" and not own and int((re.findall("SIZE=([0-9]+)", text) or ["0"])[0]) > SIZE_MAX:
                say("552 5.3.4 Message size exceeds fixed limit")
            elif verb == "QUIT":
                say("221 2.0.0 bye")
                break
            else:
                if verb in ("MAIL", "RSET"):
                    taken = None
                say("250 2.0.0 ok")
            await writer.drain()
        writer.close()

    @staticmethod
    def reply(failure):
        return [line.format(domain=failure.domain) for line in failure.reply]

    def start(self):
        async def run():
            server = await asyncio.start_server(self.serve, [ADDRESS, BOUNCES_ADDRESS], 25)
            async with server:
                await server.serve_forever()
        threading.Thread(target=lambda: asyncio.run(run()), daemon=True).start()
        # Wherever a resolver has been told to ask.
        for address in ("127.0.0.1", ADDRESS):
            udp = socketserver.ThreadingUDPServer((address, 53), Dns)
            threading.Thread(target=udp.serve_forever, daemon=True).start()

    def complete(self):
        return len(self.bounces) == len(FAILURES)
