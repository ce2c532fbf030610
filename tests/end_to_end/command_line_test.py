"""The command line of both programs: wrong usage, help, versions, output that can't be written, and what each verb's contract says of rows."""
import csv
import io
import json
import os
import pwd
import re
import shutil
import subprocess

from stage import testing
from stage.collector import Collector
from stage.performance import SOURCE
from stage.processes import StageError

AGENT = testing.build_folder() / "daylight-agent"
COLLECTOR = testing.build_folder() / "daylight-collector"
PROCESS_WATCH = testing.build_folder() / "daylight-process-watch"
PIN = "sha256:" + "0" * 64
NOWHERE = "/nowhere/settings.json"    # an argument that is refused is refused before this is looked for
FORMATS = ["table", "jsonl", "tsv", "csv"]


def run(*command, **more):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60, **more)


def verbs_in(text):
    """The verbs that a help text lists."""
    listed = text.partition("Subcommands:\n")[2]
    return re.findall(r"^  (\S+)", listed, re.MULTILINE)


def all_verbs(program):
    """Every verb as a list of words, those of groups such as `token` with them."""
    found, waiting = [], [[verb] for verb in verbs_in(run(program, "--help").stdout)]
    while waiting:
        words = waiting.pop(0)
        found.append(words)
        waiting += [[*words, verb] for verb in verbs_in(run(program, *words, "--help").stdout)]
    return found


