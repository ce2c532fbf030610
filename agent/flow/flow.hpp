// One connection in the flow table.
#pragma once

#include "agent/dissect/transport.hpp"
#include "agent/flow/hash.hpp"
#include "agent/flow/hidden_road.hpp"
#include "agent/flow/names_in_quic.hpp"
#include "agent/flow/names_in_stream.hpp"
#include "agent/flow/octets.hpp"
#include "agent/flow/sighting.hpp"
#include "agent/flow/stream.hpp"
#include "agent/flow/tls_offer.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace dl::agent::flow {

/// A direction: 0 from the sender of the first packet, 1 the other way.
using Side = unsigned;

/// One direction of a TCP connection while names are looked for in it. Make one only where the budget gave its cost,
/// which it gives back.
struct Listening {
    Stream stream;
    NamesInStream names;

    Listening(NamesInStream::Protocol protocol, NameListener& listener, Budget& budget, std::span<std::uint8_t> scratch)
        : stream(budget), names(protocol, listener, budget, scratch), budget_(&budget)
    {}
    ~Listening();
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;
    /// Octets that it takes, without what it keeps.
    [[nodiscard]] static constexpr std::size_t cost();

private:
    Budget* budget_;
};
constexpr std::size_t Listening::cost() { return sizeof(Listening) + Budget::allocation_overhead; }
inline Listening::~Listening() { budget_->give_back(cost()); }

struct Flow {
    enum class Speech : std::uint8_t { unknown, dns, quic, ignored };
    static constexpr std::uint8_t undecided = 2;

    std::uint64_t hash = 0;
    std::array<Endpoint, 2> ends;
    std::uint32_t slot = 0;    ///< its place in the table
    Transport transport = Transport::other;
    std::uint8_t client = undecided;    ///< a Side, or undecided
    Speech speech = Speech::unknown;
    bool used : 1 = false;
    bool announced : 1 = false;    ///< the sink knows of it
    bool counted : 1 = false;      ///< a share with connections = 1 went out
    bool named : 1 = false;        ///< evidence and name are what is known of it
    bool looking : 1 = false;      ///< listening or quic may find more
    bool was_reset : 1 = false;
    bool copy : 1 = false;            ///< of another connection, seen after translation: counts for nothing
    bool over : 1 = false;            ///< reset, or finished from both sides
    bool pending_share : 1 = true;    ///< something happened since the last share
    bool ech_offered : 1 = false;
    bool established : 1 = false;     ///< QUIC: the client sent a packet with a short header
    bool no_such_name : 1 = false;    ///< the answer to the question of the moment was NXDOMAIN
    wire::Evidence evidence = wire::Evidence::address_only;
    HiddenRoad hidden = HiddenRoad::no;
    std::uint8_t asked_again = 0;     ///< the side, plus one, that sent a SYN while the connection was open; 0: none
    std::optional<TlsOffer> offer;    ///< of a ClientHello since the last share
    std::uint64_t quic_id = 0;        ///< of the connection id of the first Initial; 0: none was opened

    Timestamp opened{};
    Timestamp last{};
    Timestamp share_began{};
    std::chrono::microseconds leaps{0};    ///< of the clock, all that came before its last packet
    std::array<Octets, 2> octets;
    std::array<std::uint64_t, 2> booked{};
    /// TCP: the initial sequence number. UDP: what tells its last datagram from others (sample_of).
    std::array<std::uint32_t, 2> isn{};
    std::array<std::uint32_t, 3> networks{};      ///< it was seen in (dissect::Segment::network); alike: in one
    std::array<std::uint32_t, 2> interface {};    ///< of a direction's first datagram, plus one: others carry copies
    std::uint32_t asked_isn = 0;                  ///< its number
    std::uint64_t id = 0;
    std::string name;
    std::unique_ptr<std::string> canonical;    ///< null: none
    std::array<std::unique_ptr<Listening>, 2> listening;
    std::array<std::unique_ptr<NamesInQuic>, 2> quic;

    [[nodiscard]] bool is_decided() const { return client != undecided; }
    [[nodiscard]] std::string_view canonical_name() const { return canonical ? *canonical : std::string_view(); }
    void set_canonical_name(std::string_view text)
    {
        canonical = text.empty() ? nullptr : std::make_unique<std::string>(text);
    }
    [[nodiscard]] bool is_in(std::uint32_t network) const
    {
        return networks[0] == network || networks[1] == network || networks[2] == network;
    }
    void is_in_too(std::uint32_t network) { networks = {networks[0], network, networks[1]}; }
};

/// What tells a datagram from the others of its flow: its length and first octets.
[[nodiscard]] inline std::uint32_t sample_of(const dissect::Segment& segment)
{
    std::uint64_t first = 0;
    if (!segment.payload.empty())
        std::memcpy(&first, segment.payload.data(), std::min<std::size_t>(segment.payload.size(), sizeof first));
    return static_cast<std::uint32_t>(mix(first + segment.length));
}

/// Who is the client where no handshake was seen: well-known and lower ports, then group addresses, are the server's.
[[nodiscard]] Side guess_client(const std::array<Endpoint, 2>& ends);
/// The names that clients of Encrypted ClientHello show instead of the true one.
[[nodiscard]] bool is_ech_public_name(std::string_view name);

}    // namespace dl::agent::flow
