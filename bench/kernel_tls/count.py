#!/usr/bin/env python3
"""Counts what TLS costs with records made by the library and by the kernel: instructions of the gateway, its own and
the kernel's for it, and bytes of bulk copies, per MiB of mail in each direction, and per connection.

For machines whose kernel has no TLS and whose processor does not count: everything runs on Debian's kernel in an
emulated machine (tools/tcg-run), where the same work is the same number of instructions. Instructions are not time:
one that does a round of AES or moves 32 bytes is one like any other.

What is said of a direction is the difference between runs that differ in that direction alone; the rest of the work
(SMTP, the store, the other direction) is in both and falls out.
"""

import argparse
import collections
import datetime
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench/kernel_tls"))
import guest  # noqa: E402

MIB = 1 << 20
GUEST_SECONDS = 3000
# Name, TLS in, TLS out, ktls. With one direction in clear "on" moves both sides of the other's connections.
CASES = [("clear", False, False, "off"),
         ("in: library", True, False, "off"), ("in: kernel", True, False, "on"),
         ("out: library", False, True, "off"), ("out: kernel", False, True, "on")]


# --- From marks to sums

class Sums:
    """Up to a mark: of the gateway's process, and of the machine but for the program that marks. `parts`: the gateway's
    own instructions by the file of the code; the kernel's by module, for all processes."""

    def __init__(self, mark, counted, modules):
        places, ours = Places(mark["gateway"]), Places(mark["guest"])
        self.sums, self.parts = collections.Counter(), collections.Counter()
        for tag, sums in counted["owners"].items():
            if tag in ours.tags:
                continue
            for name, value in sums.items():
                if tag in places.tags:
                    self.sums[name] += value
                self.sums["machine_" + name] += value
        for page, value in counted["pages"].items():
            address = int(page, 16)
            part = modules.name(address) if address >> 63 else places.name(address)
            if part:
                self.parts[part] += value

    def __sub__(self, other):
        difference = object.__new__(Sums)
        difference.sums, difference.parts = self.sums.copy(), self.parts.copy()
        difference.sums.subtract(other.sums)
        difference.parts.subtract(other.parts)
        return difference

    @staticmethod
    def median(several):
        """Of each sum by itself."""
        middle = object.__new__(Sums)
        middle.sums, middle.parts = (
            collections.Counter({name: statistics.median(counts[name] for counts in all_counts)
                                 for name in set().union(*all_counts)})
            for all_counts in ([one.sums for one in several], [one.parts for one in several]))
        return middle

    def __truediv__(self, divisor):
        share = object.__new__(Sums)
        share.sums, share.parts = (collections.Counter({key: value / divisor for key, value in counts.items()})
                                   for counts in (self.sums, self.parts))
        return share


class Places:
    """Where a process has which code; the lines are those of /proc/PID/maps."""

    def __init__(self, lines):
        self.ranges = []
        for line in lines:
            begin, end = (int(text, 16) for text in line.split()[0].split("-"))
            if not begin >> 63:  # vsyscall
                self.ranges.append((begin, end, pathlib.PurePath(line.split()[-1]).name))
        self.tags = {f"{tag:x}" for begin, end, _ in self.ranges for tag in range(begin >> 28, (end - 1 >> 28) + 1)}

    def name(self, address):
        return next((name for begin, end, name in self.ranges if begin <= address < end), None)


class Modules:
    def __init__(self, text):
        self.ranges = []
        for line in text.splitlines():
            name, size, *_, address = line.split()[:6]
            self.ranges.append((int(address, 16), int(address, 16) + int(size), name))

    def name(self, address):
        return "kernel: " + next((name for begin, end, name in self.ranges if begin <= address < end), "itself")