class Usage(testing.Case):
    def wrong(self, *command, says):
        self.assertEqual(self.refused(*command, says=says, code=2).stdout, "")

    def test_a_program_without_verbs(self):
        for words, says in [
            (["--sockett", "/x"], ["--sockett", "did you mean --socket?"]),
            (["--socket"], ["--socket"]),
            (["--socket", ""], ["--socket", "empty"]),
            (["--agent-user", "somebody"], ["--agent-user", "somebody"]),
            (["surplus"], ["surplus", "too many"]),
        ]:
            self.wrong(PROCESS_WATCH, *words, says=["daylight-process-watch: ", *says])
        told = run(PROCESS_WATCH, "--help")
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        self.assertIn("--kernel-records", told.stdout)
        self.assertRegex(run(PROCESS_WATCH, "--version").stdout, r"^daylight-process-watch \d+\.\d+")

    def test_values_that_no_option_takes(self):
        roles = ["operations", "security", "relationship-manager", "unit-leader", "privacy-officer", "administrator"]
        for words, says in [
            (["user", "add", "E1901", "--role", "bogus"], ["--role", "bogus", *roles]),
            (["user", "add", "E1901"], ["--role"]),
            (["user", "add", "--role", "security"], ["NAME"]),
            (["user", "add", "E1901", "--role", "unit-leader"], ["--units"]),
            (["user", "add", "two words", "--role", "security"], ["NAME", "letters", ". _ @ -"]),
            (["user", "add", "x" * 65, "--role", "security"], ["NAME", "64"]),
            (["user", "add", "käthe", "--role", "security"], ["NAME", "letters"]),
            (["user", "list", "--format", "xml"], ["--format", "xml", *FORMATS]),
            (["user", "disable"], ["NAME"]),
            (["token", "create", "--expires", "foo"], ["--expires", "foo", "24h"]),
            (["token", "create", "--expires", "0s"], ["--expires", "366d"]),
            (["token", "create", "--expires", "400d"], ["--expires", "366d"]),
            (["token", "create", "--kind", "foo"], ["--kind", "foo", "endpoint", "sensor"]),
            (["token", "create", "--kind", "import"], ["--kind", "endpoint", "sensor"]),
            (["token", "create", "--uses", "0"], ["--uses", "1 to 100000"]),
            (["token", "create", "--uses", "-1"], ["--uses"]),
            (["token", "create", "--uses", "1e3"], ["--uses", "1e3", "whole number"]),
            (["token", "list", "--format", "xml"], ["--format", *FORMATS]),
            (["token", "revoke"], ["ID"]),
            (["agents", "revoke"], ["ID", "--serial"]),
            (["agents", "revoke", "zz"], ["ID", "zz", "hex digits"]),
            (["agents", "revoke", "0" * 32, "--serial", "01"], ["ID", "--serial"]),
            (["agents", "list", "--format", "xml"], ["--format", *FORMATS]),
            (["check-config", "--format", "xml"], ["--format", *FORMATS]),
            (["doctor", "--format", "xml"], ["--format", *FORMATS]),
            (["privacy-report", "--format", "xml"], ["--format", *FORMATS]),
            (["classify", "--format", "xml"], ["--format", *FORMATS]),
            (["classify", "--unit", ""], ["--unit", "empty"]),
            (["classify", "--unit="], ["--unit", "empty"]),
            (["demand", "--period", "2026-10"], ["--period", "week"]),
            (["brief"], ["UNIT"]),
            (["brief", "sales", "--format", "xml"], ["--format", "text", "markdown", "html", "json", "jsonl"]),
            (["import", "--format", "zeek"], ["FILE"]),
            (["backup"], ["FILE"]),
            (["restore"], ["FILE"]),
            (["verify", "a.backup"], ["'a.backup'", "too many", "--backup FILE"]),
        ]:
            with self.subTest(words=words):
                self.wrong(COLLECTOR, *words, *([] if "--unit=" in words else ["--config", NOWHERE]), says=[f"daylight-collector {words[0]}", *says])

    def test_periods_and_days_of_every_report_verb(self):
        for verb in (["findings"], ["portfolio"], ["demand"], ["coverage"], ["brief", "sales"]):
            self.wrong(COLLECTOR, *verb, "--config", NOWHERE, "--period", "foo", says=["--period", "foo", "2026-W46", "2026-10"])
            self.wrong(COLLECTOR, *verb, "--config", NOWHERE, "--period", "2026-W54", says=["--period"])
        for verb in ("findings", "portfolio"):
            for words, says in [
                (["--period", "2026-W46", "--from", "2026-11-01"], ["--period", "--from"]),
                (["--period", "2026-W46", "--to", "2026-11-01"], ["--period", "--to"]),
                (["--to", "2026-11-01"], ["--to", "--from"]),
                (["--from", "yesterday"], ["--from", "yesterday"]),
                (["--from", "2026-02-30"], ["--from", "2026-02-30"]),
                (["--from", "2026-11-02", "--to", "2026-11-01"], ["--from"]),
                (["--from", "2020-01-01", "--to", "2026-11-01"], ["--from", "400 days"]),
            ]:
                with self.subTest(verb=verb, words=words):
                    self.wrong(COLLECTOR, verb, "--config", NOWHERE, *words, says=says)

    def test_values_that_the_agent_does_not_take(self):
        enroll = ["enroll", "--config", NOWHERE, "--token", "t"]
        good = ["--collector", "https://127.0.0.1:8443", "--ca-pin", PIN]
        for words, says in [
            ([*enroll, "--collector", "http://127.0.0.1:8443", "--ca-pin", PIN], ["--collector", "https://HOST:PORT"]),
            ([*enroll, "--collector", "https://127.0.0.1:99999", "--ca-pin", PIN], ["--collector", "https://HOST:PORT"]),
            ([*enroll, "--collector", "corp", "--ca-pin", PIN], ["--collector", "corp"]),
            ([*enroll, "--collector", "https://127.0.0.1:8443", "--ca-pin", "sha256:zz"], ["--ca-pin", "sha256:"]),
            ([*enroll, "--collector", "https://127.0.0.1:8443"], ["--ca-pin"]),
            (["enroll", "--config", NOWHERE, *good], ["--token"]),
            (["enroll", "--config", NOWHERE, "--token", "", *good], ["--token", "empty"]),
            ([*enroll, *good, "--proxy", "socks5://127.0.0.1:1080"], ["--proxy", "http://HOST:PORT"]),
            ([*enroll, *good, "--proxy", "http://user:secret@127.0.0.1:3128"], ["--proxy", "HTTPS_PROXY"]),
            (["observe"], ["--pcap", "--interface"]),
            (["observe", "--pcap", "x", "--interface", "lo"], ["--pcap", "--interface"]),
            (["observe", "--pcap", "x", "--duration", "foo"], ["--duration", "foo", "more than 0"]),
            (["observe", "--pcap", "x", "--format", "xml"], ["--format", *FORMATS]),
            (["observe", "--pcap", "x", "--filter", "tcp"], ["--filter", "--interface"]),
            (["status", "--format", "xml", "--config", NOWHERE], ["--format", *FORMATS]),
            (["explain", "--format", "xml", "--config", NOWHERE], ["--format", *FORMATS]),
            (["doctor", "--format", "xml", "--config", NOWHERE], ["--format", *FORMATS]),
            (["check-config", "--format", "xml", "--config", NOWHERE], ["--format", *FORMATS]),
        ]:
            with self.subTest(words=words):
                self.wrong(AGENT, *words, says=[f"daylight-agent {words[0]}", *says])

    def test_wrong_verbs_are_named_with_the_known_ones(self):
        for program in (AGENT, COLLECTOR):
            known = verbs_in(run(program, "--help").stdout)
            self.assertGreater(len(known), 5)
            self.wrong(program, "zzz", says=[program.name, "'zzz'", *known])
            self.wrong(program, says=[program.name, *known])
            self.wrong(program, "help", "zzz", says=["'zzz'", *known])
            self.wrong(program, "doctor", "--fromat", "csv", says=["--fromat", "did you mean --format?"])
            self.wrong(program, "doctor", "extra", says=["'extra'"])
            self.wrong(program, "--verison", says=["--verison", "did you mean --version?"])
        self.wrong(AGENT, "obsrve", says=["'obsrve'", "did you mean 'observe'?"])
        self.wrong(COLLECTOR, "token", "creat", says=["daylight-collector token", "'creat'", "did you mean 'create'?", "revoke"])
        self.wrong(COLLECTOR, "token", says=["daylight-collector token", "create", "list", "revoke"])

    def test_help_and_version_of_every_verb(self):
        for program in (AGENT, COLLECTOR):
            version = run(program, "--version").stdout
            self.assertRegex(version, rf"^{program.name} \d+\.\d+\.\d+\n$")
            verbs = all_verbs(program)
            self.assertGreater(len(verbs), 6)
            for words in verbs:
                with self.subTest(program=program.name, words=words):
                    done = run(program, *words, "--version")
                    self.assertEqual((done.returncode, done.stdout, done.stderr), (0, version, ""))
                    own = run(program, *words, "--help")
                    self.assertEqual(own.returncode, 0)
                    self.assertIn(f"Usage: {program.name} {' '.join(words)} ", own.stdout)
                    asked = run(program, "help", *words)
                    self.assertEqual((asked.returncode, asked.stdout), (0, own.stdout))
            self.assertEqual(run(program, "help").stdout, run(program, "--help").stdout)

    def test_report_verbs_name_their_formats(self):
        for verb in ("findings", "portfolio", "demand", "coverage", "privacy-report", "brief", "classify"):
            text = run(COLLECTOR, verb, "--help").stdout
            for name in FORMATS + (["text", "markdown", "html", "json"] if verb == "brief" else []):
                self.assertRegex(text, rf"\b{name}\b", verb)


