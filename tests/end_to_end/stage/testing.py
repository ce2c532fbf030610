"""What the end-to-end tests have in common: a scratch folder, a stage that is always cleared, and skipping aloud."""
import contextlib
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from . import world
from .performance import Performance
from .processes import Processes


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


class Case(unittest.TestCase):
    """A test with a scratch folder and processes of its own, both gone at its end."""

    def setUp(self):
        holder = scratch()
        self.folder = holder.__enter__()
        self.addCleanup(holder.__exit__, None, None, None)
        self.processes = Processes(self.folder / "processes.json")
        self.addCleanup(self.processes.stop_all)

    def wait_for(self, what, condition, patience=30, state=lambda: ""):
        """Until the condition holds; else the test fails, and says `state()`."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if condition():
                return
            time.sleep(0.2)
        self.fail(f"not within {patience} s: {what}; {state()}")

    def refused(self, *command, says, code=1, stdin=None, patience=60, user=None):
        """The command fails with one line that has all the words; it writes nothing else to standard error."""
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=patience, input=stdin, user=user)
        lines = done.stderr.strip().splitlines()
        self.assertEqual(done.returncode, code, f"{command}: {done.stderr}")
        self.assertEqual(len(lines), 1, f"{command}: not one line:\n{done.stderr}")
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, lines[0])
        return done


def main():
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[2:]])
