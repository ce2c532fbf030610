#include "collector/release/figures.hpp"

#include "collector/release/gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

namespace dl::collector::release {
namespace {

using store::By;
using store::Query;
using store::Row;

constexpr std::array<const char*, 2> shown_kinds{"service", "unknown"};

/// (unit, kind, label)
using Key = std::tuple<std::string, std::string, std::string>;
Key key_of(const Row& row) { return {row.unit, row.kind, row.label}; }

/// Rows of services and unknown domains; noise, internal and personal hosts stay out of every figure.
Result<std::vector<Row>> read(store::UsageStore& usage, const Period& period, std::set<By> by)
{
    std::vector<Row> rows;
    for (const char* kind : shown_kinds) {
        Query query;
        query.from = period.from;
        query.to = period.to;
        query.by = by;
        query.kind = kind;
        auto some = usage.report(query);
        if (!some) return some.error();
        for (auto& row : *some) {
            row.kind = kind;
            rows.push_back(std::move(row));
        }
    }
    return rows;
}
Result<std::vector<Row>> read_uses(store::UsageStore& usage, const Period& period)
{
    return read(usage, period, {By::unit, By::kind, By::label, By::capability});
}
Result<std::vector<Row>> read_capabilities(store::UsageStore& usage, const Period& period)
{
    Query query;
    query.from = period.from;
    query.to = period.to;
    query.by = {By::unit, By::capability};
    query.kind = "service";
    return usage.report(query);
}

int rank_of(std::string_view kind)
{
    const auto evidence = wire::parse_evidence(kind);
    return evidence ? wire::rank(*evidence) : 1000;
}

/// Evidence and hosts of the uses that are there. `floor`: fewer people behind one kind or host leave it out.
Result<void> add_detail(store::UsageStore& usage, Figures& figures, std::uint64_t floor)
{
    std::map<Key, Figure*> index;
    for (auto& figure : figures.uses)
        if (figure.now) index.emplace(Key{figure.unit, figure.kind, figure.label}, &figure);
    const bool exact = figures.strength == Strength::exact;

    auto evidence = read(usage, figures.period, {By::unit, By::kind, By::label, By::evidence});
    if (!evidence) return evidence.error();
    for (const auto& row : *evidence) {
        const auto found = index.find(key_of(row));
        if (found == index.end() || row.people < floor) continue;
        found->second->evidence.push_back(
            {row.evidence, exact ? std::optional<std::uint64_t>(row.connections) : std::nullopt});
    }
    for (auto& figure : figures.uses)
        std::stable_sort(figure.evidence.begin(), figure.evidence.end(),
                         [](const auto& a, const auto& b) { return rank_of(a.kind) < rank_of(b.kind); });

    auto hosts = read(usage, figures.period, {By::unit, By::kind, By::label, By::destination});
    if (!hosts) return hosts.error();
    std::map<Key, std::set<std::pair<std::string, std::string>>> seen;
    for (const auto& row : *hosts) {
        const auto found = index.find(key_of(row));
        if (found == index.end() || row.people < floor) continue;
        if (seen[key_of(row)].emplace(row.host, row.canonical).second)
            found->second->hosts.push_back({row.host, row.canonical});
    }
    return {};
}

/// Released cells of one period, by unit.
using Released = std::map<std::string, std::map<UnitCounts::Cell, Heads>>;

Result<Released> release_grid(store::UsageStore& usage, const catalog::Catalog& catalog, const Period& period,
                              std::uint64_t k, std::vector<Row>& rows_of_period)
{
    std::map<std::string, std::size_t> services_known;
    for (const auto& service : catalog.services())
        ++services_known[service.capability];

    std::map<std::string, UnitCounts> units;
    const auto weeks = weeks_of(period);
    const auto count = [&](const std::vector<Row>& rows, std::size_t when, bool capability) {
        for (const auto& row : rows) {
            if (capability && row.capability.empty()) continue;
            UnitCounts& counts = units[row.unit];
            counts.weeks = weeks.size();
            // The kind is part of a service's name here: an unknown domain is no service id.
            const std::string service = capability ? std::string() : row.kind + ":" + row.label;
            counts.people[{service, row.capability, when}] = row.people;
        }
    };
    const auto read_into = [&](const Period& part, std::size_t when) -> Result<void> {
        auto uses = read_uses(usage, part);
        if (!uses) return uses.error();
        auto capabilities = read_capabilities(usage, part);
        if (!capabilities) return capabilities.error();
        count(*uses, when, false);
        count(*capabilities, when, true);
        if (part == period) rows_of_period = std::move(*uses);
        return {};
    };
    for (std::size_t week = 0; week < weeks.size(); ++week)
        if (auto done = read_into(weeks[week], week); !done) return done.error();
    if (period.kind == Period::Kind::month)
        if (auto done = read_into(period, weeks.size()); !done) return done.error();

    Released out;
    for (auto& [unit, counts] : units) {
        counts.services_known = services_known;
        const std::size_t whole = period.kind == Period::Kind::month ? weeks.size() : 0;
        for (const auto& [cell, heads] : release(counts, k))
            if (cell.week == whole) out[unit].emplace(UnitCounts::Cell{cell.service, cell.capability, 0}, heads);
    }
    return out;
}

/// `use`: a Row or a Figure.
template <class Use>
std::optional<Heads> find(const Released& released, const Use& use)
{
    const auto unit = released.find(use.unit);
    if (unit == released.end()) return std::nullopt;
    const auto cell = unit->second.find({use.kind + ":" + use.label, use.capability, 0});
    if (cell == unit->second.end()) return std::nullopt;
    return cell->second;
}

Figure figure_of(const Row& row)
{
    Figure figure;
    figure.unit = row.unit;
    figure.kind = row.kind;
    figure.label = row.label;
    figure.capability = row.capability;
    return figure;
}

Figures empty_figures(Strength strength, const Period& period, std::uint64_t k)
{
    Figures figures;
    figures.strength = strength;
    figures.k = k;
    figures.period = period;
    figures.previous = previous(period);
    return figures;
}

Figure exact_figure(const Row& row)
{
    Figure figure = figure_of(row);
    if (row.people > 0) figure.people = exactly(row.people);
    figure.devices = exactly(row.devices);
    figure.days = row.days;
    figure.connections = row.connections;
    figure.bytes_up = row.bytes_up;
    figure.bytes_down = row.bytes_down;
    figure.first_seen = row.first_seen;
    figure.last_seen = row.last_seen;
    return figure;
}

/// The released uses of a period, with heads alone.
std::vector<Figure> uses_of(const Released& released, const std::vector<Row>& rows)
{
    std::vector<Figure> uses;
    for (const auto& row : rows)
        if (const auto heads = find(released, row)) {
            uses.push_back(figure_of(row));
            uses.back().people = heads;
        }
    return uses;
}

template <class T, class Same>
void add_new(std::vector<T>& to, const std::vector<T>& from, Same same)
{
    for (const auto& one : from)
        if (std::none_of(to.begin(), to.end(), [&](const T& other) { return same(one, other); })) to.push_back(one);
}

/// Days, evidence and hosts. A month takes them from its released weeks, and so says nothing that they don't: what it
/// counted for itself would give the hidden weeks away by subtraction.
Result<void> add_public_detail(store::UsageStore& usage, const catalog::Catalog& catalog, Figures& figures)
{
    std::map<Key, Figure*> index;
    for (auto& figure : figures.uses)
        index.emplace(Key{figure.unit, figure.kind, figure.label}, &figure);
    for (const auto& period : weeks_of(figures.period)) {
        std::vector<Row> rows;
        const auto released = release_grid(usage, catalog, period, figures.k, rows);
        if (!released) return released.error();
        Figures week = empty_figures(Strength::released, period, figures.k);
        week.uses = uses_of(*released, rows);
        if (auto added = add_detail(usage, week, figures.k); !added) return added.error();
        std::map<Key, std::uint64_t> days;
        for (const auto& row : rows)
            days[key_of(row)] = row.days;
        for (const auto& part : week.uses) {
            const Key key{part.unit, part.kind, part.label};
            const auto found = index.find(key);
            if (found == index.end()) continue;
            Figure& whole = *found->second;
            whole.days += days[key];
            add_new(whole.evidence, part.evidence, [](const auto& a, const auto& b) { return a.kind == b.kind; });
            add_new(whole.hosts, part.hosts,
                    [](const auto& a, const auto& b) { return a.host == b.host && a.canonical == b.canonical; });
        }
    }
    for (auto& figure : figures.uses)
        std::stable_sort(figure.evidence.begin(), figure.evidence.end(),
                         [](const auto& a, const auto& b) { return rank_of(a.kind) < rank_of(b.kind); });
    return {};
}

}    // namespace

Result<Figures> exact_figures(store::UsageStore& usage, const Period& period, std::uint64_t k)
{
    Figures figures = empty_figures(Strength::exact, period, k);
    auto now = read_uses(usage, period);
    if (!now) return now.error();
    auto before = read_uses(usage, figures.previous);
    if (!before) return before.error();
    const auto listed = [&](const Row& row) {
        return row.kind != "unknown" || row.people >= k || row.bytes_up >= unknown_upload_threshold;
    };
    std::map<Key, const Row*> earlier;
    for (const auto& row : *before)
        earlier.emplace(key_of(row), &row);
    for (const auto& row : *now) {
        const auto found = earlier.find(key_of(row));
        const Row* then = found == earlier.end() ? nullptr : found->second;
        if (then) earlier.erase(found);
        if (!listed(row)) continue;
        Figure figure = exact_figure(row);
        if (then) figure.before = exactly(then->people);
        figures.uses.push_back(std::move(figure));
    }
    for (const auto& [key, row] : earlier) {
        if (!listed(*row)) continue;
        Figure figure = exact_figure(*row);
        figure.now = false;
        figure.before = exactly(row->people);
        figure.people = exactly(0);
        figure.devices = exactly(0);
        figure.days = 0;
        figure.connections = figure.bytes_up = figure.bytes_down = 0;
        figure.first_seen.reset();
        figures.uses.push_back(std::move(figure));
    }
    auto capabilities = read_capabilities(usage, period);
    if (!capabilities) return capabilities.error();
    for (const auto& row : *capabilities)
        if (!row.capability.empty()) figures.capabilities.push_back({row.unit, row.capability, exactly(row.people)});
    if (auto added = add_detail(usage, figures, 0); !added) return added.error();
    return figures;
}

Result<void> check_public(const Period& period, Day today)
{
    if (period.kind == Period::Kind::window)
        return denied("any days need the security role; ask for a week as 2026-W46 or a month as 2026-10");
    if (!is_closed(period, today))
        return denied(
            fmt::format("{} is not over; released figures exist from {} on", words_of(period), to_iso_date(period.to)));
    return {};
}

Result<Figures> released_figures(store::UsageStore& usage, const catalog::Catalog& catalog, const Period& period,
                                 std::uint64_t k, Day today)
{
    if (const auto may = check_public(period, today); !may) return may.error();
    Figures figures = empty_figures(Strength::released, period, k);
    std::vector<Row> rows, rows_before;
    auto now = release_grid(usage, catalog, period, k, rows);
    if (!now) return now.error();
    auto before = release_grid(usage, catalog, figures.previous, k, rows_before);
    if (!before) return before.error();

    figures.uses = uses_of(*now, rows);
    for (auto& figure : figures.uses)
        figure.before = find(*before, figure);
    for (const auto& [unit, cells] : *now)
        for (const auto& [cell, heads] : cells)
            if (cell.service.empty()) figures.capabilities.push_back({unit, cell.capability, heads});
    if (auto added = add_public_detail(usage, catalog, figures); !added) return added.error();
    return figures;
}

Figures restrict_to(Figures figures, std::uint64_t k)
{
    if (k <= figures.k) return figures;
    const auto small = [&](const std::optional<Heads>& heads) { return !heads || heads->at_least < k; };
    std::erase_if(figures.uses, [&](const Figure& figure) { return small(figure.people); });
    std::erase_if(figures.capabilities, [&](const CapabilityFigure& figure) { return small(figure.people); });
    for (auto& figure : figures.uses)
        if (small(figure.before)) figure.before.reset();
    figures.k = k;
    return figures;
}

Result<std::vector<Period>> closed_periods(store::UsageStore& usage, Day today)
{
    Query query;
    query.from = today - std::chrono::days(100);
    query.to = today;
    query.by = {By::day};
    auto rows = usage.report(query);
    if (!rows) return rows.error();
    std::vector<Period> weeks, months;
    for (const auto& row : *rows) {
        if (!row.day) continue;
        for (auto [period, list] : {std::pair{week_of(*row.day), &weeks}, std::pair{month_of(*row.day), &months}})
            if (is_closed(period, today) && std::find(list->begin(), list->end(), period) == list->end())
                list->push_back(period);
    }
    const auto newest_first = [](const Period& a, const Period& b) { return a.from > b.from; };
    std::sort(weeks.begin(), weeks.end(), newest_first);
    std::sort(months.begin(), months.end(), newest_first);
    weeks.insert(weeks.end(), months.begin(), months.end());
    return weeks;
}

}    // namespace dl::collector::release
