"""The disk fails (full, broken, a write done by half, an fsync that fails, power that goes) at every operation in turn, below the
collector's stores and below the agent's ledger. Each time: the program says what happened; started again on a sound disk it
opens and holds everything that was acknowledged or committed; and in the end nothing is missing and nothing counts twice.

DAYLIGHT_FAULT_ROUNDS given: at every operation; else at some, chosen by DAYLIGHT_FAULT_SEED."""
import datetime
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "end_to_end"))
from stage import peer, testing  # noqa: E402
from stage.collector import Collector  # noqa: E402
from stage.performance import SOURCE  # noqa: E402
from stage.processes import Processes, StageError, run  # noqa: E402

AGENT = testing.build_folder() / "daylight-agent"
COLLECTOR = testing.build_folder() / "daylight-collector"
DISK = pathlib.Path(sys.argv.pop(2)).resolve()
EVERY = bool(os.environ.get("DAYLIGHT_FAULT_ROUNDS"))
SEED = int(os.environ.get("DAYLIGHT_FAULT_SEED") or time.time())
KINDS = ("enospc", "eio", "short", "sync", "lost")
SAMPLES = 2    # operations of each kind, when not every one is tried
TODAY = time.strftime("%Y-%m-%d", time.gmtime())


class FailingDisk:
    """The environment of a program whose files under `folder` are on a disk that fails at operation `at` in this way."""

    def __init__(self, folder, record, kind="none", at=0):
        self.record = pathlib.Path(record)
        self.record.write_bytes(bytes(4096))
        self.env = {"LD_PRELOAD": str(DISK), "DAYLIGHT_FAULT_UNDER": str(folder), "DAYLIGHT_FAULT_RECORD": str(record),
                    "DAYLIGHT_FAULT_KIND": kind, "DAYLIGHT_FAULT_AT": str(at), "DAYLIGHT_FAULT_SEED": str(SEED + at)}

    @property
    def operations(self):
        return struct.unpack("<Q", self.record.read_bytes()[:8])[0]

    @property
    def failed(self):
        """The operation that failed: "write /path"; empty where none has."""
        return self.record.read_bytes()[8:].split(b"\0")[0].decode()


def moments(kind, operations, chance):
    everything = range(1, operations + 1)
    return everything if EVERY or operations <= SAMPLES else sorted(chance.sample(everything, SAMPLES))


class DiskTest(unittest.TestCase):
    def setUp(self):
        scratch = testing.scratch()
        self.folder = scratch.__enter__()
        self.addCleanup(scratch.__exit__, None, None, None)
        self.processes = Processes(self.folder / "processes.json")
        self.addCleanup(self.processes.stop_all)
        self.collector = Collector(COLLECTOR, SOURCE / "config", SOURCE / "collector/web/dist", self.folder / "collector",
                                   self.processes, ports=(0, 0))
        self.collector.init()
        self.data = self.folder / "collector/data"
        self.chance = random.Random(SEED)


