// Releases: what has passed the gate is published once, and what was published stays as it was. The first time that
// anybody asks for a closed week or month, its figures over all units are made, frozen in the state store, and only
// then shown; every later answer, at any floor and in any document, is made from what was frozen. So a late report, a
// new catalogue or another directory can't make a second figure of which the first could be subtracted.
//
// A month is made from its frozen weeks. It is counted anew (gate.hpp, rule 3) only while all of them carry the labels
// that the store carries now; else it says what its weeks say.
// docs/decisions/0006-released-once.md has the reasons.
#pragma once

#include "collector/catalog/catalog.hpp"
#include "collector/release/figures.hpp"
#include "collector/release/frozen_documents.hpp"

#include <string>

namespace dl::collector::release {

/// How long frozen figures are kept after the end of their period.
inline constexpr std::chrono::days kept_for{37 * 31};

struct Press {
    store::UsageStore& usage;
    store::StateStore& state;
    const catalog::Catalog& catalog;
    std::string directory_version;
    std::string stamp;           ///< what the store's labels must carry when something new is released
    int grace_days = 2;          ///< between the end of a period and its release, for reports on their way
    int retention_days = 100;    ///< of facts: what began before can't be released any more, only read
    bool has_people = true;      ///< false: the directory lists nobody, so that nothing can be released
};

/// Periods that end by this day may be released.
[[nodiscard]] Day settled_day(const Press& press, Timestamp now);

/// What stands released of a closed week or month, frozen now if it is asked for the first time, with nothing below k.
/// Without `frozen`: nothing was reported of it, or nobody asked while its facts were held.
[[nodiscard]] Result<Figures> released_figures(const Press& press, const Period& period, std::uint64_t k,
                                               Timestamp now);

/// Releases what nobody has asked for yet and whose facts expire soon, so that history has no holes. Call it daily.
[[nodiscard]] Result<void> release_expiring(const Press& press, std::uint64_t k, Timestamp now);

/// For the security role: fills in when the figures' period was released and what came after. Freezes nothing.
[[nodiscard]] Result<void> add_lateness(const Press& press, Figures& exact);

}    // namespace dl::collector::release
