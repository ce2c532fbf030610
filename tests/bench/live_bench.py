"""Measures the live agent between two network namespaces of its own: packets a second without loss, a download, an idle working day,
and who is told right. Prints rows of tab-separated text: name, value, unit, target, verdict. Needs root.

usage: live_bench.py BUILD_FOLDER [--idle SECONDS] [--connections N] [--part packets|download|idle|who]"""
import ast
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(SOURCE / "tests/end_to_end"))
from stage import world  # noqa: E402
from stage.collector import Collector  # noqa: E402
from stage.processes import Processes, run  # noqa: E402

SERVER, CLIENT = "192.0.2.1", "192.0.2.2"
TICKS = os.sysconf("SC_CLK_TCK")


def argument(name, default):
    return int(sys.argv[sys.argv.index(name) + 1]) if name in sys.argv else default


BUILD = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path("build/release")
AGENT, COLLECTOR, PEER = BUILD / "daylight-agent", BUILD / "daylight-collector", BUILD / "tests/bench/peer"
IDLE_SECONDS = argument("--idle", 60)
CONNECTIONS = argument("--connections", 10000)
RATE, SECONDS, OCTETS = 400_000, 8, 270    # with headers 312 octets a packet: 1 Gbit/s
DOWNLOAD = 1_000_000_000


def row(name, value, unit, target, good):
    print(f"{name}\t{value}\t{unit}\t{target}\t{'' if good is None else 'met' if good else 'missed'}", flush=True)


