"""One collector on loopback, set up from config/ in a folder of its own."""
import csv
import json
import os
import pathlib
import shutil
import signal
import socket
import time
import urllib.request

from .processes import StageError, run


def free_port(wanted):
    """The wanted port of 127.0.0.1, or any free one where somebody else listens there."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
            except OSError:
                continue
    raise StageError("no free port on 127.0.0.1")


class Collector:
    def __init__(self, program, config_source, page, folder, processes, *, devices=None, ports=(8443, 8480)):
        self.program, self.folder, self.processes = program, pathlib.Path(folder), processes
        self.config = self.folder / "config" / "collector.json"
        self.log = self.folder / "collector.log"
        self.agents_port, self.api_port = (free_port(port) for port in ports)
        self.tokens = {}
        self._write_config(pathlib.Path(config_source), page, devices)

    def _write_config(self, source, page, devices):
        shutil.copytree(source, self.config.parent)
        settings = json.loads((source / "collector.json").read_text())
        settings["data_directory"] = str(self.folder / "data")
        settings["agents"]["listen"] = f"127.0.0.1:{self.agents_port}"
        settings["api"]["listen"] = f"127.0.0.1:{self.api_port}"
        settings["web"] = str(page)
        # The play is over in a minute, also on a Monday: nobody is still on the way.
        settings["release"] = {"grace_days": 0}
        self.config.write_text(json.dumps(settings, indent=1) + "\n")
        if devices is not None:
            with open(self.config.parent / "devices.csv", "w", newline="") as out:
                rows = csv.writer(out, lineterminator="\n")
                rows.writerow(["device", "unit", "from", "to"])
                rows.writerows([name, unit, "2025-01-01", ""] for name, unit in devices.items())

    @property
    def url(self):
        return f"https://127.0.0.1:{self.agents_port}"

    @property
    def page(self):
        return f"http://127.0.0.1:{self.api_port}"

    def verb(self, *words, what=None, env=None, ok=(0,), stdin=None, timeout=60):
        command = [self.program, words[0], *words[1:], "--config", self.config]
        return run(command, what=what or f"daylight-collector {' '.join(map(str, words))}",
                   env={**os.environ, **(env or {})}, ok=ok, stdin=stdin, timeout=timeout)

    def as_account(self, name, *words, **options):
        """A report verb in the eyes of an account."""
        return self.verb(*words, env={"DAYLIGHT_TOKEN": self.tokens[name]}, **options)

    def rows(self, name, *words):
        """A report verb's rows, as an account or (name None) as anybody sees them."""
        words = (*words, "--format", "jsonl")
        text = self.as_account(name, *words) if name else self.verb(*words)
        return [json.loads(line) for line in text.splitlines()]

    def init(self):
        """The first two accounts are the collector's own making; its tokens are kept for the report verbs."""
        said = dict(line.split(": ", 1) for line in self.verb("init", timeout=120).splitlines() if ": " in line)
        self.pin = said["ca-pin"]
        self.tokens = {name: said[f"{name}-token"] for name in ("administrator", "security")}

    def add_account(self, name, role, *words):
        self.tokens[name] = self.verb("user", "add", name, "--role", role, *words).strip()

    def enrol_command(self, env=None):
        """The words of the command that enrols one agent, with a token that is good once."""
        return self.verb("token", "create", env=env).split()

    def serve(self, env=None):
        self.processes.start("collector", [self.program, "serve", "--config", self.config], self.log, env=env)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.processes.running["collector"].poll() is not None:
                lines = self.log.read_text().strip().splitlines() or ["(no line)"]
                raise StageError(f"the collector does not start: {lines[-1]}")
            if self._listens(self.agents_port) and self._listens(self.api_port):
                return
            time.sleep(0.05)
        raise StageError(f"the collector does not listen after 20 s; see {self.log}")

    @staticmethod
    def _listens(port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def kill(self):
        return self.processes.stop("collector", how=signal.SIGKILL)

    def stop(self):
        return self.processes.stop("collector")

    def get(self, path, account):
        request = urllib.request.Request(self.page + path, headers={"Authorization": f"Bearer {self.tokens[account]}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
