// Asks the kernel who owns a socket: NETLINK_SOCK_DIAG with inet_diag requests (sock_diag(7), linux/inet_diag.h). Needs
// no privilege. The socket belongs to the network namespace in which it was opened, and asks about that one for ever.
#pragma once

#include "agent/flow/sighting.hpp"

#include "shared/base/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>

namespace dl::agent::identity {

/// What the kernel says of a socket.
struct SocketOwner {
    std::uint32_t uid = 0;
    std::uint32_t inode = 0;     ///< 0: the socket has no file any more (TIME_WAIT, orphaned)
    std::uint64_t cgroup = 0;    ///< inode of its cgroup v2 directory; 0: not told
    std::uint64_t cookie = 0;    ///< the kernel's number of the socket; 0: not told
};

class SockDiag {
public:
    /// Opens the netlink socket, inside the namespace that `netns` names (a file such as /run/netns/NAME; this step
    /// needs CAP_SYS_ADMIN) or in the caller's own.
    [[nodiscard]] static Result<SockDiag> open(const std::optional<std::filesystem::path>& netns);

    SockDiag(SockDiag&& other) noexcept;
    SockDiag& operator=(SockDiag&& other) noexcept;
    ~SockDiag();

    /// The client's socket of a connection: TCP by its exact 5-tuple, UDP by its local address and port. Nothing where
    /// the kernel knows none (any more), or only one without an owner.
    [[nodiscard]] std::optional<SocketOwner> find(const flow::Connection& connection);
    /// The kernel's cookie of the network namespace that is asked about; 0 where it has none (before Linux 5.14).
    [[nodiscard]] std::uint64_t netns_cookie() const;

private:
    explicit SockDiag(int socket) : socket_(socket) {}
    std::optional<SocketOwner> ask(std::uint8_t family, Transport transport, const Endpoint& local,
                                   const Endpoint& remote);
    std::optional<SocketOwner> search_udp(const Endpoint& local);
    int socket_ = -1;
    std::uint32_t sequence_ = 0;
};

}    // namespace dl::agent::identity
