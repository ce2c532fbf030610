"""A backup is taken while agents report; what was reported after it is sent again to the store that is restored from it,
and what is no backup, or no longer the one that was written, is refused."""
import json
import pathlib
import shutil
import sqlite3
import subprocess
import threading
import time
import unittest

from stage import peer, testing
from stage.collector import Collector
from stage.performance import SOURCE
from stage.processes import Processes

AGENT = testing.build_folder() / "daylight-agent"
COLLECTOR = testing.build_folder() / "daylight-collector"
TODAY = time.strftime("%Y-%m-%d", time.gmtime())


class Reporter:
    """Reports as an agent does: cells with rising revisions, sent from the last acknowledged one on, again from where the
    collector says when it orders so."""

    def __init__(self, identity, agent, port, device):
        self.settings, self.agent, self.port, self.device = peer.context(identity), agent, port, device
        self.cells, self.acknowledged, self.receipt, self.store = 0, 0, None, None
        self.resent = 0

    def cell(self, number):
        return {"day": TODAY, "device": 0, "person": None, "application": None, "destination": number - 1 - self.acknowledged,
                "evidence": "tls_sni", "connections": 1, "bytes_up": number, "bytes_down": 1000 + number,
                "first_seen": f"{TODAY}T00:00:01.000000Z", "last_seen": f"{TODAY}T00:00:02.000000Z", "revision": number}

    def report(self, new_cells):
        """One report of what is not acknowledged; True where the collector took it."""
        self.cells += new_cells
        numbers = range(self.acknowledged + 1, self.cells + 1)
        document = {
            "format": "daylight-report", "version": 1, "agent": self.agent, "observer": "endpoint", "epoch": self.agent,
            "revision_from": self.acknowledged, "revision_to": self.cells, "last_receipt": self.receipt, "last_store": self.store,
            "sent_at": time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime()), "agent_version": "0.1.0",
            "counters": {"packets": self.cells, "packets_dropped": 0, "connections": self.cells, "connections_unattributed": 0,
                         "cells_dropped": 0, "gap_seconds": 0, "bytes_hidden_road": 0},
            "devices": [self.device], "persons": [], "applications": [],
            "destinations": [{"host": f"h{n}.example.com", "canonical": "", "transport": "tcp", "port": 443} for n in numbers],
            "cells": [self.cell(n) for n in numbers]}
        with peer.Line(self.port, self.settings) as line:
            line.send(peer.request("/agent/v1/report", json.dumps(document).encode()))
            status, answer = line.answer()
        if status != 200:
            return False
        reply = json.loads(answer)
        if reply["order"] == "resend":
            self.resent += 1
            self.acknowledged = reply["revision"]
            return False
        self.acknowledged, self.receipt, self.store = self.cells, reply["receipt"], reply["store"]
        return True


