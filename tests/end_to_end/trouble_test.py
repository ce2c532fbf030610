"""Trouble passes: an agent that is killed in the middle of a connection goes on with it (its name stays, it counts once,
and what went by while no agent ran is told by the sequence numbers); a full disk is said and survived.

Runs in network and mount namespaces of its own, where loopback is idle but for what this test does."""
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import time

from stage import testing
from stage.collector import Collector
from stage.performance import SOURCE

AGENT = testing.build_folder() / "daylight-agent"
COLLECTOR = testing.build_folder() / "daylight-collector"
INSIDE = "DAYLIGHT_TEST_INSIDE_NAMESPACE"
REQUEST = b"GET / HTTP/1.1\r\nHost: long.example\r\n\r\n"


# A pcap of LINKTYPE_RAW, and in it a client that sends `request` in segments, answered by acknowledgements.
PCAP_HEAD = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)


def connection(port, request, now=int(time.time())):
    def segment(up, flags, sequence, acknowledged, payload=b""):
        ends = [(b"\x0a\0\0\x02", port), (b"\xc0\0\x02\x01", 80)]
        (source, source_port), (target, target_port) = ends if up else reversed(ends)
        packet = struct.pack(">BBHIBBH4s4s", 0x45, 0, 40 + len(payload), 0x4000, 64, 6, 0, source, target)
        packet += struct.pack(">HHIIBBHI", source_port, target_port, sequence, acknowledged, 0x50, flags, 8192, 0) + payload
        return struct.pack("<IIII", now, 0, len(packet), len(packet)) + packet

    octets = segment(True, 2, 100, 0) + segment(False, 0x12, 900, 101) + segment(True, 0x10, 101, 901)
    for at in range(0, len(request), 1000):
        part = request[at:at + 1000]
        octets += segment(True, 0x18, 101 + at, 901, part) + segment(False, 0x10, 901, 101 + at + len(part))
    return octets


