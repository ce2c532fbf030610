"""Who is let in, and until when: revocation reaches live and resumed connections, a copied key is noticed, a lost answer locks
nobody, and the clones of a disk image become agents of their own."""
import concurrent.futures
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import threading
import time
import unittest

from stage import peer, testing
from stage.collector import Collector
from stage.performance import SOURCE
from stage.processes import Processes, run

AGENT = testing.build_folder() / "daylight-agent"
COLLECTOR = testing.build_folder() / "daylight-collector"
CLONES = 50
RACERS = 50


def heartbeat(agent):
    return {
        "format": "daylight-report", "version": 1, "agent": agent, "observer": "endpoint", "epoch": "ee" * 16, "revision_from": 0,
        "revision_to": 0, "last_receipt": None, "last_store": None,
        "sent_at": time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime()), "agent_version": "0.1.0",
        "counters": {"packets": 0, "packets_dropped": 0, "connections": 0, "connections_unattributed": 0, "cells_dropped": 0,
                     "gap_seconds": 0, "bytes_hidden_road": 0},
        "devices": [], "persons": [], "applications": [], "destinations": [], "cells": []}


class Stage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = testing.scratch()
        cls.folder = scratch.__enter__()
        cls.addClassCleanup(scratch.__exit__, None, None, None)
        cls.processes = Processes(cls.folder / "processes.json")
        cls.addClassCleanup(cls.processes.stop_all)
        cls.collector = Collector(COLLECTOR, SOURCE / "config", SOURCE / "collector/web/dist", cls.folder / "collector", cls.processes,
                                  ports=(0, 0))
        cls.collector.init()
        cls.collector.serve()

    def enrol(self, name):
        identity, agent = peer.enrol(AGENT, self.collector, self.folder / name, name)
        return peer.context(identity), agent

    def request_for(self, name):
        """A signing request, and the file of its key."""
        key, request = self.folder / f"{name}.key", self.folder / f"{name}.csr"
        run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
             "-subj", "/CN=x"], what="signing request")
        return request.read_text(), key

    def ask(self, line, path, document):
        line.send(peer.request(path, json.dumps(document).encode()))
        status, body = line.answer()
        return status, json.loads(body) if body else None

    def post(self, settings, path, document):
        with peer.Line(self.collector.agents_port, settings) as line:
            return self.ask(line, path, document)

    def report(self, settings, agent):
        status, answer = self.post(settings, "/agent/v1/report", heartbeat(agent))
        return status, (answer or {}).get("detail", "")

    def renew(self, settings, name):
        """The TLS settings of the next certificate."""
        request, key = self.request_for(name)
        status, answer = self.post(settings, "/agent/v1/renew", {"csr_pem": request})
        self.assertEqual(status, 200, answer)
        identity = self.folder / f"{name}.pem"
        identity.write_text(answer["certificate_pem"] + key.read_text())
        return peer.context(identity)

    def listed(self, agent):
        rows = [json.loads(line) for line in self.collector.verb("agents", "list", "--format", "jsonl").splitlines()]
        return next(row for row in rows if row["id"] == agent)


