// The tables of the ledger; SCHEMA.md says what each is for.
#pragma once

namespace dl::agent::ledger {

inline constexpr int schema_version = 4;             // PRAGMA user_version
inline constexpr int application_id = 0x444c4c47;    // PRAGMA application_id: "DLLG"

inline constexpr const char* schema = R"sql(
CREATE TABLE notes (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE epochs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch          BLOB NOT NULL UNIQUE,
    started        INTEGER NOT NULL,
    reason         TEXT NOT NULL,
    acknowledged   INTEGER NOT NULL DEFAULT 0,
    last_receipt   BLOB,
    last_store     BLOB,
    pruned_through INTEGER,
    packets                  INTEGER NOT NULL DEFAULT 0,
    packets_dropped          INTEGER NOT NULL DEFAULT 0,
    connections              INTEGER NOT NULL DEFAULT 0,
    connections_unattributed INTEGER NOT NULL DEFAULT 0,
    cells_dropped            INTEGER NOT NULL DEFAULT 0,
    gap_seconds              INTEGER NOT NULL DEFAULT 0,
    bytes_hidden_road        INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE identities (
    id INTEGER PRIMARY KEY,
    pseudonym BLOB NOT NULL UNIQUE
);
CREATE TABLE applications (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
CREATE TABLE destinations (
    id INTEGER PRIMARY KEY,
    host TEXT NOT NULL,
    canonical TEXT NOT NULL,
    transport INTEGER NOT NULL,
    port INTEGER NOT NULL,
    UNIQUE (host, canonical, transport, port)
);
CREATE TABLE cells (
    id INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    day INTEGER NOT NULL,
    device INTEGER NOT NULL,
    person INTEGER NOT NULL,
    application INTEGER NOT NULL,
    destination INTEGER NOT NULL,
    evidence INTEGER NOT NULL,
    connections INTEGER NOT NULL,
    bytes_up INTEGER NOT NULL,
    bytes_down INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    aside INTEGER NOT NULL DEFAULT 0,
    sent_connections INTEGER,
    sent_bytes_up INTEGER,
    sent_bytes_down INTEGER,
    sent_first_seen INTEGER,
    sent_last_seen INTEGER,
    UNIQUE (epoch, day, device, person, application, destination, evidence)
);
CREATE INDEX cells_by_revision ON cells (epoch, revision);
CREATE TABLE acknowledgements (
    epoch INTEGER NOT NULL,
    day INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (epoch, day)
) WITHOUT ROWID;
CREATE TABLE positions (
    file BLOB PRIMARY KEY,
    packets INTEGER NOT NULL,
    finished INTEGER NOT NULL
) WITHOUT ROWID;
)sql";

/// From schema 1 to 2; a new ledger is made by all steps.
inline constexpr const char* schema_step_2 = R"sql(
CREATE TABLE open_connections (
    key         BLOB PRIMARY KEY,
    name        TEXT NOT NULL,
    canonical   TEXT NOT NULL,
    evidence    INTEGER NOT NULL,
    hidden_road INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,
    up_start    INTEGER,
    up_next     INTEGER,
    up_finish   INTEGER,
    down_start  INTEGER,
    down_next   INTEGER,
    down_finish INTEGER
) WITHOUT ROWID;
)sql";

/// From schema 2 to 3. What the note counted belonged to all epochs: where there is one, it tells the new counter.
inline constexpr const char* schema_step_3 = R"sql(
ALTER TABLE epochs ADD COLUMN connections_with_program INTEGER NOT NULL DEFAULT 0;
UPDATE epochs SET connections_with_program = max(0, connections - (
    SELECT CAST(value AS INTEGER) FROM notes WHERE key = 'connections_without_program'))
    WHERE (SELECT count(*) FROM epochs) = 1 AND EXISTS (
    SELECT 1 FROM notes WHERE key = 'connections_without_program');
DELETE FROM notes WHERE key = 'connections_without_program';
CREATE TABLE offers (
    application INTEGER NOT NULL,
    version INTEGER NOT NULL,
    protocols INTEGER NOT NULL,
    last_day INTEGER NOT NULL,
    PRIMARY KEY (application, version)
) WITHOUT ROWID;
)sql";

/// From schema 3 to 4.
inline constexpr const char* schema_step_4 = R"sql(
ALTER TABLE positions ADD COLUMN ends BLOB NOT NULL DEFAULT x'';
ALTER TABLE positions ADD COLUMN marks BLOB NOT NULL DEFAULT x'';
)sql";

}    // namespace dl::agent::ledger