def read_runs(marks_path, counts_path):
    """By case and work, what the second run of a pair had more than the first: for one message, or one connection."""
    with open(marks_path, encoding="utf-8") as file:
        marks = json.load(file)
    with open(counts_path, encoding="utf-8") as file:
        counted = [json.loads(line) for line in file]
    if len(counted) < len(marks["marks"]):
        raise RuntimeError(f"{len(marks['marks'])} marks were made and {len(counted)} were counted")
    modules = Modules(marks["modules"])
    sums = {mark["label"]: Sums(mark, counts, modules) for mark, counts in zip(marks["marks"], counted)}
    works = {size: many - few for size, (_, few, many) in guest.REUSED.items()}
    pairs = collections.defaultdict(list)
    for label in sums:
        work, _, step = label.rpartition(": ")
        number, _, which = step.partition(" ")
        if which != "many":
            continue
        count = works.get(work.split("/")[1], guest.CONNECTIONS[1] - guest.CONNECTIONS[0])
        start, few, many = (sums[f"{work}: {number} {step}"] for step in ("start", "few", "many"))
        pairs[work].append((many - few - (few - start)) / count)
    return {work: Sums.median(of_work) for work, of_work in pairs.items()}, marks


# --- From sums to tables

def instructions(sums):
    return sums.sums["user"] + sums.sums["kernel"]


def machine(sums):
    return sums.sums["machine_user"] + sums.sums["machine_kernel"]


def per_message(runs, case, size):
    """What TLS adds to a message."""
    return runs[f"{case}/{size}"] - runs[f"clear/{size}"]


def tls_rows(runs):
    for direction, case, maker in (("receive", "in: library", "library"), ("receive", "in: kernel", "kernel"),
                                   ("send", "out: library", "library"), ("send", "out: kernel", "kernel")):
        for size, (size_bytes, *_) in guest.REUSED.items():
            one, other = per_message(runs, case, size), runs[f"{direction_case(direction)}/{size}"]
            share = size_bytes / MIB
            yield {"direction": direction, "records": maker, "size": size,
                   "user_instructions_per_mib": one.sums["user"] / share,
                   "kernel_instructions_per_mib": one.sums["kernel"] / share,
                   "user_moved_bytes_per_byte": one.sums["user_moved"] / size_bytes,
                   "kernel_moved_bytes_per_byte": one.sums["kernel_moved"] / size_bytes,
                   "set_bytes_per_byte": (one.sums["user_set"] + one.sums["kernel_set"]) / size_bytes,
                   "aes_instructions_per_mib": (one.sums["user_aes"] + one.sums["kernel_aes"]) / share,
                   "less_than_library_instructions_per_mib":
                       (instructions(other) - instructions(runs[f"{case}/{size}"])) / share,
                   "less_than_library_percent_of_all":
                       100 * (1 - instructions(runs[f"{case}/{size}"]) / instructions(other)),
                   "less_than_library_machine_instructions_per_mib":
                       (machine(other) - machine(runs[f"{case}/{size}"])) / share,
                   "parts_per_mib": {name: value / share for name, value in one.parts.items()
                                     if abs(value / share) >= 20_000}}


def direction_case(direction):
    return "in: library" if direction == "receive" else "out: library"


def set_up(runs):
    """Of a connection with one small message, what that message itself takes on a reused one left out."""
    def more(case, other):
        differences = [{name: of(runs[f"{case}/{work}"]) - of(runs[f"{other}/{work}"])
                        for name, of in (("instructions", instructions), ("machine_instructions", machine))}
                       for work in ("connections", "4 KiB")]
        return {name: differences[0][name] - differences[1][name] for name in differences[0]}

    return {"in: the kernel in both directions, more than the library": more("in: kernel", "in: library"),
            "out: the kernel in both directions, more than the library": more("out: kernel", "out: library"),
            "in: TLS by the library, more than in clear": more("in: library", "clear")}


def thousands(value):
    return f"{value / 1000:,.0f}"


