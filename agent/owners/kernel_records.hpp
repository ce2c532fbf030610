// Reads what the kernel wrote down of a connection when it was made (connection_record.h), from tables that the process
// watch made and handed over: two descriptors that may be read and not written. Needs no privilege (Linux 5.19 or
// newer).
#pragma once

#include "agent/flow/sighting.hpp"
#include "agent/identity/process_finder.hpp"
#include "agent/owners/connection_record.h"

#include <cstdint>
#include <mutex>
#include <optional>

namespace dl::agent::owners {

/// The key of a connection in a network namespace, as its client's socket has it; nothing for other than TCP and UDP.
[[nodiscard]] std::optional<dl_connection_ends> ends_of(const flow::Connection& connection, std::uint64_t netns);

/// A record tells of this connection only if it was made when its first packet was seen, give or take `slack`: ports
/// are used again, and other hosts' connections may look the same. `now` and `boot_now_ns` are one moment on two
/// clocks.
[[nodiscard]] bool is_of_that_time(const dl_connection_record& record, Timestamp opened, Timestamp now,
                                   std::uint64_t boot_now_ns);
inline constexpr std::chrono::seconds record_slack{5};

[[nodiscard]] identity::Origin origin_in(const dl_connection_record& record);

/// May be asked from several threads.
class KernelRecords {
public:
    KernelRecords() = default;
    ~KernelRecords();
    KernelRecords(const KernelRecords&) = delete;
    KernelRecords& operator=(const KernelRecords&) = delete;

    /// Takes the descriptors over, in place of older ones; -1: there are none (any more).
    void adopt(int by_ends, int by_cookie);
    [[nodiscard]] bool are_there() const;
    [[nodiscard]] std::optional<identity::Origin> find(const flow::Connection& connection, std::uint64_t netns) const;
    /// By the kernel's number of a socket that is open still.
    [[nodiscard]] std::optional<identity::Origin> find(std::uint64_t socket_cookie) const;

private:
    mutable std::mutex mutex_;
    int by_ends_ = -1;
    int by_cookie_ = -1;
};

/// Whether this process may read a table at all: nothing, or what is wrong.
[[nodiscard]] Result<void> can_read_table(int table);

}    // namespace dl::agent::owners
