#!/usr/bin/env python3
"""Compares the payload octets that `daylight-agent observe` accounts with an independent count over tshark's fields.

octets_check.py AGENT CAPTURES [--all] [--only TEXT]

For captures in the folders of CAPTURES (a sample of them, the same one every time; --all: each of them, which takes minutes), the unique TCP payload octets and the UDP payload octets of each (client, server, port,
transport) are added up from what tshark says of each packet (sequence numbers, lengths, acknowledgements) by places in the stream and
not by counters as the agent does it. They must be equal on whole captures. Then the servers' packets are left out: of connections that
both sides ended, the agent must still tell both directions within 0.1 % or one octet.
Exits 0 when all is so or written down in KNOWN below, 1 otherwise, 77 (skipped) without tshark or captures.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

FIELDS = ["frame.number", "frame.time_epoch", "frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport",
          "tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "tcp.len", "udp.srcport", "udp.dstport", "udp.length"]
FIN, SYN, RST, ACK = 1, 2, 4, 16
SAMPLE = 36    # captures; tshark takes a second or two for each
IDLE = 7200    # seconds of silence after which a TCP connection is over

# Captures on which the two rightly differ, and why.
KNOWN = {
    "ipfixprobe/inputs-tls.pcap":
        "packets of 2015 come again after those of 2023: a connection that was over by then is another one",
    "PcapPlusPlus/regression_samples-crash-81dba690a3f67ee41a41390a625db732fa1413a1":
        "packet 1: the UDP length claims 64,447 octets, the IP packet around it has 107 (RFC 768)",
}

class Way:
    """One direction of a TCP connection: how far its octets reach, counted from the first."""

    def __init__(self):
        self.origin = None      # sequence number of octet 0
        self.last = 0           # where the last segment stood, to unwrap numbers
        self.top = 0            # the end of the last octet seen
        self.acknowledged = 0
        self.fin = None
        self.heard = False      # segments of it were captured

    def place(self, number):
        """The octet that a 32-bit number stands for, nearest to the last one."""
        if self.origin is None:
            self.origin = number
        near = (self.origin + self.last) & 0xffffffff
        delta = (number - near + 0x80000000) % 0x100000000 - 0x80000000
        return self.last + delta

    def send(self, number, length):
        begin = self.place(number)
        self.heard = True
        if length:
            self.top = max(self.top, begin + length)
            self.last = max(self.last, begin + length)
        return begin

    def octets(self):
        """Whatever was acknowledged had been sent, though it was not captured."""
        top = max(self.top, self.acknowledged)
        if self.fin is not None:
            top = min(top, self.fin)
        return max(top, 0)

    def octets_beside(self, other):
        """The octets where the other way is `other`: if this one was never captured, the last number acknowledged is its FIN's."""
        octets = self.octets()
        return octets - 1 if not self.heard and other.fin is not None and octets else octets


class Connection:
    def __init__(self, ends):
        self.ways = {ends: Way(), (ends[1], ends[0]): Way()}
        self.isn = {}
        self.heard = 0.0    # the time of its last packet

    def is_whole(self):
        """Both sides opened it, and both ended it."""
        return len(self.isn) == 2 and all(way.fin is not None and way.acknowledged > way.fin for way in self.ways.values())


Packet = collections.namedtuple("Packet", "frame time l4 source destination sequence acknowledgement flags length")


def number(text):
    return int(text, 0) if text else 0


def innermost(cells):
    """(family, its place among its kind, transport, its place) of the innermost segment; what ICMP and sFlow quote is none."""
    counts = collections.Counter()
    network = found = None
    for layer in cells["frame.protocols"].split(":"):
        if layer in ("icmp", "icmpv6", "sflow"):
            break
        if layer in ("ip", "ipv6"):
            network = (layer, counts[layer])
        elif layer in ("tcp", "udp") and network:
            found = network + (layer, counts[layer])
        counts[layer] += 1
    return found


