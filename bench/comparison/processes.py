"""Processor time and memory of a server: of its first process and all that descend from it."""

import os
import pathlib

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def _stat(pid):
    """The fields of /proc/PID/stat behind the command's name, or None when the process has gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text[text.rindex(")") + 2:].split()


def tree(root):
    """The process and its descendants."""
    if root <= 1:
        raise ValueError(f"{root} is no process of ours")
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(name)) is not None:
            children.setdefault(int(fields[1]), []).append(int(name))
    found, left = [], [root]
    while left:
        pid = left.pop()
        found.append(pid)
        left.extend(children.get(pid, []))
    return found


def _run_nanos(pid):
    """Time on a processor of the process's threads. Finer than stat's ticks of 10 ms, whose rounding would
    add up to a second over Postfix's hundred processes."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total


def cpu_seconds(root):
    """Of the living by their run time, of children that ended by what their parent was left (cutime)."""
    total = 0.0
    for pid in tree(root):
        fields = _stat(pid)
        if fields is None:
            continue
        total += (int(fields[13]) + int(fields[14])) / TICKS_PER_SECOND
        try:
            total += _run_nanos(pid) / 1e9
        except (FileNotFoundError, ProcessLookupError):
            total += (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
    return total


def pss_kib(root):
    """Proportional set size: pages that processes share are counted once."""
    total = 0
    for pid in tree(root):
        try:
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def kernel_slab_kib():
    """Kernel memory in slabs, of the whole machine: sockets are there."""
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("Slab:"):
            return int(line.split()[1])
    return 0
