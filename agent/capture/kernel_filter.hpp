// What the kernel is told to hand over: classic BPF programs (Documentation/networking/filter.rst) for packet sockets
// that begin at the network header (SOCK_DGRAM). A program answers how many octets of a packet are kept; 0: none.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

namespace dl::agent::capture {

/// How many octets are kept, IP header included.
struct SnapLengths {
    std::uint32_t speech = 4096;    ///< of what may carry a name or open a connection
    /// Of outgoing TCP whose payload begins as a TLS handshake or an HTTP request: with segmentation offload one packet
    /// is a whole write, and a ClientHello of 32 KiB has its name anywhere.
    std::uint32_t first_flight = 35UL * 1024;
    std::uint32_t tunnel = 256;    ///< of other protocols' packets that come in: inner headers
    /// Of what is only counted; long enough for the first message of WireGuard (148 octets), which is known by its
    /// length.
    std::uint32_t headers = 256;
};

/// An endpoint's share of its own traffic: outgoing TCP; of incoming TCP only what opens or ends a connection and DNS
/// (sequence and acknowledgement numbers of the rest give the octets of both directions); of UDP headers, and the whole
/// of DNS and of QUIC's long-header packets (RFC 9000 section 17.2). Everything else that is IP and not understood is
/// kept. On loopback each packet once.
[[nodiscard]] std::vector<sock_filter> endpoint_filter(const SnapLengths& lengths = {});

/// The first packets of this host's own connections as they leave: TCP SYN, DNS questions, QUIC long headers.
[[nodiscard]] std::vector<sock_filter> first_packets_filter();

}    // namespace dl::agent::capture
