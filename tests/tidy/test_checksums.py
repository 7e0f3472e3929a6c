"""RocksDB's checksums are made by our function (gateway/decisions/013): its library calls it by way of the dynamic
linker, and the programs that write stores have one of that name to be found first. Either missing, each body would be
summed up by tables, and nothing else would say so."""

import os
import pathlib
import platform
import re
import subprocess
import unittest

BIN = pathlib.Path(os.environ.get("RINGPOST_BIN", "build/release/bin"))
EXTEND = "_ZN7rocksdb6crc32c6ExtendEjPKcm"  # rocksdb::crc32c::Extend(uint32_t, const char*, size_t)


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@unittest.skipUnless(platform.machine() == "x86_64", "only where there is an instruction that the library leaves out")
class Checksums(unittest.TestCase):
    def test_the_library_asks_the_linker(self):
        library = re.search(r"librocksdb\.so\S* => (\S+)", output_of("ldd", BIN / "ringpostd"))
        self.assertIsNotNone(library, "ringpostd does not load RocksDB as a library")
        lines = [line for line in output_of("readelf", "-rW", library[1]).splitlines() if EXTEND in line]
        self.assertTrue(any("JUMP_SLO" in line or "GLOB_DAT" in line for line in lines), lines)

    def test_the_programs_answer(self):
        for name in ("ringpostd", "ringpost"):
            with self.subTest(program=name):
                self.assertRegex(output_of("nm", "-D", "--defined-only", BIN / name), rf" [TW] {EXTEND}\n")


if __name__ == "__main__":
    unittest.main()
