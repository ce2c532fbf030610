// Reports over roll-ups and facts, and the plain listings.
#pragma once

#include "collector/store/sqlite/dimensions.hpp"
#include "collector/store/sqlite/roll_up.hpp"

namespace dl::collector::store {

/// Right also where device-days wait to be rolled up: those are made from facts on the way.
[[nodiscard]] std::vector<Row> make_report(Database& database, DimensionTables& dimensions, RollUp& roll_up,
                                           const Query& query);
[[nodiscard]] Totals sum_facts(Database& database, std::int64_t from, std::int64_t to);
[[nodiscard]] std::vector<ObserverState> list_observers(Database& database);
[[nodiscard]] std::vector<ApplicationOffer> list_offers(Database& database, std::int64_t from);

}    // namespace dl::collector::store
