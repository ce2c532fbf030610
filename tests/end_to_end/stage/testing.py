"""What the end-to-end tests have in common: a scratch folder, a stage that is always cleared, and skipping aloud."""
import contextlib
import pathlib
import shutil
import sys
import tempfile
import unittest

from . import world
from .performance import Performance


def build_folder():
    return pathlib.Path(sys.argv[1])


def skip(reason):
    print(f"SKIPPED: {reason}", flush=True)
    sys.exit(77)


def skip_without_world():
    reason = world.missing()
    if reason:
        skip(reason)


@contextlib.contextmanager
def scratch():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="daylight-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def performance(folder):
    """A stage of its own beside any demo: other namespaces, other ports."""
    play = Performance(build_folder(), folder, f"daylight-test-{folder.name[-6:]}-", lambda line: print(f"  {line}", flush=True), ports=(0, 0))
    try:
        yield play
    finally:
        play.drop_curtain()


def main():
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[2:]])