class OrdinaryUser(testing.Case):
    def test_the_agents_records_are_not_theirs_and_the_answer_says_who_may(self):
        if os.geteuid() != 0:
            self.skipTest("becoming another user needs root")
        nobody = pwd.getpwnam("nobody").pw_uid
        self.folder.chmod(0o755)
        data, config = self.folder / "data", self.folder / "agent.json"
        data.mkdir(mode=0o700)
        config.write_text(json.dumps({"collector": "https://127.0.0.1:8443", "data_directory": str(data)}))
        program = self.folder / "daylight-agent"
        shutil.copy(AGENT, program)    # the build may stand where only its owner can go
        for verb in ("explain", "status"):
            self.refused(program, verb, "--config", config, user=nobody, says=[f"{data}/enrolment.json: only root", "sudo", "ask IT"])
        self.refused(program, "explain", "--config", config, says="not enrolled")


class WithCollector(testing.Case):
    def setUp(self):
        super().setUp()
        self.collector = Collector(COLLECTOR, SOURCE / "config", SOURCE / "collector/web/dist", self.folder / "collector", self.processes, ports=(0, 0))
        self.config = self.collector.config

    def shell(self, command):
        """In a shell, which closes and redirects; no stage of it hides a failure."""
        return subprocess.run(["bash", "-c", "set -o pipefail; " + command], capture_output=True, text=True, timeout=60)


