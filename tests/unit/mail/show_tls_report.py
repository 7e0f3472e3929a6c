"""Checks FOLDER/report.json against the schema, reads the mail that brings it, and prints what both say."""
import email
import email.policy
import gzip
import json
import sys

sys.path[:0] = [__file__.rpartition("/")[0], "/usr/lib/python3/dist-packages"]  # -I and -S leave them out
import serve
import tlsrpt_schema


def show(folder: str) -> None:
    with open(folder + "/report.json", "rb") as file:
        report = file.read()
    try:
        tlsrpt_schema.check(json.loads(report))
        print("schema: fits")
    except Exception as error:
        print("schema:", str(error).splitlines()[0])
    with open(folder + "/mail", "rb") as file:
        raw = file.read()
    assert raw.isascii() and b"\n" not in raw.replace(b"\r\n", b""), "bare newline or 8 bits"
    message = email.message_from_bytes(raw, policy=email.policy.SMTP)
    assert not [part.defects for part in message.walk() if part.defects]
    print("type:", message.get_content_type(), message.get_param("report-type"))
    parts = message.get_payload()
    print("parts:", *(part.get_content_type() for part in parts))
    print("file:", parts[1].get_filename())
    print("same json:", gzip.decompress(parts[1].get_content()) == report)
    for name in ("From", "To", "Subject", "TLS-Report-Domain", "TLS-Report-Submitter", "TLS-Required",
                 "Auto-Submitted"):
        assert len(message.get_all(name)) == 1, name
        print(f"{name}: {message[name]}")


serve.serve(show)
