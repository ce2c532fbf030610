"""Agents and collector are killed (SIGKILL) at random moments while captures are reported: what the collector holds at the end is, cell by
cell, what is in the captures. An agent that was told to be small lacks exactly the cells that it counted as dropped.

DAYLIGHT_FAULT_ROUNDS is the number of kills (scripts/test --fault: a thousand), DAYLIGHT_FAULT_SEED repeats the same choices; the moments
are the machine's own."""
import json
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "end_to_end"))
from stage import testing  # noqa: E402
from stage.collector import Collector  # noqa: E402
from stage.performance import SOURCE  # noqa: E402
from stage.processes import run  # noqa: E402
from stage.recording import Recording  # noqa: E402

AGENT = testing.build_folder() / "daylight-agent"
COLLECTOR = testing.build_folder() / "daylight-collector"
ROUNDS = int(os.environ.get("DAYLIGHT_FAULT_ROUNDS") or 50)
SEED = int(os.environ.get("DAYLIGHT_FAULT_SEED") or time.time())
AT_ONCE = 3
SMALL = 1    # MiB
# What the collector holds of an agent: by day and host, over all epochs.
CELLS = """SELECT f.day, d.host, sum(f.connections), sum(f.bytes_up), sum(f.bytes_down) FROM facts f
    JOIN destinations d ON d.id = f.destination JOIN epochs e ON e.id = f.epoch JOIN observers o ON o.id = e.observer
    WHERE o.agent = ? GROUP BY f.day, d.host"""
DROPPED = "SELECT sum(e.cells_dropped) FROM epochs e JOIN observers o ON o.id = e.observer WHERE o.agent = ?"


