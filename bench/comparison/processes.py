"""Processor time and memory of a server: of its first process and all that descend from it."""

import ctypes
import os
import pathlib
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
READS_MAX = 20


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


_libc = ctypes.CDLL(None, use_errno=True)


def _run_nanos(pid):
    """The process's CPU clock: time on a processor of all its threads, those that have ended too. In
    nanoseconds: stat's ticks of 10 ms would add up to a second over Postfix's hundred processes."""
    clock = ctypes.c_int()
    error = _libc.clock_getcpuclockid(ctypes.c_int(pid), ctypes.byref(clock))
    if error != 0:
        raise ProcessLookupError(error, f"no process {pid}")
    try:
        return time.clock_gettime_ns(clock.value)
    except OSError as gone:
        raise ProcessLookupError(f"no process {pid}") from gone


def _cpu_seconds(pids):
    total = 0.0
    for pid in pids:
        fields = _stat(pid)
        if fields is None:
            continue
        try:
            total += _run_nanos(pid) / 1e9
        except ProcessLookupError:
            continue
        total += (int(fields[13]) + int(fields[14])) / TICKS_PER_SECOND
    return total


def cpu_seconds(root):
    """Of the living by their CPU clocks, of children that ended by what their parent was left (cutime). Read
    again when a process began or ended meanwhile: it might be counted twice or not at all."""
    pids = tree(root)
    for _ in range(READS_MAX):
        total = _cpu_seconds(pids)
        before, pids = pids, tree(root)
        if sorted(pids) == sorted(before):
            break
    return total


def thread_seconds(pid, name):
    """Of a process's threads of that name, the living ones."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            if (task / "comm").read_text().strip() == name:
                total += int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total / 1e9


def idle_seconds():
    """Of all processors since the start of the machine, waits for the disk included."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return (int(fields[4]) + int(fields[5])) / TICKS_PER_SECOND


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
