#include "collector/store/sqlite/reporting.hpp"

#include "collector/store/sqlite/grouping.hpp"

#include <fmt/format.h>

#include <limits>
#include <set>

namespace dl::collector::store {
namespace {

class Report {
public:
    Report(Database& database, DimensionTables& dimensions, RollUp& roll_up, const Query& query)
        : database_(database),
          dimensions_(dimensions),
          roll_up_(roll_up),
          query_(query),
          grouping_(query, dimensions),
          from_(query.from.time_since_epoch().count()),
          to_(query.to.time_since_epoch().count())
    {}

    std::vector<Row> rows()
    {
        const auto waiting = roll_up_.dirty(from_, to_, std::numeric_limits<std::size_t>::max());
        dirty_ = {waiting.begin(), waiting.end()};
        find_contests();
        if (needs_facts())
            from_facts();
        else
            from_uses();
        return grouping_.rows();
    }

private:
    [[nodiscard]] bool needs_facts() const
    {
        for (const By dimension : {By::destination, By::evidence, By::observer, By::application})
            if (query_.by.contains(dimension)) return true;
        return false;
    }

    /// Days on which a sensor or an imported log named persons are settled over all devices before anything is counted.
    void find_contests()
    {
        std::set<std::int64_t> mixed;
        Statement days(database_, "SELECT day FROM mixed_days WHERE day >= ?1 AND day < ?2");
        days.bind_all(from_, to_);
        while (days.step())
            mixed.insert(days.integer(0));
        for (const DeviceDay& at : dirty_)
            for (const Use& use : roll_up_.uses_from_facts(at))
                if (use.source != settled) mixed.insert(at.day);
        for (const std::int64_t day : mixed) {
            DayContest& contest = contests_[day];
            each_use(day, day + 1,
                     [&](const Use& use) { contest.note(use.person, use.label, use.source, use.connections); });
        }
    }

    template <class Each>
    void each_use(std::int64_t from, std::int64_t to, Each each)
    {
        Statement uses(
            database_,
            "SELECT day, device, person, label, unit, source, connections, bytes_up, bytes_down, first_seen, "
            "last_seen FROM day_use WHERE day >= ?1 AND day < ?2");
        uses.bind_all(from, to);
        while (uses.step()) {
            if (!dirty_.empty() && dirty_.contains({uses.integer(0), uses.integer(1)})) continue;
            each(Use{uses.integer(0), uses.integer(1), uses.integer(2), uses.integer(3), uses.integer(4),
                     uses.integer(5), uses.integer(6), uses.integer(7), uses.integer(8), uses.integer(9),
                     uses.integer(10)});
        }
        for (auto at = dirty_.lower_bound({from, 0}); at != dirty_.end() && at->day < to; ++at)
            for (const Use& use : roll_up_.uses_from_facts(*at))
                each(use);
    }

    [[nodiscard]] bool stands(std::int64_t day, std::int64_t person, std::int64_t label, Source source) const
    {
        if (source == settled) return true;
        const auto contest = contests_.find(day);
        return contest == contests_.end() || contest->second.stands(person, label, source);
    }

    void from_uses()
    {
        each_use(from_, to_, [&](const Use& use) {
            if (grouping_.wants(use.label, use.unit) && stands(use.day, use.person, use.label, use.source))
                grouping_.add(use);
        });
    }

    void from_facts()
    {
        for (const DeviceDay& at : roll_up_.device_days(from_, to_))
            roll_up_.taken_facts(at, [&](const LabelledFact& f, Source source) {
                const Fact& fact = f.fact;
                const std::int64_t unit = dimensions_.unit_of(fact.person, fact.device, fact.day);
                if (!grouping_.wants(f.label, unit) || !stands(fact.day, fact.person, f.label, source)) return;
                grouping_.add({fact.day, fact.device, fact.person, f.label, unit, source, fact.connections,
                               fact.bytes_up, fact.bytes_down, fact.first_seen, fact.last_seen},
                              f, f.observer);
            });
    }