def cpu_seconds(pid):
    """Of all threads; to the microsecond where the kernel tells it, else in ticks."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except OSError:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / TICKS
    return total / 1e9


def memory_mib(pid, key):
    return int(re.search(rf"{key}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.processes = Processes(folder / "processes.json")
        self.prefix = f"daylight-bench-{os.getpid()}-"
        self.here, self.there = self.prefix + "client", self.prefix + "server"

    def build(self):
        for name in (self.here, self.there):
            run(["ip", "netns", "add", name], what="network namespace")
            run(["ip", "-n", name, "link", "set", "lo", "up"], what="loopback")
        run(["ip", "-n", self.here, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", self.there], what="veth pair")
        for name, address in ((self.here, CLIENT), (self.there, SERVER)):
            run(["ip", "-n", name, "addr", "add", f"{address}/24", "dev", "eth0"], what="address")
            run(["ip", "-n", name, "link", "set", "eth0", "up"], what="veth")

    def clear(self):
        self.processes.stop_all()
        world.remove(self.prefix)

    def inside(self, name, *command):
        return ["nsenter", f"--net=/run/netns/{name}", *map(str, command)]

    def serving(self, name, *command):
        process = self.processes.start(f"{command[0]}-{time.monotonic()}", self.inside(self.there, PEER, *command), self.folder / "peer.log", stdout=subprocess.PIPE)
        process.stdout.readline()

    def watched(self, mode, namespace, what):
        """The agent beside `what`: its CPU seconds, peak memory in MiB, rows and what it said."""
        out, log = self.folder / "rows.jsonl", self.folder / "agent.log"
        log.write_text("")
        with open(out, "wb") as rows:
            agent = self.processes.start("agent", self.inside(namespace, AGENT, "observe", "--interface", "eth0", "--mode", mode, "--format", "jsonl"), log, stdout=rows)
            time.sleep(1.5)
            before = cpu_seconds(agent.pid)
            said = what()
            time.sleep(0.6)
            used = cpu_seconds(agent.pid) - before
            peak = memory_mib(agent.pid, "VmHWM")
            self.processes.stop("agent", how=signal.SIGINT)
        return used, peak, [json.loads(line) for line in out.read_text().splitlines()], log.read_text(), said

    def blast(self):
        """Two senders, each of half the rate: one alone is as fast as its core."""
        command = self.inside(self.here, PEER, "blast", SERVER, "9999", RATE // 2, SECONDS, OCTETS)
        senders = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        return [sender.communicate(timeout=120)[0] for sender in senders]

    def whole_trains(self, segments):
        """How many segments the links take as one packet. The sender of datagrams hands the kernel trains of them, which a card would cut:
        with 1 so does the link, and the packets of the wire are seen."""
        for name in (self.here, self.there):
            run(["ip", "-n", name, "link", "set", "eth0", "gso_max_segs", str(segments)], what="segments")

    def packets(self):
        self.serving("hold", "hold", SERVER, "9999")
        self.whole_trains(1)
        for mode, namespace in (("sensor", self.there), ("endpoint", self.here)):
            used, peak, rows, log, said = self.watched(mode, namespace, self.blast)
            sent, seconds = sum(int(line.split()[0]) for line in said), max(float(line.split()[1]) for line in said)
            counted = sum(line["bytes_up"] for line in rows if line["port"] == 9999) // OCTETS
            dropped = re.search(r"(\d+) packets were dropped", log)
            row(f"live, veth, {mode}: packets offered", round(sent / seconds / 1000), "kpps", "400", None)
            row(f"live, veth, {mode}: dropped by the kernel", int(dropped[1]) if dropped else 0, "packets", "0", dropped is None)
            row(f"live, veth, {mode}: sent and not counted", sent - counted, "packets", "0", sent == counted)
            row(f"live, veth, {mode}: CPU for a million packets", round(used / sent * 1e6, 3), "s", "<= 0.35", used / sent * 1e6 <= 0.35)
            row(f"live, veth, {mode}: peak memory", round(peak, 1), "MiB", "", None)
        self.whole_trains(65535)

    def download(self):
        self.serving("download", "download", SERVER, "8443", DOWNLOAD)
        used, peak, rows, log, said = self.watched("endpoint", self.here, lambda: run(
            self.inside(self.here, PEER, "fetch", SERVER, "8443", "download.example"), what="download", timeout=300))
        octets, seconds = int(said.split()[0]), float(said.split()[1])
        counted = sum(line["bytes_down"] for line in rows if line["name"] == "download.example")
        row("download, endpoint: rate", round(octets * 8 / seconds / 1e9, 2), "Gbit/s", "", None)
        row("download, endpoint: CPU of one core", round(100 * used / seconds, 2), "%", "<= 3", used / seconds <= 0.03)
        row("download, endpoint: octets not counted", octets - counted, "octets", "0", octets == counted)

    def idle(self):
        """`run`, enrolled, ledger and reports and all; twenty connections a minute."""
        if not COLLECTOR.exists():
            for what, unit, target in (("CPU of one core", "%", "<= 0.1"), ("memory (RSS)", "MiB", "<= 16")):
                row(f"idle, 20 connections a minute: {what}", "", unit, target, None)
            print(f"live_bench: {COLLECTOR} is missing: idle cost is not measured", file=sys.stderr)
            return
        collector = Collector(COLLECTOR, SOURCE / "config", SOURCE / "collector/web/dist", self.folder / "collector", self.processes, ports=(0, 0))
        collector.init()
        collector.serve()
        config = self.folder / "agent.json"
        config.write_text(json.dumps({"collector": collector.url, "data_directory": str(self.folder / "data"), "device_name": "bench-01",
                                      "network_namespace": f"/run/netns/{self.here}"}))
        subprocess.run([AGENT, *collector.enrol_command()[1:], "--config", config], check=True, capture_output=True)
        self.serving("serve", "serve", SERVER, "8080")
        agent = self.processes.start("agent", [AGENT, "run", "--config", config], self.folder / "run.log")
        time.sleep(5)
        before, begun = cpu_seconds(agent.pid), time.monotonic()
        while time.monotonic() - begun < IDLE_SECONDS:
            run(self.inside(self.here, PEER, "connect", SERVER, "8080", "quiet.example", "1", "20", "own"), what="connection")
            time.sleep(3)
        used, seconds = cpu_seconds(agent.pid) - before, time.monotonic() - begun
        row("idle, 20 connections a minute: CPU of one core", round(100 * used / seconds, 3), "%", "<= 0.1", used / seconds <= 0.001)
        rss = memory_mib(agent.pid, "VmRSS")
        row("idle, 20 connections a minute: memory (RSS)", round(rss, 1), "MiB", "<= 16", rss <= 16)
        self.processes.stop("agent")

    def who(self):
        done = subprocess.run([sys.executable, "-B", SOURCE / "tests/end_to_end/attribution_test.py", BUILD], capture_output=True, text=True,
                              env={**os.environ, "DAYLIGHT_ATTRIBUTION_CONNECTIONS": str(CONNECTIONS)})
        for title, key, kinds in (("kernel records", "with kernel records", (("user", 99), ("process", 99))),
                                  ("kernel records, closed at once", "at once, with kernel records", (("user", 99), ("process", 99))),
                                  ("process watch", "with the process watch", (("user", 95), ("process", 90))),
                                  ("without it", "without", (("user", 95), ("unit", 95), ("process", None)))):
            said = re.search(rf"^  {key}: (\{{.*?\}})", done.stdout, re.MULTILINE)
            count = ast.literal_eval(said[1]) if said else {}
            whole = count.get(("short", "all"), 0)
            for kind, target in kinds:
                share = round(100 * count.get(("short", kind), 0) / whole, 2) if whole else ""
                row(f"{whole} connections < 50 ms, {title}: right {kind}", share, "%", f">= {target}" if target else "null", None if not whole else share >= target if target else share == 0)
            row(f"{whole} connections < 50 ms, {title}: wrong", count.get(("short", "wrong"), ""), "", "0", count.get(("short", "wrong")) == 0)


def main():
    missing = world.missing()
    if missing:
        print(f"live_bench: {missing}: nothing is measured", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="daylight-bench-") as folder:
        bench = Bench(pathlib.Path(folder))
        try:
            bench.build()
            for part in (bench.packets, bench.download, bench.idle, bench.who):
                if "--part" not in sys.argv or sys.argv[sys.argv.index("--part") + 1] == part.__name__:
                    part()
        finally:
            bench.clear()


if __name__ == "__main__":
    if "--help" in sys.argv or "-h" in sys.argv:
        print(__doc__)
    else:
        main()
