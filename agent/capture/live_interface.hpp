// Packets of a running network interface, or of all of them (packet(7), TPACKET_V3).
#pragma once

#include "agent/capture/packet_source.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace dl::agent::capture {

struct LiveOptions {
    enum class View {
        everything,    ///< a sensor: every packet, promiscuous where asked
        endpoint,      ///< what an endpoint needs of its own traffic (kernel_filter.hpp)
    };
    enum class Absent { fail, wait };

    std::string interface;            ///< empty or "any": all, also those that come later
    std::string network_namespace;    ///< name under /run/netns, or a path; empty: this one
    View view = View::everything;
    Absent absent = Absent::fail;    ///< where the interface is not there (yet); one that goes is always waited for
    std::string filter;              ///< pcap-filter syntax, run by the kernel instead of the view's; empty: the view's
    std::uint32_t snap_length = 16384;                ///< octets kept of a packet in the view of everything
    std::size_t buffer_octets = 8UL * 1024 * 1024;    ///< of the ring, for everything; an endpoint's has a quarter
    bool promiscuous = false;
    std::chrono::milliseconds timeout{250};    ///< next() answers idle after this
};

/// Needs CAP_NET_RAW (and CAP_SYS_ADMIN for another namespace) now, nothing later: the socket stays where it was
/// opened, and binding it again to an interface that went and came back needs no privilege.
[[nodiscard]] Result<std::unique_ptr<PacketSource>> open_live_interface(const LiveOptions& options);

}    // namespace dl::agent::capture
