// An open connection as the ledger keeps it, so that the next start goes on with it.
#pragma once

#include "agent/flow/continuity.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace dl::agent::ledger {

/// Which connection it is: a keyed hash of its two ends (open_connections.hpp). No address is kept.
using ConnectionKey = std::array<std::uint8_t, 16>;

/// Its name is one that is reported: personal hosts are the one word already.
struct KeptConnection {
    ConnectionKey key{};
    flow::OpenConnection connection;

    friend bool operator==(const KeptConnection&, const KeptConnection&) = default;
};

/// What became of them since the last booking.
struct OpenChanges {
    bool anew = false;    ///< what was kept before counts no more: `put` is all there is
    std::vector<KeptConnection> put;
    std::vector<ConnectionKey> gone;
};

}    // namespace dl::agent::ledger
