// What has to be known of an open connection to go on with it in another life of the agent: its name, what of it was
// told already, and where each direction stood. No address and no payload is part of it.
#pragma once

#include "agent/flow/hidden_road.hpp"
#include "agent/flow/octets.hpp"
#include "shared/base/address.hpp"
#include "shared/base/time.hpp"
#include "shared/wire/report.hpp"

#include <array>
#include <optional>
#include <string>

namespace dl::agent::flow {

struct OpenConnection {
    std::string name;
    std::string canonical;
    wire::Evidence evidence = wire::Evidence::address_only;
    HiddenRoad hidden = HiddenRoad::no;
    bool named = false;      ///< evidence and name are what is known of it
    bool counted = false;    ///< a share with connections = 1 went out
    bool looking = false;    ///< further names may come on it
    bool over = false;       ///< only stragglers are to come
    bool ech_offered = false;
    bool established = false;               ///< QUIC: its handshake is done
    Timestamp last{};                       ///< the latest packet
    std::array<Octets::Place, 2> places;    ///< TCP: of the client, of the server

    friend bool operator==(const OpenConnection&, const OpenConnection&) = default;
};

/// What the flow table asks about a connection whose beginning it has not seen.
class Continuity {
public:
    virtual ~Continuity() = default;
    /// The connection from `client` to `server` as it was left; the same one is given once only.
    [[nodiscard]] virtual std::optional<OpenConnection> recall(Transport transport, const Endpoint& client,
                                                               const Endpoint& server) = 0;
};

}    // namespace dl::agent::flow
