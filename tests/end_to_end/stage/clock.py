"""Another time for one program, by libfaketime."""
import os
import pathlib

LIBRARIES = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))


def missing():
    """Why no program can be given another time here; None where one can."""
    return None if LIBRARIES else "no libfaketime; install Debian's faketime (scripts/install-dependencies tests)"


def environment(offset, **more):
    """`offset`: as libfaketime reads it, such as +18h or -1d, or @ and a moment at which the clock starts. Only what day and hour it is
    changes: files keep their times, and waiting takes as long as ever."""
    return {**os.environ, "LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1", **more}
