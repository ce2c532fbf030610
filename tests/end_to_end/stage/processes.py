"""Processes that the stage starts: each is stopped by its own id, and a later run can stop what an earlier one left."""
import json
import os
import pathlib
import signal
import subprocess
import threading
import time


class StageError(Exception):
    """One line for the person in front of the terminal."""


def run(command, *, what, timeout=60, stdin=None, env=None, ok=(0,)):
    """Runs to the end; returns standard output. A failure names the command's last line of standard error."""
    try:
        done = subprocess.run([str(part) for part in command], input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout, env=env)
    except subprocess.TimeoutExpired:
        raise StageError(f"{what}: not done after {timeout} s: {' '.join(map(str, command))}") from None
    if done.returncode not in ok:
        lines = done.stderr.strip().splitlines() or ["(nothing on standard error)"]
        raise StageError(f"{what}: exit {done.returncode}: {lines[-1]}")
    return done.stdout


def started_at(pid):
    """Start time of a process in clock ticks since boot; None when it is gone. Tells a process from a later one of the same id."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


class Processes:
    """Every process of one stage. `record` remembers them on disk, so that a next run can stop them after a crash."""

    def __init__(self, record):
        self.record = pathlib.Path(record)
        self.running = {}
        self.lock = threading.Lock()

    def start(self, name, command, log, *, stdin=subprocess.DEVNULL, stdout=None, env=None):
        with open(log, "ab") as stderr:
            process = subprocess.Popen([str(part) for part in command], stdin=stdin, stdout=stdout or stderr, stderr=stderr,
                                       env=env, start_new_session=True)
        with self.lock:
            self.running[name] = process
            self.write_record()
        return process

    def write_record(self):
        """Under the lock."""
        rows = [{"name": name, "pid": process.pid, "started": started_at(process.pid)} for name, process in self.running.items()]
        self.record.write_text(json.dumps(rows))

    def stop(self, name, *, how=signal.SIGTERM, patience=15):
        """Returns the exit code (negative: the signal that ended it)."""
        with self.lock:
            process = self.running.pop(name)
            self.write_record()
        if process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for end in (process.stdin, process.stdout):
            if end:
                end.close()
        return process.returncode

    def stop_all(self):
        for process in self.running.values():
            if process.poll() is None:
                process.terminate()
        for name in list(self.running):
            self.stop(name)
        self.record.unlink(missing_ok=True)


def stop_recorded(record):
    """Stops what an earlier run left and wrote down; returns the names. A process id that was reused meanwhile is left alone."""
    record = pathlib.Path(record)
    if not record.exists():
        return []
    stopped = []
    try:
        rows = json.loads(record.read_text())
    except ValueError:
        rows = []
    for row in rows:
        pid = row["pid"]
        if row["started"] is None or started_at(pid) != row["started"]:
            continue
        os.kill(pid, signal.SIGTERM)
        stopped.append((row["name"], pid, row["started"]))
    deadline = time.monotonic() + 5
    for _, pid, started in stopped:
        while started_at(pid) == started:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                break
            time.sleep(0.02)
    record.unlink()
    return [name for name, _, _ in stopped]
