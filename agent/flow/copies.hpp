// Notices the same packet on its way through a second interface of one capture: a bridge, a veth pair, address
// translation. TCP's numbers make retransmissions and copies on the same addresses one anyway; this is for UDP, and for
// both where addresses were translated on the way.
#pragma once

#include "agent/dissect/transport.hpp"
#include "shared/base/time.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace dl::agent::flow {

class Copies {
public:
    static constexpr std::size_t places = 1024;
    /// Copies follow each other at once.
    static constexpr std::chrono::milliseconds at_once{250};

    /// `seed` keys the hash.
    explicit Copies(std::uint64_t seed) : seed_(seed) {}

    /// The first packet of a connection: true where another interface just had it with the same server and another
    /// client. Nothing is remembered while packets come from a single interface.
    [[nodiscard]] bool is_copy(const dissect::Segment& first, std::uint32_t interface, Timestamp when);

private:
    struct Place {
        std::uint64_t hash = 0;
        std::uint32_t interface = 0;
        Endpoint source;
        Timestamp when{};
    };
    std::vector<Place> recent_;    ///< by hash; made when first needed
    std::uint64_t seed_;
};

}    // namespace dl::agent::flow
