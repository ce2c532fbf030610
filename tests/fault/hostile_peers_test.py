"""Peers that mean harm, against the real listener: nothing crashes, leaks, hangs longer than its time limit, or is believed;
and an honest agent is served meanwhile."""
import collections
import concurrent.futures
import json
import os
import pathlib
import resource
import socket
import statistics
import struct
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "end_to_end"))
import ssl

from stage import peer, testing
from stage.collector import Collector
from stage.performance import SOURCE
from stage.processes import Processes

AGENT = testing.build_folder() / "daylight-agent"
COLLECTOR = testing.build_folder() / "daylight-collector"
REPORT = "/agent/v1/report"
COLUMNS = "application/vnd.daylight.report+cbor+zstd"
MEMORY_CEILING = 400 << 20    # octets: 256 MiB of announced bodies, and what is there anyway
TODAY = time.strftime("%Y-%m-%d", time.gmtime())


def report(agent, revision=1, **changes):
    """A good report of one cell, as the example of shared/wire/FORMAT.md."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    return {
        "format": "daylight-report", "version": 1, "agent": agent, "observer": "endpoint", "epoch": "ffeeddccbbaa99887766554433221100",
        "revision_from": revision - 1, "revision_to": revision, "last_receipt": None, "last_store": None, "sent_at": now,
        "agent_version": "0.1.0",
        "counters": {"packets": 812, "packets_dropped": 0, "connections": 5, "connections_unattributed": 0, "cells_dropped": 0,
                     "gap_seconds": 0, "bytes_hidden_road": 0},
        "devices": ["5f" * 32], "persons": ["a0" * 32], "applications": ["firefox"],
        "destinations": [{"host": "app.example.com", "canonical": "d1.edge.example.net", "transport": "tcp", "port": 443}],
        "cells": [{"day": TODAY, "device": 0, "person": 0, "application": 0, "destination": 0, "evidence": "tls_sni", "connections": 2,
                   "bytes_up": 1840, "bytes_down": 52311, "first_seen": f"{TODAY}T00:00:01.000000Z",
                   "last_seen": f"{TODAY}T00:00:02.000000Z", "revision": revision}],
    } | changes


WRONG = [None, True, -1, 1.5, 1e400, 2**64, "", "x" * 300, "\u0000", "\ud800", [], {}, [[]], {"a": {}}, "1970-13-41", "9999-12-31T23:59:60Z"]


def spoilt(document, path=()):
    """Every copy of the document in which one value is of another kind or out of bounds, with the place that was spoilt."""
    value = document
    for step in path:
        value = value[step]
    for wrong in WRONG:
        if path and wrong != value:
            copy = json.loads(json.dumps(document))
            holder = copy
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = wrong
            yield path, wrong, copy
    for step in (value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()):
        yield from spoilt(document, (*path, step))


def bomb(blocks, declared=None):
    """A zstd frame (RFC 8878 section 3.1.1) of RLE blocks: four octets each that unpack to 128 KiB. Its head says `declared`
    octets of content, or nothing of it."""
    frame = struct.pack("<IBB", 0xFD2FB528, 0x00 if declared is None else 0xC0, 0x38)    # window 128 KiB
    frame += b"" if declared is None else struct.pack("<Q", declared)
    block, last = (struct.pack("<I", (128 << 10) << 3 | 1 << 1 | end)[:3] + b"\xa0" for end in (0, 1))
    return frame + block * (blocks - 1) + last


class HostilePeers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = testing.scratch()
        cls.folder = scratch.__enter__()
        cls.addClassCleanup(scratch.__exit__, None, None, None)
        cls.processes = Processes(cls.folder / "processes.json")
        cls.addClassCleanup(cls.processes.stop_all)
        cls.collector = Collector(COLLECTOR, SOURCE / "config", SOURCE / "collector/web/dist", cls.folder / "collector", cls.processes, ports=(0, 0))
        cls.collector.init()
        cls.collector.serve()
        cls.identity, cls.agent = peer.enrol(AGENT, cls.collector, cls.folder / "agent")
        cls.honest = peer.context(cls.identity)

    def tearDown(self):
        self.assertIsNone(self.processes.running["collector"].poll(), "the collector is gone")
        self.assertLess(self.memory("VmHWM"), MEMORY_CEILING)

    @classmethod
    def memory(cls, what):
        status = pathlib.Path(f"/proc/{cls.processes.running['collector'].pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith(what + ":"))) << 10

    def line(self, settings=None, patience=30):
        return peer.Line(self.collector.agents_port, settings or self.honest, patience)

    def post(self, body, kind="application/json", settings=None, path=REPORT):
        with self.line(settings) as line:
            line.send(peer.request(path, body if isinstance(body, bytes) else json.dumps(body).encode(), kind))
            return line.answer()

    def test_tls_before_1_3_gets_no_connection(self):
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.line(peer.context(self.identity, ssl.TLSVersion.TLSv1_2))

    def test_certificates_that_prove_nothing(self):
        authority = self.collector.folder / "data/pki"
        signer = (authority / "ca.pem", authority / "ca.key")
        stranger = "0123456789abcdef0123456789abcdef"
        cases = {
            "none": None,
            "self-signed": peer.forge(self.folder, "self-signed", self.agent),
            "expired": peer.forge(self.folder, "expired", self.agent, authority=signer, start="20200101000000Z", end="20200108000000Z"),
            "not yet": peer.forge(self.folder, "not-yet", self.agent, authority=signer, start="20480101000000Z"),
            "nobody's": peer.forge(self.folder, "nobody", stranger, authority=signer),
            "odd name": peer.forge(self.folder, "odd", "x", authority=signer),
        }
        for name, identity in cases.items():
            with self.subTest(name):
                status, answer = self.post(report(self.agent), settings=peer.context(identity))
                self.assertIn(status, (401, 403), answer)
        status, answer = self.post(report(stranger))
        self.assertEqual(status, 403, answer)

    def test_every_field_spoilt_in_turn(self):
        answers = {}
        good = report(self.agent)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            cases = list(spoilt(good))
            bodies = [json.dumps(body).encode() for _, _, body in cases]
            for (path, wrong, _), (status, answer) in zip(cases, pool.map(self.post, bodies)):
                answers[status] = answers.get(status, 0) + 1
                self.assertIn(status, (200, 400, 403), f"{path} = {wrong!r}: {answer}")
                self.assertTrue(answer.isascii() or answer.decode())
                if status != 200:
                    self.assertTrue(json.loads(answer)["detail"])
        self.assertGreater(answers.get(400, 0), len(cases) // 2, answers)

    def test_structures_that_eat_memory(self):
        for name, body, kind in (
                ("deep arrays", b"[" * 1_000_000, "application/json"),
                ("deep objects", b'{"a":' * 1_000_000, "application/json"),
                ("a bomb of 230 GiB", bomb(1_900_000), COLUMNS),
                ("a bomb that says so", bomb(1_900_000, 1_900_000 << 17), COLUMNS),
                ("a bomb that says 1 MiB", bomb(1_900_000, 1 << 20), COLUMNS),
                ("endless numbers", b'{"version":' + b"9" * 4_000_000 + b"}", "application/json"),
                ("count of cells", b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", COLUMNS)):
            with self.subTest(name):
                begin = time.monotonic()
                status, answer = self.post(body, kind)
                self.assertEqual(status, 400, answer)
                self.assertLess(time.monotonic() - begin, 5)

    def test_oversized_and_endless_requests(self):
        with self.line() as line:
            line.send(b"POST /agent/v1/report HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n")
            self.assertEqual(line.answer()[0], 413)
        with self.line() as line:
            line.send(b"POST /agent/v1/report HTTP/1.1\r\nHost: c\r\nX: " + b"a" * 20_000 + b"\r\n\r\n")
            self.assertEqual(line.answer()[0], 431)
        with self.line() as line:
            line.send(b"POST /agent/v1/report HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
            piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
            sent = 0
            while sent < 64 << 20 and line.send(piece):
                sent += len(piece)
            self.assertLess(sent, 64 << 20, "the collector read without end")

    def test_smuggled_requests(self):
        body = json.dumps(report(self.agent)).encode()
        head = b"POST /agent/v1/report HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\n"
        size = str(len(body)).encode()
        for name, lines in (
                ("length and chunked", b"Content-Length: " + size + b"\r\nTransfer-Encoding: chunked\r\n\r\n"),
                ("two lengths", b"Content-Length: " + size + b"\r\nContent-Length: 3\r\n\r\n"),
                ("a length with a sign", b"Content-Length: +" + size + b"\r\n\r\n"),
                ("a space before the colon", b"Content-Length : " + size + b"\r\n\r\n"),
                ("chunked, not last", b"Transfer-Encoding: chunked, gzip\r\n\r\n"),
                ("a zero in a name", b"X\0: 1\r\nContent-Length: " + size + b"\r\n\r\n")):
            with self.subTest(name), self.line() as line:
                line.send(head + lines + body)
                status, answer = line.answer()
                self.assertIn(status, (400, 413, 415, 501, None), answer)

    def test_names_with_control_characters_are_not_believed(self):
        for host in ("a\nb.example", "a\u001b[31m.example", "<script>.example", "a b.example", "=cmd|' /C calc'!A0", "..", "x" * 300):
            with self.subTest(host):
                document = report(self.agent)
                document["destinations"][0]["host"] = host
                status, answer = self.post(document)
                if status == 200:
                    self.assertTrue(json.loads(answer)["rejected"], answer)
                else:
                    self.assertEqual(status, 400)

    def test_those_who_wait_are_shown_out(self):
        """Nothing said, half a handshake, half a head: closed within the limit of 10 s."""
        def silent():
            with socket.create_connection(("127.0.0.1", self.collector.agents_port), timeout=20) as raw:
                begin = time.monotonic()
                raw.recv(1)
                return time.monotonic() - begin

        def half_a_hello():
            with socket.create_connection(("127.0.0.1", self.collector.agents_port), timeout=20) as raw:
                raw.sendall(bytes.fromhex("16030101fe010001fa0303"))
                begin = time.monotonic()
                raw.recv(1)
                return time.monotonic() - begin

        def drop_by_drop():
            with self.line(patience=2) as line:
                begin = time.monotonic()
                for letter in b"POST /agent/v1/report HTTP/1.1\r\nX: " + b"a" * 100:
                    if not line.send(bytes([letter])):
                        break
                    try:
                        line.tls.settimeout(0.5)
                        if not line.tls.recv(1):
                            break
                    except TimeoutError:
                        continue
                    except OSError:
                        break
                return time.monotonic() - begin

        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            for waited in [pool.submit(guest) for guest in (silent, half_a_hello, drop_by_drop)]:
                self.assertLess(waited.result(), 14)

    def test_a_crowd_does_not_keep_an_honest_agent_waiting(self):
        def latency(rounds=15):
            times = []
            for _ in range(rounds):
                begin = time.monotonic()
                status, answer = self.post(report(self.agent))
                self.assertEqual(status, 200, answer)
                times.append(time.monotonic() - begin)
            return statistics.median(times)

        alone = latency()
        crowd = []
        try:
            for _ in range(800):
                raw = socket.create_connection(("127.0.0.1", self.collector.agents_port), timeout=10)
                raw.sendall(bytes.fromhex("16030101fe010001fa0303"))
                crowd.append(raw)
            beside = latency()
        finally:
            for raw in crowd:
                raw.close()
        self.assertLess(beside, 2 * alone + 0.05, f"alone {alone * 1000:.1f} ms, beside 800 half-open connections {beside * 1000:.1f} ms")

    def test_ten_thousand_idle_connections(self):
        """More than the listener takes, silent, and new ones all the time: an agent is let in within twice its usual time, memory and
        descriptors stay below their ceilings."""
        ceiling = 14_000    # descriptors: 10,000 connections, a tenth more, and files
        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < ceiling:
            self.skipTest(f"the limit of descriptors is below {ceiling}")

        def latency(rounds):
            times = []
            for _ in range(rounds):
                begin = time.monotonic()
                status, answer = self.post(report(self.agent))
                self.assertEqual(status, 200, answer)
                times.append(time.monotonic() - begin)
            return statistics.median(times)

        def visit():
            raw = socket.socket()
            raw.settimeout(10)
            raw.connect(("127.0.0.1", self.collector.agents_port))
            return raw

        alone = latency(25)
        crowd = collections.deque()
        before = self.memory("VmRSS")
        try:
            while len(crowd) < 10_500:
                crowd.append(visit())
            done = threading.Event()

            def others_come():
                while not done.is_set():
                    crowd.append(visit())
                    crowd.popleft().close()
                    time.sleep(0.002)
            come = threading.Thread(target=others_come)
            come.start()
            try:
                beside = latency(25)
                descriptors = len(os.listdir(f"/proc/{self.processes.running['collector'].pid}/fd"))
                memory = self.memory("VmRSS") - before
            finally:
                done.set()
                come.join()
        finally:
            for raw in crowd:
                raw.close()
        print(f"  alone {alone * 1000:.1f} ms, beside {descriptors} descriptors {beside * 1000:.1f} ms; {memory >> 10} KiB more, "
              f"{memory / descriptors / 1024:.1f} KiB each", flush=True)
        self.assertGreater(descriptors, 9_000, "the crowd was not there")
        self.assertLess(descriptors, ceiling)
        self.assertLess(beside, 2 * alone + 0.05)

    def test_the_agent_is_known_by_its_certificate_alone(self):
        """Whatever the others of this class posted: the only observer that is believed to have reported is the enrolled one."""
        status, answer = self.post(report(self.agent))
        self.assertEqual(status, 200, answer)
        rows = [json.loads(line) for line in self.collector.verb("agents", "list", "--format", "jsonl").splitlines()]
        self.assertEqual([row["id"] for row in rows if row["last_report"]], [self.agent])


if __name__ == "__main__":
    testing.main()
