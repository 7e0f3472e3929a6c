"""Rules of the source tree: who includes whom, how long things are, what must not be left behind."""

import pathlib
import re
import unittest

import tree

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 75  # 70 is what we aim at
# Functions that are longer for a reason, as "path: first line". Reviewed; should be empty.
LONG_FUNCTIONS = {
    # One loop that drives the schedule and its model through every operation, side by side.
    "tests/unit/delivery/schedule_test.cc: TEST(ScheduleModelTest, AgreesWithAPlainModel) {",
}

# Headers that only these folders may include: one room owns each outside library.
OWNED_HEADERS = {
    r"liburing(\.h|/)": ("gateway/reactor/", "tests/", "bench/micro/"),
    r"rocksdb/": ("storage/", "tests/", "bench/micro/", "bench/load/commit_command.cc"),
    r"openssl/": ("gateway/tls/", "tests/unit/tls/", "bench/load/handshake_command.cc"),
    r"unbound(-event)?\.h": ("gateway/dns/",),
    r"boost/asio/ssl": (),
    r"boost/": ("gateway/http/", "tests/unit/http/"),
    r"toml\+\+/": ("gateway/app/", "tests/"),
    r"re2/": ("gateway/delivery/", "gateway/mail/"),
}
# These folders decide; they touch no socket, clock, thread or file.
SANS_IO = ("gateway/smtp/", "gateway/mail/", "gateway/identity/", "gateway/delivery/")
OUTSIDE_WORLD = re.compile(
    r"^(sys/(socket|epoll|time|stat|mman)\.h|netinet/|arpa/|netdb\.h|unistd\.h|fcntl\.h|poll\.h|"
    r"pthread\.h|thread|mutex|condition_variable|future|fstream|filesystem|cstdio|stdio\.h)$")
# ... with these exceptions, reviewed: what shards share must be locked somewhere.
OUTSIDE_WORLD_ALLOWED = {("gateway/delivery/site_budget.h", "mutex"),
                         ("gateway/delivery/site_budget.cc", "mutex")}
CLOCK_CALL = re.compile(r"_clock::now\(|\bclock_gettime\(|\bgettimeofday\(|[^\w.:>]time\((nullptr|NULL|0)\)")


class TreeTest(unittest.TestCase):
    def none(self, wrong):
        if wrong:
            self.fail("\n  " + "\n  ".join(wrong))


class IncludeDirections(TreeTest):
    def test_quoted_includes_follow_the_link_lines(self):
        libraries = tree.Libraries()
        self.assertGreater(len(libraries.folder_of), 8)
        wrong = []
        for path in tree.sources(".cc", ".h"):
            # Tests and micro-benchmarks may look into any room; nothing depends on them.
            free = str(path).startswith(("tests/", "bench/micro/"))
            allowed = None if free else libraries.folders_for(path.parent)
            for line, header, quoted in tree.includes(path):
                if not quoted or header.startswith("absl/"):
                    continue
                if not (tree.ROOT / header).is_file():
                    wrong.append(f"{path}:{line}: \"{header}\" is not a path from the root")
                    continue
                folder = pathlib.PurePosixPath(header).parent
                if allowed is not None and folder not in allowed:
                    wrong.append(f"{path}:{line}: includes {folder}, which its library does not link")
        self.none(wrong)

    def test_every_folder_of_the_product_has_a_link_line(self):
        libraries = tree.Libraries()
        without = {str(path.parent) for path in tree.sources(".cc")
                   if path.parts[0] in ("gateway", "storage", "tools", "bench")
                   and libraries.folders_for(path.parent) is None}
        self.none(sorted(without))

    def test_nothing_in_the_product_includes_tests_bench_or_tools(self):
        wrong = [f"{path}:{line}: {header}"
                 for path in tree.sources(".cc", ".h") if path.parts[0] in ("gateway", "storage")
                 for line, header, quoted in tree.includes(path)
                 if quoted and header.startswith(("tests/", "bench/", "tools/"))]
        self.none(wrong)

    def test_one_room_owns_each_outside_library(self):
        wrong = []
        for path in tree.sources(".cc", ".h"):
            for line, header, _ in tree.includes(path):
                for pattern, rooms in OWNED_HEADERS.items():
                    if re.match(pattern, header) and not str(path).startswith(rooms):
                        wrong.append(f"{path}:{line}: {header}")
        self.none(wrong)

    def test_what_decides_touches_no_socket_clock_thread_or_file(self):
        wrong = []
        for path in tree.sources(".cc", ".h"):
            if not str(path).startswith(SANS_IO):
                continue
            wrong += [f"{path}:{line}: {header}" for line, header, _ in tree.includes(path)
                      if OUTSIDE_WORLD.match(header)
                      and (str(path), header) not in OUTSIDE_WORLD_ALLOWED]
            wrong += [f"{path}:{number}: {line.strip()}"
                      for number, line in enumerate(tree.text(path).splitlines(), 1)
                      if CLOCK_CALL.search(line) and not line.lstrip().startswith("//")]
        self.none(wrong)


