"""An agent on an interface that carries its own reports: it does not report its reporting, or it would never fall silent.

Runs in a network namespace of its own, where loopback is idle but for what this test does."""
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import urllib.request

from stage import testing
from stage.collector import Collector
from stage.performance import SOURCE

AGENT = testing.build_folder() / "daylight-agent"
COLLECTOR = testing.build_folder() / "daylight-collector"
INSIDE = "DAYLIGHT_TEST_INSIDE_NAMESPACE"
IDLE_SECONDS = 8    # many reports and flushes of one second each


class Silence(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class OwnReporting(testing.Case):
    def agent(self, *words):
        return subprocess.run([AGENT, *words, "--config", self.config], check=True, capture_output=True, text=True).stdout

    def status(self):
        rows = [json.loads(line) for line in self.agent("status", "--format", "jsonl").splitlines()]
        return {row["item"]: row["value"] for row in rows}

    def wait_for(self, what, condition):
        super().wait_for(what, condition, state=lambda: f"{self.status()}; {(self.folder / 'agent.log').read_text()}")

    def visit(self, host):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silence)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        urllib.request.urlopen(urllib.request.Request(url, headers={"Host": host}), timeout=10).close()
        server.shutdown()
        server.server_close()

    def seen_hosts(self):
        return {json.loads(line)["host"] for line in self.agent("explain", "--format", "jsonl").splitlines()}

    def assert_unprivileged(self, pid):
        """Every thread of an agent that has parsed packets holds nothing, can gain nothing, and is under seccomp."""
        threads = list(pathlib.Path(f"/proc/{pid}/task").iterdir())
        self.assertGreaterEqual(len(threads), 3)
        for thread in threads:
            status = dict(line.split(":\t", 1) for line in (thread / "status").read_text().splitlines() if ":\t" in line)
            for held in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertEqual(int(status[held], 16), 0, f"{held} of thread {thread.name}")
            self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"), thread.name)

    def test_an_idle_host_falls_silent(self):
        collector = Collector(COLLECTOR, SOURCE / "config", SOURCE / "collector/web/dist", self.folder / "collector",
                              self.processes, ports=(0, 0))
        collector.init()
        collector.serve()
        self.config = self.folder / "agent.json"
        self.config.write_text(json.dumps({
            "collector": collector.url, "data_directory": str(self.folder / "data"), "device_name": "sales-01", "interface": "lo",
            "flush_seconds": 1, "report_seconds": 1, "report_jitter": 0}))
        self.agent(*collector.enrol_command()[1:])
        agent = self.processes.start("agent", [AGENT, "run", "--config", self.config], self.folder / "agent.log")
        self.wait_for("the ledger", (self.folder / "data/ledger.db").exists)
        time.sleep(1)
        self.visit("one.example")
        self.wait_for("the first report", lambda: "one.example" in self.seen_hosts())
        self.wait_for("nothing unsent", lambda: self.status()["cells_unsent"] == 0)
        time.sleep(3)    # what that report's connection would leave behind is booked by now
        self.assert_unprivileged(agent.pid)
        before = self.status()
        time.sleep(IDLE_SECONDS)
        after = self.status()
        self.assertEqual(before["revision"], after["revision"])
        self.assertEqual(self.seen_hosts(), {"one.example"})

        self.visit("two.example")    # it still watches and reports
        self.wait_for("the second report", lambda: self.seen_hosts() == {"one.example", "two.example"})
        self.assertIsNone(agent.poll())


if __name__ == "__main__":
    if INSIDE not in os.environ:
        if os.geteuid() != 0:
            testing.skip("watching an interface needs root")
        probe = subprocess.run(["unshare", "--net", "ip", "link", "set", "lo", "up"], capture_output=True, text=True)
        if probe.returncode != 0:
            testing.skip(f"no network namespace can be made: {probe.stderr.strip()}")
        os.environ[INSIDE] = "1"
        words = [sys.executable, "-B", str(pathlib.Path(__file__).resolve()), *sys.argv[1:]]
        os.execvp("unshare", ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *words])
    testing.main()
