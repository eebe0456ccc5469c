"""`python -m backend` as people type it, in this process: a start of Python costs more than most commands.

In: arguments, and environment variables for this one call. Out: exit status, standard output and error, as of a program
that has ended. Tests of programs that are killed, signalled or attached to start real ones.
"""

import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper

import pytest

from backend.__main__ import main
from backend.cli import console

WIDTH = 220  # so that no message is broken into lines


def backend(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. What a program would show as a traceback is raised here."""
    out, errors = (TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(errors):
        for name, value in (environment | {"COLUMNS": str(WIDTH)}).items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["backend", *arguments])
        patch.setattr(console, "_width", WIDTH)  # it has read COLUMNS when it was made
        try:
            status: object = main()
        except SystemExit as end:
            status = end.code
    assert isinstance(status, int)
    told, complained = (stream.buffer.getvalue().decode() for stream in (out, errors))
    return subprocess.CompletedProcess(["backend", *arguments], status, told, complained)
