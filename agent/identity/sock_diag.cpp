#include "agent/identity/sock_diag.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <thread>
#include <utility>

namespace dl::agent::identity {
namespace {

constexpr std::uint32_t all_states = 0xffffffff;

struct Request {
    nlmsghdr header{};
    inet_diag_req_v2 body{};
};

Result<int> open_socket()
{
    const int socket_fd = ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (socket_fd < 0)
        return unavailable(
            fmt::format("the kernel's socket diagnosis can't be opened: {}; load the modules inet_diag, tcp_diag and "
                        "udp_diag",
                        std::strerror(errno)));
    const timeval patience{0, 100'000};    // the kernel answers within the call; this is for a lost answer
    ::setsockopt(socket_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return socket_fd;
}

Result<int> open_socket_inside(const std::filesystem::path& netns)
{
    const int where = ::open(netns.c_str(), O_RDONLY | O_CLOEXEC);
    if (where < 0)
        return not_found(fmt::format("{}: the network namespace can't be opened: {}; check netns", netns.string(),
                                     std::strerror(errno)));
    Result<int> made = unavailable("");
    // A thread of its own goes there, so that nobody else's namespace changes.
    std::thread([&] {
        if (::setns(where, CLONE_NEWNET) != 0)
            made = denied(fmt::format("{}: the network namespace can't be entered: {}; start as root", netns.string(),
                                      std::strerror(errno)));
        else
            made = open_socket();
    }).join();
    ::close(where);
    return made;
}

bool same_port(__be16 wire, std::uint16_t port) { return wire == htons(port); }

const std::uint8_t* body_of(const nlmsghdr& header)
{
    return reinterpret_cast<const std::uint8_t*>(&header) + NLMSG_HDRLEN;
}

/// Reads the cgroup attribute behind an inet_diag_msg, and the message itself.
std::optional<SocketOwner> owner_in(const nlmsghdr& header)
{
    inet_diag_msg message{};
    if (header.nlmsg_len < NLMSG_LENGTH(sizeof message)) return std::nullopt;
    const std::uint8_t* body = body_of(header);
    std::memcpy(&message, body, sizeof message);
    SocketOwner owner{message.idiag_uid, message.idiag_inode, 0, 0};
    owner.cookie = message.id.idiag_cookie[0] | (std::uint64_t{message.id.idiag_cookie[1]} << 32U);

    std::size_t left = header.nlmsg_len - NLMSG_LENGTH(sizeof message);
    const std::uint8_t* at = body + NLMSG_ALIGN(sizeof message);
    nlattr attribute{};
    while (left >= sizeof attribute) {
        std::memcpy(&attribute, at, sizeof attribute);
        if (attribute.nla_len < sizeof attribute || attribute.nla_len > left) break;
        if (attribute.nla_type == INET_DIAG_CGROUP_ID && attribute.nla_len >= NLA_HDRLEN + sizeof owner.cgroup)
            std::memcpy(&owner.cgroup, at + NLA_HDRLEN, sizeof owner.cgroup);
        const std::size_t step = std::min<std::size_t>(NLMSG_ALIGN(attribute.nla_len), left);
        at += step;
        left -= step;
    }
    return owner;
}

std::optional<inet_diag_msg> message_in(const nlmsghdr& header)
{
    inet_diag_msg message{};
    if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY || header.nlmsg_len < NLMSG_LENGTH(sizeof message))
        return std::nullopt;
    std::memcpy(&message, body_of(header), sizeof message);
    return message;
}

void put_address(const Address& address, std::uint8_t family, __be32 (&out)[4])
{
    std::array<std::uint8_t, 16> bytes{};
    if (family == AF_INET6 && address.family == Address::Family::v4) {
        bytes[10] = bytes[11] = 0xff;    // IPv4-mapped (RFC 4291 section 2.5.5.2)
        std::memcpy(bytes.data() + 12, address.bytes.data(), 4);
    } else {
        bytes = address.bytes;
    }
    std::memcpy(out, bytes.data(), sizeof out);
}

/// True where a socket bound to `bound` receives what is sent to `local`: equal, IPv4-mapped, or any address.
bool covers(const inet_diag_msg& message, const Address& local)
{
    std::array<std::uint8_t, 16> bound{};
    std::memcpy(bound.data(), message.id.idiag_src, sizeof bound);
    if (std::all_of(bound.begin(), bound.end(), [](std::uint8_t byte) { return byte == 0; })) return true;
    __be32 wanted[4] = {};
    put_address(local, message.idiag_family, wanted);
    return std::memcmp(bound.data(), wanted, message.idiag_family == AF_INET ? 4 : 16) == 0;
}

}    // namespace

Result<SockDiag> SockDiag::open(const std::optional<std::filesystem::path>& netns)
{
    const Result<int> made = netns ? open_socket_inside(*netns) : open_socket();
    if (!made) return made.error();
    return SockDiag(*made);
}

SockDiag::SockDiag(SockDiag&& other) noexcept : socket_(std::exchange(other.socket_, -1)), sequence_(other.sequence_) {}

SockDiag& SockDiag::operator=(SockDiag&& other) noexcept
{
    std::swap(socket_, other.socket_);
    std::swap(sequence_, other.sequence_);
    return *this;
}

SockDiag::~SockDiag()
{
    if (socket_ >= 0) ::close(socket_);
}

std::uint64_t SockDiag::netns_cookie() const
{
    constexpr int so_netns_cookie = 71;    // asm-generic/socket.h; older headers lack it
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    return ::getsockopt(socket_, SOL_SOCKET, so_netns_cookie, &cookie, &size) == 0 ? cookie : 0;
}

std::optional<SocketOwner> SockDiag::find(const flow::Connection& connection)
{
    const bool v4 = connection.client.address.family == Address::Family::v4;
    const std::uint8_t family = v4 ? AF_INET : AF_INET6;
    if (connection.transport == Transport::tcp) {
        auto owner = ask(family, Transport::tcp, connection.client, connection.server);
        if (!owner && v4) owner = ask(AF_INET6, Transport::tcp, connection.client, connection.server);
        return owner;
    }
    if (connection.transport != Transport::udp) return std::nullopt;
    // For UDP the kernel looks up the receiver of a datagram from `src` to `dst`: the socket's own end stands in `dst`.
    if (auto owner = ask(family, Transport::udp, connection.server, connection.client)) return owner;
    return search_udp(connection.client);
}

std::optional<SocketOwner> SockDiag::ask(std::uint8_t family, Transport transport, const Endpoint& source,
                                         const Endpoint& target)
{
    Request request;
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.header.nlmsg_flags = NLM_F_REQUEST;
    request.header.nlmsg_seq = ++sequence_;
    request.body.sdiag_family = family;
    request.body.sdiag_protocol = static_cast<std::uint8_t>(transport);
    request.body.idiag_states = all_states;
    request.body.id.idiag_sport = htons(source.port);
    request.body.id.idiag_dport = htons(target.port);
    put_address(source.address, family, request.body.id.idiag_src);
    put_address(target.address, family, request.body.id.idiag_dst);
    request.body.id.idiag_cookie[0] = request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    if (::send(socket_, &request, sizeof request, 0) < 0) return std::nullopt;

    alignas(nlmsghdr) std::array<std::uint8_t, 8192> buffer;
    while (true) {
        const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
        if (got < static_cast<ssize_t>(sizeof(nlmsghdr))) return std::nullopt;
        const auto& header = *reinterpret_cast<const nlmsghdr*>(buffer.data());
        if (header.nlmsg_seq != sequence_) continue;    // a late answer to an earlier question
        if (header.nlmsg_len > static_cast<std::size_t>(got)) return std::nullopt;
        const auto message = message_in(header);
        if (!message) return std::nullopt;
        // A listener answers for a 5-tuple it does not have: only the client's own socket counts.
        const Endpoint& own = transport == Transport::udp ? target : source;
        if (!same_port(message->id.idiag_sport, own.port)) return std::nullopt;
        if (transport == Transport::tcp && !same_port(message->id.idiag_dport, target.port)) return std::nullopt;
        auto owner = owner_in(header);
        // Without a file the owner reads as 0 on older kernels: unknown, not root. Newer ones (6.17) remember him.
        if (owner && owner->inode == 0 && owner->uid == 0) return std::nullopt;
        return owner;
    }
}

std::optional<SocketOwner> SockDiag::search_udp(const Endpoint& local)
{
    std::optional<SocketOwner> found;
    for (const std::uint8_t family : {AF_INET, AF_INET6}) {
        if (family == AF_INET && local.address.family != Address::Family::v4) continue;
        Request request;
        request.header.nlmsg_len = sizeof request;
        request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
        request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        request.header.nlmsg_seq = ++sequence_;
        request.body.sdiag_family = family;
        request.body.sdiag_protocol = IPPROTO_UDP;
        request.body.idiag_states = all_states;
        if (::send(socket_, &request, sizeof request, 0) < 0) return std::nullopt;

        alignas(nlmsghdr) std::array<std::uint8_t, 32768> buffer;
        bool more = true;
        while (more) {
            const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
            if (got < static_cast<ssize_t>(sizeof(nlmsghdr))) return found;
            std::size_t left = static_cast<std::size_t>(got);
            const std::uint8_t* at = buffer.data();
            while (left >= sizeof(nlmsghdr)) {
                const auto& header = *reinterpret_cast<const nlmsghdr*>(at);
                if (header.nlmsg_len < sizeof header || header.nlmsg_len > left) break;
                if (header.nlmsg_seq == sequence_) {
                    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) more = false;
                    const auto message = message_in(header);
                    if (message && same_port(message->id.idiag_sport, local.port) && covers(*message, local.address))
                        if (const auto owner = owner_in(header); owner && owner->inode != 0) found = owner;
                }
                const std::size_t step = std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), left);
                at += step;
                left -= step;
            }
        }
        if (found) break;
    }
    return found;
}

}    // namespace dl::agent::identity
