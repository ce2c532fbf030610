#include "collector/store/sqlite/upkeep.hpp"

#include <fmt/format.h>

#include <limits>
#include <set>

namespace dl::collector::store {
namespace {

/// Rows that one transaction removes: some tens of milliseconds, so that commits pass between.
constexpr std::int64_t slice = 5'000;

/// Removes whole device-days of a table, oldest first, until none before `before` is left.
void expire_table(Database& database, const char* table, std::int64_t before)
{
    Statement first(database,
                    fmt::format("SELECT day, device FROM {} WHERE day < ?1 ORDER BY day, device LIMIT 1", table));
    Statement remove(database, fmt::format("DELETE FROM {} WHERE day = ?1 AND device = ?2", table));
    for (bool more = true; more;) {
        Transaction transaction(database, Transaction::Kind::write);
        for (std::int64_t removed = 0; more && removed < slice;) {
            first.bind_all(before);
            more = first.step();
            const DeviceDay at = more ? DeviceDay{first.integer(0), first.integer(1)} : DeviceDay{};
            first.reset();
            if (!more) break;
            remove.bind_all(at.day, at.device).run();
            removed += database.changes();
        }
        transaction.commit();
    }
}

/// Facts are lost or changed: only another copy of them helps.
[[noreturn]] void spoilt(const Database& database, const std::string& what)
{
    throw StoreError(io_failure(
        fmt::format("{}: {}; restore a backup with daylight-collector restore", database.file().string(), what)));
}

/// The facts are sound, what was made from them is not.
[[noreturn]] void differ(const Database& database, const std::string& what)
{
    throw StoreError(io_failure(fmt::format("{}: {}; stop the collector and run daylight-collector verify --rebuild",
                                            database.file().string(), what)));
}

/// Every number in a fact names a row; 0 stands for nobody and no application.
void check_references(Database& database)
{
    constexpr std::pair<const char*, const char*> references[] = {{"device", "devices"},
                                                                  {"person", "persons"},
                                                                  {"destination", "destinations"},
                                                                  {"application", "applications"},
                                                                  {"epoch", "epochs"}};
    for (const auto& [column, table] : references) {
        Statement lost(database, fmt::format("SELECT {0} FROM facts WHERE {0} != 0 EXCEPT SELECT id FROM {1} LIMIT 1",
                                             column, table));
        if (lost.step()) spoilt(database, fmt::format("facts name {} {}, which is not there", column, lost.integer(0)));
    }
    Statement epochs(database, "SELECT observer FROM epochs EXCEPT SELECT id FROM observers LIMIT 1");
    if (epochs.step())
        spoilt(database, fmt::format("an epoch names observer {}, which is not there", epochs.integer(0)));
}

std::string describe(DimensionTables& dimensions, const Use& use)
{
    return fmt::format("{} device {} person {} label {}", to_iso_date(Day(std::chrono::days(use.day))), use.device,
                       use.person, dimensions.label_text(use.label).label);
}

}    // namespace

void expire_facts(Database& database, DimensionTables& dimensions, std::int64_t before)
{
    for (const char* table : {"facts", "day_use", "dirty"})
        expire_table(database, table, before);
    Transaction transaction(database, Transaction::Kind::write);
    for (const char* sql : {"DELETE FROM mixed_days WHERE day < ?1", "DELETE FROM unlabelled_use WHERE day < ?1",
                            "DELETE FROM application_offers WHERE last_day < ?1",
                            "DELETE FROM persons WHERE last_day < ?1", "DELETE FROM devices WHERE last_day < ?1"}) {
        Statement remove(database, sql);
        remove.bind_all(before).run();
    }
    dimensions.bump_generation();
    transaction.commit();
}

void verify_store(Database& database, DimensionTables& dimensions, RollUp& roll_up)
{
    const Transaction snapshot(database, Transaction::Kind::read);
    dimensions.check_generation();
    Statement integrity(database, "PRAGMA integrity_check(1)");
    if (integrity.step() && integrity.text(0) != "ok") spoilt(database, std::string(integrity.text(0)));
    check_references(database);

    constexpr std::int64_t always = std::numeric_limits<std::int32_t>::max();
    const auto waiting = roll_up.dirty(-always, always, std::numeric_limits<std::size_t>::max());
    const std::set<DeviceDay> dirty(waiting.begin(), waiting.end());
    std::int64_t rolled_up = 0;
    for (const DeviceDay& at : roll_up.device_days(-always, always)) {
        const auto stored = roll_up.uses_from_roll_up(at);
        rolled_up += static_cast<std::int64_t>(stored.size());
        if (dirty.contains(at)) continue;
        const auto made = roll_up.uses_from_facts(at);
        for (std::size_t i = 0; i < std::max(stored.size(), made.size()); ++i) {
            if (i >= stored.size()) differ(database, "the roll-up lacks " + describe(dimensions, made[i]));
            if (i >= made.size())
                differ(database, "no fact stands behind the roll-up of " + describe(dimensions, stored[i]));
            if (stored[i] != made[i])
                differ(database, "roll-up and facts differ at " + describe(dimensions, stored[i]));
        }
    }
    if (rolled_up != database.integer("SELECT count(*) FROM day_use"))
        differ(database, "the roll-up holds device-days without facts");
}

void rebuild_roll_ups(Database& database, RollUp& roll_up)
{
    {
        // Marked in the same step, so that a kill leaves work and never a wrong figure.
        Transaction transaction(database, Transaction::Kind::write);
        for (const char* table : {"day_use", "mixed_days", "unlabelled_use"})
            database.execute(fmt::format("DELETE FROM {}", table));
        roll_up.mark_all();
        transaction.commit();
    }
    roll_up.refresh(std::numeric_limits<std::size_t>::max());
}

}    // namespace dl::collector::store
