// Connections made up packet by packet, as a capture would hold them.
#pragma once

#include "agent/capture/memory_source.hpp"
#include "shared/base/time.hpp"

#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace dl::agent::service {

using Recorded = capture::MemorySource::Recorded;

inline constexpr std::uint32_t link_type_raw = 101;    // LINKTYPE_RAW: begins with the IP header

inline void put16(std::vector<std::uint8_t>& out, std::size_t value)
{
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
}
inline void put32(std::vector<std::uint8_t>& out, std::size_t value)
{
    put16(out, value >> 16);
    put16(out, value & 0xffff);
}

/// One direction of a made-up connection between 10.0.0.2 and 192.0.2.host.
struct Side {
    std::uint8_t host;
    std::uint16_t client_port;
    bool from_client;
};

inline std::vector<std::uint8_t> segment(const Side& side, std::uint32_t sequence, std::uint32_t acknowledged,
                                         std::uint8_t flags, std::string_view payload)
{
    std::vector<std::uint8_t> out{0x45, 0};
    put16(out, 40 + payload.size());
    for (const int byte : {0, 0, 0x40, 0, 64, 6, 0, 0})
        out.push_back(static_cast<std::uint8_t>(byte));
    const std::vector<std::uint8_t> client{10, 0, 0, 2}, server{192, 0, 2, side.host};
    for (const auto& end : side.from_client ? std::vector{client, server} : std::vector{server, client})
        out.insert(out.end(), end.begin(), end.end());
    put16(out, side.from_client ? side.client_port : 80);
    put16(out, side.from_client ? 80 : side.client_port);
    put32(out, sequence);
    put32(out, acknowledged);
    out.push_back(0x50);
    out.push_back(flags);
    put16(out, 8192);
    put32(out, 0);
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
}

/// Connections that open, ask for a host, get data in pieces, interleaved at random; some end.
inline std::vector<Recorded> traffic(std::uint64_t seed, std::size_t connections)
{
    std::mt19937_64 random(seed);
    std::vector<std::vector<std::vector<std::uint8_t>>> conversations;
    for (std::size_t n = 0; n < connections; ++n) {
        const std::uint8_t host = static_cast<std::uint8_t>(1 + random() % 5);
        const std::uint16_t port = static_cast<std::uint16_t>(40000 + n);
        const Side up{host, port, true}, down{host, port, false};
        std::vector<std::vector<std::uint8_t>> packets;
        const std::string request = "GET / HTTP/1.1\r\nHost: s" + std::to_string(host) + ".example\r\n\r\n";
        std::uint32_t sent = 101;
        packets.push_back(segment(up, 100, 0, 0x02, ""));
        packets.push_back(segment(down, 900, 101, 0x12, ""));
        packets.push_back(segment(up, sent, 901, 0x10, ""));
        packets.push_back(segment(up, sent, 901, 0x18, request));
        sent += static_cast<std::uint32_t>(request.size());
        std::uint32_t received = 901;
        for (std::uint64_t piece = random() % 12; piece > 0; --piece) {
            const std::string body(1 + random() % 900, 'x');
            packets.push_back(segment(down, received, sent, 0x18, body));
            received += static_cast<std::uint32_t>(body.size());
            packets.push_back(segment(up, sent, received, 0x10, ""));
        }
        if (random() % 2) {
            packets.push_back(segment(up, sent, received, 0x11, ""));
            packets.push_back(segment(down, received, sent + 1, 0x11, ""));
        }
        conversations.push_back(std::move(packets));
    }
    std::vector<Recorded> recorded;
    std::vector<std::size_t> at(connections);
    const std::int64_t start =
        Timestamp{*parse_iso_date("2026-03-02")}.time_since_epoch().count() * 1000 + 86'300'000'000'000;
    std::vector<std::size_t> open(connections);
    std::iota(open.begin(), open.end(), std::size_t{0});
    while (!open.empty()) {
        const std::size_t place = random() % std::min<std::size_t>(open.size(), 8);
        const std::size_t n = open[place];
        recorded.push_back({start + static_cast<std::int64_t>(recorded.size()) * 150'000'000, link_type_raw,
                            conversations[n][at[n]++]});
        if (at[n] == conversations[n].size()) open.erase(open.begin() + static_cast<std::ptrdiff_t>(place));
    }
    return recorded;
}

}    // namespace dl::agent::service
