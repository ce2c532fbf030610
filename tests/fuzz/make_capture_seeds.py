#!/usr/bin/env python3
"""Makes the seeds of the capture, dissector and flow fuzz targets by hand: make_capture_seeds.py [CORPUS-FOLDER]

Every octet is written here; nothing comes from anyone's network. Run it again after changing it and commit what it wrote.
"""
import gzip
import pathlib
import struct
import sys

CLIENT, SERVER, RESOLVER = bytes([10, 0, 0, 1]), bytes([192, 0, 2, 10]), bytes([192, 0, 2, 53])


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def dns_query(text, kind=1):
    return struct.pack(">6H", 0x1234, 0x0100, 1, 0, 0, 0) + name(text) + struct.pack(">2H", kind, 1)


def dns_answer(text, alias, address):
    head = struct.pack(">6H", 0x1234, 0x8180, 1, 2, 0, 1) + name(text) + struct.pack(">2H", 1, 1)
    first = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, len(name(alias))) + name(alias)
    at = len(head) + 12
    second = struct.pack(">H", 0xc000 | at) + struct.pack(">HHIH", 1, 1, 60, 4) + address
    return head + first + second + b"\0" + struct.pack(">HHIH", 41, 1232, 0, 0)


def https_answer(text, address, public_name):
    contents = struct.pack(">BHH", 7, 32, 32) + bytes(32) + struct.pack(">HHH", 4, 1, 1) + b"\0" + bytes([len(public_name)]) + public_name.encode() + b"\0\0"
    configuration = struct.pack(">2H", 0xfe0d, len(contents)) + contents
    ech = struct.pack(">H", len(configuration)) + configuration
    data = b"\0\1\0" + struct.pack(">2H", 1, 3) + b"\x02h3" + struct.pack(">2H", 4, 4) + address
    data += struct.pack(">2H", 5, len(ech)) + ech + struct.pack(">2H", 6, 16) + bytes(15) + b"\1"
    head = struct.pack(">6H", 0x1234, 0x8180, 1, 1, 0, 0) + name(text) + struct.pack(">2H", 65, 1)
    return head + b"\xc0\x0c" + struct.pack(">HHIH", 65, 1, 300, len(data)) + data


def extension(kind, data):
    return struct.pack(">2H", kind, len(data)) + data


def client_hello(host, ech=False):
    entry = b"\0" + struct.pack(">H", len(host)) + host.encode()
    extensions = extension(0x0a0a, b"") + extension(0, struct.pack(">H", len(entry)) + entry)
    extensions += extension(16, b"\0\x0c\x02h2\x08http/1.1") + extension(43, b"\x06\x1a\x1a\x03\x04\x03\x03")
    if ech:
        extensions += extension(0xfe0d, b"\0\0\x01\0\x01\x07\0\x04abcd\0\x04wxyz")
    body = b"\x03\x03" + bytes(range(32)) + b"\0" + b"\0\x04\x13\x01\x13\x02" + b"\x01\0" + struct.pack(">H", len(extensions)) + extensions
    return b"\x01" + struct.pack(">I", len(body))[1:] + body


def records(handshake, size=16384):
    parts = [handshake[i:i + size] for i in range(0, len(handshake), size)]
    return b"".join(b"\x16\x03\x01" + struct.pack(">H", len(p)) + p for p in parts)


def ipv4(protocol, payload, source=CLIENT, destination=SERVER, fragment=0):
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 7, fragment, 64, protocol, 0) + source + destination + payload


def ipv6(protocol, payload, extensions=b""):
    return struct.pack(">IHBB", 6 << 28, len(extensions + payload), protocol, 64) + bytes(15) + b"\1" + bytes(15) + b"\2" + extensions + payload


def udp(source, destination, payload):
    return struct.pack(">4H", source, destination, 8 + len(payload), 0) + payload


