#!/usr/bin/env python3
"""Writes the corpora of bounce_fuzz and bounce_classes_fuzz, but for the mails of tests/golden/bounces that are copied.

usage: make_bounce_corpus.py CORPUS_FOLDER"""

import base64
import pathlib
import sys

ORIGINAL = "Return-Path: <t@em1.example.com>\nMessage-ID: <m@example.com>\n\nhello\n"
REPORT = ("From: MAILER-DAEMON@mx.example.net\nSubject: x\nMIME-Version: 1.0\n"
          "Content-Type: multipart/report; report-type={kind}; boundary=\"b(\\\"1\"\n\nx\n--b(\"1\n\nfor people\n"
          "--b(\"1\nContent-Type: message/{part}\n{encoding}\n{body}\n--b(\"1\nContent-Type: text/rfc822-headers\n\n"
          + ORIGINAL + "--b(\"1--\n")
STATUS = ("Reporting-MTA: dns; mx.example.net (x)\nOriginal-Envelope-Id: e\n\nOriginal-Recipient: utf-8; j\\x{F6}rg@b.example"
          "\nFinal-Recipient: rfc822;a+2Bb@c.example\nAction: failed (x)\nStatus: 5.1.1\nRemote-MTA: dns; mx\n"
          "Diagnostic-Code: smtp; 550-5.1.1 no\n 550 5.1.1 such user\nFinal-Recipient: x@y.example\nAction: delayed\n")


def report(part, body, kind="delivery-status", encoding=""):
    return REPORT.format(kind=kind, part=part, body=body, encoding=encoding)


def mail(fields, text):
    return f"{fields}\n\n{text}"


def bounces():
    yield "status", report("delivery-status", STATUS)
    yield "status-base64", report("global-delivery-status", base64.b64encode(STATUS.encode()).decode(),
                                  encoding="Content-Transfer-Encoding: base64\n")
    yield "status-qp", report("delivery-status", "Final-Recipient: rfc822;=41@b.example=\n\nAction: relayed=XX\n",
                              encoding="Content-Transfer-Encoding: quoted-printable\n")
    yield "feedback", report("feedback-report", "Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\n"
                             "Original-Mail-From: <t@em1.example.com>\nOriginal-Rcpt-To: <bob@example.net>\n")
    yield "disposition", report("disposition-notification", "Final-Recipient: rfc822;a@b.example\n"
                                "Disposition: automatic-action/MDN-sent-automatically; deleted\n")
    yield "nested", ("From: a@b.example\nContent-Type: multipart/mixed; boundary=o\n\n--o\n"
                     + report("delivery-status", STATUS).partition("MIME-Version: 1.0\n")[2] + "\n--o--\n")
    yield "away", mail("From: a@b.example\nSubject: Out of office: x\nAuto-Submitted: auto-replied (vacation)", "away\n")
    daemon = "From: MAILER-DAEMON@mx.example.net\nSubject: failure notice"
    yield "qmail", mail(daemon, "Hi. This is the qmail-send program at x.\nI'm afraid I wasn't able to deliver\n\n"
                        "<bob@example.net>:\n192.0.2.1 does not like it.\nRemote host said: 550 no such user (#5.1.1)\n\n"
                        "--- Below this line is a copy of the message.\n\n" + ORIGINAL)
    yield "exim", mail(daemon + "\nX-Failed-Recipients: bob@example.net, c@example.net",
                       "could not be delivered. The following address(es) failed:\n\n  bob@example.net\n    host mx: 550 no\n"
                       "  c@example.net\n\nReturn-Path: <t@em1.example.com>\nMessage-ID: <m@x>\n\nx\n")
    yield "delay", mail("From: Mail Delivery System <mailer-daemon@x.example>\nSubject: Warning: message delayed",
                        "has not been delivered to all of its recipients\n\nBob (bob@example.net)\n 450 4.2.0 later\n")
    yield "html", mail(daemon + "\nContent-Type: text/html",
                       "<style>x</style><p>Failed recipient: &lt;bob@example.net&gt; &amp; &x<br>550 5.1.1 no</p>"
                       "<div>----- original message -----</div>" + ORIGINAL.replace("<", "&lt;").replace("\n", "<br>"))
    yield "nobody", mail("From: <>\nSubject: Undeliverable", "The message was not delivered: mailbox is full\n")
    yield "quoted", mail(daemon, "Recipient address: <\"a b\"@example.net>\nfailed: \"x@y.example\"...\n\n  552 5.2.2 full\n")


def classes():
    yield "rules", ('[[rule]]\nclass = "hard"\ncode = ["550", "5x1"]\nstatus = ["5.1.1", "5.7.x"]\ntext = ["no such", \'a|b\']\n'
                    '[[rule]]\nclass = "soft"\ncode = "4xx"\n\x1e550 5.1.1 no such user\n')
    yield "url", ('[[rule]]\nclass = "block"\ntext = \'see url\'\n\x1e554-5.7.1 see\n554 5.7.1 https://x.example/ a@b.example\n')
    yield "wrong", ('rule = 1\n[[rul]]\n')
    yield "wrong-rule", ('[[rule]]\nclass = "hrd"\ncode = "250"\nstatus = "5.1"\ntext = ["", "(", "a*"]\nx = 1\n[[rule]]\n')
    yield "large", '[[rule]]\nclass = "hard"\ntext = "((((a{99}){9}){9}){9}){9}"\n'
    yield "none", "\x1e450 later\n"
    yield "no-toml", "[[rule]\n"


for name, made in (("bounce", bounces()), ("bounce_classes", classes())):
    for case, text in made:
        (pathlib.Path(sys.argv[1]) / name / case).write_text(text)
