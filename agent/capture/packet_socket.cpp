#include "agent/capture/packet_socket.hpp"

#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace dl::agent::capture {

OwnedDescriptor::OwnedDescriptor(OwnedDescriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1))
{}

OwnedDescriptor& OwnedDescriptor::operator=(OwnedDescriptor&& other) noexcept
{
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

OwnedDescriptor::~OwnedDescriptor()
{
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> in_network_namespace(const std::optional<std::filesystem::path>& netns,
                                  const std::function<Result<void>()>& what)
{
    if (!netns) return what();
    const OwnedDescriptor place(::open(netns->c_str(), O_RDONLY | O_CLOEXEC));
    if (place.get() < 0)
        return not_found(fmt::format("network namespace {}: {}; `ip netns` lists those there are", netns->string(),
                                     std::strerror(errno)));
    Result<void> done;
    std::thread([&] {
        if (::setns(place.get(), CLONE_NEWNET) != 0)
            done = denied(fmt::format("network namespace {}: can't be entered ({}); run as root", netns->string(),
                                      std::strerror(errno)));
        else
            done = what();
    }).join();
    return done;
}

Result<OwnedDescriptor> make_packet_socket(int type)
{
    OwnedDescriptor made(::socket(AF_PACKET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (made.get() >= 0) return made;
    if (errno == EPERM || errno == EACCES)
        return denied("interfaces may not be watched; run as root or give the program CAP_NET_RAW");
    return unavailable(
        fmt::format("no packet socket can be made: {}; check that the kernel has af_packet", std::strerror(errno)));
}

Result<void> attach_filter(int socket, std::span<const sock_filter> program)
{
    sock_fprog filter{};
    filter.len = static_cast<unsigned short>(program.size());
    filter.filter = const_cast<sock_filter*>(program.data());    // the kernel copies it
    if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
        return io_failure(fmt::format("the kernel refused the filter: {}; simplify it", std::strerror(errno)));
    char scrap = 0;
    while (::recv(socket, &scrap, sizeof scrap, MSG_DONTWAIT | MSG_TRUNC) >= 0) {
    }
    return {};
}

bool listen_on(int socket, int interface_index)
{
    sockaddr_ll place{};
    place.sll_family = AF_PACKET;
    place.sll_protocol = htons(ETH_P_ALL);
    place.sll_ifindex = interface_index;
    return ::bind(socket, reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0;
}

int index_of(int socket, const std::string& interface)
{
    ifreq request{};
    std::strncpy(request.ifr_name, interface.c_str(), sizeof request.ifr_name - 1);
    return ::ioctl(socket, SIOCGIFINDEX, &request) == 0 ? request.ifr_ifindex : 0;
}

}    // namespace dl::agent::capture
