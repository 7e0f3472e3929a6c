"""Parses the message in FOLDER/report as a delivery report and prints what it says, one fact a line."""
import email
import email.policy
import re
import sys

sys.path.insert(0, __file__.rpartition("/")[0])  # -I leaves it out
import serve


def show(folder: str) -> None:
    with open(folder + "/report", "rb") as file:
        raw = file.read()
    lines = raw.split(b"\r\n")
    assert b"\n" not in b"".join(lines) and b"\r" not in b"".join(lines), "bare newline"
    assert max(map(len, lines)) <= 998, "a line is too long"
    print("ascii:", raw.isascii())
    message = email.message_from_bytes(raw, policy=email.policy.SMTP)
    defects = [part.defects for part in message.walk() if part.defects]
    print("defects:", defects)
    for name in ("From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version", "Date"):
        assert len(message.get_all(name)) == 1, name
        print(f"{name}: {message[name]}")
    print("type:", message.get_content_type(), message.get_param("report-type"))
    assert message.is_multipart()
    explanation, status, original = message.get_payload()
    print("explanation:", explanation.get_content_type(), explanation.get_content_charset())
    print(explanation.get_content().replace("\r\n", "\n"))
    print("status:", status.get_content_type())
    # The package knows the parts of message/delivery-status as messages; the global kind it takes for one.
    if status.get_content_type() == "message/delivery-status":
        groups = status.get_payload()
    else:
        body = raw.split(b"message/global-delivery-status", 1)[1].split(b"\r\n\r\n", 1)[1]
        body = body.split(b"\r\n--ringpost", 1)[0]
        groups = [email.message_from_bytes(group + b"\r\n\r\n", policy=email.policy.SMTPUTF8)
                  for group in body.strip().split(b"\r\n\r\n")]
    for group in groups:
        print("group")
        for name, value in group.items():
            print(f"  {name}: {re.sub(chr(13) + '?' + chr(10), '', str(value))}")
    print("original:", original.get_content_type(), original["Content-Transfer-Encoding"])
    if original.get_content_type() in ("message/rfc822", "message/global"):
        inner = original.get_payload(0)
        print("  subject:", inner["Subject"])
        print("  body:", repr(inner.get_payload(decode=True)))
    else:
        print("  text:", repr(original.get_payload(decode=True)))


serve.serve(show)
