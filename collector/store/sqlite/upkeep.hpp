// What keeps a store small and honest: expiry of person-level facts, the check of roll-ups against facts, and their
// rebuilding.
#pragma once

#include "collector/store/sqlite/dimensions.hpp"
#include "collector/store/sqlite/roll_up.hpp"

namespace dl::collector::store {

/// Removes facts of days before `before` in slices, then the persons and devices last seen before it.
void expire_facts(Database& database, DimensionTables& dimensions, std::int64_t before);
/// Throws what differs first: the file's own structure, facts that stand on nothing, then roll-ups against facts.
void verify_store(Database& database, DimensionTables& dimensions, RollUp& roll_up);
void rebuild_roll_ups(Database& database, RollUp& roll_up);

}    // namespace dl::collector::store