class Certificates(Stage):
    def test_revocation_reaches_a_live_connection(self):
        settings, agent = self.enrol("live")
        with peer.Line(self.collector.agents_port, settings) as line:
            self.assertEqual(self.ask(line, "/agent/v1/report", heartbeat(agent))[0], 200)
            self.assertEqual(self.ask(line, "/agent/v1/report", heartbeat(agent))[0], 200)
            self.collector.verb("agents", "revoke", agent)
            status, answer = self.ask(line, "/agent/v1/report", heartbeat(agent))
            self.assertEqual(status, 403, answer)
            self.assertIn("was revoked", answer["detail"])

    def test_revocation_reaches_a_resumed_session(self):
        settings, agent = self.enrol("resumed")
        with peer.Line(self.collector.agents_port, settings) as line:
            self.assertEqual(self.ask(line, "/agent/v1/report", heartbeat(agent))[0], 200)
            session = line.tls.session

        def resume():
            line = peer.Line.__new__(peer.Line)
            line.raw = socket.create_connection(("127.0.0.1", self.collector.agents_port), timeout=30)
            line.tls = settings.wrap_socket(line.raw, session=session)
            return line

        with resume() as line:
            self.assertTrue(line.tls.session_reused)
            self.assertEqual(self.ask(line, "/agent/v1/report", heartbeat(agent))[0], 200)
        self.collector.verb("agents", "revoke", agent)
        with resume() as line:
            status, answer = self.ask(line, "/agent/v1/report", heartbeat(agent))
            self.assertEqual(status, 403, answer)

    def test_a_lost_answer_locks_nobody(self):
        settings, agent = self.enrol("unlucky")
        for attempt in range(3):
            self.renew(settings, f"unlucky-{attempt}")    # never used
            self.assertEqual(self.report(settings, agent)[0], 200)
        newest = self.renew(settings, "unlucky-newest")
        for _ in range(2):
            self.assertEqual(self.report(newest, agent)[0], 200)
        self.assertEqual(self.listed(agent)["state"], "reporting")

    def test_a_copied_key_locks_its_agent_alone_and_is_told(self):
        original, agent = self.enrol("copied")
        bystander, other = self.enrol("bystander")
        self.assertEqual(self.report(original, agent)[0], 200)
        thief = self.renew(original, "thief")
        self.assertEqual(self.report(thief, agent)[0], 200)
        status, detail = self.report(original, agent)
        self.assertEqual(status, 403)
        self.assertIn("its key was copied", detail)
        self.assertEqual(self.report(thief, agent)[0], 403)
        self.assertEqual(self.post(thief, "/agent/v1/renew", {"csr_pem": self.request_for("again")[0]})[0], 403)
        self.assertEqual(self.report(bystander, other)[0], 200)
        row = self.listed(agent)
        self.assertEqual(row["state"], "locked")
        self.assertIn("its key was copied", row["remark"])
        self.assertIn(f"agent {agent} is locked", self.collector.log.read_text())
        checks = self.collector.verb("doctor", "--format", "jsonl", ok=(0, 1))
        self.assertIn("1 locked", checks)
        self.collector.verb("verify")

    def test_clones_become_agents_and_the_original_goes_on(self):
        original, agent = self.enrol("image")
        self.assertEqual(self.report(original, agent)[0], 200)
        later = self.renew(original, "image-later")    # the image was taken before
        self.assertEqual(self.report(later, agent)[0], 200)

        def become(number):
            request, key = self.request_for(f"clone{number}")
            wish = {"token": "", "csr_pem": request, "device_name": f"clone-{number:02}", "agent_version": "0.1.0", "observer": "endpoint"}
            status, answer = self.post(original, "/agent/v1/enroll", wish)
            self.assertEqual(status, 200, answer)
            repeated = self.post(original, "/agent/v1/enroll", wish)[1]    # its answer got lost
            self.assertEqual(repeated["agent"], answer["agent"])
            identity = self.folder / f"clone{number}.pem"
            identity.write_text(repeated["certificate_pem"] + key.read_text())
            settings = peer.context(identity)
            self.assertEqual(self.report(settings, answer["agent"]), (200, ""))
            return answer["agent"]

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            clones = list(pool.map(become, range(CLONES)))
        self.assertEqual(len({agent, *clones}), CLONES + 1)
        self.assertEqual(self.report(later, agent)[0], 200)
        self.assertEqual(self.listed(agent)["state"], "reporting")
        self.assertEqual(self.listed(clones[7])["remark"], f"clone of {agent}")
        self.collector.verb("agents", "revoke", agent)
        request, _ = self.request_for("too-late")
        wish = {"token": "", "csr_pem": request, "device_name": "x", "agent_version": "0.1.0", "observer": "endpoint"}
        self.assertEqual(self.post(original, "/agent/v1/enroll", wish)[0], 403)

    def test_of_fifty_that_race_for_one_token_one_is_let_in(self):
        def token_of(words):
            return words[words.index("--token") + 1]

        def wish(token, request, number):
            return {"token": token, "csr_pem": request, "device_name": f"racer-{number:02}", "agent_version": "0.1.0", "observer": "endpoint"}

        requests = [self.request_for(f"racer{number}")[0] for number in range(RACERS)]
        for token, winners in ((token_of(self.collector.enrol_command()), 1),
                               (token_of(self.collector.verb("token", "create", "--uses", "7").split()), 7)):
            before = len(self.collector.rows(None, "agents", "list"))
            lines = [peer.Line(self.collector.agents_port, peer.context()) for _ in range(RACERS)]    # all are connected before the first asks
            start = threading.Barrier(RACERS)

            def race(number):
                start.wait()
                with lines[number] as line:
                    return self.ask(line, "/agent/v1/enroll", wish(token, requests[number], number))

            with concurrent.futures.ThreadPoolExecutor(RACERS) as pool:
                answers = list(pool.map(race, range(RACERS)))
            taken = [answer for status, answer in answers if status == 200]
            self.assertEqual(len(taken), winners, answers)
            self.assertEqual(len({answer["agent"] for answer in taken}), winners)
            self.assertEqual({status for status, _ in answers}, {200, 403})
            self.assertEqual(len(self.collector.rows(None, "agents", "list")) - before, winners)
            # The winner asks again, as if the answer had been lost; the others stay outside.
            again = [self.post(peer.context(), "/agent/v1/enroll", wish(token, request, number))[0] for number, request in enumerate(requests)]
            self.assertEqual([status == 200 for status in again], [status == 200 for status, _ in answers])

    def test_nobody_enrols_without_token_or_certificate(self):
        request, _ = self.request_for("nobody")
        wish = {"token": "", "csr_pem": request, "device_name": "x", "agent_version": "0.1.0", "observer": "endpoint"}
        self.assertEqual(self.post(peer.context(), "/agent/v1/enroll", wish)[0], 403)
        forged = peer.context(peer.forge(self.folder, "forged", "0123456789abcdef0123456789abcdef"))
        self.assertEqual(self.post(forged, "/agent/v1/enroll", wish)[0], 403)


