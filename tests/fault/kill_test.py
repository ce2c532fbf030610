"""Agent and collector are killed (SIGKILL) at random moments while a capture is reported: nothing is lost, nothing counted twice."""
import os
import pathlib
import random
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "end_to_end"))
from stage import testing, truth  # noqa: E402

ROUNDS = int(os.environ.get("DAYLIGHT_FAULT_ROUNDS") or 12)
SEED = int(os.environ.get("DAYLIGHT_FAULT_SEED") or time.time())
DEVICE = "finance-03"


class Kills(unittest.TestCase):
    def setUp(self):
        scratch = testing.scratch()
        stage = testing.performance(scratch.__enter__())
        self.addCleanup(scratch.__exit__, None, None, None)
        self.play = stage.__enter__()
        self.addCleanup(stage.__exit__, None, None, None)
        self.random = random.Random(SEED)
        self.agent_kills = self.collector_kills = 0
        self.serving = threading.Lock()

    def kill_collectors(self, until):
        while not until.wait(self.random.uniform(0.3, 2.5)):
            with self.serving:
                self.play.collector.kill()
                self.collector_kills += 1
                self.play.collector.serve()

    def replay_under_fire(self, cycle):
        """One enrolled agent reads the whole capture; whenever it is killed it is started again."""
        play = self.play
        name = f"{DEVICE}-{cycle}"
        with self.serving:
            play.agents.enrol(name, play.collector.enrol_command())
        config = play.agents.config(name, capture_file=play.traffic.capture(DEVICE), capture_identities=play.traffic.identities(DEVICE))
        deadline = time.monotonic() + 120
        patience = 0.05
        while time.monotonic() < deadline:
            process = subprocess.Popen([play.agents.program, "run", "--once", "--config", config], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                if process.wait(self.random.uniform(0, patience)) == 0:
                    return
                time.sleep(0.1)  # the collector was away
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                self.agent_kills += 1
                patience *= 1.3  # in the end it is let through
        self.fail(f"the agent is not done after 120 s; seed {SEED}")

    def test_totals_after_random_kills(self):
        play = self.play
        play.world.create()
        play.traffic.start_internet()
        play.traffic.earlier_days()
        play.collector.init()
        play.collector.serve()
        wanted = truth.totals(truth.load_rows([play.traffic.folder / f"{DEVICE}.earlier.truth.json"]))
        done = threading.Event()
        killer = threading.Thread(target=self.kill_collectors, args=(done,))
        killer.start()
        cycles = 0
        try:
            while self.agent_kills + self.collector_kills < ROUNDS or self.collector_kills < ROUNDS // 6:
                self.replay_under_fire(cycles)
                cycles += 1
        finally:
            done.set()
            killer.join()
        print(f"  {self.agent_kills} agents and {self.collector_kills} collectors killed over {cycles} captures, seed {SEED}", flush=True)
        held = play.totals()
        self.assertEqual({key: held[key] for key in wanted}, {key: value * cycles for key, value in wanted.items()}, f"seed {SEED}")
        play.collector.verb("verify")


if __name__ == "__main__":
    testing.skip_without_world()
    testing.main()
