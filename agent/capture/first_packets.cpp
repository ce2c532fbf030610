#include "agent/capture/first_packets.hpp"

#include "agent/capture/kernel_filter.hpp"
#include "agent/capture/packet_socket.hpp"

#include <fmt/format.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace dl::agent::capture {

Result<FirstPackets> FirstPackets::open(const std::string& interface, const std::optional<std::filesystem::path>& netns)
{
    int opened = -1;
    const bool all = interface.empty() || interface == "any";
    int index = 0;
    const auto done = in_network_namespace(netns, [&]() -> Result<void> {
        auto made = make_packet_socket(SOCK_DGRAM);
        if (!made) return made.error();
        if (auto filtered = attach_filter(made->get(), first_packets_filter()); !filtered) return filtered;
        // An interface that is not there yet: those of all are heard, which is more and never wrong.
        index = all ? 0 : index_of(made->get(), interface);
        if (!listen_on(made->get(), index) && errno != ENETDOWN)
            return unavailable(
                fmt::format("{}: can't be watched: {}; check `ip link`", interface, std::strerror(errno)));
        opened = ::dup(made->get());
        return {};
    });
    if (!done) return done.error();
    return FirstPackets(opened, all ? std::string() : interface, index);
}

FirstPackets::FirstPackets(FirstPackets&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      interface_(std::move(other.interface_)),
      bound_to_(other.bound_to_),
      dropped_(other.dropped_)
{}

FirstPackets::~FirstPackets()
{
    if (socket_ >= 0) ::close(socket_);
}

/// An interface that went away has another number when it comes back; a socket bound to the old one stays deaf.
void FirstPackets::look_for_interface()
{
    constexpr std::chrono::seconds every{1};
    if (interface_.empty()) return;
    const auto now = std::chrono::steady_clock::now();
    if (now < look_next_) return;
    look_next_ = now + every;
    const int index = index_of(socket_, interface_);
    if (index == 0 || index == bound_to_) return;
    if (listen_on(socket_, index)) bound_to_ = index;
}

std::span<const std::uint8_t> FirstPackets::next(std::span<std::uint8_t> room, std::chrono::milliseconds patience)
{
    look_for_interface();
    ssize_t got = ::recv(socket_, room.data(), room.size(), MSG_DONTWAIT);
    if (got < 0) {
        pollfd waiting{socket_, POLLIN, 0};
        if (::poll(&waiting, 1, static_cast<int>(patience.count())) == 1)
            got = ::recv(socket_, room.data(), room.size(), MSG_DONTWAIT);
    }
    return room.first(got > 0 ? static_cast<std::size_t>(got) : 0);
}

std::uint64_t FirstPackets::dropped()
{
    tpacket_stats counted{};
    socklen_t size = sizeof counted;
    if (::getsockopt(socket_, SOL_PACKET, PACKET_STATISTICS, &counted, &size) == 0) dropped_ += counted.tp_drops;
    return dropped_;
}

}    // namespace dl::agent::capture
