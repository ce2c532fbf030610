"""Behind a proxy: enrolment, reports and renewal through Debian's Squid by CONNECT, with and without Basic; what the agent says when
the proxy refuses, is gone, or inspects TLS. Real Squid, real agent, real collector, all on loopback."""
import json
import os
import struct
import subprocess
import time

from stage import clock, squid, testing
from stage.collector import Collector
from stage.performance import SOURCE

AGENT = testing.build_folder() / "daylight-agent"
COLLECTOR = testing.build_folder() / "daylight-collector"
NO_PROXY = {key: value for key, value in os.environ.items() if key.lower() not in ("https_proxy", "http_proxy", "no_proxy")}
QUESTION = bytes.fromhex("0200000000010200000000020800" "4500003d00010000401100000a000001c0000235" "c003003500290000"
                         "123401000001000000000000" "03777777076578616d706c6503636f6d0000010001")
PASSWORD = "open:sesame@7"
ESCAPED = "open%3Asesame%407"


class Proxy(testing.Case):
    def setUp(self):
        super().setUp()
        self.folder.chmod(0o711)    # Squid is another user
        self.collector = Collector(COLLECTOR, SOURCE / "config", SOURCE / "collector/web/dist", self.folder / "collector", self.processes, ports=(0, 0))
        self.collector.init()
        self.collector.serve()
        self.address = f"localhost:{self.collector.agents_port}"    # as the enrolment command of the collector names it
        self.squid = squid.Squid(self.folder / "squid", self.processes)
        self.home = self.folder / "agent"
        self.home.mkdir()
        self.config = self.home / "agent.json"
        self.configure()
        self.log = self.home / "agent.log"

    def configure(self, **settings):
        """An agent with one name to report."""
        capture = self.home / "one.pcap"
        capture.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
                            + struct.pack("<IIII", int(time.time()), 0, len(QUESTION), len(QUESTION)) + QUESTION)
        self.config.write_text(json.dumps({"collector": f"https://{self.address}", "data_directory": str(self.home / "data"), "device_name": "sales-01",
                                           "capture_file": str(capture), "dns_only": True, "report_seconds": 1, "report_jitter": 0} | settings))

    def enrol(self, *more, **environment):
        done = subprocess.run([str(word) for word in (AGENT, *self.collector.enrol_command()[1:], *more, "--config", self.config)],
                              capture_output=True, text=True, timeout=60, env=NO_PROXY | environment)
        return done.returncode, done.stderr

    def enrolled(self, *more, **environment):
        code, said = self.enrol(*more, **environment)
        self.assertEqual((code, said), (0, ""))

    def run_once(self, **environment):
        done = subprocess.run([AGENT, "run", "--once", "--config", self.config], capture_output=True, text=True, timeout=60, env=NO_PROXY | environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def start(self, **environment):
        """An agent that stays until all is acknowledged."""
        return self.processes.start("agent", [AGENT, "run", "--once", "--config", self.config], self.log, env=NO_PROXY | environment)

    def rows(self, verb, **environment):
        done = subprocess.run([AGENT, verb, "--format", "jsonl", "--config", self.config], capture_output=True, text=True, timeout=60,
                              env=NO_PROXY | environment)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def status(self):
        return {row["item"]: row["value"] for row in self.rows("status")}

    def trouble(self, word):
        self.wait_for(f"trouble about {word}", lambda: word in (self.status().get("trouble") or ""), state=self.log.read_text)
        return self.status()["trouble"]

    def doctor(self, **environment):
        """What it says of the collector."""
        return next(row for row in self.rows("doctor", **environment) if row["check"] == "collector")

    def tunnels(self, *expected):
        """Squid writes a line when a tunnel is closed."""
        self.wait_for(f"{expected}", lambda: self.squid.tunnels(self.address) == list(expected), patience=5, state=self.squid.log.read_text)

    def listed(self):
        return self.collector.rows(None, "agents", "list")[0]

    def acknowledged(self):
        self.assertEqual(self.status()["cells_unsent"], 0)
        self.assertIsNone(self.status()["trouble"])
        self.assertEqual(self.listed()["state"], "reporting")


class Connect(Proxy):
    def test_enrolment_and_reports_go_through_the_named_proxy(self):
        self.squid.start()
        self.enrolled("--proxy", self.squid.url)
        self.tunnels((200, None))
        self.run_once()    # the proxy was remembered
        self.tunnels((200, None), (200, None))
        self.acknowledged()
        self.assertEqual(self.doctor()["state"], "ok")

    def test_the_certificate_is_renewed_through_the_proxy(self):
        if clock.missing():
            self.skipTest(clock.missing())
        document = json.loads(self.collector.config.read_text())
        document["certificate_days"] = 1
        self.collector.config.write_text(json.dumps(document))
        self.collector.stop()
        self.collector.serve()
        self.squid.start()
        self.enrolled("--proxy", self.squid.url)
        before = json.loads((self.home / "data/enrolment.json").read_text())["certificate"]
        said = self.run_once(**{key: value for key, value in clock.environment("+19h").items() if key not in NO_PROXY})
        self.assertIn("the certificate was renewed", said)
        self.assertNotEqual(json.loads((self.home / "data/enrolment.json").read_text())["certificate"], before)
        self.wait_for("tunnels", lambda: len(self.squid.tunnels(self.address)) >= 3)    # enrolment, and the renewal closes one
        self.acknowledged()

    def test_no_proxy_and_none_go_straight(self):
        self.squid.start()
        nobody = "http://127.0.0.1:9"    # would fail
        self.enrolled(HTTPS_PROXY=nobody, NO_PROXY="corp.example,localhost")
        self.run_once(HTTPS_PROXY=nobody, NO_PROXY="corp.example,localhost")
        self.configure(proxy="none")
        self.run_once(HTTPS_PROXY=nobody)
        self.assertEqual(self.squid.tunnels(self.address), [])
        self.acknowledged()
        self.configure()
        self.run_once(https_proxy=self.squid.url, NO_PROXY="corp.example")
        self.tunnels((200, None))

    def test_a_proxy_that_is_gone_is_named_and_its_return_is_enough(self):
        self.squid.start()
        self.enrolled("--proxy", self.squid.url)
        self.squid.stop()
        agent = self.start()
        address = f"127.0.0.1:{self.squid.port}"
        self.assertIn(f"through the proxy {address}", self.trouble(address))
        told = self.doctor()
        self.assertEqual(told["state"], "fail")
        self.assertIn(address, told["what"])
        self.assertEqual(self.status()["cells_unsent"], 1)
        self.squid.start()
        self.assertEqual(agent.wait(60), 0, self.log.read_text())
        self.acknowledged()

    def test_a_destination_that_the_proxy_refuses(self):
        self.squid.start(deny=[self.collector.agents_port])
        code, said = self.enrol("--proxy", self.squid.url)
        self.assertEqual((code, len(said.splitlines())), (1, 1), said)
        self.assertIn(f"refused to connect to {self.address} (HTTP 403); allow this destination there", said)


class Basic(Proxy):
    def setUp(self):
        super().setUp()
        self.squid.start(users={"daylight": PASSWORD})
        self.good = self.squid.url_of("daylight", ESCAPED)

    def test_user_and_password_from_the_environment(self):
        self.enrolled(HTTPS_PROXY=self.good)
        self.run_once(HTTPS_PROXY=self.good)
        self.tunnels((200, "daylight"), (200, "daylight"))
        self.acknowledged()
        self.assertEqual(self.doctor(HTTPS_PROXY=self.good)["state"], "ok")
        for file in self.home.rglob("*"):
            if file.is_file():
                self.assertNotIn(b"sesame", file.read_bytes(), file)

    def test_none_given_says_where_they_go(self):
        code, said = self.enrol(HTTPS_PROXY=self.squid.url)
        self.assertEqual((code, len(said.splitlines())), (1, 1), said)
        self.assertIn(f"the proxy 127.0.0.1:{self.squid.port} wants a user and a password; set HTTPS_PROXY=", said)

    def test_a_wrong_password_is_said_and_not_repeated(self):
        wrong = self.squid.url_of("daylight", "close%3Asesame")
        code, said = self.enrol(HTTPS_PROXY=wrong)
        self.assertEqual((code, len(said.splitlines())), (1, 1), said)
        words = f"the proxy 127.0.0.1:{self.squid.port} does not take the user and password that it was given; mend HTTPS_PROXY="
        self.assertIn(words, said)
        self.enrolled(HTTPS_PROXY=self.good)
        self.start(HTTPS_PROXY=wrong)
        self.assertIn(words, self.trouble("password"))
        told = self.doctor(HTTPS_PROXY=wrong)
        self.assertEqual(told["state"], "fail")
        self.assertIn(words, told["what"])
        self.assertNotIn("sesame", said + json.dumps(self.rows("status")) + json.dumps(self.rows("doctor", HTTPS_PROXY=wrong)) + self.log.read_text())
        self.assertEqual(self.status()["cells_unsent"], 1)
        self.processes.stop("agent")
        self.run_once(HTTPS_PROXY=self.good)
        self.acknowledged()


class Inspecting(Proxy):
    def advice(self):
        return f"CN={squid.ISSUER}: if that is a proxy that inspects TLS, exempt {self.address} from inspection there"

    def test_enrolment_is_refused_before_the_token_is_shown(self):
        self.squid.start(inspect=True)
        command = self.collector.enrol_command()[1:]
        words = [AGENT, *command, "--proxy", self.squid.url, "--config", self.config]
        said = self.refused(*words, says=self.advice()).stderr
        self.assertIn("not the pinned one", said)
        self.assertFalse((self.home / "data/enrolment.json").exists())
        self.squid.stop()
        self.squid.start(inspect=True, exempt=[self.collector.agents_port])
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, env=NO_PROXY)    # the token is still good
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_reports_wait_until_the_collector_is_exempt(self):
        self.enrolled()
        self.configure(proxy=self.squid.url)
        self.squid.start(inspect=True)
        agent = self.start()
        self.assertIn(self.advice(), self.trouble("inspects"))
        told = self.doctor()
        self.assertEqual(told["state"], "fail")
        self.assertIn(self.advice(), told["what"])
        self.assertEqual(self.status()["cells_unsent"], 1)
        self.assertNotEqual(self.listed()["state"], "reporting")
        self.squid.stop()
        self.squid.start(inspect=True, exempt=[self.collector.agents_port])
        self.assertEqual(agent.wait(60), 0, self.log.read_text())
        self.acknowledged()


if __name__ == "__main__":
    if squid.missing():
        testing.skip(squid.missing())
    testing.main()
