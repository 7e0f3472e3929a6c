"""For each pair FOLDER/NAME.before, NAME.after: the two must mean the same, and the second must be 7-bit.

Prints "ok NAME" or what differs.
"""
import email
import email.policy
import pathlib
import sys

sys.path.insert(0, __file__.rpartition("/")[0])  # -I leaves it out
import serve


def leaves(message):
    """(type, parameters, decoded bytes) of each part that is no container."""
    for part in message.walk():
        if part.is_multipart():
            yield part.get_content_type(), part.get_params(), part.preamble, part.epilogue
        else:
            yield part.get_content_type(), part.get_params(), part.get_payload(decode=True)


def headers(message):
    return [[(name, value) for name, value in part.items() if name.lower() != "content-transfer-encoding"]
            for part in message.walk()]


def check(before: bytes, after: bytes) -> str:
    body = after.split(b"\r\n\r\n", 1)[1]
    if not body.isascii() or b"\0" in body:
        return "not 7-bit"
    if any(b"\r" in line or b"\n" in line for line in after.split(b"\r\n")):
        return "bare newline"
    parse = lambda raw: email.message_from_bytes(raw, policy=email.policy.compat32)
    one, two = parse(before), parse(after)
    for part in two.walk():
        if part.defects:
            return f"defects: {part.defects}"
        encoding = part["Content-Transfer-Encoding"]
        if encoding is not None and encoding.lower() in ("8bit", "binary"):
            return f"still labelled {encoding}"
        if part.is_multipart() and encoding not in (None, "7bit"):
            return f"a multipart labelled {encoding}"
    if headers(one) != headers(two):
        return "header fields differ"
    first, second = list(leaves(one)), list(leaves(two))
    if first != second:
        return "content differs:\n" + "\n".join(
            f"  {a!r}\n  {b!r}" for a, b in zip(first, second) if a != b) + f"\n  {len(first)} {len(second)}"
    return "ok"


def compare(folder: str) -> None:
    for path in sorted(pathlib.Path(folder).glob("*.before")):
        print(check(path.read_bytes(), path.with_suffix(".after").read_bytes()), path.stem)


serve.serve(compare)
