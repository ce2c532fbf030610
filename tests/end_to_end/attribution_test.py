"""Whose is a connection that lives for milliseconds? Several users and programs, in control groups of their own, make short
connections among longer ones between two network namespaces; each asks for a name that tells who it was. The agent watches with
CAP_NET_RAW alone: with the process watch beside it, without, and with the kernel's records, where the kernel allows them, also for
connections that are closed as soon as the answer is there.

DAYLIGHT_ATTRIBUTION_CONNECTIONS (default 1600) is how many short connections are made in each of the two runs. The targets (95 % of
users, 90 % of programs) are scripts/bench's to hold on a quiet machine; here the shares only have to be far from chance."""
import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from stage import testing, world
from stage.processes import run

CONNECTIONS = int(os.environ.get("DAYLIGHT_ATTRIBUTION_CONNECTIONS") or 1600)
HOLD = os.environ.get("DAYLIGHT_ATTRIBUTION_HOLD") or "0-45"    # milliseconds after the answer, at random
USERS_KNOWN, PROGRAMS_KNOWN = 0.9, 0.6
RECORDED = 0.99    # by the kernel, however busy the machine is
USERS = (60001, 60002, 60003, 60004)
WATCHER, WATCH = 60090, 60091
SERVER, CLIENT, PORT = "192.0.2.1", "192.0.2.2", "8080"
AGENT = testing.build_folder() / "daylight-agent"
PROCESS_WATCH = testing.build_folder() / "daylight-process-watch"
PEER = testing.build_folder() / "tests/bench/peer"


def cgroup_root():
    for place in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
        if pathlib.Path(place, "cgroup.procs").exists() and pathlib.Path(place, "cgroup.controllers").exists():
            return pathlib.Path(place)
    return None


