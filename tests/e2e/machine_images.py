"""What a machine holds, taken as files: the device of a store and the memory of a process."""

import os
import pathlib
import signal
import subprocess

PAGE = 4096
ZEROS = bytes(PAGE)
PIECE = 1 << 20


class LoopDevice:
    """An ext4 file system in a file, mounted: its freed blocks, its journal and all can be looked at."""

    def __init__(self, folder, mebibytes):
        self.image, self.mount = folder / "disk.img", folder / "disk"
        self.mount.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(mebibytes << 20)
        subprocess.run(["mkfs.ext4", "-q", self.image], check=True)
        subprocess.run(["mount", "-o", "loop", self.image, self.mount], check=True)

    def unmount(self):
        subprocess.run(["umount", "-l", self.mount], check=True)

    def copy(self, path):
        """All blocks as they are, used or free."""
        subprocess.run(["sync", "-f", self.mount], check=True)
        subprocess.run(["cp", "--sparse=always", self.image, path], check=True)


class MemoryImage:
    """All memory a process can read itself, less pages of zeros, in one file; where() says what lay at an offset."""

    def __init__(self, pid, path):
        self.path, self.regions, self.unreadable = pathlib.Path(path), [], []
        os.kill(pid, signal.SIGSTOP)  # so that nothing moves meanwhile
        try:
            with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory, \
                    open(self.path, "wb") as out:
                for line in maps:
                    self.copy_mapping(line.split(None, 5), memory, out)
        finally:
            os.kill(pid, signal.SIGCONT)

    def copy_mapping(self, words, memory, out):
        begin, end = (int(address, 16) for address in words[0].split("-"))
        name = words[5].strip() if len(words) > 5 else "anonymous"
        if not words[1].startswith("r"):
            return
        for at in range(begin, end, PIECE):
            try:
                piece = os.pread(memory.fileno(), min(PIECE, end - at), at)
            except OSError:  # memory of devices: the rings, the kernel's variables
                self.unreadable.append(name)
                return
            if piece.count(0) == len(piece):
                continue
            for offset in range(0, len(piece), PAGE):
                page = piece[offset:offset + PAGE]
                if page != ZEROS:
                    self.regions.append((out.tell(), at + offset, name))
                    out.write(page)

    def where(self, offset):
        page = self.regions[offset // PAGE]
        return f"{page[1] + offset % PAGE:#x} ({page[2]})"
