// The connections that are open, kept over a restart: so that one that goes on keeps its name and is counted once.
//
// Kept in the ledger in the transaction that books their use; never a personal host, never an address. Bounded; what
// found no room is counted, and goes on nameless after a restart. Capture thread.
#pragma once

#include "agent/flow/flow_table.hpp"
#include "agent/ledger/booker.hpp"
#include "agent/ledger/kept_connection.hpp"
#include "agent/ledger/ledger.hpp"

#include <map>
#include <string>
#include <unordered_map>

namespace dl::agent::ledger {

class OpenConnections final : public flow::Continuity {
public:
    static constexpr std::size_t most = 4096;

    /// `place` is what the connections belong to: boot, interface, mode. What was kept of another place is dropped.
    /// `limits` tell how long a connection may be silent. References outlive this.
    OpenConnections(Ledger& ledger, const Booker& booker, flow::Limits limits, std::string place);

    /// Reads what an earlier life left; what is older than the idle time at `now`, or later than `now`, is dropped.
    [[nodiscard]] Result<void> load(Timestamp now);
    [[nodiscard]] std::optional<flow::OpenConnection> recall(Transport transport, const Endpoint& client,
                                                             const Endpoint& server) override;
    /// What became of them since the last time, for the booking of the shares that were told till now.
    [[nodiscard]] OpenChanges changes(const flow::FlowTable& flows, Timestamp now);
    /// The clock leapt ahead: what is waited for was silent no longer for that.
    void leapt(std::chrono::microseconds by);
    /// The booking of the last changes failed: the next ones are told anew.
    void not_booked() { anew_ = true; }

    [[nodiscard]] std::size_t waiting() const { return left_.size(); }
    /// Open connections that found no room at the last look.
    [[nodiscard]] std::uint64_t without_room() const { return without_room_; }

private:
    struct Written {
        ConnectionKey key{};
        Timestamp last{};
        bool counted = false;
        std::uint64_t look = 0;    ///< the look that found it open
    };
    [[nodiscard]] ConnectionKey key_of(Transport transport, const Endpoint& client, const Endpoint& server) const;
    [[nodiscard]] bool is_too_old(const flow::OpenConnection& left, Timestamp now) const;

    Ledger& ledger_;
    const Booker& booker_;
    flow::Limits limits_;
    std::string place_;
    std::map<ConnectionKey, flow::OpenConnection> left_;    ///< of an earlier life, not seen in this one yet
    std::unordered_map<std::uint64_t, Written> written_;    ///< by the id of the connection
    std::vector<ConnectionKey> recalled_;                   ///< since the last look
    std::uint64_t look_ = 0;
    std::uint64_t without_room_ = 0;
    bool anew_ = false;
};

}    // namespace dl::agent::ledger
