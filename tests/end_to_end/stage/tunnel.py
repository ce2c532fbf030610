"""A small VPN: what goes into a tun interface comes out of the peer's, over UDP and unreadable in between.

tunnel.py INTERFACE OWN-ADDRESS PEER-ADDRESS PORT; says "up" when the interface is there, and ends with its standard input."""
import contextlib
import fcntl
import os
import select
import socket
import struct
import sys

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
KEY = bytes(range(7, 256)) * 10


def enciphered(packet):
    return bytes(a ^ b for a, b in zip(packet, KEY))


def main():
    interface, own, peer, port = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", interface.encode(), IFF_TUN | IFF_NO_PI))
    outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    outside.bind((own, port))
    print("up", flush=True)
    while True:
        ready, _, _ = select.select([tun, outside, sys.stdin], [], [])
        if sys.stdin in ready:
            return
        if tun in ready:
            packet = enciphered(os.read(tun, 2048))
            with contextlib.suppress(ConnectionRefusedError):    # the peer is not up yet
                outside.sendto(packet, (peer, port))
        if outside in ready:
            packet = enciphered(outside.recv(2048))
            with contextlib.suppress(OSError):    # the interface is not up yet
                os.write(tun, packet)


if __name__ == "__main__":
    main()
