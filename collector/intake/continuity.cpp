#include "collector/intake/continuity.hpp"

#include <algorithm>

namespace dl::collector::intake {

Continuity judge(const wire::Report& report, const std::optional<store::Held>& held, const StoreIncarnation& store,
                 const std::optional<Receipt>& last_echo)
{
    const std::uint64_t held_revision = held ? held->revision : 0;
    const bool same_store = !report.last_store || *report.last_store == store;

    // A restored or new store: what the agent thinks is held may not be. Its receipts are of another life, so they say
    // nothing.
    if (held_revision < report.revision_from) return {wire::Order::resend, held_revision};

    // An agent whose reply got lost echoes the receipt that its last report echoed. Any other receipt than the one held
    // is of a ledger that went back in time, or of its clone.
    if (held && same_store) {
        const std::optional<Receipt> echo = report.last_receipt;
        const bool current = echo == held->receipt;
        const bool reply_lost = !current && last_echo ? echo.value_or(Receipt{}) == *last_echo : true;
        const bool behind = report.revision_to < held_revision;
        if (!current && (behind || !reply_lost)) return {wire::Order::new_epoch, held_revision};
    }
    return {wire::Order::none, std::max(held_revision, report.revision_to)};
}

}    // namespace dl::collector::intake
