#include "collector/store/sqlite/grouping.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace dl::collector::store {
namespace {

constexpr std::size_t compact_above = 1U << 20;
/// Keeps the numbers of people of the directory apart from those of accounts.
constexpr std::int64_t known_mark = std::int64_t{1} << 31;

void make_distinct(std::vector<std::uint64_t>& pairs)
{
    std::ranges::sort(pairs);
    pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
}

/// Appends a pair; a long list is made distinct now and then, so that it stays near the number of distinct pairs.
void note(std::vector<std::uint64_t>& pairs, std::uint32_t group, std::int64_t id)
{
    const std::uint64_t pair = std::uint64_t{group} << 32 | static_cast<std::uint32_t>(id);
    if (!pairs.empty() && pairs.back() == pair) return;
    if (pairs.size() >= compact_above && pairs.size() == pairs.capacity()) make_distinct(pairs);
    pairs.push_back(pair);
}

std::int64_t microseconds(std::int64_t day, std::int64_t milliseconds)
{
    return day * 86'400'000'000 + milliseconds * 1000;
}

Timestamp timestamp(std::int64_t microseconds) { return Timestamp(std::chrono::microseconds(microseconds)); }

}    // namespace

Grouping::Grouping(const Query& query, DimensionTables& dimensions) : query_(query), dimensions_(dimensions)
{
    for (const By dimension : query.by)
        by_[static_cast<std::size_t>(dimension)] = true;
    intern("");
}

std::int64_t Grouping::intern(const std::string& text)
{
    const auto [at, fresh] = texts_.try_emplace(text, static_cast<std::int64_t>(text_.size()));
    if (fresh) text_.push_back(&at->first);
    return at->second;
}

const Grouping::LabelView& Grouping::view(std::int64_t label)
{
    if (const auto at = views_.find(label); at != views_.end()) return at->second;
    const LabelText& text = dimensions_.label_text(label);
    const auto fits = [](const std::optional<std::string>& filter, const std::string& value) {
        return !filter || *filter == value;
    };
    return views_[label] = {fits(query_.kind, text.kind) && fits(query_.label, text.label) &&
                                fits(query_.capability, text.capability),
                            intern(text.kind), intern(text.label), intern(text.capability)};
}

bool Grouping::wants(std::int64_t label, std::int64_t unit)
{
    if (query_.unit) {
        const auto [at, fresh] = unit_wanted_.try_emplace(unit, false);
        if (fresh) at->second = dimensions_.unit_name(unit) == *query_.unit;
        if (!at->second) return false;
    }
    return view(label).wanted;
}

Grouping::Key Grouping::key_of(const Use& use)
{
    Key key{};
    const LabelView& label = view(use.label);
    const auto set = [&](By dimension, std::int64_t value) {
        if (by(dimension)) key[static_cast<std::size_t>(dimension)] = value;
    };
    set(By::day, use.day);
    set(By::unit, use.unit);
    set(By::kind, label.kind);
    set(By::label, label.label);
    set(By::capability, label.capability);
    if (by(By::device_unit)) set(By::device_unit, dimensions_.unit_of(0, use.device, use.day));
    return key;
}

void Grouping::add(const Use& use) { add_to(key_of(use), use); }

void Grouping::add(const Use& use, const LabelledFact& fact, std::int64_t observer)
{
    Key key = key_of(use);
    if (by(By::destination)) {
        const wire::Destination destination = dimensions_.destination_of(fact.fact.destination);
        key[static_cast<std::size_t>(By::destination)] = intern(destination.host + '\n' + destination.canonical);
    }
    if (by(By::evidence)) key[static_cast<std::size_t>(By::evidence)] = static_cast<std::int64_t>(fact.fact.evidence);
    if (by(By::observer)) key[static_cast<std::size_t>(By::observer)] = observer;
    if (by(By::application)) key[static_cast<std::size_t>(By::application)] = fact.fact.application;
    add_to(key, use);
}

