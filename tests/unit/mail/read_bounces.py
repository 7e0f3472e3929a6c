"""What Python's email package reads of the delivery status in each mail of a folder's folders:
PATH, final recipient, action, status, diagnosis, Message-ID of the original; a line each, tabs between them."""

import email
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
for path in sorted(folder.glob("*/*.eml")):
    message = email.message_from_bytes(path.read_bytes())
    original = ""
    for part in message.walk():
        if part.get_content_type() in ("message/rfc822", "text/rfc822-headers"):
            inner = part.get_payload()
            inner = inner[0] if isinstance(inner, list) else email.message_from_string(inner)
            original = original or inner["Message-ID"] or ""
    for part in message.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        for group in part.get_payload():
            if "Final-Recipient" not in group:
                continue
            diagnosis = " ".join(group.get("Diagnostic-Code", "").split())
            print(path.relative_to(folder), group["Final-Recipient"].split(";")[-1].strip(), group["Action"].split()[0],
                  group["Status"].split()[0], diagnosis.partition("; ")[2], original, sep="\t")