class Trouble(testing.Case):
    def setUp(self):
        super().setUp()
        collector = Collector(COLLECTOR, SOURCE / "config", SOURCE / "collector/web/dist", self.folder / "collector",
                              self.processes, ports=(0, 0))
        collector.init()
        collector.serve()
        self.data = self.folder / "data"
        self.data.mkdir(mode=0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "none", self.data], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.data], check=True)
        self.config = self.folder / "agent.json"
        self.config.write_text(json.dumps({
            "collector": collector.url, "data_directory": str(self.data), "device_name": "sales-01", "interface": "lo",
            "flush_seconds": 1, "report_seconds": 1, "report_jitter": 0}))
        self.agent(*collector.enrol_command()[1:])

    def agent(self, *words):
        return subprocess.run([AGENT, *words, "--config", self.config], check=True, capture_output=True, text=True).stdout

    def status(self):
        rows = [json.loads(line) for line in self.agent("status", "--format", "jsonl").splitlines()]
        return {row["item"]: row["value"] for row in rows}

    def told_by(self, verb):
        return subprocess.run([AGENT, verb, "--config", self.config], capture_output=True, text=True).stderr

    def used(self):
        return [json.loads(line) for line in self.agent("explain", "--format", "jsonl").splitlines()]

    def wait_for(self, what, condition):
        super().wait_for(what, condition, state=lambda: f"{self.status()}; {self.used()}; {(self.folder / 'agent.log').read_text()}")

    def start(self):
        before = self.status().get("packets", 0)
        agent = self.processes.start("agent", [AGENT, "run", "--config", self.config], self.folder / "agent.log")
        self.wait_for("the ledger", (self.data / "ledger.db").exists)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:    # until it watches

            def watches():
                probe.sendto(b"?", ("127.0.0.1", 9))
                return self.status().get("packets", 0) > before

            self.wait_for("watching", watches)
        return agent

    def connect(self, request=REQUEST):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.client = socket.create_connection(listener.getsockname())
            self.server, _ = listener.accept()
        self.addCleanup(self.client.close)
        self.addCleanup(self.server.close)
        self.client.sendall(request)
        self.assertEqual(self.server.recv(1000), request)

    def answer(self, octets):
        self.server.sendall(b"x" * octets)
        left = octets
        while left > 0:
            left -= len(self.client.recv(left))

    def octets_down(self):
        return sum(row["bytes_down"] for row in self.used() if row["host"] == "long.example")

    def test_a_killed_agent_goes_on_with_what_is_open(self):
        agent = self.start()
        self.connect()
        self.answer(1000)
        self.wait_for("the first octets", lambda: self.octets_down() == 1000)
        self.assertGreaterEqual(self.status()["open_connections_kept"], 1)

        agent.send_signal(signal.SIGKILL)
        agent.wait()
        self.answer(20_000)    # nobody watches
        self.start()
        self.answer(300)
        self.wait_for("all octets", lambda: self.octets_down() == 21_300)
        self.client.close()
        self.server.close()
        self.wait_for("the end of it", lambda: self.status()["cells_unsent"] == 0)
        tcp = [row for row in self.used() if row["transport"] == "tcp"]
        self.assertEqual({row["host"] for row in tcp}, {"long.example"})
        self.assertEqual(sum(row["connections"] for row in tcp), 1)
        self.assertEqual(sum(row["bytes_up"] for row in tcp), len(REQUEST))
        self.assertGreater(self.status()["gap_seconds"], 0)

    def doctor(self):
        told = subprocess.run([AGENT, "doctor", "--format", "jsonl", "--config", self.config], capture_output=True, text=True)
        return {row["check"]: row for row in map(json.loads, told.stdout.splitlines())}

    def fill(self):
        """Leaves no room on the disk; returns the file that takes it."""
        ballast = self.data / "ballast"
        with ballast.open("wb", buffering=0) as file, self.assertRaises(OSError):
            while True:
                file.write(b"x" * 4096)
        return ballast

    def test_starting_on_a_full_disk_is_refused_in_one_line(self):
        self.fill()
        for _ in range(2):    # also where the first attempt left a file
            self.refused(AGENT, "run", "--config", self.config, says=[str(self.data), "make room"])
        (self.data / "ballast").unlink()
        self.start()
        self.processes.stop("agent")
        self.fill()    # with a ledger there
        self.refused(AGENT, "run", "--config", self.config, says=[str(self.data), "disk is full", "make room"])

    def test_status_shows_what_it_knows_where_the_ledger_can_not_be_read(self):
        self.start()
        self.processes.stop("agent")
        for file in self.data.glob("ledger.db*"):
            file.write_bytes(b"no ledger" * 1000)
        told = subprocess.run([AGENT, "status", "--config", self.config], capture_output=True, text=True)
        self.assertEqual(told.returncode, 1)
        self.assertIn("certificate_good_until", told.stdout)
        self.assertIn("ledger.db", told.stderr)

    def test_starting_on_a_read_only_disk_is_refused_in_one_line(self):
        self.start()
        self.processes.stop("agent")
        subprocess.run(["mount", "-o", "remount,ro", self.data], check=True)
        self.refused(AGENT, "run", "--config", self.config, says=[str(self.data), "Read-only file system; mount it for writing"])

    def test_a_damaged_ledger_is_set_aside_and_a_new_one_begun(self):
        self.start()
        self.processes.stop("agent")
        with open(self.data / "ledger.db", "r+b") as ledger:
            ledger.write(b"x" * 100)
        self.processes.start("agent", [AGENT, "run", "--config", self.config], self.folder / "agent.log")
        self.wait_for("the new ledger", lambda: (self.data / "ledger.db").read_bytes()[:6] == b"SQLite")
        self.wait_for("watching", lambda: self.status().get("last_booked"))
        status = self.status()
        aside = status["last_ledger_set_aside"].split(":")[0]
        self.assertRegex(aside, r"^ledger\.db\.damaged-\d{8}T\d{6}Z$")
        self.assertEqual((self.data / aside).stat().st_mode & 0o777, 0o600)
        self.assertEqual(status["epoch_began_because"], "the ledger was damaged")
        self.assertEqual(self.doctor()["damaged ledger"]["state"], "warn")
        self.assertIn(aside, self.doctor()["damaged ledger"]["what"])

    def test_everything_in_the_data_directory_is_the_agents_alone(self):
        self.start()
        modes = {file.name: oct(file.stat().st_mode & 0o077) for file in self.data.iterdir()}
        self.assertEqual(set(modes.values()), {"0o0"}, modes)
        self.assertLessEqual({"ledger.db", "ledger.db-wal", "ledger.db-shm", "standing"}, set(modes))

    def test_an_interface_that_goes_away_is_said_and_is_a_gap(self):
        def come():
            subprocess.run(["ip", "link", "add", "tap9", "type", "veth", "peer", "name", "tap8"], check=True)
            for end in ("tap9", "tap8"):
                subprocess.run(["ip", "link", "set", end, "up"], check=True)

        come()
        self.config.write_text(self.config.read_text().replace('"lo"', '"tap9"'))
        self.processes.start("agent", [AGENT, "run", "--config", self.config], self.folder / "agent.log")
        self.wait_for("watching", lambda: self.status().get("last_booked"))
        self.assertIsNone(self.status()["interface_absent"])
        self.assertNotIn("is not there", self.told_by("explain"))
        subprocess.run(["ip", "link", "del", "tap9"], check=True)
        self.wait_for("the absence", lambda: self.status()["interface_absent"] == "tap9")
        since = self.status()["interface_absent_since"]
        source = self.doctor()["source"]
        self.assertEqual(source["state"], "fail")
        self.assertIn(since, source["what"])
        self.assertIn(f"tap9 is not there since {since}", self.told_by("explain"))
        self.wait_for("the gap", lambda: self.status()["gap_seconds"] >= 2)
        come()
        self.wait_for("its return", lambda: self.status()["interface_absent"] is None)
        self.wait_for("the note", lambda: self.status()["last_interface_absence"])
        self.assertIn(since, self.status()["last_interface_absence"])
        self.assertEqual(self.doctor()["interface"]["state"], "warn")
        self.assertIn("nobody watched", self.told_by("explain"))

    def test_a_long_name_makes_no_wide_table(self):
        self.start()
        name = ".".join(["n" * 60] * 4) + ".example"
        self.connect(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % name.encode())
        self.answer(10)
        self.wait_for("the name", lambda: any(row["host"] == name for row in self.used()))
        table = self.agent("explain").splitlines()
        self.assertLessEqual(max(map(len, table)), 200)
        self.assertTrue(any("nnn…" in line for line in table), table)
        self.assertIn(name, self.agent("explain", "--format", "tsv"))

    def test_a_capture_that_grew_is_read_on_and_one_that_begins_alike_is_another(self):
        capture = self.folder / "growing.pcap"
        settings = json.loads(self.config.read_text())
        del settings["interface"]
        self.config.write_text(json.dumps({**settings, "capture_file": str(capture)}))

        def read_again():
            self.agent("run", "--once")
            return {row["host"]: (row["connections"], row["bytes_up"]) for row in self.used()}

        def request(host, body):
            return f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {body}\r\n\r\n".encode() + b"x" * body

        first, second, third = request("one.example", 6000), request("two.example", 10), request("three.example", 10)
        begin = PCAP_HEAD + connection(40001, first)
        self.assertGreater(len(begin), 4096)
        capture.write_bytes(begin)
        expected = {"one.example": (1, len(first))}
        self.assertEqual(read_again(), expected)
        capture.write_bytes(begin + connection(40002, second))
        expected["two.example"] = (1, len(second))
        self.assertEqual(read_again(), expected)
        self.assertEqual(read_again(), expected, "read once more")
        capture.write_bytes(begin + connection(40003, third))    # as long, and the first 6 KiB are the same
        self.assertEqual(read_again(), {"one.example": (2, 2 * len(first)), "two.example": (1, len(second)),
                                        "three.example": (1, len(third))})

    def test_a_full_disk_is_said_and_passes(self):
        agent = self.start()
        self.connect()
        self.answer(1000)
        self.wait_for("the first octets", lambda: self.octets_down() == 1000)
        self.assertNotIn("booking", self.doctor())
        ballast = self.fill()
        self.answer(500)
        # Told at the first attempt to write, not after a silence.
        self.wait_for("the trouble", lambda: self.status()["disk_trouble"])
        status = self.status()
        self.assertIn("full", status["disk_trouble"])
        self.assertGreaterEqual(status["cells_waiting_in_memory"], 1)
        self.assertLess(status["seconds_since_booked"], 8)
        booking = self.doctor()["booking"]
        self.assertEqual(booking["state"], "fail")
        self.assertIn(status["disk_trouble_since"], booking["what"])
        self.assertIn("make room", booking["next"])
        self.assertIn("can't be written", self.told_by("explain"))
        self.answer(70)
        self.assertIsNone(agent.poll())

        ballast.unlink()
        self.wait_for("all octets", lambda: self.octets_down() == 1570)
        self.assertNotIn("booking", self.doctor())
        self.assertEqual(self.doctor()["disk"]["state"], "warn")
        status = self.status()
        self.assertIsNone(status["disk_trouble"])
        self.assertIn("full", status["last_disk_trouble"])
        self.assertEqual((status["cells_dropped"], status["days_behind"]), (0, 0))
        self.assertEqual(sum(row["connections"] for row in self.used() if row["host"] == "long.example"), 1)
        self.assertEqual((self.folder / "agent.log").read_text().count("waits in memory"), 1)


if __name__ == "__main__":
    if INSIDE not in os.environ:
        if os.geteuid() != 0:
            testing.skip("watching an interface needs root")
        probe = subprocess.run(["unshare", "--net", "--mount", "ip", "link", "set", "lo", "up"], capture_output=True, text=True)
        if probe.returncode != 0:
            testing.skip(f"no network namespace can be made: {probe.stderr.strip()}")
        os.environ[INSIDE] = "1"
        words = [sys.executable, "-B", str(pathlib.Path(__file__).resolve()), *sys.argv[1:]]
        os.execvp("unshare", ["unshare", "--net", "--mount", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *words])
    testing.main()
