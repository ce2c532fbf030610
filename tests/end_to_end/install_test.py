"""What `cmake --install --prefix /usr` lays out is whole: programs, settings, catalogue, page, units and documents find one another."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from stage import testing

SOURCE = pathlib.Path(__file__).resolve().parents[2]
# Exposure as systemd reckons it, in tenths.
EXPOSURE = {"daylight-agent": 17, "daylight-process-watch": 24, "daylight-collector": 12}
EXPOSURE_WITH_RECORDS = 24


def run(*command, **more):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, **more)


def install(root, prefix="/usr"):
    done = run("cmake", "--install", testing.build_folder().resolve(), "--prefix", prefix, env={**os.environ, "DESTDIR": str(root)})
    if done.returncode != 0:
        raise AssertionError(f"cmake --install failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def settings_below(root, settings):
    """A copy of installed settings in which the absolute places below /usr are those below `root`."""
    copy = settings.with_name(f"here-{settings.name}")
    copy.write_text(settings.read_text().replace('"/usr/', f'"{root}/usr/'))
    return copy


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = testing.scratch()
        cls.root = scratch.__enter__()
        cls.addClassCleanup(scratch.__exit__, None, None, None)
        install(cls.root)

    def at(self, path):
        """The place of an absolute path in the installed tree; it must be there."""
        place = self.root / str(path).lstrip("/")
        self.assertTrue(place.exists(), f"{path} is not installed")
        return place

    def test_everything_is_where_it_belongs(self):
        for path in ["/usr/bin/daylight-agent", "/usr/bin/daylight-process-watch", "/usr/bin/daylight-collector", "/etc/daylight/agent.json", "/etc/daylight/collector.json",
                     "/etc/daylight/policy.json", "/etc/daylight/business-units.csv", "/etc/daylight/people.csv", "/etc/daylight/devices.csv",
                     "/etc/daylight/personal-hosts.txt", "/etc/daylight/agent.schema.json", "/etc/daylight/collector.schema.json",
                     "/etc/daylight/catalog.local/local.json", "/etc/daylight/catalog.local/internal-hosts.csv",
                     "/usr/lib/systemd/system/daylight-agent.service", "/usr/lib/systemd/system/daylight-process-watch.service",
                     "/usr/lib/systemd/system/daylight-collector.service",
                     "/usr/share/doc/daylight/operations.md", "/usr/share/doc/daylight/CHANGELOG.md", "/usr/share/doc/daylight/LICENSE"]:
            self.at(path)
        for below in ["config/catalog", "docs/decisions"]:
            target = {"config/catalog": "/usr/share/daylight/catalog", "docs/decisions": "/usr/share/doc/daylight/decisions"}[below]
            for file in (SOURCE / below).rglob("*"):
                if file.name not in {"local.json", "internal-hosts.csv"}:
                    self.at(f"{target}/{file.relative_to(SOURCE / below)}")
        page = SOURCE / "collector/web/dist"
        if (page / "index.html").exists():
            for file in page.rglob("*"):
                self.at(f"/usr/share/daylight/web/{file.relative_to(page)}")
        strays = [entry.name for entry in self.root.iterdir() if entry.name not in {"usr", "etc"}]
        self.assertEqual(strays, [])
        self.assertFalse((self.root / "usr/etc").exists())

    def test_programs_find_the_settings_and_call_them_sound(self):
        for program in ["daylight-agent", "daylight-collector"]:
            settings = self.at(f"/etc/daylight/{program.removeprefix('daylight-')}.json")
            done = run(self.at(f"/usr/bin/{program}"), "check-config", "--config", settings_below(self.root, settings), "--format", "jsonl")
            self.assertEqual(done.returncode, 0, done.stderr)
            rows = [json.loads(line) for line in done.stdout.splitlines()]
            value = {row["key"]: row["value"] for row in rows}
            self.assertEqual(value["data_directory"], f"/var/lib/{program}")
            if program == "daylight-agent":
                self.assertFalse(value["collector"], "a setting would override what `enroll --collector` says")
            # Without --config they look where the settings were put.
            self.assertIn(f"=/etc/daylight/{settings.name}", run(self.at(f"/usr/bin/{program}"), "check-config", "--help").stdout)
        self.assertEqual(value["web"], f"{self.root}/usr/share/daylight/web")
        self.assertEqual(value["catalog"], f"{self.root}/usr/share/daylight/catalog")
        self.assertEqual(value["catalog_local"], str(self.root / "etc/daylight/catalog.local"))

    def test_units_name_installed_files(self):
        for program in EXPOSURE:
            unit = self.at(f"/usr/lib/systemd/system/{program}.service").read_text()
            setting = dict(re.findall(r"^(\w+)=(.+)$", unit, re.MULTILINE))
            words = setting["ExecStart"].split()
            self.assertEqual(words[0], f"/usr/bin/{program}")
            self.assertTrue(os.access(self.at(words[0]), os.X_OK))
            if program == "daylight-process-watch":    # no settings: it listens where the agent asks by default
                asked = json.loads((SOURCE / "config/agent.schema.json").read_text())["properties"]["process_watch"]["default"]
                self.assertEqual(words[1:], ["--socket", asked])
                self.assertEqual(run(self.at(words[0]), "--help").returncode, 0)
                self.assertTrue(asked.startswith(f"/run/{setting['RuntimeDirectory']}/"))
                self.at(setting["Documentation"].removeprefix("file://"))
                continue
            self.assertEqual(run(self.at(words[0]), words[1], "--help").returncode, 0)
            settings = json.loads(self.at(words[words.index("--config") + 1]).read_text())
            self.assertEqual(settings["data_directory"], f"/var/lib/{setting['StateDirectory']}")
            self.at(setting["Documentation"].removeprefix("file://"))

    def test_units_are_understood_by_systemd(self):
        """Every key is known, every program is there: in the installed tree, as `systemctl daemon-reload` would read it."""
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not here")
        for program in EXPOSURE:
            unit = f"/usr/lib/systemd/system/{program}.service"
            done = run("systemd-analyze", f"--root={self.root}", "--man=no", "--recursive-errors=no", "verify", self.at(unit))
            said = [line for line in (done.stdout + done.stderr).splitlines()
                    if program in line and "/bin/kill" not in line]    # the system's, not of this tree
            self.assertEqual(said, [])

    def test_units_are_confined(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not here")
        for program, most in EXPOSURE.items():
            done = run("systemd-analyze", "security", "--offline=true", f"--threshold={most}",
                       self.at(f"/usr/lib/systemd/system/{program}.service"))
            said = re.search(r"Overall exposure level for \S+: (\d+)\.(\d)", done.stdout)
            self.assertIsNotNone(said, done.stdout + done.stderr)
            self.assertLessEqual(int(said[1]) * 10 + int(said[2]), most, said[0])

    def test_the_process_watch_with_kernel_records_is_as_confined(self):
        """The drop-ins, laid over the units as systemd does."""
        self.assertIn("SystemCallFilter=bpf\n", self.at("/usr/share/daylight/systemd/daylight-agent-kernel-records.conf").read_text())
        drop_in = self.at("/usr/share/daylight/systemd/daylight-process-watch-kernel-records.conf").read_text()
        words = re.findall(r"^ExecStart=(.+)$", drop_in, re.MULTILINE)[0].split()
        self.assertIn("--kernel-records", run(self.at(words[0]), "--help").stdout)
        unit = self.at("/usr/lib/systemd/system/daylight-process-watch.service").read_text()
        self.assertEqual(words[:-1], re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)[0].split())
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not here")
        both = self.root / "daylight-process-watch.service"
        both.write_text(unit.replace("[Install]", drop_in.partition("[Service]\n")[2] + "\n[Install]"))
        done = run("systemd-analyze", "security", "--offline=true", "--threshold=100", both)
        said = re.search(r"Overall exposure level for \S+: (\d+)\.(\d)", done.stdout)
        self.assertIsNotNone(said, done.stdout + done.stderr)
        self.assertLessEqual(int(said[1]) * 10 + int(said[2]), EXPOSURE_WITH_RECORDS, said[0])

    def test_links_between_documents_lead_somewhere(self):
        folder = self.at("/usr/share/doc/daylight")
        for page in folder.glob("*.md"):
            for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
                if "://" in link:
                    continue
                target = self.root / link.lstrip("/") if link.startswith("/") else page.parent / link
                self.assertTrue(target.exists(), f"{page.name} links to {link}, which is not installed")


class InstalledAgain(unittest.TestCase):
    def setUp(self):
        scratch = testing.scratch()
        self.root = scratch.__enter__()
        self.addCleanup(scratch.__exit__, None, None, None)

    def test_an_upgrade_leaves_what_the_organisation_wrote(self):
        install(self.root)
        etc = self.root / "etc/daylight"
        theirs = ["agent.json", "collector.json", "policy.json", "people.csv", "catalog.local/local.json", "catalog.local/internal-hosts.csv"]
        shipped = {name: (etc / name).read_text() for name in theirs}
        for name in theirs:
            (etc / name).write_text(shipped[name] + "\n")
        catalog = self.root / "usr/share/daylight/catalog"
        (catalog / "categories.json").write_text("{}")
        said = install(self.root)
        for name in theirs:
            self.assertEqual((etc / name).read_text(), shipped[name] + "\n", f"{name} was overwritten")
            self.assertEqual((etc / f"{name}.new").read_text(), shipped[name])
            self.assertIn(f"{pathlib.Path(name).name}.new", said)
        self.assertFalse((etc / "devices.csv.new").exists(), "an untouched file needs no second copy")
        self.assertEqual((catalog / "categories.json").read_text(), (SOURCE / "config/catalog/categories.json").read_text())
        self.check(etc)

    def check(self, etc):
        done = run(self.root / "usr/bin/daylight-collector", "check-config", "--config", settings_below(self.root, etc / "collector.json"))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def test_an_upgrade_leaves_nothing_of_an_older_catalogue_behind(self):
        """A category that this version dropped, with its services: loaded, it would name hosts that are others' now."""
        install(self.root)
        catalog, etc = self.root / "usr/share/daylight/catalog", self.root / "etc/daylight"
        fresh = sorted(path.relative_to(catalog) for path in catalog.rglob("*"))
        before = self.check(etc)
        (catalog / "services/dropped.json").write_text(json.dumps({"category": "dropped", "services": []}))
        (catalog / "noise/dropped.json").write_text("{}")
        (self.root / "usr/share/daylight/web").mkdir(exist_ok=True)
        (self.root / "usr/share/daylight/web/dropped.js").write_text("")
        (etc / "catalog.local/internal-hosts.csv").write_text(
            "host,service,name,category,owner\nwiki.corp.example,corp-wiki,Wiki,notes-wiki,E1001\n")
        install(self.root)
        self.assertEqual(sorted(path.relative_to(catalog) for path in catalog.rglob("*")), fresh)
        if (SOURCE / "collector/web/dist/index.html").exists():
            self.assertFalse((self.root / "usr/share/daylight/web/dropped.js").exists())
        services = [int(re.match(r"(\d+) services", said.splitlines()[-1])[1]) for said in (before, self.check(etc))]
        self.assertEqual(services[1], services[0] + 1, "the organisation's own application is still known")

    def test_an_older_layout_is_told_of(self):
        old = self.root / "etc/daylight/catalog"
        old.mkdir(parents=True)
        (old / "categories.json").write_text("{}")
        self.assertIn("Of an older version", install(self.root))
        self.assertTrue((old / "categories.json").exists())

    def test_another_prefix_stays_below_itself(self):
        install(self.root, "/srv/daylight")
        unit = (self.root / "srv/daylight/lib/systemd/system/daylight-collector.service").read_text()
        self.assertIn("ExecStart=/srv/daylight/bin/daylight-collector serve --config /srv/daylight/etc/daylight/collector.json", unit)
        settings = json.loads((self.root / "srv/daylight/etc/daylight/collector.json").read_text())
        self.assertEqual(settings["web"], "/srv/daylight/share/daylight/web")
        self.assertEqual([entry.name for entry in self.root.iterdir()], ["srv"])


if __name__ == "__main__":
    testing.main()