def table(rows, setups):
    lines = ["| direction | records by | message | own | kernel's | together | less than library | of all, % | "
             "whole machine less | copied a byte: own, kernel's | set a byte | AES |",
             "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for row in rows:
        own, kernel = row["user_instructions_per_mib"], row["kernel_instructions_per_mib"]
        lines.append(" | ".join((
            f"| {row['direction']}", row["records"], row["size"], thousands(own), thousands(kernel),
            thousands(own + kernel), thousands(row["less_than_library_instructions_per_mib"]),
            f"{row['less_than_library_percent_of_all']:.1f}",
            thousands(row["less_than_library_machine_instructions_per_mib"]),
            f"{row['user_moved_bytes_per_byte']:.2f}, {row['kernel_moved_bytes_per_byte']:.2f}",
            f"{row['set_bytes_per_byte']:.2f}",
            thousands(row["aes_instructions_per_mib"]))) + " |")
    lines += ["", "| of a connection, thousands of instructions | gateway | whole machine |", "|---|---:|---:|"]
    lines += [f"| {name} | {thousands(value['instructions'])} | {thousands(value['machine_instructions'])} |"
              for name, value in setups.items()]
    return "\n".join(lines)


def count(bin_dir):
    """(runs, marks) of all cases in one guest."""
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:  # not /tmp: the guest has its own
        work = pathlib.Path(folder)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=gw.example.com", "-keyout", work / "key.pem", "-out",
                        work / "chain.pem"], check=True, capture_output=True)
        (work / "key.pem").chmod(0o600)
        (work / "counts").touch()
        subprocess.run([ROOT / "tools/tcg-run", "-m", "4G", "-t", str(GUEST_SECONDS), "-k", "tls", "-k", "aesni_intel",
                        "-w", work, "-c", work / "counts", "--", "/usr/bin/python3", "-B", guest.__file__,
                        pathlib.Path(bin_dir).resolve(), work, json.dumps(CASES)], check=True)
        return read_runs(work / "marks.json", work / "counts")


def said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def facts(marks):
    """What was counted, and in what."""
    sizes = "; ".join(f"{many - few} messages of {size}" for size, (_, few, many) in guest.REUSED.items())
    return {"commit": said("git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"),
            "kernel": f"{marks['kernel']} on {said('qemu-system-x86_64', '--version').splitlines()[0]}, -cpu max: AES, "
                      "PCLMULQDQ and AVX2 instructions, no VAES",
            "library": said("dpkg-query", "-W", "-f", "${Package} ${Version}", "android-libboringssl"),
            "compiler": said("c++", "--version").partition("\n")[0],
            "work": f"{sizes} on a reused connection, TLS 1.3 with AES-128-GCM, one shard, the store in memory",
            "kernel's records (/proc/net/tls_stat)": ", ".join(
                " ".join(line.split()) for line in marks["tls_stat"].splitlines() if not line.endswith("\t0"))}


HEAD = """Instructions in thousands per MiB of mail, beyond those of the same work in clear: the gateway's own, and the kernel's
in its time. Instructions are not time. "Less than library" is against the library's records in the same direction; "of all" is
its share of all the gateway's instructions in that run; "whole machine" adds client, next hop and the kernel's threads.
Copied: bytes by `rep movs` for each byte of mail, as the kernel and the C library copy what is large; copies by vectors
are among the instructions. Set: the same of `rep stos` (wiped slabs; new pages, which this kernel clears). AES:
instructions of a round.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=ROOT / "build/release/bin", help="where ringpostd and ringpost-bench are")
    parser.add_argument("--out", type=pathlib.Path, help="write the table and all figures to OUT.md and OUT.json")
    options = parser.parse_args()
    started = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    runs, marks = count(options.bin)
    rows, setups = list(tls_rows(runs)), set_up(runs)
    known = facts(marks)
    text = table(rows, setups)
    print(text)
    if options.out:
        options.out.with_suffix(".md").write_text(
            "\n".join([f"# TLS records by the library and by the kernel, counted, {started}", "",
                       *(f"- {name}: {value}" for name, value in known.items()), "", HEAD, text, ""]))
        options.out.with_suffix(".json").write_text(json.dumps({
            "started": started, "facts": known, "rows": rows, "set_up": setups,
            "runs": {name: sums.sums for name, sums in runs.items()}}, indent=1) + "\n")


if __name__ == "__main__":
    main()
