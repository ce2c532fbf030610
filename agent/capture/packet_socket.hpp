// Opening packet sockets (packet(7)), here or in another network namespace.
#pragma once

#include "shared/base/failure.hpp"

#include <linux/filter.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace dl::agent::capture {

/// A file descriptor that closes itself.
class OwnedDescriptor {
public:
    explicit OwnedDescriptor(int descriptor = -1) : descriptor_(descriptor) {}
    OwnedDescriptor(OwnedDescriptor&& other) noexcept;
    OwnedDescriptor& operator=(OwnedDescriptor&& other) noexcept;
    ~OwnedDescriptor();
    [[nodiscard]] int get() const { return descriptor_; }

private:
    int descriptor_;
};

/// Runs `what` on a thread of its own inside a network namespace (needs CAP_SYS_ADMIN), or right here where none is
/// named. Sockets made there stay there.
[[nodiscard]] Result<void> in_network_namespace(const std::optional<std::filesystem::path>& netns,
                                                const std::function<Result<void>()>& what);

/// A packet socket that hears nothing yet (protocol 0). `type` is SOCK_RAW or SOCK_DGRAM. Needs CAP_NET_RAW.
[[nodiscard]] Result<OwnedDescriptor> make_packet_socket(int type);
/// Drops what is waiting too, so that nothing is read that the filter would not have let pass.
[[nodiscard]] Result<void> attach_filter(int socket, std::span<const sock_filter> program);
/// Begins to hear the interface with this index; 0: all of them. Needs no privilege. errno tells why not.
[[nodiscard]] bool listen_on(int socket, int interface_index);
/// 0 where there is none of that name, in the socket's own network namespace.
[[nodiscard]] int index_of(int socket, const std::string& interface);

}    // namespace dl::agent::capture