class Attribution(testing.Case):
    measured = {}

    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)
        self.prefix = f"daylight-test-{self.folder.name[-6:]}-"
        self.addCleanup(world.remove, self.prefix)
        self.here, self.there = self.prefix + "client", self.prefix + "server"
        for name in (self.here, self.there):
            run(["ip", "netns", "add", name], what="network namespace")
            run(["ip", "-n", name, "link", "set", "lo", "up"], what="loopback")
        run(["ip", "-n", self.here, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", self.there], what="veth pair")
        for name, address in ((self.here, CLIENT), (self.there, SERVER)):
            run(["ip", "-n", name, "addr", "add", f"{address}/24", "dev", "eth0"], what="address")
            run(["ip", "-n", name, "link", "set", "eth0", "up"], what="veth")
        self.groups = []
        self.addCleanup(self.remove_groups)
        server = self.processes.start("server", ["nsenter", f"--net=/run/netns/{self.there}", PEER, "serve", SERVER, PORT], self.folder / "server.log",
                                      stdout=subprocess.PIPE)
        self.assertEqual(server.stdout.readline(), b"serving\n")

    def remove_groups(self):
        for group in reversed(self.groups):
            for _ in range(50):
                try:
                    group.rmdir()
                    break
                except OSError:
                    time.sleep(0.1)

    def group(self, path):
        made = cgroup_root() / self.prefix.rstrip("-") / path
        for folder in (made.parent, made):
            if not folder.exists():
                folder.mkdir(parents=True)
                self.groups.append(folder)
        return made

    def bare(self, user, *command, capabilities=()):
        """As a user with no more than these capabilities."""
        words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs"]
        plus = ",".join(["-all", *(f"+{name}" for name in capabilities)])
        return [*words, f"--bounding-set={plus}", f"--inh-caps={plus}", f"--ambient-caps={plus}", *command]

    def crowd(self, short, hold):
        """Starts everybody; returns them by name."""
        actors = {}
        each = short // (len(USERS) * 2)
        for user in USERS:
            for program, mode in (("mailer", "own"), ("fetcher", "fork" if user == USERS[0] else "own")):
                copy = self.folder / f"{program}-{user}"
                if not copy.exists():
                    shutil.copy(PEER, copy)
                group = self.group(f"app-test-{program}{user}-7.scope")
                name = f"{program}.u{user}.example"
                words = [copy, "connect", SERVER, PORT]
                for kind, count, held in (("short", each, hold), ("long", 3, "700")):
                    command = ["nsenter", f"--net=/run/netns/{self.here}", *self.bare(user, *words, f"{kind}.{name}", str(count), held, mode)]
                    actors[f"{kind}.{name}"] = subprocess.Popen(
                        ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(group / "cgroup.procs"), *map(str, command)],
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return actors

    def observe(self, short, *more, hold=HOLD):
        """What the agent, with CAP_NET_RAW alone, says of a crowd, and how long the longest short connection was."""
        longest = 0

        def crowd():
            nonlocal longest
            for name, actor in self.crowd(short, hold).items():
                said, trouble = actor.communicate(timeout=100)
                self.assertEqual(actor.returncode, 0, f"{name}: {said} {trouble}")
                if name.startswith("short"):
                    longest = max(longest, float(said.split()[1]))

        return self.observe_while(crowd, *more), longest

    def observe_while(self, what, *more):
        out = self.folder / "observed.jsonl"
        with open(out, "wb") as rows:
            command = self.bare(WATCHER, AGENT, "observe", "--interface", "any", "--format", "jsonl", *more, capabilities=["net_raw"])
            agent = self.processes.start("agent", ["nsenter", f"--net=/run/netns/{self.here}", *command], self.folder / "agent.log", stdout=rows)
            time.sleep(1.5)
            self.assertIsNone(agent.poll(), (self.folder / "agent.log").read_text())
            what()
            time.sleep(1)
            self.assertEqual(self.processes.stop("agent", how=signal.SIGINT), 0, (self.folder / "agent.log").read_text())
        return [json.loads(line) for line in out.read_text().splitlines()]

    def shares(self, rows):
        count = collections.Counter()
        for row in rows:
            if row["evidence"] != "http_host" or not row["name"].endswith(".example"):
                continue
            kind, program, user, _ = row["name"].split(".")
            user = user.removeprefix("u")
            right_program, right_unit = f"{program}-{user}", f"{program}{user}"
            made = row["connections"]
            count[kind, "all"] += made
            count[kind, "user"] += made if row["user"] == user else 0
            count[kind, "process"] += made if row["app"] == right_program else 0
            count[kind, "unit"] += made if row["app"] == right_unit else 0
            count[kind, "wrong"] += made if row["user"] not in (user, None) or row["app"] not in (right_program, right_unit, None) else 0
        return count

    def start_watch(self, *options, capabilities=()):
        """Its socket, and what it said until it answers."""
        socket, log = self.folder / "watch/socket", self.folder / "watch.log"
        socket.parent.mkdir()
        os.chown(socket.parent, WATCH, WATCH)
        watch = self.processes.start("watch", self.bare(WATCH, PROCESS_WATCH, "--socket", socket, "--agent-user", str(WATCHER), *options,
                                                        capabilities=["sys_ptrace", "dac_read_search", *capabilities]), log)
        for _ in range(100):
            if "answering on" in log.read_text():
                break
            time.sleep(0.1)
        status = pathlib.Path(f"/proc/{watch.pid}/status").read_text()
        self.assertIn("CapEff:\t0000000000080004\n", status, "what loading needed is given up")
        return socket, log.read_text()

    def start_watch_with_records(self):
        socket, said = self.start_watch("--kernel-records", capabilities=["bpf", "perfmon", "net_admin"])
        if "the kernel records" not in said:
            self.skipTest(said)
        return socket

    def check_records(self, title, hold):
        socket = self.start_watch_with_records()
        rows, longest = self.observe(CONNECTIONS, "--process-watch", socket, hold=hold)
        count = self.shares(rows)
        print(f"  {title}: {dict(count)}, longest short connection {longest} ms; {(self.folder / 'agent.log').read_text()}", flush=True)
        self.assertEqual(count["short", "all"], CONNECTIONS)
        self.assertEqual(count["short", "wrong"] + count["long", "wrong"], 0)
        for kind in ("user", "process"):
            self.assertGreaterEqual(count["short", kind], RECORDED * CONNECTIONS)
            self.assertEqual(count["long", kind], count["long", "all"])

    def test_with_kernel_records(self):
        self.check_records("with kernel records", HOLD)

    def test_with_kernel_records_and_no_time_at_all(self):
        self.check_records("at once, with kernel records", "0")

    def test_with_kernel_records_and_datagrams(self):
        """Questions from UDP sockets that are closed at once, connected and not."""
        def ask():
            for user in USERS:
                run(["nsenter", f"--net=/run/netns/{self.here}", *self.bare(user, PEER, "ask", SERVER, "53", f"ask.u{user}.example", "100")], what="questions")

        rows = self.observe_while(ask, "--process-watch", self.start_watch_with_records())
        rows = [row for row in rows if row["name"].startswith("ask.u")]
        octets = collections.Counter()
        for row in rows:
            octets["right" if row["app"] == "peer" and row["name"] == f"ask.u{row['user']}.example" else "other"] += row["bytes_up"]
        print(f"  datagrams, with kernel records: {dict(octets)}", flush=True)
        self.assertEqual([row for row in rows if row["user"] is None or row["app"] is None], [])
        # The kernel gives a port that was free for milliseconds to the next user, and a flow knows its first.
        self.assertGreaterEqual(octets["right"], 0.95 * sum(octets.values()))
        self.assertGreater(octets["right"], 0)

    def test_with_the_process_watch(self):
        socket, _ = self.start_watch()
        rows, longest = self.observe(CONNECTIONS, "--process-watch", socket)
        count = self.shares(rows)
        print(f"  with the process watch: {dict(count)}, longest short connection {longest} ms; {(self.folder / 'agent.log').read_text()}", flush=True)
        self.measured["helper"] = count
        self.assertEqual(count["short", "all"], CONNECTIONS)
        self.assertEqual(count["short", "wrong"] + count["long", "wrong"], 0)
        self.assertGreaterEqual(count["short", "user"], USERS_KNOWN * CONNECTIONS)
        self.assertGreaterEqual(count["short", "process"], PROGRAMS_KNOWN * CONNECTIONS)

    def test_without_it(self):
        rows, _ = self.observe(CONNECTIONS)
        count = self.shares(rows)
        print(f"  without: {dict(count)}", flush=True)
        self.measured["neither"] = count
        self.assertEqual(count["short", "all"], CONNECTIONS)
        self.assertEqual(count["short", "wrong"] + count["long", "wrong"], 0)
        self.assertEqual(count["short", "process"], 0, "programs can't be known here")
        self.assertGreaterEqual(count["short", "user"], USERS_KNOWN * CONNECTIONS)
        self.assertGreaterEqual(count["short", "unit"], USERS_KNOWN * CONNECTIONS)
        self.assertEqual(count["long", "unit"], count["long", "all"])


if __name__ == "__main__":
    testing.skip_without_world()
    if cgroup_root() is None:
        testing.skip("there is no cgroup v2 here")
    testing.main()
