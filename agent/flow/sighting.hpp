// What the flow table tells the rest of the agent: that a connection opened, and what was used on it under which name.
#pragma once

#include "agent/flow/tls_offer.hpp"
#include "shared/base/address.hpp"
#include "shared/base/time.hpp"
#include "shared/wire/report.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace dl::agent::flow {

/// A connection as the flow table knows it, client side decided. Innermost addresses where packets are tunnelled.
struct Connection {
    std::uint64_t id = 0;    ///< unique in this process
    Transport transport = Transport::tcp;
    Endpoint client;
    Endpoint server;
    Timestamp opened{};
};

/// A share of the use of one connection (or one DNS question). Shares add up: the flow table reports what came since
/// the last share, on every flush and when the connection ends.
struct Usage {
    std::string_view name;         ///< as the client asked for it, lower case, no trailing dot; empty: unknown
    std::string_view canonical;    ///< last CNAME of the answer that led there; empty: unknown
    wire::Evidence evidence = wire::Evidence::address_only;
    bool ech_offered = false;
    std::optional<TlsOffer> offer;    ///< in the share that follows a whole ClientHello
    bool hidden_road =
        false;    ///< its bytes went to encrypted DNS, a VPN or a proxy, whatever the evidence of its name
    bool no_such_name = false;    ///< a question that was answered NXDOMAIN: a probe of a search list, a name mistyped
    std::uint64_t connections = 0;    ///< 1 in the first share that carries this name, else 0
    std::uint64_t bytes_up = 0;       ///< unique payload octets, client to server
    std::uint64_t bytes_down = 0;
    Timestamp first_seen{};
    Timestamp last_seen{};
};

/// Receives what the flow table finds. Called on the capture thread; must not block.
class SightingSink {
public:
    virtual ~SightingSink() = default;

    /// The first packet of a connection: the moment to ask the system whose it is.
    virtual void opened(const Connection& connection) = 0;
    /// Views in `usage` are valid during the call only.
    virtual void used(const Connection& connection, const Usage& usage) = 0;
    /// No further share will come for this connection.
    virtual void closed(const Connection& connection) = 0;
};

}    // namespace dl::agent::flow
