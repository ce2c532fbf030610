// Laying a catalogue's and a directory's meaning over the facts.
#pragma once

#include "collector/store/sqlite/dimensions.hpp"
#include "collector/store/sqlite/roll_up.hpp"

namespace dl::collector::store {

[[nodiscard]] std::string stored_stamp(Database& database);
[[nodiscard]] std::vector<KnownDestination> list_destinations(Database& database, bool unlabelled_only);
/// Writes labels and placements and marks the device-days whose roll-ups they change, in one transaction.
void lay_dimensions(Database& database, DimensionTables& dimensions, RollUp& roll_up, const Dimensions& wanted);

}    // namespace dl::collector::store