class Backup(unittest.TestCase):
    def setUp(self):
        scratch = testing.scratch()
        self.folder = scratch.__enter__()
        self.addCleanup(scratch.__exit__, None, None, None)
        self.processes = Processes(self.folder / "processes.json")
        self.addCleanup(self.processes.stop_all)
        self.collector = Collector(COLLECTOR, SOURCE / "config", SOURCE / "collector/web/dist", self.folder / "collector",
                                   self.processes, ports=(0, 0))
        self.collector.init()
        self.collector.serve()
        self.data = self.folder / "collector/data"

    def reporters(self, number):
        made = []
        for n in range(number):
            identity, agent = peer.enrol(AGENT, self.collector, self.folder / f"agent{n}", f"sales-{n:02}")
            made.append(Reporter(identity, agent, self.collector.agents_port, f"{n:02x}" * 32))
        return made

    def totals(self):
        words = [line.split() for line in self.collector.verb("verify").splitlines()]
        return {pair[0]: int(pair[1]) for pair in words if len(pair) == 2}

    def refused(self, *words, says):
        done = subprocess.run([COLLECTOR, *words, "--config", self.collector.config], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn(says, done.stderr)

    def test_what_a_restored_store_lacks_is_sent_again(self):
        reporters = self.reporters(4)
        done = threading.Event()

        def report_on(reporter):
            while not done.is_set():
                reporter.report(7)

        threads = [threading.Thread(target=report_on, args=(reporter,)) for reporter in reporters]
        for thread in threads:
            thread.start()
        backups = []
        try:
            for number in range(3):
                time.sleep(0.7)
                backups.append(self.folder / f"backup{number}")
                digest = self.collector.verb("backup", backups[-1]).strip()
                self.assertRegex(digest, "^sha256:[0-9a-f]{64}$")
                self.assertEqual(self.collector.verb("verify", "--backup", backups[-1], "--digest", digest).split(), [digest, "ok"])
            time.sleep(0.7)
        finally:
            done.set()
            for thread in threads:
                thread.join()
        everything = {"cells": sum(r.cells for r in reporters), "bytes_up": sum(n for r in reporters for n in range(1, r.cells + 1))}
        self.assertTrue(all(reporter.report(0) for reporter in reporters))
        held = self.totals()
        self.assertEqual({key: held[key] for key in everything}, everything)

        self.refused("restore", backups[0], says="is not empty; move it away first")    # a collector works on it
        self.collector.stop()
        self.data.rename(self.folder / "old")
        self.collector.verb("restore", backups[0])
        less = self.totals()
        self.assertLess(less["cells"], everything["cells"])
        self.assertGreater(less["cells"], 0)
        self.collector.serve()
        for reporter in reporters:
            self.assertFalse(reporter.report(0), "nothing is new, but the store lacks what it acknowledged")
            self.assertTrue(reporter.report(0))
            self.assertEqual(reporter.resent, 1)
        held = self.totals()
        self.assertEqual({key: held[key] for key in everything}, everything)
        self.collector.verb("doctor", ok=(0, 1))

    def test_what_is_no_whole_backup_is_refused_in_one_line(self):
        reporter, = self.reporters(1)
        self.assertTrue(reporter.report(50))
        file = self.folder / "backup"
        digest = self.collector.verb("backup", file).strip()
        self.collector.stop()
        self.data.rename(self.folder / "old")
        whole = file.read_bytes()

        spoilt = self.folder / "spoilt"
        spoilt.write_bytes(whole[:len(whole) // 2])
        self.refused("restore", spoilt, says="is damaged or not whole")
        at = whole.index(b"h7.example.com")    # in the table; its index comes behind
        spoilt.write_bytes(whole[:at] + b"x" + whole[at + 1:])
        self.refused("restore", spoilt, says="destinations is not what was written")
        self.refused("verify", "--backup", spoilt, says="destinations is not what was written")
        spoilt.write_bytes(b"not a backup at all" * 500)
        self.refused("restore", spoilt, says="is no backup of a collector")
        shutil.copy(self.folder / "old/usage.sqlite", spoilt)
        self.refused("restore", spoilt, says="is no backup of a collector")
        self.refused("restore", file, "--digest", digest[:-1] + ("0" if digest[-1] != "0" else "1"), says="not the one that was given")
        self.assertFalse(self.data.exists())
        self.assertFalse(list(self.data.parent.glob("data.*")))
        self.collector.verb("restore", file, "--digest", digest)
        self.assertEqual(self.totals()["cells"], 50)

    def test_heads_kept_elsewhere_tell_a_chain_that_was_cut(self):
        self.collector.verb("user", "add", "E1001", "--role", "operations")
        self.collector.stop()
        (self.data / "audit-heads").unlink()    # as if the day had passed
        self.collector.serve()
        self.collector.stop()
        kept = self.collector.log    # each head is in it, among other lines
        self.assertGreaterEqual(kept.read_text().count("audit-head "), 2)
        self.assertIn("ok", self.collector.verb("verify", "--audit-heads", kept))
        with sqlite3.connect(self.data / "state.sqlite") as store:
            store.execute("DELETE FROM documents WHERE collection = 'audit' AND key = (SELECT max(key) FROM documents WHERE collection = 'audit')")
            store.execute("DELETE FROM documents WHERE collection = 'audit-head'")
            store.execute("DELETE FROM changes WHERE collection IN ('audit', 'audit-head') AND (collection, key) NOT IN "
                          "(SELECT collection, key FROM documents)")
        (self.data / "audit-heads").unlink()
        self.assertIn("ok", self.collector.verb("verify"))    # in itself it is whole
        self.refused("verify", "--audit-heads", kept, says="the audit chain ends at entry")
        empty = self.folder / "empty"
        empty.write_text("nothing\n")
        self.refused("verify", "--audit-heads", empty, says="holds no line with audit-head")
        self.refused("verify", "--audit-heads", self.folder / "none", says="there is no such file")

    def test_accounts_are_disabled_and_enabled(self):
        self.collector.add_account("E1001", "operations")
        self.collector.verb("user", "disable", "E1001")
        self.refused("user", "add", "E1001", "--role", "operations", says="daylight-collector user enable E1001")
        self.refused("user", "disable", "security", says="the last enabled one with the role security")
        self.refused("user", "enable", "E1002", says="no account is called 'E1002'")
        self.collector.verb("user", "enable", "E1001")
        rows = [json.loads(line) for line in self.collector.verb("user", "list", "--format", "jsonl").splitlines()]
        self.assertEqual({row["name"]: row["state"] for row in rows}["E1001"], "active")
        self.collector.get("/api/v1/session", "E1001")    # the same token
        with sqlite3.connect(self.data / "state.sqlite") as store:
            what = [json.loads(entry)["what"] for entry, in store.execute("SELECT json FROM documents WHERE collection = 'audit' ORDER BY key")]
        self.assertEqual(what[-3:], ["user.add", "user.disable", "user.enable"])


if __name__ == "__main__":
    testing.main()
