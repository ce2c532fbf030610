"""The agent's eyes against the generator's count: what `observe` sees in the recorded captures is what was sent, to the octet."""
import collections
import json
import unittest

from stage import testing, truth
from stage.performance import SCENARIO
from stage.processes import run

EVIDENCE = {"address": "address_only", "tls": "tls_sni", "quic": "quic_sni", "http": "http_host", "opaque": "dns_answer"}


def observed(capture):
    """(server, port, name, evidence) → connections and octets; the DNS questions apart."""
    sums, questions = collections.defaultdict(lambda: [0, 0, 0]), collections.Counter()
    lines = run([testing.build_folder() / "daylight-agent", "observe", "--pcap", capture, "--format", "jsonl"], what="observe").splitlines()
    for line in map(json.loads, lines):
        if line["evidence"] == "dns_query":
            questions[line["name"]] += line["connections"]
            continue
        sum_ = sums[(line["server"], line["port"], line["name"], line["evidence"])]
        for at, key in enumerate(("connections", "bytes_up", "bytes_down")):
            sum_[at] += line[key]
    return {key: tuple(value) for key, value in sums.items() if key[1] != 53}, questions


def counted(file):
    sums = collections.defaultdict(lambda: [0, 0, 0])
    names = set()
    for row in truth.load_rows([file]):
        if row["how"] == "dns":
            names.add(row["host"])
            continue
        name = None if row["how"] == "address" else row["host"]
        sum_ = sums[(row["server"], row["port"], name, EVIDENCE[row["how"]])]
        for at, key in enumerate(("connections", "bytes_up", "bytes_down")):
            sum_[at] += row[key]
    return {key: tuple(value) for key, value in sums.items()}, names


class ObservedTraffic(unittest.TestCase):
    def test_equals_what_was_counted_at_the_sockets(self):
        with testing.scratch() as folder, testing.performance(folder) as play:
            play.world.create()
            play.traffic.start_internet()
            play.traffic.earlier_days()
            for device in play.world.devices:
                with self.subTest(device=device):
                    seen, questions = observed(play.traffic.capture(device))
                    wanted, names = counted(play.traffic.folder / f"{device}.earlier.truth.json")
                    self.assertEqual(seen, wanted)
                    self.assertEqual(set(questions), names)

    def test_a_recording_that_lost_packets_is_made_again(self):
        """The generator's own program, behind one that says of the first recording of a device that it is incomplete."""
        with testing.scratch() as folder, testing.performance(folder) as play:
            wrapper, flag = folder / "once-incomplete", folder / "was-incomplete"
            wrapper.write_text(f"""#!/bin/sh
case " $* " in *" device sales-01 "*) [ -e {flag} ] || {{ : > {flag}; exit 3; }} ;; esac
exec {play.traffic.program} "$@"
""")
            wrapper.chmod(0o755)
            play.traffic.program = wrapper
            play.world.create()
            play.traffic.start_internet()
            play.traffic.earlier_days()
            self.assertTrue(flag.exists())
            seen, _ = observed(play.traffic.capture("sales-01"))
            wanted, _ = counted(play.traffic.truth_file("sales-01", "earlier"))
            self.assertEqual(seen, wanted)
            self.assertEqual(len(play.traffic.truth_files), len(set(play.traffic.truth_files)))

    def test_scenario_has_what_it_is_for(self):
        visits = json.loads(SCENARIO.read_text())["visits"]
        self.assertEqual({visit["how"] for visit in visits}, {"tls", "quic", "http", "opaque", "dns", "address"})
        self.assertTrue(any(visit.get("hello_padding", 0) > 1460 for visit in visits if visit["how"] == "tls"))


if __name__ == "__main__":
    testing.skip_without_world()
    testing.main()
