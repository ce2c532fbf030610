"""Bad input of every kind: one line that says what, where and what to do; nothing is lost, nothing crashes."""
import datetime
import json
import pathlib
import shutil
import struct
import subprocess
import urllib.error
import urllib.request

from stage import peer, testing
from stage.collector import Collector
from stage.performance import SOURCE

AGENT = testing.build_folder() / "daylight-agent"
COLLECTOR = testing.build_folder() / "daylight-collector"
PCAP_HEAD = struct.Struct("<IHHiIII")
PCAP_RECORD = struct.Struct("<IIII")


def pcap(link_type, *packets, cut=0):
    out = PCAP_HEAD.pack(0xA1B2C3D4, 2, 4, 0, 0, 65535, link_type)
    for packet in packets:
        out += PCAP_RECORD.pack(1_770_000_000, 0, len(packet), len(packet)) + packet
    return out[:len(out) - cut]


# A DNS question for www.example.com over Ethernet, IPv4, UDP.
QUESTION = bytes.fromhex(
    "020000000001020000000002" "0800" "4500003d00010000401100000a000001c0000235" "c00000350029 0000".replace(" ", "")
    + "123401000001000000000000" "03777777076578616d706c6503636f6d0000010001")


class BadInput(testing.Case):
    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def config_copy(self):
        shutil.copytree(SOURCE / "config", self.folder / "config")
        return self.folder / "config"

    def collector(self, name="collector"):
        return Collector(COLLECTOR, SOURCE / "config", SOURCE / "collector/web/dist", self.folder / name, self.processes, ports=(0, 0))


class Captures(BadInput):
    def observe(self, path):
        return (AGENT, "observe", "--pcap", path, "--format", "jsonl")

    def test_garbage(self):
        self.refused(*self.observe(self.file("garbage.pcap", bytes(range(256)) * 8)), says="garbage.pcap")

    def test_empty(self):
        self.refused(*self.observe(self.file("empty.pcap", b"")), says="empty.pcap")

    def test_missing(self):
        self.refused(*self.observe(self.folder / "none.pcap"), says="none.pcap")

    def test_unknown_version(self):
        for version in ((9, 4), (2, 5), (1, 0)):
            head = PCAP_HEAD.pack(0xA1B2C3D4, *version, 0, 0, 65535, 1)
            self.refused(*self.observe(self.file("later.pcap", head + pcap(1, QUESTION)[PCAP_HEAD.size:])), says=["later.pcap", "{}.{}".format(*version), "2.4"])

    def test_unknown_link_type(self):
        self.refused(*self.observe(self.file("odd.pcap", pcap(147, QUESTION))), says=["odd.pcap", "147"])

    def test_durations_that_are_none(self):
        path = self.file("one.pcap", pcap(1, QUESTION))
        for duration in ("nan", "inf", "-1", "0"):
            self.refused(*self.observe(path), "--duration", duration, says=["--duration", "more than 0"], code=2)

    def test_truncated_capture_tells_what_came_before(self):
        path = self.file("cut.pcap", pcap(1, QUESTION, QUESTION, cut=20))
        done = self.refused(*self.observe(path), says="cut.pcap")
        self.assertEqual([json.loads(line)["name"] for line in done.stdout.splitlines()], ["www.example.com"])


class Configuration(BadInput):
    def edit(self, path, edit):
        document = json.loads(path.read_text())
        edit(document)
        path.write_text(json.dumps(document, indent=2))

    def test_unknown_key_of_the_collector(self):
        config = self.config_copy() / "collector.json"
        self.edit(config, lambda document: document.update(retention_day=3))
        self.refused(COLLECTOR, "check-config", "--config", config, says=["collector.json:", "retention_day", "retention_days"])

    def test_unknown_key_of_the_agent(self):
        config = self.config_copy() / "agent.json"
        self.edit(config, lambda document: document.update(flush_second=3))
        self.refused(AGENT, "check-config", "--config", config, says=["agent.json:", "flush_second", "flush_seconds"])

    def test_unknown_key_of_the_catalogue(self):
        config = self.config_copy()
        self.edit(config / "catalog/services/crm.json", lambda document: document["services"][0].update(hostz=[]))
        self.refused(COLLECTOR, "check-config", "--config", config / "collector.json", says=["crm.json:", "hostz"])

    def test_unknown_key_of_the_policy(self):
        config = self.config_copy()
        self.edit(config / "policy.json", lambda document: document["rules"][0].update(verdikt="x"))
        self.refused(COLLECTOR, "check-config", "--config", config / "collector.json", says=["policy.json:", "verdikt"])

    def test_places_that_are_not_there_are_warned_of(self):
        for edit, word in (({"interface": "none0"}, "none0"), ({"network_namespace": "/run/netns/none0"}, "/run/netns/none0")):
            config = self.file("agent.json", json.dumps({"data_directory": str(self.folder / "data"), **edit}))
            done = subprocess.run([AGENT, "check-config", "--config", config], capture_output=True, text=True, check=True)
            warning, good = done.stderr.strip().splitlines()
            self.assertRegex(warning, f"^warn: .*{word} is not there; ")
            self.assertIn("good", good)

    def test_no_json_at_all(self):
        config = self.config_copy() / "collector.json"
        config.write_text('{"data_directory": ')
        self.refused(COLLECTOR, "check-config", "--config", config, says="collector.json:1")


