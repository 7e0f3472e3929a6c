#!/usr/bin/env python3
"""Writes ringpost.toml(5) as scdoc source from the table of keys in gateway/app/CONFIG.md.

Usage: config_page.py CONFIG.md ringpost.toml.5.scd
"""
import sys

HEAD = """ringpost.toml(5)

# NAME

ringpost.toml - configuration of ringpostd

# DESCRIPTION

*ringpostd --config FILE* reads it at start, and again on SIGHUP or *ringpost reload*. Unknown keys and
bad values are errors with file, line, column, key and the accepted values; a reload with errors changes
nothing. *ringpost config check FILE* says all that is wrong with a file.

Sizes are bytes or text such as "64 KiB", "50 MiB", "2 GiB". Times are text: whole numbers with _d_,
_h_, _m_, _s_ or _ms_, such as "5m" or "1h 30m". A network is an address or a CIDR range; where a list is taken, one string will do.

Keys marked _reload_ take effect for sessions and deliveries that begin after a reload; those in hand
keep what they began with. The others are named by the reload and take effect at the next start.

# KEYS

"""

TAIL = """# EXAMPLE

```
[store]
path = "/var/lib/ringpost"

[[region]]
name = "local"

[[listener]]
address = "192.0.2.10:25"
region = "local"

[[trust]]
network = "192.0.2.0/24"

[[route]]
domain = "*"
relay = "relay.example.net:25"
```

# SEE ALSO

*ringpostd*(8), *ringpost*(1)
"""


def plain(text):
    """Text of a Markdown cell with nothing that scdoc would take for markup."""
    text = text.strip().replace("`", "").rstrip(".")
    for special in "\\_*":
        text = text.replace(special, "\\" + special)
    return text


def sentence(text):
    text = plain(text)
    return text[:1].upper() + text[1:] + "."


def main(table, page):
    rows = [line for line in open(table, encoding="utf-8") if line.startswith("|")][2:]
    if not rows:
        sys.exit(f"{table}: no table of keys")
    out = HEAD
    for row in rows:
        cells = [cell.strip() for cell in row.strip().strip("|").split("|")]
        if len(cells) != 5:
            sys.exit(f"{table}: a row without five cells: {row}")
        key, meaning, default, bounds, reload = cells
        out += f"*{plain(key)}*\n\t{sentence(meaning)}"
        if default:
            out += f" Default: {plain(default)}."
        if bounds:
            out += f" Bounds: {plain(bounds)}."
        if reload == "yes":
            out += " _reload_"
        out += "\n\n"
    with open(page, "w", encoding="utf-8") as file:
        file.write(out + TAIL)


main(sys.argv[1], sys.argv[2])
