"""The whole chain as installed: `run`, the process watch with the kernel's records beside it, a collector. Connections that close as soon
as the answer is there are known by user and program, and security sees what applications offer in TLS, and which share is unknown.

Runs in a network namespace of its own, where loopback is idle but for what this test does. Where the kernel allows no records, the same
is asked of the process watch alone, with a lower share, and the test says so."""
import datetime
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import threading

from stage import testing
from stage.collector import Collector
from stage.performance import SOURCE
from stage.processes import run

AGENT = testing.build_folder() / "daylight-agent"
COLLECTOR = testing.build_folder() / "daylight-collector"
PROCESS_WATCH = testing.build_folder() / "daylight-process-watch"
PEER = testing.build_folder() / "tests/bench/peer"
INSIDE = "DAYLIGHT_TEST_INSIDE_NAMESPACE"
SHORT = 200
HELLO = """
import socket, ssl, sys
settings = ssl.create_default_context()
settings.check_hostname, settings.verify_mode = False, ssl.CERT_NONE
settings.maximum_version = getattr(ssl.TLSVersion, sys.argv[2])
settings.set_alpn_protocols(["h2", "http/1.1"])
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as plain:
    settings.wrap_socket(plain, server_hostname="shop.example").close()
"""


class Run(testing.Case):
    def setUp(self):
        super().setUp()
        self.collector = Collector(COLLECTOR, SOURCE / "config", SOURCE / "collector/web/dist", self.folder / "collector", self.processes, ports=(0, 0))
        self.collector.init()
        self.collector.serve()
        self.config = self.folder / "agent.json"
        self.socket = self.folder / "watch/socket"
        self.socket.parent.mkdir()
        self.config.write_text(json.dumps({
            "collector": self.collector.url, "data_directory": str(self.folder / "data"), "device_name": "sales-01", "interface": "lo",
            "process_watch": str(self.socket), "flush_seconds": 1, "report_seconds": 1, "report_jitter": 0}))
        self.agent(*self.collector.enrol_command()[1:])

    def agent(self, *words):
        return run([AGENT, *words, "--config", self.config], what=f"agent {words[0]}", ok=(0, 1))

    def status(self):
        return {row["item"]: row["value"] for row in map(json.loads, self.agent("status", "--format", "jsonl").splitlines())}

    def used(self):
        return [json.loads(line) for line in self.agent("explain", "--format", "jsonl").splitlines()]

    def start_watch(self):
        """True where the kernel keeps records."""
        log = self.folder / "watch.log"
        self.processes.start("watch", [PROCESS_WATCH, "--socket", self.socket, "--agent-user", str(os.geteuid()), "--kernel-records"], log)
        self.wait_for("the process watch", lambda: "answering on" in log.read_text(), state=log.read_text)
        return "the kernel records" in log.read_text()

    def start_agent(self):
        log = self.folder / "agent.log"
        self.processes.start("agent", [AGENT, "run", "--config", self.config], log)
        self.wait_for("watching", lambda: "watching" in log.read_text(), state=log.read_text)

    def serve_tls(self):
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=shop.example",
             "-keyout", self.folder / "key.pem", "-out", self.folder / "certificate.pem"], what="certificate")
        settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        settings.load_cert_chain(self.folder / "certificate.pem", self.folder / "key.pem")
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def answer():
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                try:
                    settings.wrap_socket(plain, server_side=True).close()
                except OSError:
                    plain.close()
        threading.Thread(target=answer, daemon=True).start()
        return listener.getsockname()[1]

    def coverage(self, account):
        return self.collector.get("/api/v1/coverage?period=" + self.week(), account)

    def week(self):
        return "{}-W{:02}".format(*datetime.datetime.now(datetime.timezone.utc).isocalendar()[:2])

    def test_programs_and_offers_reach_the_collector(self):
        recorded = self.start_watch()
        print(f"  kernel records: {'yes' if recorded else 'no: ' + (self.folder / 'watch.log').read_text().strip()}", flush=True)
        self.start_agent()
        server = self.processes.start("server", [PEER, "serve", "127.0.0.1", "8080"], self.folder / "server.log", stdout=subprocess.PIPE)
        self.assertEqual(server.stdout.readline(), b"serving\n")
        fetcher = shutil.copy(PEER, self.folder / "fetcher")
        port = self.serve_tls()
        old, new = (self.folder / name for name in ("old-sync", "new-sync"))
        for copy in (old, new):    # programs of their own names
            shutil.copy(os.path.realpath(sys.executable), copy)

        probe = ["connect", "127.0.0.1", "8080", "probe.example", "1", "0", "own"]

        def watches():
            run([fetcher, *probe], what="probe")
            return self.status().get("connections", 0) > 0
        self.wait_for("the agent to watch", watches)
        run([fetcher, "connect", "127.0.0.1", "8080", "short.example", str(SHORT), "0", "own"], what="short connections")
        environment = {**os.environ, "PYTHONHOME": sys.base_prefix}
        for program, version in ((old, "TLSv1_2"), (new, "TLSv1_3")):
            run([program, "-c", HELLO, port, version], what=str(program), env=environment)

        def arrived():
            rows = self.used()
            return sum(row["connections"] for row in rows if row["host"] == "short.example") == SHORT and \
                sum(row["connections"] for row in rows if row["host"] == "shop.example") == 2 and self.status()["cells_unsent"] == 0
        self.wait_for("all that was done", arrived, state=lambda: f"{self.used()} {(self.folder / 'agent.log').read_text()}")
        rows = self.used()
        known = sum(row["connections"] for row in rows if row["host"] == "short.example" and row["application"] == "fetcher")
        print(f"  {known} of {SHORT} connections of no duration have their program; share unknown: {self.status()['share_without_program']}", flush=True)
        if recorded:
            self.assertGreaterEqual(known, 0.99 * SHORT)
            self.assertLess(self.status()["share_without_program"], 0.05)
            self.assertIn("with kernel records", self.agent("doctor"))

        security = self.coverage("security")
        counted = self.status()
        self.assertEqual(security["programs_known"]["whole"], counted["connections"])
        self.assertEqual(security["programs_known"]["part"], counted["connections"] - counted["connections_without_program"])
        if recorded:
            weak = [(row["application"], row["version"], row["protocols"]) for row in security["weak_offers"]]
            self.assertEqual(weak, [("old-sync", "tls1.2", ["http/1", "h2"])])
            told = [row for row in self.collector.rows("security", "coverage", "--period", self.week()) if row["what"] == "offers at most tls1.2"]
            self.assertEqual([row["of"] for row in told], ["old-sync"])
        self.collector.add_account("E1042", "operations")
        operations = self.coverage("E1042")
        self.assertEqual((operations["weak_offers"], operations["programs_known"]), ([], security["programs_known"]))


if __name__ == "__main__":
    if INSIDE not in os.environ:
        if os.geteuid() != 0:
            testing.skip("watching an interface needs root")
        made = subprocess.run(["unshare", "--net", "ip", "link", "set", "lo", "up"], capture_output=True, text=True)
        if made.returncode != 0:
            testing.skip(f"no network namespace can be made: {made.stderr.strip()}")
        os.environ[INSIDE] = "1"
        words = [sys.executable, "-B", str(pathlib.Path(__file__).resolve()), *sys.argv[1:]]
        os.execvp("unshare", ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *words])
    testing.main()
