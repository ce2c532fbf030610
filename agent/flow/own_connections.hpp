// The connections that this agent itself opens, so that reporting is never reported: it would have no end.
#pragma once

#include "agent/flow/sighting.hpp"

#include <cstddef>
#include <mutex>
#include <vector>

namespace dl::agent::flow {

/// Told by the side that connects, before the first packet leaves; asked by the side that watches. Any thread.
class OwnConnections {
public:
    /// The last so many are remembered; an agent has one open at a time.
    static constexpr std::size_t most = 64;

    /// A TCP connection to `peer` is about to leave from `local_port` of this host. The port alone tells it from
    /// others to the same peer, also where an address translator on this host writes another address into it.
    void about_to_open(std::uint16_t local_port, const Endpoint& peer);
    /// Also where the watch began in the middle and took the two ends for one another.
    [[nodiscard]] bool contains(const Connection& connection) const;

private:
    struct Own {
        std::uint16_t local_port = 0;
        Endpoint peer;
    };
    mutable std::mutex mutex_;
    std::vector<Own> recent_;    ///< a ring
    std::size_t next_ = 0;
};

}    // namespace dl::agent::flow
