// Does this report go on where the last one ended? A disk image that was rolled back or cloned shows in an old receipt,
// a restored store in a revision that the agent thinks is held. Pure; docs: "Epoch" and "Revision" in the architecture.
#pragma once

#include "collector/store/usage_store.hpp"
#include "shared/wire/report.hpp"

#include <cstdint>
#include <optional>

namespace dl::collector::intake {

struct Continuity {
    wire::Order order = wire::Order::none;
    /// What the store may claim to hold after this report: below revision_to where something in between is missing.
    std::uint64_t revision = 0;
};

/// `held`: what the store holds of this (agent, epoch). `last_echo`: the receipt that the last report taken in this
/// epoch carried, where this collector remembers it: an agent that did not hear the reply repeats it.
[[nodiscard]] Continuity judge(const wire::Report& report, const std::optional<store::Held>& held,
                               const StoreIncarnation& store, const std::optional<Receipt>& last_echo);

}    // namespace dl::collector::intake
