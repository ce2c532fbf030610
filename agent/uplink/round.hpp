// What belongs to one round of reports. A round begins with an appointment and holds what the ledger held then: however
// the collector answers, nothing newer is sent before the next one, and no epoch is told more than twice.
#pragma once

#include "shared/base/id.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace dl::agent::uplink {

/// The first of what the ledger has to send.
struct Unsent {
    bool anything = false;    ///< false: a heartbeat; epoch and revision are those of the counters
    Epoch epoch;
    std::uint64_t revision = 0;    ///< of the first cell; without cells, the last one acknowledged
    bool current = true;           ///< of the ledger's present epoch
};

class Round {
public:
    /// `epoch` is the ledger's present one and `newest` its last revision.
    void freeze(const Epoch& epoch, std::uint64_t newest);
    /// The last revision of `epoch` that may be sent; none: all of it.
    [[nodiscard]] std::optional<std::uint64_t> last_of(const Epoch& epoch) const;

    /// Not something that came after the freeze.
    [[nodiscard]] bool holds(const Unsent& first) const;
    /// Not told twice yet, by a resend or by doubt of another store.
    [[nodiscard]] bool may_tell(const Unsent& first) const;

    void sending(const Unsent& first);
    /// What sending() named was answered with 2xx.
    void answered();
    /// The cells were refused; how often in this round.
    std::uint32_t refused() { return ++refusals_; }

private:
    struct Told {
        Epoch epoch;
        std::uint64_t from = 0;    ///< first revision of the last report that was answered
        bool again = false;        ///< it went back once
    };
    [[nodiscard]] const Told* told(const Epoch& epoch) const;

    struct Horizon {
        Epoch epoch;
        std::uint64_t newest = 0;
    };
    std::optional<Horizon> horizon_;
    std::vector<Told> told_;    ///< one for each epoch of the ledger at most
    std::optional<Unsent> sending_;
    std::uint32_t refusals_ = 0;
};

}    // namespace dl::agent::uplink
