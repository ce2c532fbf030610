// Packets of a running network interface (libpcap over TPACKET_V3).
#pragma once

#include "agent/capture/packet_source.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace dl::agent::capture {

struct LiveOptions {
    std::string interface;
    std::string network_namespace;    ///< name under /run/netns, or a path; empty: this one
    std::string filter;               ///< pcap-filter syntax, compiled to BPF and run by the kernel; empty: everything
    int snap_length = 65535;
    int buffer_octets = 8 * 1024 * 1024;
    bool promiscuous = false;
    std::chrono::milliseconds timeout{50};    ///< next() answers idle after this
};

/// Needs CAP_NET_RAW (and CAP_SYS_ADMIN for another namespace) now, nothing later: the socket stays where it was
/// opened.
[[nodiscard]] Result<std::unique_ptr<PacketSource>> open_live_interface(const LiveOptions& options);

}    // namespace dl::agent::capture
