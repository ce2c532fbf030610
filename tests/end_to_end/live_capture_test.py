"""Live capture between two network namespaces: every packet that was sent is accounted for, in both modes; the agent, which holds no
privilege by then, finds an interface again that went away and came back."""
import time

from stage import testing
from stage.pair import CLIENT, DATAGRAMS, OCTETS, PORT, SERVER, Pair
from stage.processes import run

DOWNLOAD = 50_000_000


class LiveCapture(Pair):
    def test_all_datagrams_are_counted(self):
        for mode in ("sensor", "endpoint"):
            for interface in ("eth0", "any"):
                with self.subTest(mode=mode, interface=interface):
                    rows, said = self.observed(lambda: self.send(SERVER, PORT, DATAGRAMS), "--mode", mode, interface=interface)
                    self.assertNotIn("dropped", said)
                    mine = [row for row in rows if row["port"] == PORT]
                    self.assertEqual(sum(row["bytes_up"] for row in mine), DATAGRAMS * OCTETS, mine)

    def test_a_download_is_counted_to_the_octet_from_outgoing_packets(self):
        self.serve(SERVER, DOWNLOAD)
        for mode in ("endpoint", "sensor"):
            with self.subTest(mode=mode):
                rows, said = self.observed(lambda: self.download(SERVER, DOWNLOAD), "--mode", mode)
                self.assertNotIn("dropped", said)
                mine = [row for row in rows if row["name"] == "download.example"]
                self.assertEqual([(row["connections"], row["bytes_down"]) for row in mine], [(1, DOWNLOAD)], rows)

    def test_an_interface_that_went_away_is_found_again(self):
        def unplug_and_plug():
            self.send(SERVER, PORT, 10)
            run(["ip", "-n", self.here, "link", "delete", "eth0"], what="unplugging")
            time.sleep(1.5)
            self.plug_in()
            time.sleep(2.5)    # it looks for the interface once a second
            self.send(SERVER, PORT + 1, 10)

        for mode in ("endpoint", "sensor"):
            with self.subTest(mode=mode):
                rows, _ = self.observed(unplug_and_plug, "--mode", mode)
                octets = {port: sum(row["bytes_up"] for row in rows if row["port"] == port) for port in (PORT, PORT + 1)}
                self.assertEqual(octets, {PORT: 10 * OCTETS, PORT + 1: 10 * OCTETS})

    def test_addresses_that_come_and_go_are_the_same_host(self):
        """DHCP gives another address, a second interface comes up as a VPN's does: all is counted, nothing twice."""
        others = {"192.0.2.77": PORT + 2, "198.51.100.2": PORT + 3}

        def move():
            self.send(SERVER, PORT, 10)
            run(["ip", "-n", self.here, "addr", "del", f"{CLIENT}/24", "dev", "eth0"], what="losing the address")
            time.sleep(0.5)
            run(["ip", "-n", self.here, "addr", "add", "192.0.2.77/24", "dev", "eth0"], what="another address")
            self.send(SERVER, PORT + 2, 10)
            run(["ip", "-n", self.here, "link", "add", "eth1", "type", "veth", "peer", "name", "eth1", "netns", self.there], what="veth pair")
            for name, address in ((self.here, "198.51.100.2"), (self.there, "198.51.100.1")):
                run(["ip", "-n", name, "addr", "add", f"{address}/24", "dev", "eth1"], what="address")
                run(["ip", "-n", name, "link", "set", "eth1", "up"], what="veth")
            self.send("198.51.100.1", PORT + 3, 10)
            run(["ip", "-n", self.here, "link", "delete", "eth1"], what="unplugging")
            run(["ip", "-n", self.here, "addr", "del", "192.0.2.77/24", "dev", "eth0"], what="losing the address")
            run(["ip", "-n", self.here, "addr", "add", f"{CLIENT}/24", "dev", "eth0"], what="the first address")

        for mode in ("endpoint", "sensor"):
            with self.subTest(mode=mode):
                rows, said = self.observed(move, "--mode", mode, interface="any")
                self.assertNotIn("dropped", said)
                seen = {(row["client"], row["port"]): (row["connections"], row["bytes_up"]) for row in rows if PORT <= row["port"] <= PORT + 3}
                self.assertEqual(seen, {(address, port): (1, 10 * OCTETS) for address, port in ({CLIENT: PORT} | others).items()})


if __name__ == "__main__":
    testing.skip_without_world()
    testing.main()
