"""Clocks that are wrong, by libfaketime: the agent's or the collector's is a day off, starts in 1970, runs years ahead. Plausible days are
taken, implausible ones quarantined or too old, each counted; nothing blocks the queue, and nobody is told a lie."""
import datetime
import json
import os
import subprocess
import time

from stage import clock, peer, testing
from stage.collector import Collector
from stage.performance import SOURCE
from stage.recording import Recording

AGENT = testing.build_folder() / "daylight-agent"
COLLECTOR = testing.build_folder() / "daylight-collector"
DAY = 86_400
TODAY = int(time.time()) // DAY


def date(day):
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).isoformat()


class Clocks(testing.Case):
    def setUp(self):
        super().setUp()
        self.collector = Collector(COLLECTOR, SOURCE / "config", SOURCE / "collector/web/dist", self.folder / "collector", self.processes, ports=(0, 0))
        self.collector.init()

    def serve(self, offset=None):
        self.collector.serve(clock.environment(offset) if offset else None)

    def agent(self, day, offset=None, token=None):
        """An agent with ten connections of that day, enrolled by a right clock; `token`: the environment in which its token is made."""
        home = self.folder / f"agent{day}"
        home.mkdir()
        recording = Recording(home / "day.pcap", 1, days=1, hosts=10, connections=10, first=day)
        self.config = home / "agent.json"
        self.config.write_text(json.dumps({"collector": self.collector.url, "data_directory": str(home / "data"), "device_name": home.name,
                                           "capture_file": str(recording.file), "report_seconds": 1, "report_jitter": 0}))
        self.run_agent(*self.collector.enrol_command(token)[1:], "--config", self.config)
        return self.run_agent("run", "--once", "--config", self.config, offset=offset)

    def run_agent(self, *words, offset=None, ok=True):
        done = subprocess.run([str(word) for word in (AGENT, *words)], capture_output=True, text=True, timeout=60,
                              env=clock.environment(offset) if offset else os.environ)
        if ok:
            self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def status(self):
        done = subprocess.run([AGENT, "status", "--format", "jsonl", "--config", self.config], capture_output=True, text=True, timeout=60, check=True)
        return {row["item"]: row["value"] for row in map(json.loads, done.stdout.splitlines())}

    def observer(self):
        return self.collector.rows(None, "agents", "list")[0]

    def held(self):
        return int(next(line.split()[1] for line in self.collector.verb("verify").splitlines() if line.startswith("cells ")))

    def refused(self):
        """(of implausible days, too old): cells that were counted and not held. Counts are written with the next commit."""
        counted = {row["what"]: row["part"] for row in self.collector.rows("security", "coverage")}
        return counted["cells of implausible days"], counted["cells too old"]


class Agents(Clocks):
    def test_a_day_ahead_is_taken_and_remarked_on(self):
        self.serve()
        self.agent(TODAY + 1, "+1d")
        self.assertRegex(self.observer()["remark"], r"^clock 2[34] h ahead; set it$")
        self.assertEqual((self.status()["cells_unsent"], self.held()), (0, 10))

    def test_years_ahead_are_quarantined_and_do_not_block_what_follows(self):
        self.serve()
        self.agent(TODAY + 700)
        self.assertEqual((self.status()["cells_unsent"], self.held()), (0, 0))
        self.agent(TODAY - 1)
        self.assertEqual((self.status()["cells_unsent"], self.held()), (0, 10))
        self.assertEqual(self.refused(), (10, 0))

    def test_what_was_seen_in_1970_is_too_old(self):
        self.serve()
        self.agent(1)
        self.assertEqual((self.status()["cells_unsent"], self.held()), (0, 0))
        self.agent(TODAY - 1)
        self.assertEqual((self.held(), self.refused()), (10, (0, 10)))

    def test_a_clock_that_starts_in_1970_says_so_and_goes_on_when_it_is_set(self):
        self.serve()
        self.agent(TODAY - 1)
        for offset in ("@1970-01-02 00:00:00", "-400d"):
            with self.subTest(offset):
                process = self.processes.start("agent", [AGENT, "run", "--config", self.config], self.folder / "agent.log", env=clock.environment(offset))
                self.wait_for("a word about the clock", lambda: "check this host's clock" in (self.folder / "agent.log").read_text(),
                              state=(self.folder / "agent.log").read_text)
                self.assertIsNone(process.poll())
                self.processes.stop("agent")
                (self.folder / "agent.log").write_text("")
        self.assertEqual(self.held(), 10)
        self.run_agent("run", "--once", "--config", self.config)
        self.assertIsNone(self.status()["trouble"])


