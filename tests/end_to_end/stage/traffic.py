"""The generator's two ends, run in their namespaces."""
import subprocess

from .processes import StageError

INCOMPLETE = 3  # exit code of daylight-traffic: the recording does not hold what the sockets counted
RECORDINGS = 4


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
        """Records the earlier days of every device, all at once: folder/DEVICE.pcap, .identities.tsv. Where a recording lacks
        something that the sockets counted, that device's days are recorded once more."""
        self._devices("earlier", lambda device: ["--days", "earlier", "--hold", "0", "--at-once", "8",
                                                 "--capture", self.capture(device), "--identities", self.identities(device)])

    def live_day(self, name="today"):
        self._devices(name, lambda device: ["--days", "today", "--hold", "1200"])

    def capture(self, device):
        return self.folder / f"{device}.pcap"

    def identities(self, device):
        return self.folder / f"{device}.identities.tsv"

    def _devices(self, name, arguments):
        again = list(self.world.devices)
        self.truth_files += [self.truth_file(device, name) for device in again]
        for _ in range(RECORDINGS):
            again = self._run(again, name, arguments)
            if not again:
                return
        raise StageError(f"the recording, not the agents or the collector: {', '.join(again)} differs from its own sockets in each of "
                         f"{RECORDINGS} recordings; try again when the machine has less to do. The last: {self.last_line(f'{again[-1]} {name}')}")

    def truth_file(self, device, name):
        return self.folder / f"{device}.{name}.truth.json"

    def _run(self, devices, name, arguments):
        """Returns those whose recording is incomplete."""
        running, incomplete = [], []
        for device in devices:
            truth = self.truth_file(device, name)
            command = self.command(self.world.namespace(device), "device", device, "--truth", truth, *arguments(device))
            label = f"{device} {name}"
            running.append((device, label, self.processes.start(label, command, self.folder / f"{device}.{name}.log")))
        for device, label, process in running:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                raise StageError(f"traffic of {label} is not done after 60 s") from None
            code = self.processes.stop(label)
            if code == INCOMPLETE:
                incomplete.append(device)
            elif code != 0:
                raise StageError(f"traffic of {label} failed: {self.last_line(label)}")
        return incomplete

    def last_line(self, label):
        return ((self.folder / f"{label.replace(' ', '.')}.log").read_text().strip().splitlines() or ["(no line)"])[-1]