class OutputThatCantBeWritten(WithCollector):
    WAYS = ("full", "closed", "nobody reads")

    def into(self, way, *words):
        """Runs the collector with a standard output that is a full disk, closed, or a pipe whose reader has gone."""
        command = [str(word) for word in (COLLECTOR, *words, "--config", self.config)]
        if way == "closed":
            return subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *command], stderr=subprocess.PIPE, text=True, timeout=60)
        if way == "full":
            with open("/dev/full", "w") as out:
                return subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, timeout=60)
        reader, writer = os.pipe()
        os.close(reader)
        try:
            return subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
        finally:
            os.close(writer)

    def test_secrets_that_nobody_saw_are_taken_back(self):
        for way in self.WAYS:
            done = self.into(way, "init")
            self.assertEqual(done.returncode, 1, f"{way}: {done.stderr}")
            self.assertIn("nothing was made", done.stderr)
            self.assertEqual([path.name for path in (self.collector.folder / "data").rglob("*")], [])
        self.collector.init()
        users, tokens = self.collector.rows(None, "user", "list"), self.collector.rows(None, "token", "list")
        for way in self.WAYS:
            for verb, what in (("user add E1901 --role security", "account"), ("token create", "token")):
                done = self.into(way, *verb.split())
                self.assertEqual(done.returncode, 1, f"{verb} {way}: {done.stderr}")
                self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
                self.assertIn(f"the {what} was taken back", done.stderr)
            self.assertEqual(self.collector.rows(None, "user", "list"), users)
            self.assertEqual(self.collector.rows(None, "token", "list"), tokens)
        self.collector.add_account("E1901", "security")    # the name is free again, and its token good
        self.collector.as_account("E1901", "coverage")
        self.assertIn("ok", [row["state"] for row in map(json.loads, self.collector.verb("doctor", "--format", "jsonl", ok=(0, 1)).splitlines()) if row["check"] == "audit chain"])

    def test_every_other_verb_fails_where_its_output_does(self):
        self.collector.init()
        agent = self.folder / "agent.json"
        agent.write_text(json.dumps({"data_directory": str(self.folder / "data")}))
        capture = self.folder / "empty.pcap"
        capture.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
        at = f"--config {self.config}"
        commands = [f"{COLLECTOR} {verb} {at}" for verb in
                    ("check-config", "doctor", "token list", "agents list", "user list", "findings", "findings --explain --format csv", "portfolio",
                     "brief sales", "brief sales --format json", "brief sales --format jsonl", "demand", "coverage", "privacy-report", "verify")]
        commands += [f"echo slack.com | {COLLECTOR} classify {at}", f"{COLLECTOR} --help", f"{COLLECTOR} help token", f"{COLLECTOR} --version"]
        commands += [f"{AGENT} check-config --config {agent}", f"{AGENT} doctor --config {agent}", f"{AGENT} observe --pcap {capture}", f"{AGENT} --help"]
        for command in commands:
            with self.subTest(command=command):
                self.assertIn(self.shell(command).returncode, (0, 1) if "doctor" in command else (0,))
                for way in (">/dev/full", ">&-"):
                    done = self.shell(f"{command} {way}")
                    self.assertEqual(done.returncode, 1, f"{way}: {done.stderr}")
                    self.assertIn("standard output", done.stderr)


