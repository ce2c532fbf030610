"""The whole play: earlier days from captures, today live, through agents and collector to findings and a brief."""
import datetime
import pathlib
import time

from . import truth
from .agents import Agents
from .collector import Collector
from .processes import Processes, StageError, run
from .traffic import Traffic
from .world import World

SOURCE = pathlib.Path(__file__).resolve().parents[3]
SCENARIO = SOURCE / "tests/traffic/scenario.json"
LATE = "finance-03"  # the computer that reports its earlier days after their release


class Performance:
    """`say` takes one line of progress. Everything lives in `folder`; namespaces are named with `prefix`."""

    def __init__(self, build, folder, prefix, say=lambda line: None, ports=(8443, 8480)):
        build = pathlib.Path(build)
        self.folder, self.say = pathlib.Path(folder), say
        self.today = datetime.datetime.now(datetime.timezone.utc).date()
        self.processes = Processes(self.folder / "processes.json")
        program = build / "daylight-traffic"
        self.world = World(prefix, program, SCENARIO, self.today.isoformat())
        self.traffic = Traffic(program, SCENARIO, self.today.isoformat(), self.world, self.processes, self.folder / "traffic")
        # One device of each unit stays silent: coverage has something to say.
        devices = dict(self.world.devices) | {f"{unit}-04": unit for unit in self.world.devices.values()}
        self.collector = Collector(build / "daylight-collector", SOURCE / "config", SOURCE / "collector/web/dist",
                                   self.folder / "collector", self.processes, devices=devices, ports=ports)
        employees = run([program, "--scenario", SCENARIO, "passwd"], what="scenario")
        self.agents = Agents(build / "daylight-agent", self.folder / "agents", self.world, self.traffic, self.collector,
                             self.processes, employees)
        self.services = truth.services_of_hosts(SCENARIO)

    def raise_curtain(self):
        self.say(f"network: {len(self.world.devices)} devices and an internet in namespaces of their own")
        self.world.create()
        self.say(f"traffic: {self.traffic.start_internet().removeprefix('ready: ')}")
        self.say("collector: keys, certificate authority, store; listening on loopback")
        self.collector.init()
        self.collector.serve()
        self.collector.add_account("e1901", "relationship-manager")
        self.say(f"agents: {len(self.world.devices)} enrol, each with a token that is good once")
        self.agents.each(self.enrol)

    def enrol(self, device):
        self.agents.enrol(device, self.collector.enrol_command())

    def play_earlier_days(self):
        self.record_earlier_days()
        self.report_earlier_days()

    def record_earlier_days(self):
        self.say("earlier days: three weeks of real connections, recorded at once, their times shifted")
        self.traffic.earlier_days()

    def report_earlier_days(self, replay=None):
        """`replay`: what brings one device's earlier days to the collector."""
        self.say(f"earlier days: agents read the captures and report; {LATE} is away")
        self.agents.each(replay or self.agents.replay, devices=self.in_time())

    def in_time(self):
        return [device for device in self.world.devices if device != LATE]

    def play_release_and_late_report(self, replay=None):
        """Last week is released; then the computer that was away reports it."""
        self.say(f"{self.last_week()} is released: what stands in it now stays")
        self.collector.as_account("e1901", "brief", "sales", "--period", self.last_week())
        self.say(f"late: {LATE} is back, and reports its weeks")
        (replay or self.agents.replay)(LATE)

    def play_today(self):
        self.say("today: agents watch live while employees work")
        self.agents.each(self.agents.start_live)
        time.sleep(1.5)
        self.agents.check_live()
        self.traffic.live_day()

    def counted(self):
        return truth.load_rows(self.traffic.truth_files)

    def totals(self):
        """The collector's raw sums over everything it holds."""
        words = [line.split() for line in self.collector.verb("verify").splitlines()]
        return {pair[0]: int(pair[1]) for pair in words if len(pair) == 2}

    def wait_for_totals(self, patience=20):
        """Waits until the collector holds exactly what the generator counted; returns both."""
        wanted = truth.totals(self.counted())
        deadline = time.monotonic() + patience
        while True:
            held = {key: value for key, value in self.totals().items() if key in wanted}
            if held == wanted:
                return wanted
            if time.monotonic() > deadline:
                raise StageError(f"after {patience} s the collector holds {held}, but {wanted} was counted at the sockets; "
                                 f"{self.where_they_differ()}")
            time.sleep(0.3)

    def where_they_differ(self):
        """By device and day: what agents told the collector beside what the sockets counted; the recordings were compared when made."""
        counted, told = truth.by_device_and_day(self.counted()), {}
        for device in self.world.devices:
            told |= truth.by_device_and_day([{**row, "device": device, "how": ""} for row in self.agents.told(device)])
        differing = [f"{device} {day}: {told.get((device, day), truth.NOTHING)} told, {counted.get((device, day), truth.NOTHING)} counted"
                     for device, day in sorted(counted.keys() | told.keys())
                     if told.get((device, day)) != counted.get((device, day))]
        if not differing:
            return "each agent told what its sockets counted on every day: the difference is the collector's"
        more = f", and {len(differing) - 4} more" if len(differing) > 4 else ""
        return f"the agents told something else than their sockets counted (connections, octets up, down): {'; '.join(differing[:4])}{more}"

    def monday(self, weeks_ago):
        return self.today - datetime.timedelta(days=self.today.weekday() + 7 * weeks_ago)

    def last_week(self):
        year, week, _ = self.monday(1).isocalendar()
        return f"{year}-W{week:02}"

    def house(self):
        """What tests/browser needs to know of the running collector."""
        tokens = self.collector.tokens
        return {"page": self.collector.page, "security_token": tokens["security"], "manager_token": tokens["e1901"]}

    def drop_curtain(self):
        self.processes.stop_all()
        self.world.remove()

