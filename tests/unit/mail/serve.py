"""Answers the requests of python.h: one folder a line on standard input, the answer in FOLDER/answer."""
import contextlib
import io
import os
import sys
import traceback
from typing import Callable


def serve(check: Callable[[str], None]) -> None:
    """Calls check(folder) for each request; what it prints, or how it fails, is the answer."""
    for line in sys.stdin:
        folder = line.rstrip("\n")
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            try:
                check(folder)
            except Exception:  # the answer is the report of the failure
                traceback.print_exc(file=said)
        with open(folder + "/answer.tmp", "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(said.getvalue())
        os.rename(folder + "/answer.tmp", folder + "/answer")
