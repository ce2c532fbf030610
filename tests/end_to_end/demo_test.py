"""The demo's play, with the collector killed in the middle, held against what the generator counted at its own sockets."""
import datetime
import json
import threading
import time
import unittest

from stage import testing, truth
from stage.performance import SCENARIO
from stage.processes import StageError

VERDICTS = json.loads(SCENARIO.read_text())["verdicts"]
SMALL_GROUP = 5
HIDDEN = ("sales", "dropbox")  # three people


def verdict_of(unit, service):
    verdict = VERDICTS.get(service, "unreviewed")
    return verdict if isinstance(verdict, str) else verdict.get(unit, verdict["others"])


class Demo(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        scratch = testing.scratch()
        cls.addClassCleanup(scratch.__exit__, None, None, None)
        stage = testing.performance(scratch.__enter__())
        cls.addClassCleanup(stage.__exit__, None, None, None)
        cls.play = play = stage.__enter__()
        play.raise_curtain()
        play.traffic.earlier_days()
        cls.while_the_collector_dies(lambda: play.agents.each(cls.replay), after=1.0)
        cls.while_the_collector_dies(play.play_today, after=3.0)
        cls.counted = play.wait_for_totals(patience=60)
        cls.rows = play.counted()
        cls.last_week = {(play.monday(1) + datetime.timedelta(days=day)).isoformat() for day in range(7)}

    @classmethod
    def replay(cls, device):
        """As a timer would: once more when the collector was away."""
        for attempt in range(20):
            try:
                return cls.play.agents.replay(device)
            except StageError:
                if attempt == 19:
                    raise
                time.sleep(0.5)

    @classmethod
    def while_the_collector_dies(cls, action, after):
        """The collector is killed with SIGKILL and started again while the action goes on."""
        problems = []

        def kill():
            try:
                time.sleep(after)
                cls.play.say("the collector is killed (SIGKILL) and started again")
                cls.play.collector.kill()
                cls.play.collector.serve()
            except Exception as problem:  # told by the main thread
                problems.append(problem)

        killer = threading.Thread(target=kill)
        killer.start()
        action()
        killer.join()
        if problems:
            raise problems[0]

    def findings(self, account, **period):
        words = "&".join(f"{key}={value}" for key, value in period.items())
        return self.play.collector.get(f"/api/v1/findings?{words}", account)["findings"]

    def whole_time(self):
        return {"from": self.play.monday(2).isoformat(), "to": (self.play.today + datetime.timedelta(days=1)).isoformat()}

    def test_totals_are_the_generators_own(self):
        self.assertGreater(self.counted["connections"], 2000)
        held = self.play.totals()
        self.assertEqual({key: held[key] for key in self.counted}, self.counted)

    def test_security_sees_every_visited_service_with_verdict_unit_and_heads_and_nothing_else(self):
        wanted = {key: (len(people), verdict_of(*key)) for key, people in self.heads().items()}
        found = self.findings("security", **self.whole_time())
        seen = {(finding["unit"]["id"], finding["subject"]["id"]): (finding["reach"]["people"]["exact"], finding["verdict"])
                for finding in found}
        self.assertEqual(seen, wanted)
        self.assertEqual(len(found), len(seen), "a pair stands there twice")

    def test_the_command_line_shows_the_same(self):
        period = self.whole_time()
        rows = self.play.collector.rows("security", "findings", "--from", period["from"], "--to", period["to"])
        seen = {(row["unit"], row["id"]) for row in rows}
        self.assertEqual(seen, set(self.heads()))

    def test_released_view_holds_groups_of_five_and_more_in_bands_that_are_true(self):
        heads = self.heads(days=self.last_week)
        wanted = {key for key, people in heads.items() if len(people) >= SMALL_GROUP}
        found = {(finding["unit"]["id"], finding["subject"]["id"]): finding for finding in
                 self.findings("e1901", period=self.play.last_week())}
        self.assertEqual(set(found), wanted)
        self.assertNotIn(HIDDEN, found)
        for key, finding in found.items():
            band = finding["reach"]["people"]
            self.assertIsNone(band["exact"])
            self.assertGreaterEqual(band["at_least"], SMALL_GROUP)
            self.assertLessEqual(band["at_least"], len(heads[key]))
            self.assertGreaterEqual(band["at_most"] or 10**9, len(heads[key]))

    def test_group_of_three_is_not_in_the_brief_nor_left_over_by_subtraction(self):
        brief = self.play.collector.get(f"/api/v1/units/sales/brief?period={self.play.last_week()}", "e1901")
        self.assertNotIn("dropbox", json.dumps(brief).lower())
        text = self.play.collector.as_account("e1901", "brief", "sales", "--period", self.play.last_week())
        self.assertNotIn("dropbox", text.lower())
        # A capability's figure is made of the figures of its published services alone, or it would tell of the hidden ones.
        portfolio = self.play.collector.get(f"/api/v1/portfolio?period={self.play.last_week()}", "e1901")
        for cell in portfolio["cells"]:
            shown = [service["heads"]["at_least"] for service in cell["services"] if service["heads"]]
            self.assertFalse((cell["unit"], "dropbox") == HIDDEN and any(service["id"] == "dropbox" for service in cell["services"]))
            if shown and cell["heads"]:
                self.assertEqual(cell["heads"]["at_least"], max(shown), cell)

    def test_brief_of_sales_speaks_of_its_goals_and_its_limits(self):
        brief = self.play.collector.get(f"/api/v1/units/sales/brief?period={self.play.last_week()}", "e1901")
        self.assertTrue(brief["goals"])
        self.assertTrue(brief["points"])
        for point in brief["points"]:
            self.assertTrue(point["confidence"]["word"])
        self.assertTrue(brief["how_sure"] and brief["not_seen"])

    def test_anybody_without_an_account_gets_nothing_over_http(self):
        self.play.collector.tokens["nobody"] = "wrong"
        with self.assertRaisesRegex(Exception, "401"):
            self.findings("nobody")

    def test_verify_finds_no_difference(self):
        self.play.collector.verb("verify")

    def heads(self, days=None):
        found = truth.heads(self.rows, self.play.services, days=days)
        # An unknown domain is known by its registrable part.
        return {(unit, name.removeprefix("app.") if name.endswith(".example") else name): people
                for (unit, name), people in found.items()}


if __name__ == "__main__":
    testing.skip_without_world()
    testing.main()