class Kills(testing.Case):
    def setUp(self):
        super().setUp()
        self.collector = Collector(COLLECTOR, SOURCE / "config", SOURCE / "collector/web/dist", self.folder / "collector", self.processes, ports=(0, 0))
        self.collector.init()
        self.collector.serve()
        self.kills = {"agent": 0, "collector": 0}
        self.counting = threading.Lock()
        self.serving = threading.Lock()
        self.begin = time.monotonic()
        print(f"  seed {SEED}", flush=True)

    def killed(self, whom):
        with self.counting:
            self.kills[whom] += 1

    def enrol(self, name, recording, **settings):
        """(configuration, agent id) of an agent that will read the recording."""
        home = self.folder / name
        home.mkdir()
        config = home / "agent.json"
        config.write_text(json.dumps({"collector": self.collector.url, "data_directory": str(home / "data"), "device_name": name,
                                      "capture_file": str(recording.file), "flush_seconds": 1, "report_seconds": 1, "report_jitter": 0} | settings))
        with self.serving:
            run([AGENT, *self.collector.enrol_command()[1:], "--config", config], what="enrolment")
        return config, bytes.fromhex(json.loads((home / "data/enrolment.json").read_text())["agent"])

    def run_until_killed(self, config, seconds):
        """True where it was done before that."""
        with open(config.parent / "agent.log", "ab") as log, \
                subprocess.Popen([AGENT, "run", "--once", "--config", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process:
            try:
                return process.wait(seconds) == 0
            except subprocess.TimeoutExpired:
                process.kill()
                self.killed("agent")
                return False

    @staticmethod
    def log_of(config):
        log = config.parent / "agent.log"
        return log.read_text() if log.exists() else ""

    def under_fire(self, config, chance, patience=0.1):
        """Killed and started again until all was acknowledged; in the end it is let through."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if self.run_until_killed(config, chance.uniform(0, patience)):
                return
            patience *= 1.1
        self.fail(f"the agent of {config} is not done after 120 s; seed {SEED}")

    def kill_collectors(self, until, chance):
        while not until.wait(chance.uniform(0, 0.8)):
            with self.serving:
                self.collector.kill()
                self.killed("collector")
                self.collector.serve()

    def held(self, agent):
        with sqlite3.connect(f"file:{self.collector.folder}/data/usage.sqlite?mode=ro", uri=True) as store:
            cells = {(day, host): list(figures) for day, host, *figures in store.execute(CELLS, (agent,))}
            return cells, store.execute(DROPPED, (agent,)).fetchone()[0] or 0

    def said(self, what):
        seconds = time.monotonic() - self.begin
        kills = self.kills["agent"] + self.kills["collector"]
        print(f"  {self.kills['agent']} agents and {self.kills['collector']} collectors killed in {seconds:.0f} s ({kills / seconds:.1f} a second): {what}",
              flush=True)

    def test_totals_after_random_kills(self):
        recording = Recording(self.folder / "whole.pcap", SEED, days=5, hosts=300, connections=4000, at_once=12)
        agents, done, failures = [], threading.Event(), []

        def enough():
            return self.kills["agent"] + self.kills["collector"] >= ROUNDS and self.kills["collector"] >= ROUNDS // 6

        def reporters(number):
            chance = random.Random(SEED * 1000 + number)
            try:
                while not enough() and not failures:
                    config, agent = self.enrol(f"pc-{number}-{chance.getrandbits(48):012x}", recording)
                    self.under_fire(config, chance)
                    agents.append(agent)
            except Exception as failure:    # the thread's end must not look like success
                failures.append(failure)

        threads = [threading.Thread(target=reporters, args=(number,)) for number in range(AT_ONCE)]
        killer = threading.Thread(target=self.kill_collectors, args=(done, random.Random(SEED)))
        for thread in (*threads, killer):
            thread.start()
        for thread in threads:
            thread.join()
        done.set()
        killer.join()
        self.assertEqual(failures, [])
        for agent in agents:
            cells, dropped = self.held(agent)
            self.assertEqual(dropped, 0)
            self.assertEqual(cells.keys(), recording.truth.keys(), f"seed {SEED}")
            differing = {key: (cells[key], recording.truth[key]) for key in cells if cells[key] != recording.truth[key]}
            self.assertEqual(differing, {}, f"(held, in the capture); seed {SEED}")
        self.collector.verb("verify", timeout=600)
        totals = [sum(cell[at] for cell in recording.truth.values()) * len(agents) for at in range(3)]
        self.said(f"{len(agents)} captures, {len(recording.truth) * len(agents)} cells, {totals[0]} connections, {totals[1]} octets up and "
                  f"{totals[2]} down: difference 0")

    def test_an_agent_told_to_be_small_counts_what_it_drops(self):
        self.small(5)

    def test_a_small_agent_that_drops_the_day_it_is_in(self):
        """What it books later on that day is of another epoch."""
        self.small(1)

    def small(self, days):
        """The collector is away while the agent reads more than it may keep, killed again and again; then the collector is killed."""
        chance = random.Random(SEED)
        # Each cell one connection of eight packets: none is cut where the agent books.
        each = 25_000 // days
        recording = Recording(self.folder / "small.pcap", SEED, days=days, hosts=each, connections=each, answers=(20, 1400))
        self.assertEqual(recording.packets, 8 * 25_000)
        config, agent = self.enrol("small", recording, ledger_limit_mb=SMALL)
        self.collector.stop()
        patience = 0.1
        deadline = time.monotonic() + 120
        while "the capture was read" not in self.log_of(config):
            self.assertLess(time.monotonic(), deadline, f"the capture is not read; seed {SEED}")
            self.assertFalse(self.run_until_killed(config, chance.uniform(0, patience)))
            patience = min(patience * 1.1, 3)
        self.collector.serve()
        done = threading.Event()
        killer = threading.Thread(target=self.kill_collectors, args=(done, chance))
        killer.start()
        try:
            self.under_fire(config, chance)
        finally:
            done.set()
            killer.join()
        cells, dropped = self.held(agent)
        missing = recording.truth.keys() - cells.keys()
        self.assertEqual({key: cells[key] for key in cells}, {key: recording.truth[key] for key in recording.truth.keys() - missing}, f"seed {SEED}")
        self.assertGreater(len(missing), 0, "nothing was dropped: the recording is too small for this test")
        self.said(f"of {len(recording.truth)} cells {len(missing)} are missing, {dropped} counted as dropped by an agent told to keep {SMALL} MiB")
        self.assertEqual(len(missing), dropped, f"missing, counted as dropped; seed {SEED}")
        self.collector.verb("verify")


if __name__ == "__main__":
    testing.main()