class BelowTheCollector(DiskTest):
    """An agent reports and renews its certificate; what was answered with 2xx is there after the fault."""

    REPORTS, CELLS = 6, 4

    def setUp(self):
        super().setUp()
        self.collector.serve()
        identity, self.agent = peer.enrol(AGENT, self.collector, self.folder / "agent")
        self.settings = peer.context(identity)
        self.collector.stop()
        self.template = self.folder / "template"
        self.data.rename(self.template)
        key, request = self.folder / "key.pem", self.folder / "request.pem"
        run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
             "-subj", "/CN=x"], what="signing request")
        self.request = request.read_text()

    def hosts(self, number):
        return [f"r{number}c{cell}.example.com" for cell in range(self.CELLS)]

    def report(self, number):
        first = number * self.CELLS
        return {
            "format": "daylight-report", "version": 1, "agent": self.agent, "observer": "endpoint", "epoch": "f" * 32,
            "revision_from": first, "revision_to": first + self.CELLS, "last_receipt": None, "last_store": None,
            "sent_at": time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime()), "agent_version": "0.1.0",
            "counters": {"packets": 1, "packets_dropped": 0, "connections": 1, "connections_unattributed": 0, "cells_dropped": 0,
                         "gap_seconds": 0, "bytes_hidden_road": 0},
            "devices": ["5f" * 32], "persons": [], "applications": [],
            "destinations": [{"host": host, "canonical": "", "transport": "tcp", "port": 443} for host in self.hosts(number)],
            "cells": [{"day": TODAY, "device": 0, "person": None, "application": None, "destination": cell, "evidence": "tls_sni",
                       "connections": 1, "bytes_up": 10, "bytes_down": 20, "first_seen": f"{TODAY}T00:00:01.000000Z",
                       "last_seen": f"{TODAY}T00:00:02.000000Z", "revision": first + cell + 1} for cell in range(self.CELLS)]}

    def post(self, path, document):
        """(status, answer); status None where there was no answer."""
        try:
            with peer.Line(self.collector.agents_port, self.settings, patience=10) as line:
                line.send(peer.request(path, json.dumps(document).encode()))
                status, body = line.answer()
                return status, json.loads(body) if status else None
        except OSError:
            return None, None

    def serve(self, disk=None):
        """False where it does not come up; it has said why."""
        environment = {**os.environ, **(disk.env if disk else {})}
        try:
            self.collector.serve(env=environment)
            return True
        except StageError:
            return False

    def work(self):
        """The hosts of the reports that were acknowledged, and the serial numbers of the certificates."""
        hosts, certificates = set(), []
        for number in range(self.REPORTS):
            if self.post("/agent/v1/report", self.report(number))[0] == 200:
                hosts.update(self.hosts(number))
            if number % 3 == 1:
                status, answer = self.post("/agent/v1/renew", {"csr_pem": self.request})
                if status == 200:
                    certificates.append(answer["certificate_pem"])
        return hosts, certificates

    def held_hosts(self):
        with sqlite3.connect(f"file:{self.data}/usage.sqlite?mode=ro", uri=True) as store:
            return {host for host, in store.execute("SELECT host FROM facts JOIN destinations ON destinations.id = destination")}

    def held_serial(self):
        with sqlite3.connect(f"file:{self.data}/state.sqlite?mode=ro", uri=True) as store:
            (document,), = store.execute("SELECT json FROM documents WHERE collection = 'agents' AND key = ?", (self.agent,))
            return json.loads(document)["serial"]

    def serial_of(self, pem):
        told = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=pem, capture_output=True, text=True, check=True).stdout
        return told.strip().split("=")[1].lower().rjust(32, "0")

    def one_round(self, disk):
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(self.template, self.data)
        self.collector.log.write_text("")
        hosts, certificates = self.work() if self.serve(disk) else (set(), [])
        self.processes.stop("collector", how=signal.SIGKILL)
        said = self.collector.log.read_text()

        self.assertTrue(self.serve(), self.collector.log.read_text())    # a sound disk again
        self.collector.verb("verify")
        missing = hosts - self.held_hosts()
        self.assertFalse(missing, "acknowledged, and gone")
        if certificates and self.serial_of(certificates[-1]) != self.held_serial():
            # A later one may have been made whose answer was lost; an earlier one can't stand there.
            self.assertNotIn(self.held_serial(), [self.serial_of(one) for one in certificates[:-1]])
        again, _ = self.work()
        self.assertEqual(again, {host for number in range(self.REPORTS) for host in self.hosts(number)})
        totals = dict(line.split() for line in self.collector.verb("verify").splitlines() if len(line.split()) == 2)
        self.assertEqual((totals["cells"], totals["bytes_up"]), (str(self.REPORTS * self.CELLS), str(self.REPORTS * self.CELLS * 10)))
        self.collector.stop()
        return len(hosts), said

    def test_every_acknowledged_report_is_there(self):
        rounds = refused = 0
        for kind in KINDS:
            counting = FailingDisk(self.data, self.folder / "record", kind)
            self.one_round(counting)
            operations = counting.operations
            self.assertGreater(operations, 5, "the disk was not asked")
            for at in moments(kind, operations, self.chance):
                disk = FailingDisk(self.data, self.folder / "record", kind, at)
                with self.subTest(kind=kind, at=at, seed=SEED):
                    acknowledged, said = self.one_round(disk)
                    rounds += bool(disk.failed)
                    if kind != "lost" and acknowledged < self.REPORTS * self.CELLS:
                        refused += 1
                        self.assertIn(f"{self.data}/", said, f"{disk.failed}: nothing was said")
            print(f"  {kind}: {operations} operations", flush=True)
        print(f"  {rounds} faults, {refused} times reports were refused and the reason was said; seed {SEED}", flush=True)
        self.assertGreater(rounds, len(KINDS))