class Enrolment(BadInput):
    def agent_config(self, collector, name="agent"):
        home = self.folder / name
        home.mkdir()
        config = home / "agent.json"
        config.write_text(json.dumps({"collector": collector.url, "data_directory": str(home / "data"), "device_name": "sales-01"}))
        return config

    def test_wrong_token(self):
        collector = self.collector()
        collector.init()
        collector.serve()
        words = collector.enrol_command()
        at = words.index("--token") + 1
        wrong = words[at][:-4] + ("AAAA" if not words[at].endswith("AAAA") else "BBBB")
        done = self.refused(AGENT, "enroll", "--collector", collector.url, "--token", wrong, "--ca-pin", collector.pin,
                            "--config", self.agent_config(collector), says="token")
        self.assertEqual(done.stderr.count("new one") + done.stderr.count("new token"), 1, f"one advice: {done.stderr}")
        self.assertFalse((self.folder / "agent/data/enrolment.key").exists())

    def test_revoked_agent_is_told_to_enrol_again(self):
        collector = self.collector()
        collector.init()
        collector.serve()
        config = self.agent_config(collector)
        document = json.loads(config.read_text()) | {"capture_file": str(self.file("one.pcap", pcap(1, QUESTION))), "dns_only": True}
        config.write_text(json.dumps(document))
        subprocess.run([AGENT, *collector.enrol_command()[1:], "--config", config], check=True, capture_output=True)
        agent = json.loads((config.parent / "data/enrolment.json").read_text())["agent"]
        collector.verb("agents", "revoke", agent)
        ended = subprocess.run([AGENT, "run", "--once", "--config", config], capture_output=True, text=True, timeout=60)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        last = ended.stderr.splitlines()[-1]
        self.assertTrue(last.startswith("daylight-agent run: "), ended.stderr)
        self.assertIn("revoked", last)
        done = subprocess.run([AGENT, "doctor", "--format", "jsonl", "--config", config], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        reports = next(row for row in map(json.loads, done.stdout.splitlines()) if row["check"] == "reports")
        self.assertEqual(reports["state"], "fail")
        self.assertIn("was revoked", reports["what"])
        self.assertIn("enrol again with a new token", reports["next"])

    def test_token_is_good_once(self):
        collector = self.collector()
        collector.init()
        collector.serve()
        words = collector.enrol_command()
        subprocess.run([AGENT, *words[1:], "--config", self.agent_config(collector, "first")], check=True, capture_output=True)
        self.refused(AGENT, *words[1:], "--config", self.agent_config(collector, "second"), says="token")

    def test_certificate_authority_that_is_not_the_pinned_one(self):
        collector = self.collector()
        collector.init()
        collector.serve()
        words = collector.enrol_command()
        words[words.index("--ca-pin") + 1] = "sha256:" + "0" * 64
        self.refused(AGENT, *words[1:], "--config", self.agent_config(collector), says="pin")

    def test_certificate_of_another_authority(self):
        """An agent of collector A that turns to collector B: it says so and keeps what it has, until A is back."""
        first, second = self.collector("first"), self.collector("second")
        first.init()
        second.init()
        first.serve()
        config = self.agent_config(first)
        subprocess.run([AGENT, *first.enrol_command()[1:], "--config", config], check=True, capture_output=True)
        first.stop()
        second.serve()
        document = json.loads(config.read_text()) | {"capture_file": str(self.file("one.pcap", pcap(1, QUESTION))), "dns_only": True}
        config.write_text(json.dumps(document | {"collector": second.url}))
        with subprocess.Popen([AGENT, "run", "--once", "--config", config], stderr=subprocess.PIPE, text=True) as agent:
            line = next(line for line in agent.stderr if "warn" in line)
            agent.terminate()
            agent.stderr.read()
        self.assertIn(second.url.removeprefix("https://"), line)
        self.assertRegex(line, "certificate|authority|CA")
        self.assertIsNone(self.processes.running["collector"].poll())
        second.stop()

        first.serve()
        config.write_text(json.dumps(document))
        subprocess.run([AGENT, "run", "--once", "--config", config], check=True, capture_output=True, timeout=30)


class Reports(BadInput):
    def enrolled(self):
        collector = self.collector()
        collector.init()
        collector.serve()
        identity, self.agent = peer.enrol(AGENT, collector, self.folder / "agent")
        context = peer.context(identity)
        return collector, context

    def post(self, collector, context, body, content_type="application/json"):
        request = urllib.request.Request(collector.url + "/agent/v1/report", data=body, headers={"Content-Type": content_type})
        try:
            with urllib.request.urlopen(request, context=context, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def test_wrong_types_and_garbage_are_refused_and_the_collector_lives(self):
        collector, context = self.enrolled()
        for body, kind in ((b'{"version": "one", "cells": 7}', "application/json"), (b"\x00\xff" * 50, "application/json"),
                           (b"\x28\xb5\x2f\xfd" + b"\x99" * 60, "application/vnd.daylight.report+cbor"), (b"", "application/json")):
            status, answer = self.post(collector, context, body, kind)
            self.assertIn(status, (400, 415), answer)
            problem = json.loads(answer)
            self.assertEqual(problem["status"], status)
            self.assertTrue(problem["detail"])
        self.assertIsNone(self.processes.running["collector"].poll())


    def test_a_clock_that_is_far_off_is_remarked_on_and_its_reports_are_taken(self):
        collector, context = self.enrolled()
        agent = self.agent
        for sent, side in (("9999-12-31T23:59:59.999999Z", "ahead"), ("1970-01-01T00:00:00.000000Z", "behind")):
            report = {"format": "daylight-report", "version": 1, "agent": agent, "observer": "endpoint", "epoch": "ff" * 16, "revision_from": 0,
                      "revision_to": 0, "sent_at": sent, "agent_version": "0.1.0", "devices": [], "persons": [], "applications": [], "destinations": [],
                      "cells": [], "counters": dict.fromkeys(("packets", "packets_dropped", "connections", "connections_unattributed", "cells_dropped",
                                                              "gap_seconds", "bytes_hidden_road"), 0)}
            status, answer = self.post(collector, context, json.dumps(report).encode())
            self.assertEqual(status, 200, answer)
            row, = collector.rows(None, "agents", "list")
            self.assertEqual(row["state"], "reporting")
            self.assertRegex(row["remark"], rf"^clock \d+ days {side}; set it$")
            self.assertGreater(abs(row["clock_offset_s"]), 86400)
            off, = (row for row in collector.rows("security", "coverage") if row["what"] == "agents whose clock is off")
            self.assertEqual((off["part"], off["whole"]), (1, 1))
        warned = [line for line in collector.log.read_text().splitlines() if agent in line and "clock" in line]
        self.assertEqual(len(warned), 1, "said once, not with every report")
        report["sent_at"] = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.post(collector, context, json.dumps(report).encode())
        row, = collector.rows(None, "agents", "list")
        self.assertIsNone(row["remark"])
        self.assertIn("right again", collector.log.read_text())


class DataDirectory(BadInput):
    def test_second_collector_on_the_same_data_directory(self):
        collector = self.collector()
        collector.init()
        collector.serve()
        document = json.loads(collector.config.read_text())
        document["agents"]["listen"] = document["api"]["listen"] = "127.0.0.1:0"
        other = collector.config.parent / "other.json"
        other.write_text(json.dumps(document))
        self.refused(COLLECTOR, "serve", "--config", other, says=[str(collector.folder / "data")])
        self.assertIsNone(self.processes.running["collector"].poll())

    def test_init_twice_keeps_the_first(self):
        collector = self.collector()
        collector.init()
        self.refused(COLLECTOR, "init", "--config", collector.config, says=str(collector.folder / "data"))
        collector.serve()


if __name__ == "__main__":
    testing.main()
