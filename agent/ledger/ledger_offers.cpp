// The part of the ledger that holds what applications offer in their ClientHellos. An offer is booked with a cell of
// its application, so it travels with whatever cell of that application is told next, and needs no revision of its own.
#include "agent/ledger/sqlite_ledger.hpp"

#include <set>

namespace dl::agent::ledger {

Result<Offers> SqliteLedger::offers()
{
    Offers all;
    const auto done = guarded([&] {
        if (connection_.integer("PRAGMA user_version") < 3) return;    // read beside an older agent
        Statement read(connection_.get(), "SELECT o.version, o.protocols, o.last_day, a.name FROM offers o "
                                          "JOIN applications a ON a.id = o.application");
        while (read.step())
            all[{read.text(3), static_cast<wire::TlsVersion>(read.integer(0))}] = {
                static_cast<wire::Protocols>(read.integer(1)), day_from(read.integer(2))};
    });
    if (!done) return done.error();
    return all;
}

void SqliteLedger::keep_offers(const Offers& offers)
{
    if (offers.empty()) return;
    Statement keep(connection_.get(),
                   "INSERT INTO offers (application, version, protocols, last_day) VALUES (?1, ?2, ?3, ?4) "
                   "ON CONFLICT DO UPDATE SET protocols = protocols | excluded.protocols, "
                   "last_day = max(last_day, excluded.last_day)");
    for (const auto& [what, value] : offers) {
        keep.bind(1, application_row(what.first)).bind(2, static_cast<std::int64_t>(what.second));
        keep.bind(3, static_cast<std::int64_t>(value.protocols)).bind(4, number(value.last_day));
        keep.run();
    }
}

Offers SqliteLedger::offers_of(const std::vector<SentCell>& cells)
{
    std::set<std::string> applications;
    for (const SentCell& cell : cells)
        if (cell.key.application) applications.insert(*cell.key.application);
    Offers offers;
    Statement read(connection_.get(), "SELECT o.version, o.protocols, o.last_day FROM offers o "
                                      "JOIN applications a ON a.id = o.application WHERE a.name = ?1");
    for (const std::string& application : applications) {
        read.bind(1, application);
        while (read.step())
            offers[{application, static_cast<wire::TlsVersion>(read.integer(0))}] = {
                static_cast<wire::Protocols>(read.integer(1)), day_from(read.integer(2))};
        read.reset();
    }
    return offers;
}

}    // namespace dl::agent::ledger