def tcp(source, destination, sequence, acknowledgement, flags, payload=b""):
    return struct.pack(">HHIIBBHHH", source, destination, sequence, acknowledgement, 0x50, flags, 65535, 0, 0) + payload


def ethernet(packet, kind=0x0800):
    return bytes(12) + struct.pack(">H", kind) + packet


def pcap(frames, link=1):
    out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, link)
    for i, frame in enumerate(frames):
        out += struct.pack("<4I", 1_700_000_000 + i, i, len(frame), len(frame)) + frame
    return out


def pcapng(frames):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack("<2I", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    out = block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
    out += block(1, struct.pack("<HHI", 1, 0, 65535) + struct.pack("<HHB3x", 9, 1, 9) + struct.pack("<HH", 0, 0))
    out += block(1, struct.pack("<HHI", 101, 0, 0))
    out += block(6, struct.pack("<5I", 0, 0x17, 0x1234, len(frames[0]), len(frames[0])) + frames[0])
    out += block(3, struct.pack("<I", len(frames[0])) + frames[0])
    return out + block(2, struct.pack("<HHIIII", 1, 0, 0x17, 0x1234, len(frames[0]) - 14, len(frames[0]) - 14) + frames[0][14:])


def conversation(port, requests, reply=b"ok"):
    frames = [tcp(40000, port, 100, 0, 2), None, tcp(40000, port, 101, 501, 16)]
    sequence = 101
    for request in requests:
        frames.append(tcp(40000, port, sequence, 501, 24, request))
        sequence += len(request)
    out = []
    for frame in frames:
        if frame is None:
            out.append(ethernet(ipv4(6, tcp(port, 40000, 500, 101, 18), SERVER, CLIENT)))
        else:
            out.append(ethernet(ipv4(6, frame)))
    out.append(ethernet(ipv4(6, tcp(port, 40000, 501, sequence, 24, reply), SERVER, CLIENT)))
    out.append(ethernet(ipv4(6, tcp(40000, port, sequence, 501 + len(reply), 17))))
    out.append(ethernet(ipv4(6, tcp(port, 40000, 501 + len(reply), sequence + 1, 17), SERVER, CLIENT)))
    return out


def quic_initial(payload_length=64):
    header = b"\xc3\0\0\0\x01\x08abcdefgh\0\0" + struct.pack(">H", 0x4000 | payload_length)
    return header + bytes(range(payload_length))


def chlo(host):
    tags = b"SNI\0" + struct.pack("<I", len(host)) + b"VER\0" + struct.pack("<I", len(host) + 4)
    return b"\x0dabcdefghQ043\x01" + bytes(12) + b"\xa0\x01\0\0" + b"CHLO\x02\0\0\0" + tags + host.encode() + b"Q043"


def frames_of(link, *frames):
    return struct.pack(">H", link) + b"".join(bytes([len(f)]) + f for f in frames)


def seeds():
    question = udp(5000, 53, dns_query("www.example.org"))
    plain = ipv4(17, question)
    hello = client_hello("www.example.org")
    get = b"GET / HTTP/1.1\r\nHost: www.example.org:80\r\n\r\n"
    post = b"POST http://proxy.example/x HTTP/1.1\r\nHost: other.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    connect = b"CONNECT mail.example:25 HTTP/1.1\r\nHost: mail.example\r\n\r\n"
    gre = lambda kind, inner, flags=0: ipv4(47, struct.pack(">2H", flags, kind) + inner)
    yield "dns", "query", dns_query("www.example.org")
    yield "dns", "answer", dns_answer("www.example.org", "edge.example.net", SERVER)
    yield "dns", "https", https_answer("www.example.org", SERVER, "outer.example")
    yield "dns", "loop", struct.pack(">6H", 1, 0x100, 1, 0, 0, 0) + b"\xc0\x0c\0\x01\0\x01"
    yield "tls", "whole", records(hello)
    yield "tls", "split", records(hello, 20)
    yield "tls", "ech", records(client_hello("cloudflare-ech.com", True))
    yield "tls", "bare", hello
    yield "http1", "get", get
    yield "http1", "post", post
    yield "http1", "connect", connect
    yield "http1", "chunks", b"5;x=y\r\nhello\r\n0\r\nTrailer: 1\r\n\r\n"
    yield "quic", "initial", quic_initial()
    yield "quic", "frames", b"\0\x01\x02\x05\0\x01\x02\x06\0" + bytes([len(hello) % 64]) + hello
    crypto = lambda frame, offset, data: bytes([frame]) + struct.pack(">HH", 0x4000 | offset, 0x4000 | len(data)) + data
    datagram = lambda choice, frames: bytes([choice, len(frames)]) + frames
    google = b"CHLO\1\0\0\0SNI\0\x09\0\0\0a.example"
    yield "quic", "sealed", datagram(0, crypto(6, 50, hello[50:])) + datagram(0, b"\2\5\0\1\2" + crypto(6, 0, hello[:50]))
    yield "quic", "sealed_several", datagram(1, crypto(6, 0, hello)) + datagram(9, crypto(6, 0, hello))
    yield "quic", "sealed_google", datagram(6, b"\7" + crypto(8, 0, hello)) + datagram(5, crypto(8, 0, google))
    yield "quic", "chlo", chlo("clients.example.org")
    yield "packet", "ethernet", frames_of(1, ethernet(plain))
    yield "packet", "qinq", frames_of(1, ethernet(b"\0\x01\x81\0\0\x02\x08\0" + plain, 0x88a8))
    yield "packet", "pppoe", frames_of(1, ethernet(b"\x11\0\0\x01\0\x40\0\x21" + plain, 0x8864))
    yield "packet", "mpls", frames_of(1, ethernet(b"\0\x01\0\x40\0\x02\x01\x40" + plain, 0x8847))
    yield "packet", "ipv6", frames_of(101, ipv6(0, question, b"\x3c\0\x01\x04\0\0\0\0\x11\0\x01\x04\0\0\0\0"))
    cut = ipv4(17, question[:24], fragment=0x2000), ipv4(17, question[24:], fragment=3)
    yield "packet", "fragments", frames_of(101, *cut)
    yield "packet", "gre", frames_of(101, gre(0x0800, plain), gre(0x88be, b"\0\0\0\1" + bytes(8) + ethernet(plain), 0x1000))
    yield "packet", "vxlan", frames_of(101, ipv4(17, udp(9, 4789, b"\x08\0\0\0\0\0\1\0" + ethernet(plain))))
    yield "packet", "geneve", frames_of(101, ipv4(17, udp(9, 6081, b"\0\0\x65\x58\0\0\1\0" + ethernet(plain))))
    yield "packet", "gtp", frames_of(101, ipv4(17, udp(2152, 2152, b"\x34\xff\0\x20\0\0\0\1\0\0\0\x85\1\0\0\0" + plain)))
    yield "packet", "teredo", frames_of(101, ipv4(17, udp(9, 3544, b"\0\0\1\2\3\4\5\6" + ipv6(17, question))))
    yield "packet", "l2tp", frames_of(101, ipv4(17, udp(1701, 1701, b"\x48\2\0\0\0\1\0\2\0\0\0\0\xff\3\0\x21" + plain)))
    yield "packet", "capwap", frames_of(101, ipv4(17, udp(9, 5247, b"\0\x10\2\0\0\0\0\0" + ethernet(plain))),
                                        ipv4(17, udp(9, 5247, b"\0\x10\x43\0\0\0\0\0\1\x08" + bytes(22) + b"\xaa\xaa\3\0\0\0\x08\0" + plain)))
    yield "packet", "ayiya", frames_of(101, ipv4(17, udp(9, 5072, b"\x44\x52\x11\x29" + bytes(40) + ipv6(17, question))))
    yield "packet", "erspan3", frames_of(101, gre(0x22eb, bytes(16) + ethernet(plain), 0x1000))
    yield "packet", "pktap", frames_of(258, b"\x0c\0\0\0\1\0\0\0\1\0\0\0" + ethernet(plain))
    yield "packet", "mpls_ethernet", frames_of(1, ethernet(b"\0\1\1\x40\0\0\0\0" + ethernet(plain), 0x8847))
    yield "packet", "sll", frames_of(113, bytes(14) + b"\x08\0" + plain)
    yield "packet", "sll2", frames_of(276, b"\x08\0" + bytes(18) + plain)
    yield "packet", "null", frames_of(0, b"\2\0\0\0" + plain)
    yield "packet", "nflog", frames_of(239, b"\2\0\0\0" + struct.pack("<2H", len(plain) + 4, 9) + plain)
    yield "packet", "wlan", frames_of(105, b"\x88\x01" + bytes(22) + b"\0\0\xaa\xaa\3\0\0\0\x08\0" + plain)
    yield "packet", "radiotap", frames_of(127, b"\0\0\x08\0\0\0\0\0\x08\x01" + bytes(22) + b"\xaa\xaa\3\0\0\0\x08\0" + plain)
    web = conversation(80, [get, post, connect])
    secure = conversation(443, [records(hello)[:30], records(hello)[30:]])
    late = secure[:3] + [secure[4], secure[3]] + secure[5:]
    lookup = [ethernet(ipv4(17, question, CLIENT, RESOLVER)),
              ethernet(ipv4(17, udp(53, 5000, dns_answer("app.example", "edge.example", SERVER)), RESOLVER, CLIENT))]
    long_dns = dns_query("tcp.example.org")
    both = lookup + conversation(53, [struct.pack(">H", len(long_dns)) + long_dns]) + conversation(993, [b"a1 STARTTLS\r\n", records(hello)])
    starttls = conversation(25, [b"EHLO me\r\n", b"STARTTLS\r\n", records(hello)], b"220 go\r\n")
    proxies = conversation(1080, [b"\5\1\0", b"\5\1\0\3\x09a.example\1\xbb", records(hello)])
    proxies += conversation(5432, [b"\0\0\0\x08\x04\xd2\x16\x2f", records(hello)])
    proxies += conversation(1433, [b"\x12\1" + struct.pack(">H", len(records(hello)) + 8) + bytes(4) + records(hello)])

    hidden = [ethernet(ipv4(17, udp(40002, 4242, b"\1\0\0\0" + bytes(144)))),
              ethernet(ipv4(17, udp(40003, 4242, b"\x38\1\2\3\4\5\6\7\x08" + bytes(5)))),
              ethernet(ipv4(17, udp(53, 5000, https_answer("app.example", SERVER, "outer.example")), RESOLVER, CLIENT))]
    hidden += conversation(443, [records(client_hello("outer.example", True))]) + conversation(853, [records(hello)])
    for target in ("capture_file", "flow"):
        yield target, "starttls", pcap(starttls)
        yield target, "proxies", pcap(proxies)
        yield target, "hidden", pcap(hidden)
        yield target, "web", pcap(web)
        yield target, "tls", pcap(secure)
        yield target, "late", pcap(late)
        yield target, "dns", pcap(both)
        yield target, "quic", pcap([ethernet(ipv4(17, udp(40000, 443, quic_initial()))), ethernet(ipv4(17, udp(40001, 443, chlo("g.example"))))])
        yield target, "pcapng", pcapng(secure)
        yield target, "big_endian", struct.pack(">IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 101) + struct.pack(">4I", 1, 2, len(plain), len(plain)) + plain
        yield target, "cut", pcap(web)[:-7]
        yield target, "gzip", gzip.compress(pcap(secure), mtime=0)


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent / "corpus"
    for target, seed, octets in seeds():
        (folder / target).mkdir(parents=True, exist_ok=True)
        (folder / target / seed).write_bytes(octets)


if __name__ == "__main__":
    main()
