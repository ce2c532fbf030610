"""One agent for each device: enrolled once, run over its capture of the earlier days, then live in its network namespace."""
import concurrent.futures
import json
import pathlib

from .processes import StageError, run


class Agents:
    def __init__(self, program, folder, world, traffic, collector, processes, employees):
        self.program, self.folder, self.world = program, pathlib.Path(folder), world
        self.traffic, self.collector, self.processes = traffic, collector, processes
        self.folder.mkdir(parents=True, exist_ok=True)
        # The employees' account names, seen by what runs under `unshare` only: the machine's own passwd is not touched.
        self.passwd = self.folder / "passwd"
        self.passwd.write_text(pathlib.Path("/etc/passwd").read_text() + employees)

    def as_if_employees_had_accounts(self, *command):
        script = 'mount --bind "$1" /etc/passwd && shift && exec "$@"'
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", self.passwd, *command]

    def config(self, device, **settings):
        """Writes a configuration of the device's agent; all of them share its data directory."""
        home = self.folder / device
        home.mkdir(exist_ok=True)
        kind = "live" if "network_namespace" in settings else "earlier" if settings else "enrol"
        file = home / f"{kind}.json"
        document = {"collector": self.collector.url, "data_directory": str(home / "data"), "device_name": device,
                    "flush_seconds": 1, "report_seconds": 1, "report_jitter": 0.0,
                    "keep_acknowledged_days": 90}    # so that told() has all days
        document.update({key: str(value) for key, value in settings.items()})
        file.write_text(json.dumps(document, indent=1) + "\n")
        return file

    def enrol(self, device, command):
        """`command` is what `daylight-collector token create` printed, word by word."""
        run([self.program, *command[1:], "--config", self.config(device)], what=f"enrolment of {device}")

    def replay(self, device):
        """The earlier days: from the capture to an acknowledged report."""
        config = self.config(device, capture_file=self.traffic.capture(device), capture_identities=self.traffic.identities(device))
        run(self.as_if_employees_had_accounts(self.program, "run", "--once", "--config", config), what=f"earlier days of {device}", timeout=90)

    def told(self, device):
        """Rows of what the collector acknowledged, by the agent's own ledger."""
        text = run([self.program, "explain", "--format", "jsonl", "--config", self.config(device)], what=f"explain of {device}")
        return [json.loads(line) for line in text.splitlines()]

    def start_live(self, device):
        config = self.config(device, network_namespace=self.world.path(device), interface="eth0")
        self.processes.start(f"agent {device}", self.as_if_employees_had_accounts(self.program, "run", "--config", config),
                             self.folder / device / "agent.log")

    def check_live(self):
        for device in self.world.devices:
            process = self.processes.running[f"agent {device}"]
            if process.poll() is not None:
                lines = (self.folder / device / "agent.log").read_text().strip().splitlines() or ["(no line)"]
                raise StageError(f"the agent of {device} ended: {lines[-1]}")

    def each(self, action, at_once=3, devices=None):
        """The action for every device, or for these, a few at a time."""
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            for done in [pool.submit(action, device) for device in devices or self.world.devices]:
                done.result()
