"""The source tree as the tidy tests see it: its files, its libraries and what each may include."""

import functools
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT_SUFFIXES = {".cc", ".h", ".py", ".sh", ".md", ".txt", ".cmake", ".json", ".js", ".toml", ""}


@functools.lru_cache(maxsize=None)
def files():
    """Every file of the project, as paths relative to the root: tracked ones and new ones not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True).stdout.decode()
    names = sorted(set(filter(None, listed.split("\0"))))
    return [pathlib.PurePosixPath(name) for name in names if (ROOT / name).is_file()]


def sources(*suffixes):
    return [path for path in files() if path.suffix in suffixes]


def is_text(path):
    return path.suffix in TEXT_SUFFIXES and "corpus" not in path.parts


@functools.lru_cache(maxsize=None)
def text(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def calls(cmake, name):
    """The arguments of each call of a CMake command, comments removed."""
    code = re.sub(r"#[^\n]*", "", cmake)
    return [found.group(1).split() for found in re.finditer(rf"\b{name}\s*\(([^)]*)\)", code)]


class Libraries:
    """What the link lines say: rp_library(NAME ... DEPS ... PRIVATE_DEPS ...) of each folder."""

    def __init__(self):
        self.folder_of = {}
        self.public = {}
        self.private = {}
        self.programs = {}  # folder: what programs built there link
        for path in files():
            if path.name != "CMakeLists.txt":
                continue
            folder = path.parent
            for words in calls(text(path), "rp_library"):
                self._add(folder, words)
            for words in calls(text(path), "target_link_libraries"):
                linked = {word for word in words[1:] if word.startswith("rp_")}
                self.programs.setdefault(folder, set()).update(linked)

    def _add(self, folder, words):
        name, lists, current = words[0], {}, None
        for word in words[1:]:
            if word in ("DEPS", "PRIVATE_DEPS", "EXCLUDE"):
                current = lists.setdefault(word, set())
            else:
                current.add(word)
        self.folder_of[name] = folder
        self.public[name] = lists.get("DEPS", set())
        self.private[name] = lists.get("PRIVATE_DEPS", set())

    def closure(self, names):
        """The libraries that are seen by who links `names`."""
        seen, left = set(), list(names)
        while left:
            name = left.pop()
            if name in seen or name not in self.folder_of:
                continue
            seen.add(name)
            left.extend(self.public[name])
        return seen

    def folders_for(self, folder):
        """The folders that a source in `folder` may include from; None where no link line speaks of it."""
        own = [name for name, where in self.folder_of.items() if where == folder]
        linked = set(self.programs.get(folder, set()))
        for name in own:
            linked |= {name} | self.public[name] | self.private[name]
        if not own and folder not in self.programs:
            return None
        return {self.folder_of[name] for name in self.closure(linked)} | {folder}


def includes(path):
    """(line number, header, quoted) of each include."""
    found = []
    for number, line in enumerate(text(path).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            found.append((number, match.group(2), match.group(1) == '"'))
    return found


CONTROL = re.compile(r"\s*(if|for|while|switch|do|else|namespace|class|struct|enum|union|extern|try|catch)\b")


def functions(path):
    """(line number, first line, length in lines) of each function, read from the layout clang-format gives:
    a body ends with the first closing brace at the indentation of the line that begins the definition."""
    lines = text(path).splitlines()
    found = []
    for at, line in enumerate(lines):
        if not line.rstrip().endswith("{") or line.lstrip().startswith(("//", "}", "#")):
            continue
        first = at
        # A definition over several lines begins after the line above that ends something else.
        while first > 0 and not re.search(r"([;{}:>]|^\s*|//.*|^#.*)$", lines[first - 1]):
            first -= 1
        head = " ".join(lines[first:at + 1])
        indent = len(lines[first]) - len(lines[first].lstrip())
        if "(" not in head or CONTROL.match(lines[first]) or "= {" in head:
            continue
        end = next((i for i in range(at + 1, len(lines))
                    if lines[i].startswith(" " * indent + "}")), None)
        if end is not None:
            found.append((first + 1, lines[first].strip(), end - first + 1))
    return found