class Sizes(TreeTest):
    def test_files(self):
        long = [f"{path}: {count} lines" for path in tree.sources(".cc", ".h", ".py", ".sh", ".js")
                if (count := tree.text(path).count("\n")) > FILE_LINES_MAX]
        self.none(long)

    def test_functions(self):
        found = [(path, *function) for path in tree.sources(".cc", ".h")
                 for function in tree.functions(path)]
        # The reader of layouts must see functions at all, or this test could not fail.
        self.assertGreater(len(found), 500)
        long = [f"{path}:{line}: {count} lines: {first}" for path, line, first, count in found
                if count > FUNCTION_LINES_MAX and f"{path}: {first}" not in LONG_FUNCTIONS]
        self.none(long)


class Leftovers(TreeTest):
    # Spelt so that this file does not hold them.
    WORDS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
    PATHS = re.compile(r"(?<![\w.])/(work|home|farm|Users)/|\.\./shared\b|/tmp/b-")

    def lines_with(self, pattern):
        return [f"{path}:{number}: {line.strip()[:120]}"
                for path in tree.files() if tree.is_text(path) and path.name != "package-lock.json"
                and path != pathlib.PurePosixPath("tests/tidy/test_tree.py")
                for number, line in enumerate(tree.text(path).splitlines(), 1)
                if pattern.search(line)]

    def test_no_words_of_unfinished_work(self):
        self.none(self.lines_with(self.WORDS))

    def test_no_paths_of_one_machine(self):
        self.none(self.lines_with(self.PATHS))


class Habits(TreeTest):
    def test_headers_begin_with_a_comment_and_are_read_once(self):
        wrong = []
        for path in tree.sources(".h"):
            if not tree.text(path).startswith("//"):
                wrong.append(f"{path}: does not begin with a comment that says what it is")
            if "#pragma once" not in tree.text(path):
                wrong.append(f"{path}: no #pragma once")
        self.none(wrong)

    def test_fuzz_targets_and_corpora_belong_together(self):
        folder = pathlib.PurePosixPath("tests/fuzz")
        targets = {path.stem.removesuffix("_fuzz") for path in tree.sources(".cc")
                   if path.parent == folder and path.stem.endswith("_fuzz")}
        corpora = {path.parts[3] for path in tree.files()
                   if path.parts[:3] == ("tests", "fuzz", "corpus") and len(path.parts) > 4}
        self.assertEqual(targets, corpora)

    def test_counters_are_counted(self):
        named = re.findall(r"X\((k\w+),", tree.text(pathlib.PurePosixPath("gateway/base/counters.h")))
        self.assertGreater(len(named), 10)
        code = "\n".join(tree.text(path) for path in tree.sources(".cc", ".h")
                         if path.parts[0] in ("gateway", "storage"))
        unused = [name for name in named if f"Counter::{name}" not in code]
        self.none(unused)

    def test_bounds_are_in_limits(self):
        """A constant named as a bound, with a number of its own, is in limits.h, or is a format's or an
        algorithm's and a comment on it or above it says so."""
        bound = re.compile(r"constexpr\s+[\w:]+\s+k\w*(Max|Limit|MaxDefault|MaxHard)\s*=\s*[\d(]")
        wrong = []
        for path in tree.sources(".cc", ".h"):
            if path.parts[0] not in ("gateway", "storage") or path.name in ("limits.h", "limits_identity.h"):
                continue
            above = ""
            for number, line in enumerate(tree.text(path).splitlines(), 1):
                if bound.search(line) and "//" not in line and not above.lstrip().startswith("//"):
                    wrong.append(f"{path}:{number}: {line.strip()}")
                above = line
        self.none(wrong)


if __name__ == "__main__":
    unittest.main()
