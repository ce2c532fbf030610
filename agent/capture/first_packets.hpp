// The first packets of this host's connections, each at once as it leaves: the moment to ask whose it is, before a
// short connection is over. Beside the capture proper, whose packets come in blocks.
#pragma once

#include "shared/base/failure.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

namespace dl::agent::capture {

class FirstPackets {
public:
    /// Needs CAP_NET_RAW now (and CAP_SYS_ADMIN for another network namespace), nothing later. An empty interface name
    /// or "any": all of them, also those that come later. One that goes and comes back is heard again.
    [[nodiscard]] static Result<FirstPackets> open(const std::string& interface,
                                                   const std::optional<std::filesystem::path>& netns);
    FirstPackets(FirstPackets&& other) noexcept;
    FirstPackets& operator=(FirstPackets&&) = delete;
    ~FirstPackets();

    /// An IPv4 or IPv6 packet, at most so many octets as `room` has; empty where none came in time.
    [[nodiscard]] std::span<const std::uint8_t> next(std::span<std::uint8_t> room, std::chrono::milliseconds patience);
    /// Packets that found no room since the start.
    [[nodiscard]] std::uint64_t dropped();

private:
    FirstPackets(int socket, std::string interface, int bound_to)
        : socket_(socket), interface_(std::move(interface)), bound_to_(bound_to)
    {}
    void look_for_interface();

    int socket_ = -1;
    std::string interface_;    ///< empty: all
    int bound_to_ = 0;
    std::chrono::steady_clock::time_point look_next_{};
    std::uint64_t dropped_ = 0;
};

}    // namespace dl::agent::capture
