#include "collector/store/sqlite/schema.hpp"

#include "shared/base/id.hpp"

#include <fmt/format.h>

namespace dl::collector::store {

const Schema& usage_schema()
{
    // Times of facts and roll-ups are milliseconds since the start of their day, days are counted from 1970-01-01: both
    // keep a fact small. Person, application: 0 is unknown. Unit 0 is unassigned.
    static const Schema schema{"usage store",
                               0x444c5531,
                               {R"sql(
        CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
        CREATE TABLE persons(id INTEGER PRIMARY KEY, pseudonym BLOB NOT NULL UNIQUE, last_day INTEGER NOT NULL);
        CREATE TABLE devices(id INTEGER PRIMARY KEY, pseudonym BLOB NOT NULL UNIQUE, last_day INTEGER NOT NULL);
        CREATE TABLE applications(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE destinations(id INTEGER PRIMARY KEY, host TEXT NOT NULL, canonical TEXT NOT NULL,
            transport INTEGER NOT NULL, port INTEGER NOT NULL, label INTEGER, UNIQUE(host, canonical, transport, port));
        CREATE INDEX destinations_unlabelled ON destinations(id) WHERE label IS NULL;
        CREATE TABLE observers(id INTEGER PRIMARY KEY, agent BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL, version TEXT NOT NULL,
            last_report INTEGER NOT NULL, clock_offset INTEGER NOT NULL,
            quarantined INTEGER NOT NULL DEFAULT 0, too_old INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE epochs(id INTEGER PRIMARY KEY, observer INTEGER NOT NULL, epoch BLOB NOT NULL, revision INTEGER NOT NULL,
            receipt BLOB NOT NULL, packets INTEGER NOT NULL DEFAULT 0, packets_dropped INTEGER NOT NULL DEFAULT 0,
            connections INTEGER NOT NULL DEFAULT 0, connections_unattributed INTEGER NOT NULL DEFAULT 0,
            cells_dropped INTEGER NOT NULL DEFAULT 0, gap_seconds INTEGER NOT NULL DEFAULT 0,
            bytes_hidden_road INTEGER NOT NULL DEFAULT 0, UNIQUE(observer, epoch));
        CREATE TABLE facts(day INTEGER NOT NULL, device INTEGER NOT NULL, person INTEGER NOT NULL, destination INTEGER NOT NULL,
            application INTEGER NOT NULL, epoch INTEGER NOT NULL, evidence INTEGER NOT NULL,
            connections INTEGER NOT NULL, bytes_up INTEGER NOT NULL, bytes_down INTEGER NOT NULL,
            first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
            PRIMARY KEY(day, device, person, destination, application, epoch, evidence)) WITHOUT ROWID;

        CREATE TABLE labels(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, label TEXT NOT NULL, capability TEXT NOT NULL,
            UNIQUE(kind, label, capability));
        CREATE TABLE units(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE placements(what INTEGER NOT NULL, who BLOB NOT NULL, from_day INTEGER NOT NULL, to_day INTEGER NOT NULL,
            unit INTEGER NOT NULL, PRIMARY KEY(what, who, from_day, to_day, unit)) WITHOUT ROWID;

        CREATE TABLE dirty(day INTEGER NOT NULL, device INTEGER NOT NULL, PRIMARY KEY(day, device)) WITHOUT ROWID;
        CREATE TABLE unlabelled_use(destination INTEGER NOT NULL, day INTEGER NOT NULL, device INTEGER NOT NULL,
            PRIMARY KEY(destination, day, device)) WITHOUT ROWID;
        CREATE TABLE mixed_days(day INTEGER PRIMARY KEY);
        CREATE TABLE day_use(day INTEGER NOT NULL, device INTEGER NOT NULL, person INTEGER NOT NULL, label INTEGER NOT NULL,
            unit INTEGER NOT NULL, source INTEGER NOT NULL, connections INTEGER NOT NULL, bytes_up INTEGER NOT NULL,
            bytes_down INTEGER NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
            PRIMARY KEY(day, device, person, label)) WITHOUT ROWID;
    )sql",
                                // Which accounts are one person's; NULL: `who` alone is.
                                "ALTER TABLE placements ADD COLUMN person BLOB",
                                // What applications offer in their ClientHellos: of nobody and no device.
                                R"sql(
        ALTER TABLE epochs ADD COLUMN connections_with_program INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE application_offers(application INTEGER NOT NULL, version INTEGER NOT NULL, protocols INTEGER NOT NULL,
            last_day INTEGER NOT NULL, PRIMARY KEY(application, version)) WITHOUT ROWID;
    )sql"}};
    return schema;
}

const Schema& state_schema()
{
    static const Schema schema{"state store", 0x444c5331, {R"sql(
        CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
        CREATE TABLE documents(collection TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, json TEXT,
            PRIMARY KEY(collection, key)) WITHOUT ROWID;
        CREATE TABLE changes(cursor INTEGER PRIMARY KEY AUTOINCREMENT, collection TEXT NOT NULL, key TEXT NOT NULL,
            version INTEGER NOT NULL, json TEXT);
    )sql"}};
    return schema;
}

void prepare_schema(Database& database, const Schema& schema)
{
    const auto newest = static_cast<std::int64_t>(schema.steps.size());
    const std::string file = database.file().string();
    std::int64_t version = database.integer("PRAGMA user_version");
    const std::int64_t application = database.integer("PRAGMA application_id");
    if (version > 0 && application != schema.application_id)
        throw StoreError(
            invalid_input(fmt::format("{}: is no {} of Daylight; name the right file", file, schema.name)));
    if (version > newest)
        throw StoreError(
            invalid_input(fmt::format("{}: {} of schema version {}, this program reads up to {}; use the newer "
                                      "daylight-collector that wrote it",
                                      file, schema.name, version, newest)));
    if (version == newest) return;
    if (!database.writable())
        throw StoreError(
            invalid_input(fmt::format("{}: {} of schema version {}, this program reads {}; start daylight-collector "
                                      "serve once to bring it up to date",
                                      file, schema.name, version, newest)));

    Transaction transaction(database, Transaction::Kind::write);
    version = database.integer("PRAGMA user_version");    // another process may have been faster
    for (std::int64_t step = version; step < newest; ++step)
        database.execute(schema.steps[static_cast<std::size_t>(step)]);
    if (version == 0) {
        database.execute(fmt::format("PRAGMA application_id={}", schema.application_id));
        Statement born(database, "INSERT INTO meta(key, value) VALUES('incarnation', ?1)");
        born.bind(1, StoreIncarnation::random().bytes).run();
    }
    if (version < newest) database.execute(fmt::format("PRAGMA user_version={}", newest));
    transaction.commit();
}

Database::Access access_for(Open how)
{
    switch (how) {
        case Open::create: return Database::Access::create;
        case Open::read_write: return Database::Access::read_write;
        case Open::read_only: break;
    }
    return Database::Access::read_only;
}

}    // namespace dl::collector::store
