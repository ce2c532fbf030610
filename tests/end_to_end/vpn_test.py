"""A VPN that the agent sees from inside and outside counts once: the connections within under their names, the tunnel itself as a
hidden road; and a tunnel that can be read from outside too (VXLAN) is not counted at all, only what is within."""
import pathlib
import subprocess
import sys

from stage import testing
from stage.pair import CLIENT, OCTETS, PORT, SERVER, Pair
from stage.processes import run

TUNNEL = pathlib.Path(__file__).with_name("stage") / "tunnel.py"
TUNNEL_PORT = 51820    # WireGuard's
DOWNLOAD = 2_000_000


class Vpn(Pair):
    def inner(self, interface, net, mtu):
        for name, host in ((self.here, 2), (self.there, 1)):
            run(["ip", "-n", name, "addr", "add", f"{net}.{host}/24", "dev", interface], what="address within")
            run(["ip", "-n", name, "link", "set", interface, "mtu", str(mtu), "up"], what="tunnel")

    def traffic(self, address):
        self.download(address, DOWNLOAD)
        self.send(address, PORT, 50)

    def counted(self, rows):
        """(server, port, transport): (connections, up, down) of every row."""
        counted = {}
        for row in rows:
            key = (row["server"], row["port"], row["transport"])
            before = counted.get(key, (0, 0, 0))
            counted[key] = tuple(a + b for a, b in zip(before, (row["connections"], row["bytes_up"], row["bytes_down"])))
        return counted

    def test_an_enciphered_tunnel(self):
        for name, own, peer in ((self.here, CLIENT, SERVER), (self.there, SERVER, CLIENT)):
            tunnel = self.processes.start(f"tunnel in {name}", self.inside(name, sys.executable, TUNNEL, "tun0", own, peer, TUNNEL_PORT),
                                          self.folder / "tunnel.log", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.assertEqual(tunnel.stdout.readline(), b"up\n", (self.folder / "tunnel.log").read_text())
        self.inner("tun0", "198.51.100", 1400)
        self.serve("198.51.100.1", DOWNLOAD)
        for mode in ("sensor", "endpoint"):
            with self.subTest(mode=mode):
                rows, said = self.observed(lambda: self.traffic("198.51.100.1"), "--mode", mode, interface="any")
                self.assertNotIn("dropped", said)
                within = [row for row in rows if row["name"] == "download.example"]
                self.assertEqual([(row["connections"], row["bytes_down"]) for row in within], [(1, DOWNLOAD)], rows)
                tunnel = [row for row in rows if row["port"] == TUNNEL_PORT]
                self.assertEqual([(row["connections"], row["evidence"]) for row in tunnel], [(1, "hidden_road")], rows)
                counted = self.counted(rows)
                self.assertEqual(counted[("198.51.100.1", PORT, "udp")], (1, 50 * OCTETS, 0))
                self.assertEqual(set(counted), {("198.51.100.1", 8443, "tcp"), ("198.51.100.1", PORT, "udp"), (tunnel[0]["server"], TUNNEL_PORT, "udp")})

    def test_a_tunnel_that_can_be_read(self):
        for name, own, peer in ((self.here, CLIENT, SERVER), (self.there, SERVER, CLIENT)):
            command = ["ip", "-n", name, "link", "add", "vx0", "type", "vxlan", "id", "7", "local", own, "remote", peer, "dstport", "4789", "dev", "eth0"]
            made = subprocess.run(command, capture_output=True, text=True)
            if made.returncode != 0:
                self.skipTest(f"no VXLAN here: {made.stderr.strip()}")
        self.inner("vx0", "203.0.113", 1400)
        self.serve("203.0.113.1", DOWNLOAD)
        for mode in ("sensor", "endpoint"):
            with self.subTest(mode=mode):
                rows, said = self.observed(lambda: self.traffic("203.0.113.1"), "--mode", mode, interface="any")
                self.assertNotIn("dropped", said)
                within = [row for row in rows if row["name"] == "download.example"]
                self.assertEqual([(row["connections"], row["bytes_down"]) for row in within], [(1, DOWNLOAD)], rows)
                counted = self.counted(rows)
                self.assertEqual(counted[("203.0.113.1", PORT, "udp")], (1, 50 * OCTETS, 0), rows)
                # What holds no connection (ARP, ICMP) counts for the tunnel; nothing else does.
                outside = [sum(counted.pop(key)[1:]) for key in list(counted) if key[1] == 4789]
                self.assertLess(sum(outside), DOWNLOAD / 100)
                self.assertEqual(set(counted), {("203.0.113.1", 8443, "tcp"), ("203.0.113.1", PORT, "udp")})


if __name__ == "__main__":
    testing.skip_without_world()
    testing.main()