    Database& database_;
    DimensionTables& dimensions_;
    RollUp& roll_up_;
    const Query& query_;
    Grouping grouping_;
    std::int64_t from_, to_;
    std::set<DeviceDay> dirty_;
    std::map<std::int64_t, DayContest> contests_;
};

/// Two columns whose values joined() puts together: SQLite's own sum fails as soon as it overflows 2^63.
std::string halves(std::string_view column)
{
    return fmt::format("coalesce(sum({0} & 4294967295), 0), coalesce(sum({0} >> 32), 0)", column);
}

/// A sum that SQLite gave in two halves; the greatest value where it is greater than that.
std::uint64_t joined(const Statement& row, int column)
{
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    const auto low = static_cast<std::uint64_t>(row.integer(column));
    const auto high = static_cast<std::uint64_t>(row.integer(column + 1));
    return high > (most - low) >> 32 ? most : low + (high << 32);
}

}    // namespace

std::vector<Row> make_report(Database& database, DimensionTables& dimensions, RollUp& roll_up, const Query& query)
{
    const Transaction snapshot(database, Transaction::Kind::read);
    dimensions.check_generation();
    return Report(database, dimensions, roll_up, query).rows();
}

Totals sum_facts(Database& database, std::int64_t from, std::int64_t to)
{
    Statement sum(database, fmt::format("SELECT count(*), {}, {}, {} FROM facts WHERE day >= ?1 AND day < ?2",
                                        halves("connections"), halves("bytes_up"), halves("bytes_down")));
    sum.bind_all(from, to);
    if (!sum.step()) return {};
    return {static_cast<std::uint64_t>(sum.integer(0)), joined(sum, 1), joined(sum, 3), joined(sum, 5)};
}

std::vector<ObserverState> list_observers(Database& database)
{
    std::string counters;
    for (const char* column : {"e.packets", "e.packets_dropped", "e.connections", "e.connections_unattributed",
                               "e.cells_dropped", "e.gap_seconds", "e.bytes_hidden_road", "e.connections_with_program"})
        counters += ", " + halves(column);
    Statement list(database,
                   fmt::format("SELECT o.agent, o.kind, o.version, o.last_report, o.clock_offset, o.quarantined, "
                               "o.too_old{} FROM observers o LEFT JOIN epochs e ON e.observer = o.id "
                               "GROUP BY o.id ORDER BY o.agent",
                               counters));
    std::vector<ObserverState> states;
    while (list.step()) {
        ObserverState& state = states.emplace_back();
        if (list.blob(0).size() == AgentId::size) std::ranges::copy(list.blob(0), state.agent.bytes.begin());
        const auto value = [&](int column) { return static_cast<std::uint64_t>(list.integer(column)); };
        state.kind = static_cast<wire::ObserverKind>(list.integer(1));
        state.version = list.text(2);
        state.last_report = Timestamp(std::chrono::microseconds(list.integer(3)));
        state.clock_offset_us = list.integer(4);
        state.quarantined = value(5);
        state.too_old = value(6);
        const auto sum = [&](int counter) { return joined(list, 7 + 2 * counter); };
        state.counters = {sum(0), sum(1), sum(2), sum(3), sum(4), sum(5), sum(6), sum(7)};
    }
    return states;
}

std::vector<ApplicationOffer> list_offers(Database& database, std::int64_t from)
{
    Statement list(database, "SELECT a.name, o.version, o.protocols, o.last_day FROM application_offers o "
                             "JOIN applications a ON a.id = o.application WHERE o.last_day >= ?1 "
                             "ORDER BY o.version, a.name");
    list.bind_all(from);
    std::vector<ApplicationOffer> offers;
    while (list.step())
        offers.push_back({std::string(list.text(0)), static_cast<wire::TlsVersion>(list.integer(1)),
                          static_cast<wire::Protocols>(list.integer(2)), Day(std::chrono::days(list.integer(3)))});
    return offers;
}

}    // namespace dl::collector::store
