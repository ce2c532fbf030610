// Turns what the flow table saw into shares of cells: who becomes a pseudonym, personal hosts become one word, what is
// nobody's choice of a destination (multicast, mDNS, reverse lookups, plain DNS transport) is left out, and so is the
// agent's own reporting.
//
// Nothing that a booker hands on holds a person's or the device's name. It runs on the capture thread, never blocks
// except in the attributor, and given the same packets, table of identities and calls it hands on the same shares.
#pragma once

#include "agent/flow/continuity.hpp"
#include "agent/flow/own_connections.hpp"
#include "agent/flow/sighting.hpp"
#include "agent/identity/attributor.hpp"
#include "agent/identity/system_accounts.hpp"
#include "agent/ledger/booking_bounds.hpp"
#include "agent/ledger/cell.hpp"
#include "agent/ledger/personal_hosts.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace dl::agent::ledger {

struct BookerRules {
    std::array<std::uint8_t, 32> organisation_key{};
    std::string device;                ///< host name of this device
    bool device_per_client = false;    ///< a sensor: each client address is a device of its own
    bool dns_only = false;             ///< report DNS questions as use; where there are no `bounds`
    PersonalHosts personal_hosts;      ///< where there are no `bounds`
    /// What may be booked from now on, whenever it changes; null: dns_only and personal_hosts, and all else.
    std::shared_ptr<const CurrentBounds> bounds;
    identity::SystemAccounts
        system_accounts;    ///< users that are no people (root, daemons): their use is the device's
    std::shared_ptr<const flow::OwnConnections> own;    ///< left out; may be null
    std::set<std::string> own_questions;    ///< collector and proxy: DNS questions for them are the agent's own
};

/// What was booked since the last take().
struct Booked {
    std::vector<Share> shares;
    wire::Counters counted;    ///< connections, connections_unattributed, connections_with_program, bytes_hidden_road
    Offers offers;
};

class Booker final : public flow::SightingSink {
public:
    /// `attributor` must outlive the booker.
    Booker(BookerRules rules, identity::Attributor& attributor);

    void opened(const flow::Connection& connection) override;
    void used(const flow::Connection& connection, const flow::Usage& usage) override;
    void closed(const flow::Connection& connection) override;

    /// Shares by cell, sorted, each cell once. Moments are whole seconds: finer ones would tell more than they are
    /// worth.
    [[nodiscard]] Booked take();
    /// While skipping, connections are followed but nothing is booked: what is read again was committed before.
    enum class Booking { on, skipped };
    void set_booking(Booking booking) { booking_ = booking; }
    /// What of an open connection may be written down, for the next life to go on with it: its name as it is reported,
    /// personal life folded. Nothing where its use is not reported.
    [[nodiscard]] std::optional<flow::OpenConnection> to_keep(const flow::Connection& connection,
                                                              flow::OpenConnection open) const;
    [[nodiscard]] const std::array<std::uint8_t, 32>& organisation_key() const { return rules_.organisation_key; }
    /// Cells waiting for take().
    [[nodiscard]] std::size_t waiting() const { return pending_.size(); }

private:
    struct Who {
        std::optional<Pseudonym> person;
        std::optional<std::string> application;
        bool answered = false;    ///< a user was found
        bool program = false;     ///< which program it is was found
        bool booked = false;      ///< its first share was
        bool own = false;         ///< the agent's: never booked
    };
    Who ask(const flow::Connection& connection);
    [[nodiscard]] std::optional<wire::Destination>
    destination_of(const flow::Connection& connection, const flow::Usage& usage, wire::Evidence& evidence) const;
    Pseudonym person(const std::string& user);
    Pseudonym device(const flow::Connection& connection);

    void look_at_bounds();

    BookerRules rules_;
    std::shared_ptr<const BookingBounds> bounds_;
    std::uint64_t bounds_version_ = 0;
    identity::Attributor& attributor_;
    Booking booking_ = Booking::on;
    Pseudonym own_device_;
    std::unordered_map<std::uint64_t, Who> open_;
    std::unordered_map<std::string, Pseudonym> pseudonyms_;
    std::map<CellKey, CellValue> pending_;
    wire::Counters counted_;
    Offers offers_;
};

}    // namespace dl::agent::ledger
