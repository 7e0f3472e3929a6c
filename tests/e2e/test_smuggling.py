"""SMTP smuggling (CVE-2023-51764 and its kin, VU#302671): every variant of dot and line ending.

Each variant goes in between a first message and a smuggled MAIL, RCPT, DATA. Whatever the gateway makes of it,
the Postfix behind it (with its own defence switched off, so that it would fall for what we let through) must
see at most the one message, and the words behind the variant must never become an envelope.
"""

import socket
import unittest

import harness

END = {
    "LF.LF": b"\n.\n", "LF.CRLF": b"\n.\r\n", "CRLF.LF": b"\r\n.\n", "CR.CR": b"\r.\r",
    "CR.CRLF": b"\r.\r\n", "CRLF.CR": b"\r\n.\r", "CR.LF": b"\r.\n", "LF.CR": b"\n.\r",
    "LFCR.LFCR": b"\n\r.\n\r", "LFCR.CRLF": b"\n\r.\r\n", "CRLF.LFCR": b"\r\n.\n\r",
    "CRCRLF.CRCRLF": b"\r\r\n.\r\r\n", "CRLF.CRCRLF": b"\r\n.\r\r\n", "CR.CRCRLF": b"\r.\r\r\n",
    "CRLFLF.CRLF": b"\r\n\n.\r\n", "CRLF.NUL.CRLF": b"\r\n.\0\r\n", "CRLFNUL.CRLF": b"\r\n\0.\r\n",
    "NULCRLF.CRLF-in-line": b"\0\n.\r\n", "CRLFdotdotCRLF": b"\r\n..\r\n", "CRLFdotSPCRLF": b"\r\n. \r\n",
    "CRLFdotTABCRLF": b"\r\n.\t\r\n", "CRLFSPdotCRLF": b"\r\n .\r\n", "CRNUL.": b"\r\0\n.\r\n",
    "VT.VT": b"\x0b.\x0b", "FF.FF": b"\x0c.\x0c", "NEL.NEL": b"\xc2\x85.\xc2\x85",
    "LS.LS": b"\xe2\x80\xa8.\xe2\x80\xa8", "CRLFdotBOMCRLF": b"\r\n.\xef\xbb\xbf\r\n",
    "8bitCRLF": b"\x8d\x8a.\x8d\x8a",
}
SMUGGLED = (b"MAIL FROM:<smuggled@example.com>\r\nRCPT TO:<victim@example.net>\r\nDATA\r\n"
            b"Subject: smuggled\r\n\r\nsmuggled\r\n.\r\n")


def conversation(port, data):
    """One message whose data is `data` up to its true end; all that the server said."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        stream = peer.makefile("rwb")

        def reply():
            lines = []
            while True:
                line = stream.readline()
                lines.append(line)
                if not line or line[3:4] != b"-":
                    return lines[-1]

        def say(line):
            stream.write(line + b"\r\n")
            stream.flush()
            return reply()
        assert reply().startswith(b"220")
        assert say(b"EHLO evil.example.org").startswith(b"250")
        assert say(b"MAIL FROM:<first@example.com>").startswith(b"250")
        assert say(b"RCPT TO:<rcpt@example.net>").startswith(b"250")
        assert say(b"DATA").startswith(b"354")
        stream.write(data)
        stream.flush()
        said = [reply()]
        stream.write(b"QUIT\r\n")
        stream.flush()
        while line := stream.readline():
            said.append(line)
        return said


class Smuggling(harness.Case):
    def check(self, listener_extra):
        sink = self.run_sink()
        postfix = self.run_postfix("hop", f"""
mydestination =
relayhost = [127.0.0.1]:{sink.port}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_forbid_bare_newline = no
smtpd_forbid_unauth_pipelining = no
""")
        daemon = self.run_daemon(postfix.port, listener_extra=listener_extra)
        outcome = {}
        for name, end in END.items():
            seen = len(sink.messages)
            data = (b"Subject: " + name.encode() + b"\r\n\r\nfirst" + end + SMUGGLED)
            said = conversation(daemon.port, data)
            accepted = said[0].startswith(b"250")
            outcome[name] = "accepted" if accepted else said[0].decode().strip()
            self.assertTrue(accepted or said[0].startswith(b"5"), f"{name}: {said}")
            # After the true end there was only QUIT: nothing of the smuggled commands was answered.
            self.assertEqual(len(said), 2, f"{name}: {said}")
            self.assertTrue(said[1].startswith(b"221"), f"{name}: {said}")
            if accepted:
                harness.wait_until(lambda: len(sink.messages) > seen, 20, f"{name} arrives")
        harness.wait_until(lambda: daemon.queued() == 0, 20, "queue empty")
        for message in sink.messages:
            self.assertEqual(message["from"], "first@example.com")
            self.assertEqual(message["to"], ["rcpt@example.net"])
        accepted = sum(1 for word in outcome.values() if word == "accepted")
        self.assertEqual(len(sink.messages), accepted, outcome)
        return outcome

    def test_commands_behind_a_true_end_are_no_smuggling_but_out_of_step(self):
        """CR CRLF.CRLF holds a true end of data: what follows are the client's own commands. Sent ahead of
        DATA's reply they break RFC 2920, and the session ends before anything of them is taken."""
        sink = self.run_sink()
        daemon = self.run_daemon(sink.port)
        said = conversation(daemon.port, b"Subject: x\r\n\r\nfirst\r\r\n.\r\n" + SMUGGLED)
        self.assertTrue(said[0].startswith(b"550 5.6.0"), said)
        self.assertTrue(said[-1].startswith(b"554 5.5.0"), said)
        said = conversation(daemon.port, b"Subject: x\r\n\r\nfirst\r\n.\r\n" + SMUGGLED)
        self.assertTrue(said[0].startswith(b"250 2.0.0"), said)
        self.assertTrue(said[-1].startswith(b"554 5.5.0"), said)
        sink.wait(1)
        self.assertEqual([m["from"] for m in sink.messages], ["first@example.com"])

    def test_refusing(self):
        outcome = self.check("")
        for name, end in END.items():
            text = end.replace(b"\r\n", b"")
            if b"\r" in text or b"\n" in text or b"\0" in text:
                self.assertNotEqual(outcome[name], "accepted", f"{name} has a bare CR, LF or NUL")

    def test_normalising(self):
        outcome = self.check('bare_newlines = "normalise"\n')
        self.assertEqual(outcome["LF.LF"], "accepted")


if __name__ == "__main__":
    unittest.main()
