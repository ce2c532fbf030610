"""What agents collect is bounded by settings that a key signed which the collector never had: signed offline, handed over by the
collector, taken without a restart; what a collector changed, replayed or signed itself is refused, shown and reported."""
import json
import sqlite3
import struct
import subprocess
import time

from stage import testing
from stage.collector import Collector
from stage.performance import SOURCE
from stage.processes import StageError

AGENT = testing.build_folder() / "daylight-agent"
COLLECTOR = testing.build_folder() / "daylight-collector"


def question(host):
    """A capture of one DNS question, which is booked where dns_only is on."""
    name = b"".join(bytes([len(label)]) + label.encode() for label in host.split(".")) + b"\0"
    dns = struct.pack(">HHHHHH", 0x1234, 0x0100, 1, 0, 0, 0) + name + struct.pack(">HH", 1, 1)
    udp = struct.pack(">HHHH", 49152, 53, 8 + len(dns), 0) + dns
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, bytes([10, 0, 0, 1]), bytes([192, 0, 2, 53])) + udp
    frame = bytes.fromhex("020000000001" "020000000002" "0800") + ip
    return (struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
            + struct.pack("<IIII", int(time.time()), 0, len(frame), len(frame)) + frame)


class SignedSettings(testing.Case):
    def offline(self, *words, ok=0, stdin=None):
        """A verb that needs no collector: without configuration, in an empty folder."""
        done = subprocess.run([COLLECTOR, "settings", *map(str, words)], capture_output=True, text=True, timeout=60, cwd=self.folder,
                              input=stdin)
        self.assertEqual(done.returncode, ok, done.stderr)
        return done.stdout if ok == 0 else done.stderr

    def sign(self, serial, *, key="settings.key", stdin=None, **collect):
        """A file of signed settings: the collector's draft with other rules."""
        draft = json.loads(self.collector.verb("settings", "draft"))
        draft["serial"] = serial
        draft["collect"].update(report_seconds=1, **collect)
        source = self.folder / f"draft-{serial}-{time.monotonic_ns()}.json"
        source.write_text(json.dumps(draft))
        signed = source.with_suffix(".signed")
        phrase = ["--pass-phrase-stdin"] if stdin else []
        self.offline("sign", source, "--key", self.folder / key, "--out", signed, *phrase, stdin=stdin)
        return signed

    def agent(self, *words):
        return subprocess.run([AGENT, *words, "--config", self.config], capture_output=True, text=True, timeout=60)

    def status(self):
        rows = [json.loads(line) for line in self.agent("status", "--format", "jsonl").stdout.splitlines()]
        return {row["item"]: row["value"] for row in rows}

    def listed(self):
        return json.loads(self.collector.verb("agents", "list", "--format", "jsonl"))

    def wait_for(self, what, condition):
        super().wait_for(what, condition, state=lambda: f"{self.status()}; {(self.folder / 'agent.log').read_text()[-2000:]}")

    def configure(self, **more):
        self.config.write_text(json.dumps({
            "collector": self.collector.url, "data_directory": str(self.folder / "data"), "device_name": "sales-01",
            "capture_file": str(self.folder / "one.pcap"), "dns_only": True, "flush_seconds": 1, "report_seconds": 1,
            "report_jitter": 0, **more}))

    def start_agent(self):
        """Its first report comes at once; an agent with nothing to say asks once an hour."""
        if "agent" in self.processes.running:
            self.assertEqual(self.processes.stop("agent"), 0)
        self.processes.start("agent", [AGENT, "run", "--config", self.config], self.folder / "agent.log")

    def tamper(self, change):
        """What a taken-over collector does: it edits what it hands over, past every check of its own verbs."""
        store = sqlite3.connect(self.collector.folder / "data/state.sqlite", timeout=10)
        with store:
            key, text = store.execute("SELECT key, json FROM documents WHERE collection = 'settings' AND key LIKE 'document-%' "
                                      "ORDER BY key DESC LIMIT 1").fetchone()
            document = json.loads(text)
            document["sealed"] = change(document["sealed"])
            store.execute("UPDATE documents SET json = ? WHERE collection = 'settings' AND key = ?", (json.dumps(document), key))
        store.close()

    def test_a_collector_alone_cannot_widen_what_is_collected(self):
        self.collector = Collector(COLLECTOR, SOURCE / "config", SOURCE / "collector/web/dist", self.folder / "collector",
                                   self.processes, ports=(0, 0))
        self.collector.init()
        self.collector.serve()
        self.config = self.folder / "agent.json"
        (self.folder / "one.pcap").write_bytes(question("one.example"))
        self.configure()

        public = self.offline("keygen", "--out", self.folder / "settings.key").strip()
        self.assertEqual((self.folder / "settings.key").stat().st_mode & 0o777, 0o600)
        self.offline("keygen", "--out", self.folder / "settings.key", ok=1)    # never written over
        first = self.sign(1, people=True, dns_only=False)
        self.assertIn("settings 1", self.offline("verify", first, "--settings-key", public))
        self.collector.verb("settings", "publish", first)
        enrol = self.collector.enrol_command()
        self.assertEqual(enrol[-2:], ["--settings-key", public])
        enrolled = self.agent(*enrol[1:])
        self.assertEqual(enrolled.returncode, 0, enrolled.stderr)

        # Before the first answer the least is collected; then what was signed, without a restart.
        self.assertIn("not: sensors, people, applications, DNS questions", self.status()["collects"])
        self.start_agent()
        self.wait_for("the first settings", lambda: self.status()["settings_serial"] == 1)
        self.assertIn("hosts, people", self.status()["collects"])
        self.assertIn("DNS questions", self.status()["collects"].split("not: ")[1])
        self.wait_for("the collector to know", lambda: self.listed()["settings_serial"] == 1)
        self.assertEqual((self.folder / "data/signed-settings.json").stat().st_mode & 0o777, 0o600)

        # Signed by a key of the collector's own: its verb refuses to publish it, and so does the agent what is slipped in.
        self.offline("keygen", "--out", self.folder / "rogue.key")
        rogue = self.sign(2, key="rogue.key", dns_only=True, sensors=True)
        with self.assertRaisesRegex(StageError, "is signed by"):
            self.collector.verb("settings", "publish", rogue)
        honest = first.read_text()
        self.tamper(lambda sealed: rogue.read_text())
        time.sleep(2.5)    # the running collector looks again
        self.start_agent()
        self.wait_for("the refusal", lambda: "not signed by the settings key" in (self.status()["settings_last_refusal"] or ""))
        self.assertEqual(self.status()["settings_serial"], 1)
        self.wait_for("the refusal in the list", lambda: self.listed()["settings_refused"] >= 1)
        self.assertIn("refused", self.listed()["remark"])
        doctor = self.agent("doctor", "--format", "jsonl").stdout
        self.assertIn("refused settings", doctor)
        self.assertIn("Settings were refused", self.agent("explain").stderr)
        self.tamper(lambda sealed: honest)

        # The next document narrows; a replay of the first is refused; the agent's own file can't widen.
        second = self.sign(2, people=False, dns_only=False)
        self.collector.verb("settings", "publish", second)
        time.sleep(2.5)
        self.start_agent()
        self.wait_for("the second settings", lambda: self.status()["settings_serial"] == 2)
        self.assertIn("people", self.status()["collects"].split("not: ")[1])
        self.tamper(lambda sealed: honest)
        time.sleep(2.5)
        self.start_agent()
        self.wait_for("the replay refused", lambda: "serial is not above 2" in (self.status()["settings_last_refusal"] or ""))
        self.assertIn("people", self.status()["collects"].split("not: ")[1])
        self.tamper(lambda sealed: second.read_text())
        self.assertEqual(self.processes.stop("agent"), 0)
        self.assertEqual(self.status()["cells"], 0, "DNS questions were not signed for")

        # Wider, signed: taken. Then the key changes, with an agent that sleeps meanwhile.
        self.collector.verb("settings", "publish", self.sign(3, dns_only=True))
        time.sleep(2.5)
        self.start_agent()
        self.wait_for("the third settings", lambda: self.status()["settings_serial"] == 3)
        self.assertEqual(self.processes.stop("agent"), 0)
        next_key = self.offline("keygen", "--out", self.folder / "next.key", "--pass-phrase-stdin", stdin="correct horse\n").strip()
        self.assertIn("ENCRYPTED", (self.folder / "next.key").read_text())
        change = self.folder / "change.signed"
        self.offline("change-key", second, "--key", self.folder / "settings.key", "--next", next_key, "--out", change)
        self.collector.verb("settings", "publish", change)
        self.collector.verb("settings", "publish", self.sign(4, key="next.key", stdin="correct horse\n", dns_only=True))
        time.sleep(2.5)
        (self.folder / "one.pcap").write_bytes(question("two.example"))
        self.start_agent()
        self.wait_for("the settings of the next key", lambda: self.status()["settings_serial"] == 4)
        self.assertEqual(self.status()["settings_key"], next_key)
        self.assertEqual(self.processes.stop("agent"), 0)

        # Now dns_only is in force from the first packet on; what agent.json says can only narrow it.
        (self.folder / "one.pcap").write_bytes(question("three.example"))
        self.configure(excluded_hosts=["three.example"])
        self.assertEqual(self.agent("run", "--once").returncode, 0)
        (self.folder / "one.pcap").write_bytes(question("four.example"))
        self.assertEqual(self.agent("run", "--once").returncode, 0)
        hosts = {json.loads(line)["host"] for line in self.agent("explain", "--format", "jsonl").stdout.splitlines()}
        self.assertIn("four.example", hosts)
        self.assertNotIn("three.example", hosts)
        self.assertNotIn("one.example", hosts)
        rows = [json.loads(line) for line in self.collector.verb("settings", "show", "--format", "jsonl").splitlines()]
        self.assertEqual([row["serial"] for row in rows][-1], 4)
        self.assertEqual(rows[-1]["state"], "offered")
        self.assertEqual(rows[-1]["agents"], 1)

        # Enrolling again: the pin stays, the key that followed it is as good, and another one has to be meant.
        enrol = self.collector.enrol_command()
        self.assertEqual(enrol[-2:], ["--settings-key", next_key])
        stranger = self.offline("keygen", "--out", self.folder / "stranger.key").strip()
        refused = self.agent(*enrol[1:-1], stranger)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("--replace-settings-key", refused.stderr)
        without = self.agent(*enrol[1:-2])
        self.assertEqual(without.returncode, 0, without.stderr)
        self.assertEqual(self.status()["settings_key"], next_key)
        self.assertEqual(self.agent(*self.collector.enrol_command()[1:]).returncode, 0)
        self.assertEqual(self.status()["settings_serial"], 4)
        file = self.folder / "data/enrolment.json"
        enrolment = json.loads(file.read_text())
        self.assertEqual(enrolment["settings_key"], next_key)
        file.write_text(json.dumps(enrolment | {"settings_key": ""}))
        self.assertIn("no settings key is pinned any more", self.agent("doctor", "--format", "jsonl").stdout)


if __name__ == "__main__":
    testing.main()
