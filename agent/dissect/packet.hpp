// From a captured frame to the innermost TCP segment or UDP datagram in it: link layer, IP, fragments, tunnels.
#pragma once

#include "agent/dissect/fragments.hpp"
#include "agent/dissect/link.hpp"
#include "agent/dissect/transport.hpp"

#include <cstdint>
#include <optional>

namespace dl::agent::dissect {

class PacketDissector {
public:
    static constexpr int deepest_tunnel = 8;

    /// The innermost segment; nothing where the frame carries none (ARP, ICMP, a fragment that is not the last …).
    /// Views in it are valid until the next call and as long as `frame` is.
    [[nodiscard]] std::optional<Segment> dissect(std::uint32_t link_type, Bytes frame, Timestamp when);
    /// True where the frame carries further packets (an A-MSDU of wireless networks): ask for each with next().
    [[nodiscard]] bool has_more() const { return !more_.empty(); }
    [[nodiscard]] std::optional<Segment> next(Timestamp when);
    [[nodiscard]] std::uint64_t fragments_given_up() const { return fragments_.given_up(); }

private:
    [[nodiscard]] std::optional<Segment> innermost(link::Network network, Timestamp when);

    Fragments fragments_;
    Bytes more_;
};

}    // namespace dl::agent::dissect
