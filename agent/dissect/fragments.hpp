// Puts IP fragments together (RFC 791 section 3.2, RFC 8200 section 4.5), within a fixed amount of memory. Overlapping
// fragments are refused as RFC 5722 asks; the oldest packet is given up for a new one when all places are taken.
#pragma once

#include "agent/dissect/ip.hpp"
#include "shared/base/time.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace dl::agent::dissect {

class Fragments {
public:
    static constexpr std::size_t places = 32;
    static constexpr std::uint32_t largest = 65535;
    static constexpr std::chrono::seconds patience{30};

    /// Adds a fragment. True when it completed its packet: `packet` then is the whole one, valid until the next call;
    /// its payload ends where a fragment was cut by the capture first.
    bool add(ip::Packet& packet, Timestamp when);
    /// Packets given up: overlap, too large, too many at once.
    [[nodiscard]] std::uint64_t given_up() const { return given_up_; }

private:
    struct Piece {
        std::uint32_t offset = 0;
        std::uint32_t end = 0;
    };
    struct Place {
        bool used = false;
        Address source;
        Address destination;
        std::uint32_t id = 0;
        std::uint8_t protocol = 0;
        Timestamp started{};
        std::uint32_t total = 0;    ///< octets, known when the last fragment came
        std::uint32_t received = 0;
        std::uint32_t captured = 0;    ///< octets at the front of which none was cut by the capture
        std::vector<std::uint8_t> bytes;
        std::vector<Piece> pieces;
    };
    Place& place_of(const ip::Packet& packet, Timestamp when);

    std::array<Place, places> places_;
    std::uint64_t given_up_ = 0;
};

}    // namespace dl::agent::dissect