def packets(path):
    """Every segment and datagram, the innermost one of its packet."""
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=|",
               "-Y", "tcp or udp"]
    for field in FIELDS:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, timeout=600)
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        cells = dict(zip(FIELDS, line.split("\t")))
        found = innermost(cells)
        if not found:
            continue
        family, family_at, l4, l4_at = found

        def cell(field, at):
            values = cells[field].split("|")
            return values[at] if at < len(values) else ""
        if not cell(f"{l4}.srcport", l4_at) or not cell(f"{family}.src", family_at):
            continue
        source = (cell(f"{family}.src", family_at), number(cell(f"{l4}.srcport", l4_at)))
        destination = (cell(f"{family}.dst", family_at), number(cell(f"{l4}.dstport", l4_at)))
        frame, time = number(cells["frame.number"]), float(cells["frame.time_epoch"] or 0)
        if l4 == "udp":
            yield Packet(frame, time, l4, source, destination, 0, 0, 0, max(number(cell("udp.length", l4_at)) - 8, 0))
        elif cell("tcp.len", l4_at) and cell("tcp.seq_raw", l4_at):
            yield Packet(frame, time, l4, source, destination, number(cell("tcp.seq_raw", l4_at)), number(cell("tcp.ack_raw", l4_at)),
                         number(cell("tcp.flags", l4_at)), number(cell("tcp.len", l4_at)))


def take_segment(connection, packet):
    source, destination = packet.source, packet.destination
    sent, answered = connection.ways[(source, destination)], connection.ways[(destination, source)]
    sequence = packet.sequence
    if packet.flags & SYN:
        connection.isn[(source, destination)] = sequence
        sequence = (sequence + 1) & 0xffffffff
    if packet.flags & RST:
        return
    begin = sent.send(sequence, packet.length)
    if packet.flags & FIN and sent.fin is None:
        sent.fin = begin + packet.length
    if packet.flags & ACK:
        answered.acknowledged = max(answered.acknowledged, answered.place(packet.acknowledgement))


def independent_count(seen):
    """{(l4, source, destination): octets}, and the pairs of ends all of whose connections were seen from start to end."""
    open_now, finished = {}, []
    counts = collections.Counter()
    clock = 0.0
    for packet in seen:
        clock = max(clock, packet.time)
        ends = (packet.source, packet.destination)
        if packet.l4 == "udp":
            counts[("udp",) + ends] += packet.length
            continue
        key = frozenset(ends)
        connection = open_now.get(key)
        opens = packet.flags & SYN and not packet.flags & ACK
        again = connection and opens and connection.isn.get(ends, packet.sequence) != packet.sequence
        if connection and (again or clock - connection.heard > IDLE):
            finished.append((key, connection))
            connection = None
        if connection is None:
            connection = open_now[key] = Connection(ends)
        connection.heard = packet.time
        take_segment(connection, packet)
    whole = {}
    for key, connection in finished + list(open_now.items()):
        whole[key] = whole.get(key, True) and connection.is_whole()
        for ends, way in connection.ways.items():
            counts[("tcp",) + ends] += way.octets_beside(connection.ways[(ends[1], ends[0])])
    return counts, {key for key, yes in whole.items() if yes}


def observed(agent, path):
    """{(client, server, port, transport): (up, down)} of `observe`."""
    done = subprocess.run([agent, "observe", "--pcap", str(path), "--format", "jsonl"], capture_output=True, timeout=300)
    if done.returncode < 0:
        raise RuntimeError(f"{path}: the agent died of signal {-done.returncode}")
    totals = {}
    for line in done.stdout.decode("utf-8", "surrogateescape").splitlines():
        row = json.loads(line)
        key = (row["client"], row["server"], row["port"], row["transport"])
        up, down = totals.get(key, (0, 0))
        totals[key] = (up + row["bytes_up"], down + row["bytes_down"])
    return totals


def add(totals, key, up, down):
    before = totals.get(key, (0, 0))
    totals[key] = (before[0] + up, before[1] + down)


def by_row(ours, counts, keys):
    """The counts of `keys` ((l4, source, destination)) as rows of the agent, its choice of the client taken."""
    rows = {}
    for l4, source, destination in {(l4,) + tuple(sorted(ends)) for l4, *ends in keys}:
        for client, server in ((source, destination), (destination, source)):
            row = (client[0], server[0], server[1], l4)
            if row in ours:
                break
        add(rows, row, counts[(l4, client, server)], counts[(l4, server, client)])
    return rows


def by_addresses(rows):
    """Rows added up by pairs of addresses: for hosts that are each other's servers."""
    pairs = {}
    for (client, server, _, l4), (up, down) in rows.items():
        if client > server:
            client, server, up, down = server, client, down, up
        add(pairs, (client, server, l4), up, down)
    return pairs


