"""The generator's two ends, run in their namespaces."""
import subprocess

from .processes import StageError


class Traffic:
    def __init__(self, program, scenario, today, world, processes, folder):
        self.program, self.scenario, self.today = program, scenario, today
        self.world, self.processes, self.folder = world, processes, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.truth_files = []

    def command(self, namespace, *arguments):
        return ["ip", "netns", "exec", namespace, self.program, "--scenario", self.scenario, "--today", self.today, *arguments]

    def start_internet(self):
        process = self.processes.start("internet", self.command(self.world.internet, "internet"), self.folder / "internet.log",
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ready = process.stdout.readline().decode().strip()
        if not ready.startswith("ready"):
            raise StageError(f"the made-up internet does not start; see {self.folder / 'internet.log'}")
        return ready

    def earlier_days(self):
        """Records the earlier days of every device, all at once: folder/DEVICE.pcap, .identities.tsv."""
        self._devices("earlier", lambda device: ["--days", "earlier", "--hold", "0", "--at-once", "8",
                                                 "--capture", self.capture(device), "--identities", self.identities(device)])

    def live_day(self, name="today"):
        self._devices(name, lambda device: ["--days", "today", "--hold", "1200"])

    def capture(self, device):
        return self.folder / f"{device}.pcap"

    def identities(self, device):
        return self.folder / f"{device}.identities.tsv"

    def _devices(self, name, arguments):
        running = []
        for device in self.world.devices:
            truth = self.folder / f"{device}.{name}.truth.json"
            self.truth_files.append(truth)
            command = self.command(self.world.namespace(device), "device", device, "--truth", truth, *arguments(device))
            label = f"{device} {name}"
            running.append((label, self.processes.start(label, command, self.folder / f"{device}.{name}.log")))
        for label, process in running:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                raise StageError(f"traffic of {label} is not done after 60 s") from None
            if self.processes.stop(label) != 0:
                log = (self.folder / f"{label.replace(' ', '.')}.log").read_text().strip().splitlines() or ["(no line)"]
                raise StageError(f"traffic of {label} failed: {log[-1]}")
