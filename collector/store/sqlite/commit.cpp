#include "collector/store/sqlite/commit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <tuple>

namespace dl::collector::store {
namespace {

/// SQLite's integers are signed; what an agent claims beyond them stays at the largest.
std::int64_t stored(std::uint64_t value)
{
    return static_cast<std::int64_t>(std::min<std::uint64_t>(value, std::numeric_limits<std::int64_t>::max()));
}

/// Counters are summed over epochs: 2^53 each leaves room for a thousand.
std::int64_t counter(std::uint64_t value)
{
    return static_cast<std::int64_t>(std::min<std::uint64_t>(value, std::uint64_t{1} << 53));
}

std::int64_t milliseconds_into(Day day, Timestamp when)
{
    return std::chrono::floor<std::chrono::milliseconds>(when - day).count();
}

auto key_of(const Fact& f)
{
    return std::tie(f.day, f.device, f.person, f.destination, f.application, f.epoch, f.evidence);
}

[[noreturn]] void refuse(const FoldedReport& report, const char* table)
{
    throw StoreError(invalid_input(fmt::format(
        "report of agent {}: a cell points beyond its table of {}; fold it first", report.agent.hex(), table)));
}

}    // namespace

Committer::Committer(Database& database, DimensionTables& dimensions, RollUp& roll_up)
    : database_(database), dimensions_(dimensions), roll_up_(roll_up)
{
    observer_ = Statement(
        database, "INSERT INTO observers(agent, kind, version, last_report, clock_offset) VALUES(?1, ?2, ?3, ?4, ?5) "
                  "ON CONFLICT DO UPDATE SET kind = excluded.kind, version = excluded.version, "
                  "last_report = max(last_report, excluded.last_report), clock_offset = excluded.clock_offset "
                  "RETURNING id");
    find_epoch_ = Statement(database, "SELECT id, revision FROM epochs WHERE observer = ?1 AND epoch = ?2");
    insert_epoch_ =
        Statement(database, "INSERT INTO epochs(observer, epoch, revision, receipt) VALUES(?1, ?2, 0, x'')");
    update_epoch_ = Statement(
        database,
        "UPDATE epochs SET revision = ?2, receipt = ?3, packets = max(packets, ?4), "
        "packets_dropped = max(packets_dropped, ?5), connections = max(connections, ?6), "
        "connections_unattributed = max(connections_unattributed, ?7), cells_dropped = max(cells_dropped, ?8), "
        "gap_seconds = max(gap_seconds, ?9), bytes_hidden_road = max(bytes_hidden_road, ?10), "
        "connections_with_program = max(connections_with_program, ?11) WHERE id = ?1");
    merge_fact_ = Statement(
        database,
        "INSERT INTO facts VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO UPDATE SET "
        "connections = max(connections, excluded.connections), bytes_up = max(bytes_up, excluded.bytes_up), "
        "bytes_down = max(bytes_down, excluded.bytes_down), first_seen = min(first_seen, excluded.first_seen), "
        "last_seen = max(last_seen, excluded.last_seen)");
    merge_offer_ =
        Statement(database, "INSERT INTO application_offers VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET "
                            "protocols = protocols | excluded.protocols, "
                            "last_day = max(last_day, excluded.last_day)");
}

std::vector<Held> Committer::commit(std::span<const FoldedReport> reports, const StoreIncarnation& store, Timestamp now)
{
    std::vector<Held> held;
    held.reserve(reports.size());
    facts_.clear();
    Transaction transaction(database_, Transaction::Kind::write);
    dimensions_.check_generation();
    for (const FoldedReport& report : reports) {
        const Book book = open_book(report, now);
        gather(report, book.epoch);
        write_offers(report);
        held.push_back(close_book(report, book, store));
    }
    write_facts();
    transaction.commit();
    return held;
}

Committer::Book Committer::open_book(const FoldedReport& report, Timestamp now)
{
    // An importer's report tells no time of sending; of an agent's, 1970 is a clock that was never set.
    const bool timeless = report.observer == wire::ObserverKind::import && report.sent_at == Timestamp{};
    const std::int64_t offset = timeless ? 0 : (report.sent_at - now).count();
    observer_.bind(1, report.agent.bytes)
        .bind(2, static_cast<std::int64_t>(report.observer))
        .bind(3, report.agent_version)
        .bind(4, now.time_since_epoch().count())
        .bind(5, offset);
    Book book;
    while (observer_.step())
        book.observer = observer_.integer(0);
    observer_.reset();

    find_epoch_.bind(1, book.observer).bind(2, report.epoch.bytes);
    if (find_epoch_.step()) {
        book.epoch = find_epoch_.integer(0);
        book.revision = static_cast<std::uint64_t>(find_epoch_.integer(1));
    }
    find_epoch_.reset();
    if (book.epoch == 0) {
        insert_epoch_.bind(1, book.observer).bind(2, report.epoch.bytes).run();
        book.epoch = database_.last_insert_id();
    }
    return book;
}

void Committer::gather(const FoldedReport& report, std::int64_t epoch)
{
    // Ids of the report's tables, looked up when a cell first needs them, per table the latest day it was needed for.
    struct Known {
        std::int64_t id = 0;
        std::int64_t day = std::numeric_limits<std::int64_t>::min();
    };
    std::vector<Known> persons(report.persons.size()), devices(report.devices.size());
    std::vector<std::int64_t> applications(report.applications.size()), destinations(report.destinations.size());
    for (const wire::Cell& cell : report.cells) {
        if (cell.device >= devices.size()) refuse(report, "devices");
        if (cell.destination >= destinations.size()) refuse(report, "destinations");
        if (cell.person != wire::unknown && cell.person >= persons.size()) refuse(report, "persons");
        if (cell.application != wire::unknown && cell.application >= applications.size())
            refuse(report, "applications");
        const std::int64_t day = cell.day.time_since_epoch().count();

        Known& device = devices[cell.device];
        if (device.id == 0 || device.day < day) device = {dimensions_.device(report.devices[cell.device], day), day};
        std::int64_t person = 0;
        if (cell.person != wire::unknown) {
            Known& known = persons[cell.person];
            if (known.id == 0 || known.day < day) known = {dimensions_.person(report.persons[cell.person], day), day};
            person = known.id;
        }
        std::int64_t application = 0;
        if (cell.application != wire::unknown) {
            std::int64_t& known = applications[cell.application];
            if (known == 0) known = dimensions_.application(report.applications[cell.application]);
            application = known;
        }
        std::int64_t& destination = destinations[cell.destination];
        if (destination == 0) destination = dimensions_.destination(report.destinations[cell.destination]);

        facts_.push_back({day, device.id, person, destination, application, epoch, cell.evidence,
                          stored(cell.connections), stored(cell.bytes_up), stored(cell.bytes_down),
                          milliseconds_into(cell.day, cell.first_seen), milliseconds_into(cell.day, cell.last_seen)});
    }
}

void Committer::write_facts()
{
    // In the order of the key: neighbours land on one page, which is worth a factor of five to ten.
    std::ranges::sort(facts_, [](const Fact& a, const Fact& b) { return key_of(a) < key_of(b); });
    DeviceDay marked{std::numeric_limits<std::int64_t>::min(), 0};
    for (const Fact& f : facts_) {
        merge_fact_
            .bind_all(f.day, f.device, f.person, f.destination, f.application, f.epoch, static_cast<int>(f.evidence),
                      f.connections, f.bytes_up, f.bytes_down, f.first_seen, f.last_seen)
            .run();
        if (const DeviceDay at{f.day, f.device}; at != marked) {
            roll_up_.mark(at);
            marked = at;
        }
    }
}

void Committer::write_offers(const FoldedReport& report)
{
    for (const wire::Offer& offer : report.offers) {
        if (offer.application >= report.applications.size()) refuse(report, "applications");
        merge_offer_
            .bind_all(dimensions_.application(report.applications[offer.application]), static_cast<int>(offer.version),
                      static_cast<int>(offer.protocols), offer.last_day.time_since_epoch().count())
            .run();
    }
}

Held Committer::close_book(const FoldedReport& report, const Book& book, const StoreIncarnation& store)
{
    // A report that starts beyond what is held leaves a gap: its cells count, but the cursor waits for the missing
    // ones.
    Held held{store, Receipt::random(), book.revision};
    if (report.revision_from <= book.revision) held.revision = std::max(book.revision, report.revision_to);
    const wire::Counters& c = report.counters;
    update_epoch_.bind(1, book.epoch)
        .bind(2, static_cast<std::int64_t>(held.revision))
        .bind(3, held.receipt.bytes)
        .bind(4, counter(c.packets))
        .bind(5, counter(c.packets_dropped))
        .bind(6, counter(c.connections))
        .bind(7, counter(c.connections_unattributed))
        .bind(8, counter(c.cells_dropped))
        .bind(9, counter(c.gap_seconds))
        .bind(10, counter(c.bytes_hidden_road))
        .bind(11, counter(c.connections_with_program))
        .run();
    return held;
}

}    // namespace dl::collector::store