class Collectors(Clocks):
    def test_a_collector_a_day_ahead_or_behind(self):
        for offset, side in (("+1d", "behind"), ("-1d", "ahead")):
            with self.subTest(offset):
                self.serve(offset)
                before = self.held()
                self.agent(TODAY - (2 if offset == "+1d" else 1), token=clock.environment(offset))
                self.assertEqual((self.status()["cells_unsent"], self.held() - before), (0, 10))
                remarks = [row["remark"] or "" for row in self.collector.rows(None, "agents", "list")]
                self.assertTrue(any(side in remark for remark in remarks), remarks)
                self.collector.stop()


class Days(Clocks):
    """Raw reports, so that each day is exactly the one that is meant."""

    def report(self, days, **changes):
        cell = {"device": 0, "person": None, "application": None, "destination": 0, "evidence": "tls_sni", "connections": 1, "bytes_up": 1, "bytes_down": 1}
        self.revision += len(days)
        document = {
            "format": "daylight-report", "version": 1, "agent": self.id, "observer": "endpoint", "epoch": "ab" * 16, "revision_from": 0,
            "revision_to": self.revision, "last_receipt": None, "last_store": None, "sent_at": time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime()),
            "agent_version": "0.1.0", "devices": ["5f" * 32], "persons": [], "applications": [],
            "counters": dict.fromkeys(("packets", "packets_dropped", "connections", "connections_unattributed", "cells_dropped", "gap_seconds",
                                       "bytes_hidden_road"), 0),
            "destinations": [{"host": "app.example.com", "canonical": "", "transport": "tcp", "port": 443}],
            "cells": [cell | {"day": date(day), "first_seen": f"{date(day)}T01:00:00.000000Z", "last_seen": f"{date(day)}T02:00:00.000000Z",
                              "revision": self.revision} | changes for day in days]}
        with peer.Line(self.collector.agents_port, self.settings) as line:
            line.send(peer.request("/agent/v1/report", json.dumps(document).encode()))
            status, answer = line.answer()
            return status, json.loads(answer)

    def setUp(self):
        super().setUp()
        self.serve()
        identity, self.id = peer.enrol(AGENT, self.collector, self.folder / "peer")
        self.settings, self.revision = peer.context(identity), 0

    def test_each_cell_is_taken_or_counted_as_one_of_three(self):
        status, reply = self.report([0, TODAY - 101, TODAY - 99, TODAY - 1, TODAY, TODAY + 1, TODAY + 4, 47_000])
        self.assertEqual(status, 200, reply)
        self.assertEqual((reply["accepted"], reply["too_old"], reply["quarantined"], reply["rejected"]), (4, 2, 2, []))
        status, reply = self.report([TODAY - 1, TODAY], last_seen=f"{date(TODAY - 1)}T23:00:00.000000Z")    # today's ends before it begins
        self.assertEqual((status, reply["accepted"], [one["index"] for one in reply["rejected"]]), (200, 1, [1]), reply)
        self.assertTrue(reply["rejected"][0]["reason"])
        status, reply = self.report([TODAY], connections="many")
        self.assertEqual(status, 400, reply)
        self.assertTrue(reply["detail"])
        self.assertEqual(self.held(), 4)
        self.assertEqual(self.refused(), (2, 2))


if __name__ == "__main__":
    if clock.missing():
        testing.skip(clock.missing())
    testing.main()
