"""The demo's play, with the collector killed in the middle, held against what the generator counted at its own sockets."""
import datetime
import json
import re
import threading
import time
import unittest

from stage import testing, truth
from stage.performance import LATE, SCENARIO
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
        play.record_earlier_days()
        cls.while_the_collector_dies(lambda: play.report_earlier_days(cls.replay), after=1.0)
        play.play_release_and_late_report(cls.replay)
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
        return {"from": self.play.monday(3).isoformat(), "to": (self.play.today + datetime.timedelta(days=1)).isoformat()}

    def test_totals_are_the_generators_own(self):
        self.assertGreater(self.counted["connections"], 2000)
        held = self.play.totals()
        self.assertEqual({key: held[key] for key in self.counted}, self.counted)

    def test_what_agents_told_is_the_count_of_each_device_and_day(self):
        self.assertEqual(self.play.where_they_differ(), "each agent told what its sockets counted on every day: the difference is the collector's")

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
        heads = self.released_heads(days=self.last_week)
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

    def test_group_of_three_is_in_no_released_document(self):
        for name, text in self.released_documents():
            # Engineering uses it in the open; demand puts the units and the services of a capability side by side: see below.
            if name.split()[0] not in ("engineering", "demand"):
                for line in text.lower().splitlines():
                    self.assertFalse("dropbox" in line and re.search(r"\bsales\b", line), f"{name}: {line}")
        for text in self.briefs("sales").values():
            self.assertNotIn("dropbox", text.lower())

    def test_demand_says_no_more_than_the_released_findings_it_is_made_of(self):
        weeks = self.closed_weeks()
        released = {(finding["unit"]["id"], finding["subject"]["name"]) for week in weeks for finding in self.findings("e1901", period=week)}
        rows = [json.loads(line) for line in self.play.collector.verb("demand", "--period", weeks[0], "--format", "jsonl").splitlines()]
        self.assertTrue(any("Dropbox" in row["services"] for row in rows))
        for row in rows:
            services = set(row["services"].split(", "))
            self.assertEqual(set(row["units"].split(", ")), {unit for unit, service in released if service in services}, row)

    def test_nothing_is_left_when_released_figures_are_subtracted(self):
        """Days, heads, coverage; a month against its weeks, one unit against all, one document against the other."""
        weeks = [self.iso_week(self.play.monday(ago)) for ago in (1, 2)]
        days_of_weeks, found = {}, 0
        for week, ago in zip(weeks, (1, 2)):
            everything = self.findings("e1901", period=week)
            # A day counts where five or more used it: who came alone on a day is in no figure.
            for finding in everything:
                key = finding["unit"]["id"], finding["subject"]["id"]
                each = [len(self.released_heads(days={day}).get(key, ())) for day in self.days_of(ago)]
                self.assertEqual(finding["reach"]["days"], sum(heads >= SMALL_GROUP for heads in each), finding["id"])
                self.assertEqual((finding["bytes"], finding["reach"]["devices"]), (None, None))
                self.assertTrue(all(one["connections"] is None for one in finding["evidence"]))
                days_of_weeks[key] = days_of_weeks.get(key, 0) + finding["reach"]["days"]
                found += 1
            # All units less each of them.
            apart = [finding for unit in self.units() for finding in self.findings("e1901", period=week, unit=unit)]
            self.assertEqual(sorted(json.dumps(one) for one in everything), sorted(json.dumps(one) for one in apart))
            # A need less its services: its figure says no more than the largest of them.
            portfolio = self.play.collector.get(f"/api/v1/portfolio?period={week}", "e1901")
            shown = {(one["unit"]["id"], one["subject"]["id"]): one["reach"]["people"] for one in everything}
            for cell in portfolio["cells"]:
                for service in cell["services"]:
                    self.assertEqual(service["heads"], shown[cell["unit"], service["id"]])
                if cell["services"] and cell["heads"]:
                    self.assertEqual(cell["heads"]["at_least"], max(one["heads"]["at_least"] for one in cell["services"]), cell)
            # The command line less the API.
            rows = self.play.collector.rows(None, "findings", "--period", week)
            self.assertEqual({(row["unit"], row["id"]): (row["people"], row["days"], row["bytes_up"]) for row in rows},
                             {(one["unit"]["id"], one["subject"]["id"]): (one["reach"]["people"]["text"], one["reach"]["days"], None)
                              for one in everything})
            self.whole_percents(week)
        self.assertGreater(found, 5)
        for month in {period["id"] for period in self.play.collector.get("/api/v1/units", "e1901")["periods"]
                      if period["kind"] == "month"}:
            of_month = {(one["unit"]["id"], one["subject"]["id"]): one["reach"] for one in self.findings("e1901", period=month)}
            sums = {}
            for start in self.weeks_of(month):
                for one in self.findings("e1901", period=self.iso_week(start)):
                    key = one["unit"]["id"], one["subject"]["id"]
                    sums[key] = sums.get(key, 0) + one["reach"]["days"]
            self.assertEqual({key: reach["days"] for key, reach in of_month.items()}, {**dict.fromkeys(of_month, 0), **sums})

    def whole_percents(self, week):
        coverage = self.play.collector.get(f"/api/v1/coverage?period={week}", "e1901")
        shares = [coverage[name] for name in ("devices", "readable_names", "hidden_road_bytes")]
        self.assertIsNone(coverage["people_attributed"], "live and exact")
        self.assertIsNone(coverage["agents"])
        for share in shares + [entry["share"] for entry in coverage["devices_by_unit"] if entry["share"]]:
            self.assertIsNone(share["part"])
            self.assertIsNone(share["whole"])
            self.assertTrue(share["percent"] is None or share["percent"] == int(share["percent"]), share)
        for row in self.play.collector.rows(None, "coverage", "--period", week):
            self.assertEqual(row["when"], "period", "what agents count is live")
            self.assertIsNone(row["part"], row)

    def test_released_documents_say_when_and_are_the_same_each_time(self):
        week = self.iso_week(self.play.monday(1))
        before = self.released_documents()
        self.assertTrue(before)
        answer = self.play.collector.get(f"/api/v1/findings?period={week}", "e1901")
        self.assertEqual(answer["release"]["late_connections"], None)
        exact = self.play.collector.get(f"/api/v1/findings?period={week}", "security")
        self.assertEqual(exact["release"]["at"], answer["release"]["at"])
        late = truth.totals([row for row in self.rows if row["device"] == LATE], days=self.last_week)["connections"]
        self.assertGreater(late, 50)
        self.assertEqual(exact["release"]["late_connections"], late, "what came after the release is told to security")
        self.assertEqual(self.released_documents(), before)

    def test_trends_compare_with_the_week_before(self):
        """Among people: from two to three and half as many again is growth."""
        now, before = self.heads(days=self.last_week), self.heads(days=set(self.days_of(2)))

        def trend(key):
            is_, was = len(now.get(key, ())), len(before.get(key, ()))
            if not is_ or not was:
                return "gone" if was else "new"
            if is_ > was:
                return "growing" if 2 * is_ >= 3 * was and is_ - was >= 2 else "steady"
            return "fading" if 3 * is_ <= 2 * was and was - is_ >= 2 else "steady"

        found = {(one["unit"]["id"], one["subject"]["id"]): one["trend"] for one in self.findings("security", period=self.play.last_week())}
        self.assertEqual(found, {key: trend(key) for key in now.keys() | before.keys()})
        self.assertLessEqual({"new", "growing", "steady", "gone"}, set(found.values()))
        shown = self.play.collector.rows("security", "findings", "--from", self.play.monday(1))
        self.assertNotIn("unknown", {row["trend"] for row in shown}, "what the demo prints reaches back far enough")

    def test_an_address_without_a_name_is_for_security_alone(self):
        (key,) = [key for key in self.heads() if key[1][0].isdigit()]
        (finding,) = [one for one in self.findings("security", **self.whole_time()) if one["subject"]["kind"] == "address"]
        self.assertEqual((finding["unit"]["id"], finding["subject"]["id"]), key)
        self.assertEqual([one["kind"] for one in finding["evidence"]], ["address_only"])
        for name, text in self.released_documents():
            self.assertNotIn(key[1], text, name)

    def test_other_accounts_and_services_of_the_system_are_no_people_of_the_directory(self):
        accounts = {row["employee"] for row in self.rows}
        self.assertIn("adm-e1001", accounts)
        self.assertIn(None, accounts)
        week = self.play.last_week()
        exact, released = ({one["id"]: one["reach"]["people"] for one in self.findings(account, period=week)}["sales/exchange-online"]
                           for account in ("security", "e1901"))
        self.assertEqual(exact["exact"], 10, "nine people and the unlisted account; the service is nobody")
        self.assertEqual(released["at_most"], 9, "people of the directory alone")

    def units(self):
        return [unit["id"] for unit in self.play.collector.get("/api/v1/units", "e1901")["units"]]

    def briefs(self, unit):
        return {f"{unit} brief {style} {week}": self.play.collector.as_account("e1901", "brief", unit, "--period", week, "--format", style)
                for style in ("text", "markdown", "html", "json") for week in self.closed_weeks()}

    def closed_weeks(self):
        return [self.iso_week(self.play.monday(ago)) for ago in (1, 2)]

    def released_documents(self):
        """Name and text of everything that a relationship manager or an unknown caller can get of closed weeks."""
        documents = [pair for unit in self.units() for pair in self.briefs(unit).items()]
        for week in self.closed_weeks():
            for style in ("table", "jsonl", "tsv", "csv"):
                for verb in ("findings", "portfolio"):
                    documents.append((f"{verb} {style} {week}", self.play.collector.verb(verb, "--period", week, "--format", style)))
            documents.append((f"demand {week}", self.play.collector.verb("demand", "--period", week)))
            for path in ("findings", "portfolio"):
                document = self.play.collector.get(f"/api/v1/{path}?period={week}", "e1901")
                documents += [(f"{path} api {week}", json.dumps(one)) for one in document[{"findings": "findings"}.get(path, "cells")]]
        return documents

    @staticmethod
    def iso_week(monday):
        year, week, _ = monday.isocalendar()
        return f"{year}-W{week:02}"

    def days_of(self, weeks_ago):
        return [(self.play.monday(weeks_ago) + datetime.timedelta(days=day)).isoformat() for day in range(7)]

    @staticmethod
    def weeks_of(month):
        """The Mondays of the weeks whose Thursday lies in the month."""
        first = datetime.date.fromisoformat(month + "-01")
        thursday = first + datetime.timedelta(days=(3 - first.weekday()) % 7)
        while thursday.isoformat()[:7] == month:
            yield thursday - datetime.timedelta(days=3)
            thursday += datetime.timedelta(days=7)

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

    def released_heads(self, days):
        """What the release was made of: people of the directory, without what was reported later; no addresses."""
        found = self.heads(days, [row for row in self.rows if row["device"] != LATE])
        return {key: {one for one in people if one.startswith("e1")} for key, people in found.items() if not key[1][0].isdigit()}

    def heads(self, days=None, rows=None):
        found = truth.heads(self.rows if rows is None else rows, self.play.services, days=days)
        # An unknown domain is known by its registrable part.
        return {(unit, name.removeprefix("app.") if name.endswith(".example") else name): people
                for (unit, name), people in found.items()}


if __name__ == "__main__":
    testing.skip_without_world()
    testing.main()
