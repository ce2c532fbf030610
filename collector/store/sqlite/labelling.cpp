#include "collector/store/sqlite/labelling.hpp"

#include <set>
#include <tuple>

namespace dl::collector::store {
namespace {

using Bytes = std::vector<std::uint8_t>;
/// what, who, from, to, unit, person (empty: none)
using PlacementKey = std::tuple<std::int64_t, Bytes, std::int64_t, std::int64_t, std::int64_t, Bytes>;

std::set<PlacementKey> stored_placements(Database& database)
{
    std::set<PlacementKey> placements;
    Statement all(database, "SELECT what, who, from_day, to_day, unit, person FROM placements");
    while (all.step()) {
        const auto who = all.blob(1);
        Bytes account(who.begin(), who.end());    // before the next column is read
        const auto person = all.blob(5);
        placements.emplace(all.integer(0), std::move(account), all.integer(2), all.integer(3), all.integer(4),
                           Bytes(person.begin(), person.end()));
    }
    return placements;
}

std::set<PlacementKey> wanted_placements(DimensionTables& dimensions, const Dimensions& wanted)
{
    std::set<PlacementKey> placements;
    std::int64_t what = 0;
    for (const auto* list : {&wanted.people, &wanted.devices}) {
        for (const Placement& p : *list)
            placements.emplace(what, Bytes(p.who.bytes.begin(), p.who.bytes.end()), p.from.time_since_epoch().count(),
                               p.to.time_since_epoch().count(), dimensions.unit(p.unit),
                               p.person.is_nil() ? Bytes() : Bytes(p.person.bytes.begin(), p.person.bytes.end()));
        ++what;
    }
    return placements;
}

/// True when it differed from what was there.
bool replace_placements(Database& database, const std::set<PlacementKey>& wanted)
{
    if (stored_placements(database) == wanted) return false;
    database.execute("DELETE FROM placements");
    Statement insert(database, "INSERT INTO placements(what, who, from_day, to_day, unit, person) "
                               "VALUES(?1, ?2, ?3, ?4, ?5, nullif(?6, x''))");
    for (const auto& [what, who, from, to, unit, person] : wanted)
        insert.bind(1, what)
            .bind(2, std::span(who))
            .bind(3, from)
            .bind(4, to)
            .bind(5, unit)
            .bind(6, std::span(person))
            .run();
    return true;
}

/// Sets labels and returns the destinations that changed. With `only_new`, labelled ones are left as they are.
std::vector<std::int64_t> set_labels(Database& database, DimensionTables& dimensions, const Dimensions& wanted,
                                     bool only_new)
{
    std::vector<std::int64_t> changed;
    Statement set(database, only_new ? "UPDATE destinations SET label = ?2 WHERE id = ?1 AND label IS NULL"
                                     : "UPDATE destinations SET label = ?2 WHERE id = ?1 AND label IS NOT ?2");
    for (const DestinationLabel& label : wanted.destinations) {
        set.bind_all(label.destination, dimensions.label({label.kind, label.label, label.capability})).run();
        if (database.changes() > 0) changed.push_back(label.destination);
    }
    return changed;
}

/// Destinations that the new dimensions say nothing of are unknown again.
bool drop_other_labels(Database& database, const Dimensions& wanted)
{
    database.execute("CREATE TEMP TABLE IF NOT EXISTS wanted_label(id INTEGER PRIMARY KEY)");
    database.execute("DELETE FROM temp.wanted_label");
    Statement insert(database, "INSERT OR IGNORE INTO temp.wanted_label VALUES(?1)");
    for (const DestinationLabel& label : wanted.destinations)
        insert.bind_all(label.destination).run();
    Statement drop(database, "UPDATE destinations SET label = NULL WHERE label IS NOT NULL AND id NOT IN (SELECT id "
                             "FROM temp.wanted_label)");
    drop.run();
    return database.changes() > 0;
}

void mark_uses_of(Database& database, std::span<const std::int64_t> destinations)
{
    Statement mark(
        database,
        "INSERT OR IGNORE INTO dirty(day, device) SELECT day, device FROM unlabelled_use WHERE destination = ?1");
    Statement done(database, "DELETE FROM unlabelled_use WHERE destination = ?1");
    for (const std::int64_t destination : destinations) {
        mark.bind_all(destination).run();
        done.bind_all(destination).run();
    }
}

}    // namespace

std::string stored_stamp(Database& database)
{
    Statement find(database, "SELECT value FROM meta WHERE key = 'stamp'");
    return std::string(find.step() ? find.text(0) : std::string_view{});
}

std::vector<KnownDestination> list_destinations(Database& database, bool unlabelled_only)
{
    Statement list(database,
                   unlabelled_only
                       ? "SELECT id, host, canonical, transport, port FROM destinations WHERE label IS NULL ORDER BY id"
                       : "SELECT id, host, canonical, transport, port FROM destinations ORDER BY id");
    std::vector<KnownDestination> known;
    while (list.step())
        known.push_back({static_cast<std::uint32_t>(list.integer(0)),
                         {std::string(list.text(1)), std::string(list.text(2)), static_cast<Transport>(list.integer(3)),
                          static_cast<std::uint16_t>(list.integer(4))}});
    return known;
}

void lay_dimensions(Database& database, DimensionTables& dimensions, RollUp& roll_up, const Dimensions& wanted)
{
    Transaction transaction(database, Transaction::Kind::write);
    dimensions.check_generation();
    if (wanted.stamp == stored_stamp(database)) {
        const auto changed = set_labels(database, dimensions, wanted, true);
        mark_uses_of(database, changed);
        if (!changed.empty()) dimensions.bump_generation();
    } else {
        bool differs = !set_labels(database, dimensions, wanted, false).empty();
        differs = drop_other_labels(database, wanted) || differs;
        differs = replace_placements(database, wanted_placements(dimensions, wanted)) || differs;
        if (differs) {
            database.execute("DELETE FROM unlabelled_use");
            roll_up.mark_all();
        }
        Statement stamp(
            database,
            "INSERT INTO meta(key, value) VALUES('stamp', ?1) ON CONFLICT DO UPDATE SET value = excluded.value");
        stamp.bind(1, wanted.stamp).run();
        dimensions.bump_generation();
    }
    transaction.commit();
}

}    // namespace dl::collector::store