class Configuration(WithCollector):
    def edit(self, **changes):
        document = json.loads(self.config.read_text())
        for key, value in changes.items():
            if value is None:
                document.pop(key, None)
            elif isinstance(value, dict):
                document[key].update(value)
            else:
                document[key] = value
        self.config.write_text(json.dumps(document, indent=1))

    def check(self):
        return [COLLECTOR, "check-config", "--config", self.config]

    def test_two_listeners_on_one_port(self):
        for agents, api in (("127.0.0.1:8443", "127.0.0.1:8443"), ("0.0.0.0:8443", "127.0.0.1:8443")):
            self.edit(agents={"listen": agents}, api={"listen": api})
            self.refused(*self.check(), says=["collector.json:", "agents.listen", "api.listen", "8443"])
        self.edit(agents={"listen": "127.0.0.2:8443"})
        self.assertEqual(run(*self.check()).returncode, 0)

    def test_a_page_that_is_not_there_is_warned_of(self):
        self.edit(web=str(self.folder / "none"))
        done = run(*self.check())
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr.splitlines()[0], f"^warn: web: {self.folder}/none .*scripts/build-page")
        self.edit(web=None)
        self.assertNotIn("warn", run(*self.check()).stderr)

    def test_text_that_is_no_utf8(self):
        folder = self.config.parent
        for name in ("people.csv", "devices.csv", "business-units.csv", "policy.json", "catalog/local.json", "catalog/internal-hosts.csv",
                     "catalog/services/crm.json", "collector.json"):
            path = folder / name
            before = path.read_bytes()
            head, _, rest = before.partition(b"\n")
            path.write_bytes(head + b"\nE\xfcrgen" + rest)
            with self.subTest(name=name):
                self.refused(*self.check(), says=[f"{name}:2:", "UTF-8"])
            path.write_bytes(before)
        config = self.folder / "agent.json"
        config.write_bytes(b'{\n"data_directory": "/\xfc"}')
        self.refused(AGENT, "check-config", "--config", config, says=["agent.json:2:", "UTF-8"])
        hosts = self.folder / "hosts.txt"
        hosts.write_bytes(b"# mine\ncaf\xe9.example\n")
        config.write_text(json.dumps({"data_directory": str(self.folder / "data"), "personal_list": str(hosts)}))
        self.refused(AGENT, "check-config", "--config", config, says="hosts.txt:2:")

    def test_a_catalogue_that_is_not_there(self):
        self.edit(catalog=str(self.folder / "none"))
        self.refused(*self.check(), says=[f"{self.folder}/none/categories.json", "`catalog`"])

    def test_a_directory_instead_of_a_file(self):
        for program in (AGENT, COLLECTOR):
            self.refused(program, "check-config", "--config", self.folder, says=[f"{self.folder}: is a directory; name a file"])
        self.edit(policy=str(self.folder))
        self.refused(*self.check(), says=[f"{self.folder}: is a directory; name a file"])

    def test_backups_that_are_none(self):
        self.collector.init()
        backup = self.folder / "backup"
        self.collector.verb("backup", backup)
        whole = backup.read_bytes()
        self.edit(data_directory=str(self.folder / "other"))
        spoilt = bytearray(whole)
        spoilt[8192:12288] = bytes(range(256)) * 16
        for content, says in ((b"", "is no backup"), (os.urandom(5000), "is no backup"), (whole[:60], "is no backup"),
                              (whole[:len(whole) // 2], "is damaged or not whole"), (whole[:-1], "is damaged or not whole"),
                              (whole + b"more", "goes on for 4 octets after its end"),
                              (bytes(spoilt), "is damaged or not whole"),
                              ((self.collector.folder / "data/usage.sqlite").read_bytes(), "is no backup")):
            backup.write_bytes(content)
            self.refused(COLLECTOR, "restore", backup, "--config", self.config, says=[f"{backup}: ", says])
            self.refused(COLLECTOR, "verify", "--backup", backup, "--config", self.config, says=[f"{backup}: ", says])
            self.assertFalse((self.folder / "other").exists())
        self.refused(COLLECTOR, "restore", self.folder, "--config", self.config, says=[f"{self.folder}: ", "is no backup"])
        self.refused(COLLECTOR, "restore", self.folder / "none", "--config", self.config, says=[f"{self.folder}/none: there is no such file"])
        backup.write_bytes(whole)
        self.assertEqual(run(COLLECTOR, "restore", backup, "--config", self.config).returncode, 0)

    def test_the_organisations_own_part_of_the_catalogue_stands_elsewhere(self):
        own = self.folder / "catalog.local"
        own.mkdir()
        (own / "local.json").write_text(json.dumps({"services": [{
            "id": "own-crm", "name": "Own CRM", "vendor": "Us", "category": "crm", "hosts": ["*.own.example"], "facts": ["vendor-documentation"]}],
            "remove": ["zendesk"]}))
        (own / "internal-hosts.csv").write_text("host,service,name,category,owner\nwiki.corp.example,corp-wiki,Wiki,notes-wiki,E1001\n")
        self.edit(catalog_local=str(own))
        done = run(COLLECTOR, "classify", "--config", self.config, "--format", "jsonl", input="app.own.example\nwiki.corp.example\nsome.zendesk.com\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([row["id"] for row in map(json.loads, done.stdout.splitlines())], ["own-crm", "corp-wiki", None])


class Classify(WithCollector):
    LINES = ["slack.com", "", "  Slack.com \r", "slack.com:443", "https://user@app.slack.com:8443/a?b#c", "slack.com.", "[2001:db8::1]:443", "2001:db8::1",
             "\t", "not a host", "192.0.2.1:80", "http://[2001:db8::1]/"]
    HOSTS = ["slack.com", None, "slack.com", "slack.com", "app.slack.com", "slack.com", "2001:db8::1", "2001:db8::1", None, "not a host", "192.0.2.1",
             "2001:db8::1"]

    def classify(self, *words, lines=LINES):
        done = run(COLLECTOR, "classify", "--config", self.config, *words, input="\n".join(lines) + "\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_one_row_for_each_line(self):
        rows = [json.loads(line) for line in self.classify("--format", "jsonl").split("\n")[:-1]]
        self.assertEqual([row["host"] for row in rows], self.HOSTS)
        for row in rows:
            self.assertEqual(row["kind"], "service" if (row["host"] or "").endswith("slack.com") else "unknown", row)
            self.assertNotIn("", row.values())
        self.assertEqual(rows[1], dict.fromkeys(rows[1]) | {"kind": "unknown"})
        tsv = self.classify("--format", "tsv").split("\n")[1:-1]
        self.assertEqual([line.split("\t")[0] for line in tsv], [host or "" for host in self.HOSTS])
        table = list(csv.DictReader(io.StringIO(self.classify("--format", "csv"))))
        self.assertEqual([row["id"] for row in table], [row["id"] or "" for row in rows])

    def test_the_last_line_needs_no_end(self):
        done = run(COLLECTOR, "classify", "--config", self.config, "--format", "tsv", input="slack.com\nslack.com")
        self.assertEqual(len(done.stdout.splitlines()), 3)

    def test_a_unit_that_is_none(self):
        self.refused(COLLECTOR, "classify", "--config", self.config, "--unit", "nosuch", stdin="slack.com\n", says=["'nosuch'", "business-units.csv"])
        self.refused(COLLECTOR, "classify", "--config", self.config, "--unit", "saels", stdin="slack.com\n", says=["'saels'", "did you mean 'sales'?"])
        self.assertEqual(len(self.classify("--unit", "sales").splitlines()), len(self.LINES) + 1)


class Rows(WithCollector):
    def test_a_brief_in_rows(self):
        self.collector.init()
        rows = self.collector.rows(None, "brief", "sales")
        self.assertGreater(len(rows), 5)
        self.assertEqual(set(rows[0]), {"unit", "period", "section", "kind", "label", "text"})
        self.assertEqual({row["unit"] for row in rows}, {"sales"})
        text = " ".join(self.collector.verb("brief", "sales").split())
        for row in rows:
            self.assertIn(" ".join(row["text"].split()), text)
        for form, separator in (("tsv", "\t"), ("csv", ",")):
            lines = self.collector.verb("brief", "sales", "--format", form).splitlines()
            self.assertEqual(len(lines), len(rows) + 1)
            self.assertEqual(lines[0], separator.join(rows[0]))
        self.assertEqual(json.loads(self.collector.verb("brief", "sales", "--format", "json"))["unit"]["id"], "sales")

    def test_an_empty_token_is_none(self):
        self.collector.init()
        self.assertEqual(self.collector.verb("coverage", env={"DAYLIGHT_TOKEN": ""}), self.collector.verb("coverage"))
        with self.assertRaises(StageError):
            self.collector.verb("coverage", env={"DAYLIGHT_TOKEN": "x"})

    def test_an_account_of_a_unit_that_is_none(self):
        self.collector.init()
        self.refused(COLLECTOR, "user", "add", "E1901", "--role", "unit-leader", "--units", "sales,saels", "--config", self.config,
                   says=["'saels'", "did you mean 'sales'?", "business-units.csv"])
        self.assertNotIn("E1901", [row["name"] for row in self.collector.rows(None, "user", "list")])


if __name__ == "__main__":
    testing.main()
