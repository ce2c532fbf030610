"""Two network namespaces with a wire between them, an agent in the first that watches as little privileged as it can be, and
traffic to the second."""
import json
import signal
import subprocess
import sys
import time

from . import testing, world
from .processes import run

AGENT = testing.build_folder() / "daylight-agent"
SERVER, CLIENT, PORT = "192.0.2.1", "192.0.2.2", 9999
DATAGRAMS, OCTETS = 20_000, 300
SEND = """
import socket, sys, time
to, port, count, octets = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((to, port))
for i in range(count):
    try: s.send(b"\\0" * octets)
    except ConnectionRefusedError: s.send(b"\\0" * octets)
"""
TRANSFER = """
import socket, sys, threading
address, octets = sys.argv[1], int(sys.argv[2])
s = socket.create_connection((address, 8443))
s.sendall(b"GET / HTTP/1.1\\r\\nHost: download.example\\r\\n\\r\\n")
got = 0
while got < octets:
    more = s.recv(1 << 20)
    if not more: break
    got += len(more)
s.close()
print(got)
"""
SERVE = """
import socket, sys
octets = int(sys.argv[2])
s = socket.create_server((sys.argv[1], 8443))
print("serving", flush=True)
while True:
    peer, _ = s.accept()
    peer.recv(4096)
    block = b"x" * 65536
    left = octets
    while left:
        left -= peer.send(block[:min(left, len(block))])
    peer.recv(1)
    peer.close()
"""


class Pair(testing.Case):
    def setUp(self):
        super().setUp()
        self.prefix = f"daylight-test-{self.folder.name[-6:]}-"
        self.addCleanup(world.remove, self.prefix)
        self.here, self.there = self.prefix + "client", self.prefix + "server"
        for name in (self.here, self.there):
            run(["ip", "netns", "add", name], what="network namespace")
            run(["ip", "-n", name, "link", "set", "lo", "up"], what="loopback")
        self.plug_in()

    def plug_in(self):
        run(["ip", "-n", self.here, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", self.there], what="veth pair")
        for name, address in ((self.here, CLIENT), (self.there, SERVER)):
            run(["ip", "-n", name, "addr", "add", f"{address}/24", "dev", "eth0"], what="address")
            run(["ip", "-n", name, "link", "set", "eth0", "up"], what="veth")

    def inside(self, name, *command):
        return ["nsenter", f"--net=/run/netns/{name}", *map(str, command)]

    def python(self, name, text, *words):
        done = subprocess.run(self.inside(name, sys.executable, "-c", text, *words), capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def observed(self, what, *more, interface="eth0"):
        """The rows of `observe` while `what` happens, and what it said on standard error."""
        out = self.folder / "rows.jsonl"
        log = self.folder / "agent.log"
        log.write_text("")
        with open(out, "wb") as rows:
            command = ["setpriv", "--reuid=60090", "--regid=60090", "--clear-groups", "--no-new-privs", "--bounding-set=-all,+net_raw",
                       "--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw",
                       AGENT, "observe", "--interface", interface, "--format", "jsonl", *more]
            agent = self.processes.start("agent", self.inside(self.here, *command), log, stdout=rows)
            time.sleep(1.5)
            self.assertIsNone(agent.poll(), log.read_text())
            what()
            time.sleep(1)
            self.assertEqual(self.processes.stop("agent", how=signal.SIGINT), 0, log.read_text())
        return [json.loads(line) for line in out.read_text().splitlines()], log.read_text()

    def serve(self, address, octets):
        """A server in the second namespace that answers each connection with so many octets."""
        server = self.processes.start("server", self.inside(self.there, sys.executable, "-c", SERVE, address, octets), self.folder / "server.log",
                                      stdout=subprocess.PIPE)
        self.assertEqual(server.stdout.readline(), b"serving\n")

    def download(self, address, octets):
        """By the first namespace; from a server that was started so."""
        self.assertEqual(int(self.python(self.here, TRANSFER, address, octets)), octets)

    def send(self, address, port, datagrams):
        self.python(self.here, SEND, address, port, datagrams, OCTETS)