def question(name, number):
    """A DNS question in an Ethernet frame."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    dns = struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">HH", 1, 1)
    udp = struct.pack(">HHHH", 40000 + number, 53, 8 + len(dns), 0) + dns
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number, 0, 64, 17, 0, bytes((10, 0, 0, 1)), bytes((192, 0, 2, 53))) + udp
    return bytes.fromhex("020000000001020000000002" "0800") + ip


class BelowTheAgent(DiskTest):
    """An agent reads a capture: what was committed is kept, and what the capture holds is counted once."""

    NAMES, TIMES = 30, 3    # how often each is asked for

    def setUp(self):
        super().setUp()
        self.collector.serve()
        self.home = self.folder / "agent"
        self.home.mkdir()
        capture = self.folder / "names.pcap"
        begin = int(time.time()) - 3600
        if datetime.datetime.fromtimestamp(begin, datetime.timezone.utc).strftime("%Y-%m-%d") != TODAY:
            begin += 3500    # just after midnight
        out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
        for number in range(self.NAMES * self.TIMES):
            packet = question(f"n{number % self.NAMES}.example.com", number)
            out += struct.pack("<IIII", begin + number, 0, len(packet), len(packet)) + packet
        capture.write_bytes(out)
        self.config = self.folder / "agent.json"
        self.config.write_text(json.dumps({
            "collector": self.collector.url, "data_directory": str(self.home / "data"), "device_name": "sales-01", "dns_only": True,
            "capture_file": str(capture), "flush_seconds": 1, "report_seconds": 1, "report_jitter": 0}))
        run([AGENT, *self.collector.enrol_command()[1:], "--config", self.config], what="enrolment")
        self.template = self.folder / "enrolled"
        (self.home / "data").rename(self.template)
        self.taken = 0

    def totals(self):
        words = [line.split() for line in self.collector.verb("verify").splitlines()]
        return {pair[0]: int(pair[1]) for pair in words if len(pair) == 2}

    def one_round(self, disk, patience):
        data = self.home / "data"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(self.template, data)
        command = [AGENT, "run", "--once", "--config", self.config]
        with subprocess.Popen(command, env={**os.environ, **disk.env}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as agent:
            try:
                _, said = agent.communicate(timeout=patience)
            except subprocess.TimeoutExpired:
                agent.kill()
                _, said = agent.communicate()
        done = agent.returncode == 0
        self.assertIn(agent.returncode, (0, 1, 137, -signal.SIGKILL), said)
        run(command, what="the agent on a sound disk", timeout=60)
        self.taken += 1
        totals = self.totals()
        self.assertEqual((totals["cells"], totals["connections"]), (self.taken * self.NAMES, self.taken * self.NAMES * self.TIMES), said)
        return done, said

    def test_what_was_committed_is_kept_and_counts_once(self):
        rounds = disturbed = 0
        for kind in KINDS:
            counting = FailingDisk(self.home / "data", self.folder / "record", kind)
            self.assertTrue(self.one_round(counting, 60)[0])
            operations = counting.operations
            self.assertGreater(operations, 5, "the disk was not asked")
            for at in moments(kind, operations, self.chance):
                disk = FailingDisk(self.home / "data", self.folder / "record", kind, at)
                with self.subTest(kind=kind, at=at, seed=SEED):
                    done, said = self.one_round(disk, 3)
                    rounds += bool(disk.failed)
                    if not done and kind != "lost":
                        disturbed += 1
                        self.assertIn(f"{self.home}/data/", said, f"{disk.failed}: nothing was said")
            print(f"  {kind}: {operations} operations", flush=True)
        print(f"  {rounds} faults, {disturbed} times the agent could not go on and said why; seed {SEED}", flush=True)
        self.assertGreater(rounds, len(KINDS))


if __name__ == "__main__":
    testing.main()
