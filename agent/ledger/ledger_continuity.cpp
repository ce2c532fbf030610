#include "agent/ledger/sqlite_ledger.hpp"

#include <utility>

namespace dl::agent::ledger {
namespace {

/// Bits of the column `state`; SCHEMA.md lists them.
constexpr std::int64_t named = 1;
constexpr std::int64_t counted = 2;
constexpr std::int64_t looking = 4;
constexpr std::int64_t over = 8;
constexpr std::int64_t ech_offered = 16;
constexpr std::int64_t established = 32;
constexpr std::int64_t client_heard = 64;
constexpr std::int64_t server_heard = 128;

std::int64_t state_of(const flow::OpenConnection& connection)
{
    std::int64_t state = 0;
    if (connection.named) state |= named;
    if (connection.counted) state |= counted;
    if (connection.looking) state |= looking;
    if (connection.over) state |= over;
    if (connection.ech_offered) state |= ech_offered;
    if (connection.established) state |= established;
    if (connection.places[0].heard) state |= client_heard;
    if (connection.places[1].heard) state |= server_heard;
    return state;
}

void bind_place(Statement& put, int at, const flow::Octets::Place& place)
{
    const auto bind = [&](int offset, bool known, std::uint32_t value) {
        if (known)
            put.bind(at + offset, std::int64_t{value});
        else
            put.bind_null(at + offset);
    };
    bind(0, place.known, place.start);
    bind(1, place.known, place.next);
    bind(2, place.known && place.finished, place.finish);
}

flow::Octets::Place place_at(const Statement& row, int column, bool heard)
{
    flow::Octets::Place place;
    place.known = !row.is_null(column);
    place.heard = heard;
    place.finished = !row.is_null(column + 2);
    place.start = static_cast<std::uint32_t>(row.integer(column));
    place.next = static_cast<std::uint32_t>(row.integer(column + 1));
    place.finish = static_cast<std::uint32_t>(row.integer(column + 2));
    return place;
}

}    // namespace

void SqliteLedger::keep_open(const OpenChanges& open)
{
    if (open.anew) connection_.execute("DELETE FROM open_connections");
    if (!open.gone.empty()) {
        Statement gone(connection_.get(), "DELETE FROM open_connections WHERE key = ?1");
        for (const ConnectionKey& key : open.gone)
            gone.bind(1, key).run();
    }
    if (open.put.empty()) return;
    Statement put(connection_.get(),
                  "INSERT OR REPLACE INTO open_connections (key, name, canonical, evidence, hidden_road, state, "
                  "last_seen, up_start, up_next, up_finish, down_start, down_next, down_finish) "
                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
    for (const KeptConnection& kept : open.put) {
        const flow::OpenConnection& connection = kept.connection;
        put.bind(1, kept.key).bind(2, connection.name).bind(3, connection.canonical);
        put.bind(4, static_cast<std::int64_t>(connection.evidence))
            .bind(5, static_cast<std::int64_t>(connection.hidden))
            .bind(6, state_of(connection))
            .bind(7, number(connection.last));
        bind_place(put, 8, connection.places[0]);
        bind_place(put, 11, connection.places[1]);
        put.run();
    }
}

Result<std::vector<KeptConnection>> SqliteLedger::open_connections()
{
    std::vector<KeptConnection> kept;
    const auto done = guarded([&] {
        Statement read(connection_.get(),
                       "SELECT key, name, canonical, evidence, hidden_road, state, last_seen, up_start, up_next, "
                       "up_finish, down_start, down_next, down_finish FROM open_connections");
        while (read.step()) {
            KeptConnection one;
            const auto key = read.blob(0);
            if (key.size() != one.key.size()) continue;
            std::copy(key.begin(), key.end(), one.key.begin());
            flow::OpenConnection& connection = one.connection;
            connection.name = read.text(1);
            connection.canonical = read.text(2);
            connection.evidence = static_cast<wire::Evidence>(read.integer(3));
            connection.hidden = static_cast<flow::HiddenRoad>(read.integer(4));
            const std::int64_t state = read.integer(5);
            connection.named = (state & named) != 0;
            connection.counted = (state & counted) != 0;
            connection.looking = (state & looking) != 0;
            connection.over = (state & over) != 0;
            connection.ech_offered = (state & ech_offered) != 0;
            connection.established = (state & established) != 0;
            connection.last = moment(read.integer(6));
            connection.places = {place_at(read, 7, (state & client_heard) != 0),
                                 place_at(read, 10, (state & server_heard) != 0)};
            kept.push_back(std::move(one));
        }
    });
    if (!done) return done.error();
    return kept;
}

}    // namespace dl::agent::ledger