def outgoing_only(path, seen, ours, target):
    """Writes the capture without what servers of TCP connections sent."""
    def from_server(packet):
        row = (packet.destination[0], packet.source[0], packet.source[1], packet.l4)
        mirrored = (packet.source[0], packet.destination[0], packet.destination[1], packet.l4)
        return packet.l4 == "tcp" and row in ours and mirrored not in ours
    left_out = [str(packet.frame) for packet in seen if from_server(packet)]
    if not left_out or len(left_out) > 12000:
        return False
    subprocess.run(["tshark", "-n", "-r", str(path), "-w", str(target), "-Y", "not frame.number in {" + ",".join(left_out) + "}"],
                   capture_output=True, timeout=600)
    return target.exists()


def check(agent, path):
    """(rows compared, rows that differ, rows compared with outgoing packets only, rows of those beyond the bound, how many were equal)."""
    seen = list(packets(path))
    ours = observed(agent, path)
    counts, whole = independent_count(seen)
    theirs = by_row(ours, counts, {(packet.l4, packet.source, packet.destination) for packet in seen})
    differ = [key for key in sorted(set(ours) | set(theirs)) if ours.get(key, (0, 0)) != theirs.get(key, (0, 0))]
    if differ:    # the same two hosts may be client and server of each other
        mine, other = by_addresses(ours), by_addresses(theirs)
        def agree(key):
            pair = (*sorted(key[:2]), key[3])
            return mine.get(pair, (0, 0)) == other.get(pair, (0, 0))
        differ = [key for key in differ if not agree(key)]
    differences = [(key, theirs.get(key), ours.get(key)) for key in differ]
    beyond, equal, compared = [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        target = pathlib.Path(folder) / "outgoing.pcapng"
        if whole and outgoing_only(path, seen, ours, target):
            outgoing = observed(agent, target)
            ends = {(packet.source, packet.destination) for packet in seen if packet.l4 == "tcp"}
            broken = set(by_row(ours, counts, {("tcp",) + pair for pair in ends if frozenset(pair) not in whole}))
            for key in set(by_row(ours, counts, {("tcp",) + pair for pair in ends if frozenset(pair) in whole})) - broken:
                for all_seen, some_seen in zip(ours.get(key, (0, 0)), outgoing.get(key, (0, 0))):
                    compared += 1
                    equal += all_seen == some_seen
                    if abs(all_seen - some_seen) > max(1, all_seen / 1000):
                        beyond.append((key, all_seen, some_seen))
    return len(theirs), differences, compared, beyond, equal


def sample(captures):
    """As many as SAMPLE, chosen by the hash of their names: the same whatever else is there, of every folder and kind."""
    def rank(path):
        return hashlib.sha256(f"{path.parent.name}/{path.name}".encode()).digest()
    return sorted(sorted(captures, key=rank)[:SAMPLE])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("agent")
    parser.add_argument("captures", type=pathlib.Path)
    parser.add_argument("--all", action="store_true", help="every capture, not a sample")
    parser.add_argument("--only", default="", help="captures whose path holds this")
    arguments = parser.parse_args()
    captures = [path for path in sorted(arguments.captures.glob("*/*")) if path.is_file() and arguments.only in str(path)]
    if not shutil.which("tshark") or not captures:
        print("SKIPPED: the independent count needs tshark" if captures else f"SKIPPED: no captures in {arguments.captures}")
        return 77
    found = len(captures)
    if not arguments.all and not arguments.only:
        captures = sample(captures)
    rows = compared = equal = wrong = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for path, result in zip(captures, pool.map(lambda path: check(arguments.agent, path), captures)):
            capture = f"{path.parent.name}/{path.name}"
            rows += result[0]
            compared += result[2]
            equal += result[4]
            for key, theirs, mine in result[1]:
                known = KNOWN.get(capture)
                wrong += known is None
                print(f"{capture}: {key}: tshark {theirs}, agent {mine}" + (f" ({known})" if known else ""))
            for key, all_seen, some_seen in result[3]:
                wrong += 1
                print(f"{capture}: {key}: {all_seen} with all packets, {some_seen} with outgoing ones only")
    print(f"{len(captures)} of {found} captures, {rows} rows, {wrong} differ; outgoing packets only: {compared} counts, {equal} equal to the octet")
    return 0 if wrong == 0 and rows > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