class ClonedHost(Stage):
    """The real agent on copies of its data directory, each with a machine-id of its own."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("a machine-id of its own needs root")

    def run_on(self, machine, config):
        file = self.folder / f"machine-id-{machine}"
        file.write_text(f"{machine:032x}\n")
        words = 'mount --bind "$1" /etc/machine-id && shift && exec "$@"'
        done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", words, "sh", file, AGENT, "run", "--once",
                               "--config", config], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def config(self, home):
        names = self.folder / "one.pcap"
        if not names.exists():
            packet = bytes.fromhex("020000000001020000000002" "0800" "4500003d00010000401100000a000001c0000235" "c00000350029 0000".replace(" ", "")
                                   + "123401000001000000000000" "03777777076578616d706c6503636f6d0000010001")
            names.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
                              + struct.pack("<IIII", int(time.time()), 0, len(packet), len(packet)) + packet)
        file = home / "agent.json"
        file.write_text(json.dumps({"collector": self.collector.url, "data_directory": str(home / "data"), "device_name": home.name,
                                    "capture_file": str(names), "dns_only": True}))
        return file

    def agent_of(self, home):
        return json.loads((home / "data/enrolment.json").read_text())["agent"]

    def test_a_copied_data_directory(self):
        home = self.folder / "golden"
        home.mkdir()
        config = self.config(home)
        run([AGENT, *self.collector.enrol_command()[1:], "--config", config], what="enrolment")
        document = json.loads((home / "data/enrolment.json").read_text())
        document["host"] = ""    # as an older agent wrote it
        (home / "data/enrolment.json").write_text(json.dumps(document))
        self.assertNotIn("copy", self.run_on(1, config))
        self.assertNotIn("copy", self.run_on(1, config))
        original = self.agent_of(home)
        cells = self.cells()
        agents = {original}
        for machine in (2, 3, 4):
            clone = self.folder / f"clone-{machine}"
            clone.mkdir()
            shutil.copytree(home / "data", clone / "data")
            said = self.run_on(machine, self.config(clone))
            self.assertIn("becomes an agent of its own", said)
            self.assertNotIn("becomes an agent of its own", self.run_on(machine, self.config(clone)))
            agents.add(self.agent_of(clone))
        self.assertEqual(len(agents), 4)
        self.assertEqual(self.cells(), cells + 3, "each clone reports its own and nothing of the original's")
        self.run_on(1, config)
        self.assertEqual(self.agent_of(home), original)
        self.assertEqual(self.listed(original)["state"], "reporting")

    def cells(self):
        return int(next(line.split()[1] for line in self.collector.verb("verify").splitlines() if line.startswith("cells ")))


if __name__ == "__main__":
    testing.main()
