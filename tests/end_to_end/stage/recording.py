"""A capture of plain web connections, made without a network, and what is in it: so much by day and host. A replayable source whose truth
is known to the octet."""
import datetime
import random
import struct

CLIENT, SERVER = bytes([10, 0, 0, 1]), bytes([192, 0, 2, 80])
SYN, ACK, PSH, FIN = 2, 16, 8, 1
SEGMENT = 1400


def packet(moment, from_client, client_port, sequence, acknowledged, flags, payload=b""):
    source, target = (CLIENT, SERVER) if from_client else (SERVER, CLIENT)
    ports = (client_port, 80) if from_client else (80, client_port)
    data = (b"\x02\0\0\0\0\2\x02\0\0\0\0\1\x08\0" + struct.pack(">BBHHHBBH", 0x45, 0, 40 + len(payload), 0, 0x4000, 64, 6, 0) + source + target
            + struct.pack(">HHIIBBHHH", *ports, sequence & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF, 0x50, flags, 65535, 0, 0) + payload)
    return struct.pack("<IIII", int(moment), int(moment % 1 * 1e6), len(data), len(data)) + data


def connection(port, request, answer):
    """The packets of one connection, in order, as functions of their moment."""
    client, server = port * 7919, port * 104729
    made = [(True, client, 0, SYN, b""), (False, server, client + 1, SYN | ACK, b""), (True, client + 1, server + 1, ACK, b""),
            (True, client + 1, server + 1, PSH | ACK, request)]
    client_at, server_at = client + 1 + len(request), server + 1
    for at in range(0, len(answer), SEGMENT):
        piece = answer[at:at + SEGMENT]
        made.append((False, server_at, client_at, PSH | ACK, piece))
        server_at += len(piece)
    made += [(True, client_at, server_at, ACK, b""), (True, client_at, server_at, FIN | ACK, b""), (False, server_at, client_at + 1, FIN | ACK, b"")]
    return [lambda moment, one=one: packet(moment, one[0], port, *one[1:]) for one in made]


class Recording:
    """`truth`: (day as number since 1970, host) → [connections, octets up, octets down]."""

    def __init__(self, file, seed, *, days, hosts, connections, at_once=1, answers=(1, 5000), first=None):
        """`days` whole days before today, each with so many connections to so many hosts; `at_once` of them are open at a time.
        `first`: the first of the days, as number since 1970."""
        self.file, self.truth, self.packets = file, {}, 0
        chance = random.Random(seed)
        today = datetime.datetime.now(datetime.timezone.utc).date()
        first = first if first is not None else (today - datetime.timedelta(days=days) - datetime.date(1970, 1, 1)).days
        port = 1024
        with open(file, "wb") as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for day in range(first, first + days):
                step = 0.01    # of seconds: an agent books a connection by its address that has no name after a while
                moment, open_now = day * 86_400 + 60.0, []
                for number in range(connections + at_once):
                    if number < connections:
                        host = f"h{number % hosts}.example.com"
                        port = port + 1 if port < 65_000 else 1024
                        padding = chance.randrange(200)
                        request = f"GET / HTTP/1.1\r\nHost: {host}\r\nX-Padding: {'x' * padding}\r\n\r\n".encode()
                        answer = b"HTTP/1.1 200 OK\r\n\r\n".ljust(chance.randint(*answers), b".")
                        cell = self.truth.setdefault((day, host), [0, 0, 0])
                        for at, more in enumerate((1, len(request), len(answer))):
                            cell[at] += more
                        open_now.append(connection(port, request, answer))
                    while len(open_now) >= at_once or (number >= connections and open_now):
                        which = chance.randrange(len(open_now))
                        out.write(open_now[which].pop(0)(moment))
                        self.packets += 1
                        moment += step
                        if not open_now[which]:
                            open_now.pop(which)
