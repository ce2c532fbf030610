#include "agent/flow/own_connections.hpp"

#include <algorithm>

namespace dl::agent::flow {

void OwnConnections::about_to_open(std::uint16_t local_port, const Endpoint& peer)
{
    const std::scoped_lock lock(mutex_);
    if (recent_.size() < most) {
        recent_.push_back({local_port, peer});
        return;
    }
    recent_[next_] = {local_port, peer};
    next_ = (next_ + 1) % most;
}

bool OwnConnections::contains(const Connection& connection) const
{
    if (connection.transport != Transport::tcp) return false;
    const std::scoped_lock lock(mutex_);
    return std::any_of(recent_.begin(), recent_.end(), [&](const Own& own) {
        return (own.local_port == connection.client.port && own.peer == connection.server) ||
               (own.local_port == connection.server.port && own.peer == connection.client);
    });
}

}    // namespace dl::agent::flow
