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
         ("out: library", False, True, "off"), ("out: kernel", False, True, "on"), ("out: auto", False, True, "auto")]


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
                                   ("send", "out: library", "library"), ("send", "out: auto", "kernel"),
                                   ("send", "out: kernel", "kernel, replies too")):
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
                   "less_than_library_machine_instructions_per_mib":
                       (machine(other) - machine(runs[f"{case}/{size}"])) / share,
                   "parts_per_mib": {name: value / share for name, value in one.parts.items()
                                     if abs(value / share) >= 20_000}}


def direction_case(direction):
    return "in: library" if direction == "receive" else "out: library"


def set_up(runs):
    """Instructions of a connection whose records the kernel makes beyond one of the library's, the records left out."""
    few = {case: instructions(runs[f"{case}/4 KiB"]) for case, *_ in CASES}

    def more(case, other, work, messages):
        work_difference = instructions(runs[f"{case}/{work}"]) - instructions(runs[f"{other}/{work}"])
        machine_difference = machine(runs[f"{case}/{work}"]) - machine(runs[f"{other}/{work}"])
        machine_few = machine(runs[f"{case}/4 KiB"]) - machine(runs[f"{other}/4 KiB"])
        return {"instructions": work_difference - messages * (few[case] - few[other]),
                "machine_instructions": machine_difference - messages * machine_few}
    # The first 64 KiB, 16 messages, are the library's under auto.
    return {"in, both directions": more("in: kernel", "in: library", "connections", 1),
            "out, both directions": more("out: kernel", "out: library", "connections of 1", 1),
            "out, sending alone": more("out: auto", "out: library", f"connections of {guest.MESSAGES_TO_MOVE}",
                                       guest.MESSAGES_TO_MOVE - 16),
            "a TLS connection in, by the library":
                {"instructions": instructions(runs["in: library/connections"]) - instructions(runs["clear/connections"])
                 - few["in: library"] + few["clear"],
                 "machine_instructions": machine(runs["in: library/connections"]) - machine(runs["clear/connections"])
                 - machine(runs["in: library/4 KiB"]) + machine(runs["clear/4 KiB"])}}


def thousands(value):
    return f"{value / 1000:,.0f}"


def table(rows, setups):
    lines = ["| direction | records by | message | own | kernel's | together | less than library | whole machine less | "
             "copied a byte: own, kernel's | set a byte | AES |", "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for row in rows:
        own, kernel = row["user_instructions_per_mib"], row["kernel_instructions_per_mib"]
        lines.append(" | ".join((
            f"| {row['direction']}", row["records"], row["size"], thousands(own), thousands(kernel), thousands(own + kernel),
            thousands(row["less_than_library_instructions_per_mib"]),
            thousands(row["less_than_library_machine_instructions_per_mib"]),
            f"{row['user_moved_bytes_per_byte']:.2f}, {row['kernel_moved_bytes_per_byte']:.2f}",
            f"{row['set_bytes_per_byte']:.2f}",
            thousands(row["aes_instructions_per_mib"]))) + " |")
    lines += ["", "| of a connection | gateway | whole machine |", "|---|---:|---:|"]
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=ROOT / "build/release/bin", help="where ringpostd and ringpost-bench are")
    parser.add_argument("--out", type=pathlib.Path, help="write the table and all figures to OUT.md and OUT.json")
    options = parser.parse_args()
    runs, marks = count(options.bin)
    rows, setups = list(tls_rows(runs)), set_up(runs)
    text = table(rows, setups)
    print(text)
    if options.out:
        started = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
        options.out.with_suffix(".md").write_text(f"# TLS records by the library and by the kernel, {started}\n\n"
                                                  f"- kernel: {marks['kernel']}, emulated\n\n{text}\n")
        options.out.with_suffix(".json").write_text(json.dumps({
            "kernel": marks["kernel"], "rows": rows, "set_up": setups, "tls_stat": marks["tls_stat"],
            "runs": {name: sums.sums for name, sums in runs.items()}}, indent=1) + "\n")


if __name__ == "__main__":
    main()
