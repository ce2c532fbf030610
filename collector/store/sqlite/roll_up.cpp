#include "collector/store/sqlite/roll_up.hpp"

#include <limits>

namespace dl::collector::store {
namespace {

/// Device-days per transaction: short enough that a commit never waits long.
constexpr std::size_t slice = 512;
constexpr std::int64_t forever = std::numeric_limits<std::int64_t>::max();

}    // namespace

RollUp::RollUp(Database& database, DimensionTables& dimensions) : database_(database), dimensions_(dimensions)
{
    facts_of_ = Statement(
        database, "SELECT person, destination, application, epoch, evidence, connections, bytes_up, bytes_down, "
                  "first_seen, last_seen FROM facts WHERE day = ?1 AND device = ?2");
    uses_of_ = Statement(database,
                         "SELECT person, label, unit, source, connections, bytes_up, bytes_down, first_seen, last_seen "
                         "FROM day_use WHERE day = ?1 AND device = ?2 ORDER BY person, label");
    next_device_day_ = Statement(database, "SELECT day, device FROM facts WHERE (day, device) > (?1, ?2) AND day < ?3 "
                                           "ORDER BY day, device LIMIT 1");
    dirty_ = Statement(database, "SELECT day, device FROM dirty WHERE day >= ?1 AND day < ?2 LIMIT ?3");
    if (!database.writable()) return;
    clean_ = Statement(database, "DELETE FROM dirty WHERE day = ?1 AND device = ?2");
    mark_ = Statement(database, "INSERT OR IGNORE INTO dirty(day, device) VALUES(?1, ?2)");
    remove_use_ =
        Statement(database, "DELETE FROM day_use WHERE day = ?1 AND device = ?2 AND person = ?3 AND label = ?4");
    write_use_ =
        Statement(database, "INSERT OR REPLACE INTO day_use VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
    mixed_ = Statement(database, "INSERT OR IGNORE INTO mixed_days(day) VALUES(?1)");
    unlabelled_ =
        Statement(database, "INSERT OR IGNORE INTO unlabelled_use(destination, day, device) VALUES(?1, ?2, ?3)");
}

const std::vector<LabelledFact>& RollUp::read(DeviceDay at)
{
    facts_.clear();
    facts_of_.bind_all(at.day, at.device);
    while (facts_of_.step()) {
        LabelledFact& f = facts_.emplace_back();
        f.fact = {at.day,
                  at.device,
                  facts_of_.integer(0),
                  facts_of_.integer(1),
                  facts_of_.integer(2),
                  facts_of_.integer(3),
                  static_cast<wire::Evidence>(facts_of_.integer(4)),
                  facts_of_.integer(5),
                  facts_of_.integer(6),
                  facts_of_.integer(7),
                  facts_of_.integer(8),
                  facts_of_.integer(9)};
    }
    facts_of_.reset();
    for (LabelledFact& f : facts_) {
        f.label = dimensions_.meaning(f.fact.destination).label;
        const Seer& seer = dimensions_.seer(f.fact.epoch);
        f.observer = seer.observer;
        f.endpoint = seer.endpoint;
    }
    return facts_;
}

std::vector<Use> RollUp::uses_from_facts(DeviceDay at)
{
    const std::vector<LabelledFact>& facts = read(at);
    std::vector<Use> uses = sum_uses(facts, choose_sources(facts));
    for (Use& use : uses)
        use.unit = dimensions_.unit_of(use.person, use.device, use.day);
    return uses;
}

void RollUp::taken_facts(DeviceDay at, const std::function<void(const LabelledFact&, Source)>& each)
{
    const std::vector<LabelledFact>& facts = read(at);
    const auto sources = choose_sources(facts);
    for (std::size_t i = 0; i < facts.size(); ++i)
        if (sources[i]) each(facts[i], *sources[i]);
}

std::vector<Use> RollUp::uses_from_roll_up(DeviceDay at)
{
    std::vector<Use> uses;
    uses_of_.bind_all(at.day, at.device);
    while (uses_of_.step())
        uses.push_back({at.day, at.device, uses_of_.integer(0), uses_of_.integer(1), uses_of_.integer(2),
                        uses_of_.integer(3), uses_of_.integer(4), uses_of_.integer(5), uses_of_.integer(6),
                        uses_of_.integer(7), uses_of_.integer(8)});
    uses_of_.reset();
    return uses;
}

void RollUp::write(const Use& use)
{
    write_use_
        .bind_all(use.day, use.device, use.person, use.label, use.unit, use.source, use.connections, use.bytes_up,
                  use.bytes_down, use.first_seen, use.last_seen)
        .run();
}

void RollUp::recompute(DeviceDay at)
{
    const std::vector<Use> before = uses_from_roll_up(at);
    const std::vector<Use> after = uses_from_facts(at);
    const auto key = [](const Use& use) { return std::pair(use.person, use.label); };
    // Both are in the order of (person, label): walk them together and write only what differs.
    auto old = before.begin();
    for (const Use& use : after) {
        for (; old != before.end() && key(*old) < key(use); ++old)
            remove_use_.bind_all(at.day, at.device, old->person, old->label).run();
        if (old != before.end() && key(*old) == key(use)) {
            if (*old != use) write(use);
            ++old;
        } else {
            write(use);
        }
        if (use.source != settled) mixed_.bind_all(at.day).run();
    }
    for (; old != before.end(); ++old)
        remove_use_.bind_all(at.day, at.device, old->person, old->label).run();

    std::int64_t last = 0;
    for (const LabelledFact& f : facts_) {
        if (f.fact.destination == last || dimensions_.meaning(f.fact.destination).labelled) continue;
        last = f.fact.destination;
        unlabelled_.bind_all(last, at.day, at.device).run();
    }
    clean_.bind_all(at.day, at.device).run();
}

std::size_t RollUp::refresh(std::size_t limit)
{
    if (database_.integer("SELECT 1 FROM dirty LIMIT 1") == 0) return 0;
    // What is lost by a power cut here is marked still and made again: no need to wait for the disk.
    database_.execute("PRAGMA synchronous=NORMAL");
    struct Restore {
        Database& database;
        ~Restore() { sqlite3_exec(database.raw(), "PRAGMA synchronous=FULL", nullptr, nullptr, nullptr); }
    } const restore{database_};
    for (std::size_t done = 0; done < limit;) {
        Transaction transaction(database_, Transaction::Kind::write);
        dimensions_.check_generation();
        const std::vector<DeviceDay> marked =
            dirty(std::numeric_limits<std::int64_t>::min(), forever, std::min(slice, limit - done));
        for (const DeviceDay& at : marked)
            recompute(at);
        transaction.commit();
        if (marked.empty()) break;
        done += marked.size();
    }
    return static_cast<std::size_t>(database_.integer("SELECT count(*) FROM dirty"));
}

std::vector<DeviceDay> RollUp::dirty(std::int64_t from, std::int64_t to, std::size_t limit)
{
    std::vector<DeviceDay> marked;
    dirty_.bind_all(from, to, limit);
    while (dirty_.step())
        marked.push_back({dirty_.integer(0), dirty_.integer(1)});
    dirty_.reset();
    return marked;
}

std::vector<DeviceDay> RollUp::device_days(std::int64_t from, std::int64_t to)
{
    std::vector<DeviceDay> found;
    DeviceDay at{from, -1};
    while (true) {
        next_device_day_.bind_all(at.day, at.device, to);
        const bool more = next_device_day_.step();
        if (more) at = {next_device_day_.integer(0), next_device_day_.integer(1)};
        next_device_day_.reset();
        if (!more) return found;
        found.push_back(at);
    }
}

void RollUp::mark(DeviceDay at) { mark_.bind_all(at.day, at.device).run(); }

void RollUp::mark_all()
{
    for (const DeviceDay& at : device_days(std::numeric_limits<std::int32_t>::min(), forever))
        mark(at);
}

}    // namespace dl::collector::store