void Grouping::add_to(const Key& key, const Use& use)
{
    if (groups_.empty() || key != last_key_) {
        const auto [at, fresh] = index_.try_emplace(key, static_cast<std::uint32_t>(groups_.size()));
        if (fresh)
            groups_.push_back(
                {key, 0, 0, 0, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()});
        last_key_ = key;
        last_group_ = at->second;
    }
    Group& group = groups_[last_group_];
    group.connections = add_saturating(group.connections, use.connections);
    group.bytes_up = add_saturating(group.bytes_up, use.bytes_up);
    group.bytes_down = add_saturating(group.bytes_down, use.bytes_down);
    group.first_seen = std::min(group.first_seen, microseconds(use.day, use.first_seen));
    group.last_seen = std::max(group.last_seen, microseconds(use.day, use.last_seen));
    note(devices_, last_group_, use.device);
    if (use.person == 0)
        note(nobody_, last_group_, use.device);
    else if (const std::int64_t known = known_person(use); known != 0)
        note(people_, last_group_, known | known_mark);
    else
        note(people_, last_group_, use.person);
    note(days_, last_group_, use.day);
}

std::int64_t Grouping::known_person(const Use& use)
{
    if (use.person != last_person_ || use.day != last_day_) {
        last_known_ = dimensions_.known_person(use.person, use.day);
        last_person_ = use.person;
        last_day_ = use.day;
    }
    return last_known_;
}

Row Grouping::row_of(const Group& group)
{
    Row row;
    const auto value = [&](By dimension) { return group.key[static_cast<std::size_t>(dimension)]; };
    const auto text = [&](By dimension) { return *text_[static_cast<std::size_t>(value(dimension))]; };
    if (by(By::day)) row.day = Day(std::chrono::days(value(By::day)));
    if (by(By::unit)) row.unit = dimensions_.unit_name(value(By::unit));
    if (by(By::device_unit)) row.unit = dimensions_.unit_name(value(By::device_unit));
    row.kind = text(By::kind);
    row.label = text(By::label);
    row.capability = text(By::capability);
    if (by(By::destination)) {
        const std::string both = text(By::destination);
        row.host = both.substr(0, both.find('\n'));
        row.canonical = both.substr(both.find('\n') + 1);
    }
    if (by(By::evidence)) row.evidence = wire::to_string(static_cast<wire::Evidence>(value(By::evidence)));
    if (by(By::observer)) row.observer = dimensions_.agent_name(value(By::observer));
    if (by(By::application)) row.application = dimensions_.application_name(value(By::application));
    row.connections = static_cast<std::uint64_t>(group.connections);
    row.bytes_up = static_cast<std::uint64_t>(group.bytes_up);
    row.bytes_down = static_cast<std::uint64_t>(group.bytes_down);
    row.first_seen = timestamp(group.first_seen);
    row.last_seen = timestamp(group.last_seen);
    return row;
}

std::vector<Row> Grouping::rows()
{
    std::vector<Row> rows;
    rows.reserve(groups_.size());
    for (const Group& group : groups_)
        rows.push_back(row_of(group));
    const auto count = [&](std::vector<std::uint64_t>& pairs, std::uint64_t Row::*field) {
        make_distinct(pairs);
        for (const std::uint64_t pair : pairs)
            ++(rows[pair >> 32].*field);
    };
    count(people_, &Row::people);
    for (const std::uint64_t pair : people_)
        if ((pair & static_cast<std::uint64_t>(known_mark)) != 0) ++rows[pair >> 32].people_known;
    count(devices_, &Row::devices);
    count(nobody_, &Row::devices_without_person);
    count(days_, &Row::days);
    if (rows.empty() && query_.by.empty()) rows.emplace_back();
    std::ranges::sort(rows, {}, [](const Row& r) {
        return std::tie(r.day, r.unit, r.kind, r.label, r.capability, r.host, r.canonical, r.evidence, r.observer,
                        r.application);
    });
    return rows;
}

}    // namespace dl::collector::store
