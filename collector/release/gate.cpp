#include "collector/release/gate.hpp"

#include <algorithm>

namespace dl::collector::release {
namespace {

using Cell = UnitCounts::Cell;

void collect(const Published& published, const Cell& cell, std::vector<Heads>& parts)
{
    if (const auto found = published.find(cell); found != published.end()) parts.push_back(found->second);
}

std::size_t known(const UnitCounts& counts, const std::string& capability)
{
    const auto found = counts.services_known.find(capability);
    return found == counts.services_known.end() ? std::size_t{0} : found->second;
}

}    // namespace

std::optional<Heads> release_finest(std::uint64_t people, std::uint64_t k)
{
    if (people == 0 || people < k) return std::nullopt;
    return band(people, k);
}

std::optional<Heads> release_coarse(std::uint64_t people, std::span<const Heads> published, std::size_t parts,
                                    std::uint64_t k, std::uint64_t hidden_below)
{
    std::uint64_t largest = 0;
    for (const auto& part : published)
        largest = std::max(largest, part.at_least);
    if (largest > 0) return at_least(largest);
    if (people == 0 || people < k || parts == 0) return std::nullopt;
    const Heads own = band(people, k);
    if (own.at_least > (hidden_below - 1) * (parts - 1)) return std::nullopt;
    return own;
}

Published release_weeks(const UnitCounts& counts, std::uint64_t k)
{
    Published out;
    for (const auto& [cell, people] : counts.people)
        if (!cell.service.empty() && cell.week < counts.weeks)
            if (const auto heads = release_finest(people, k)) out.emplace(cell, *heads);
    for (const auto& [cell, people] : counts.people) {
        if (!cell.service.empty() || cell.week >= counts.weeks) continue;
        std::vector<Heads> parts;
        for (const auto& [other, heads] : out)
            if (!other.service.empty() && other.capability == cell.capability && other.week == cell.week)
                parts.push_back(heads);
        if (const auto heads = release_coarse(people, parts, known(counts, cell.capability), k, k))
            out.emplace(cell, *heads);
    }
    return out;
}

Published release_month(const UnitCounts& counts, const Published& weeks, std::uint64_t k, std::uint64_t hidden_below)
{
    // What could be told of: all that was counted, and all that a week tells of.
    std::map<Cell, std::uint64_t> people;
    for (const auto& [cell, count] : counts.people)
        if (cell.week == counts.weeks) people.emplace(cell, count);
    for (const auto& [cell, heads] : weeks) {
        people.emplace(Cell{cell.service, cell.capability, counts.weeks}, 0);
        if (!cell.capability.empty()) people.emplace(Cell{"", cell.capability, counts.weeks}, 0);
    }
    Published out;
    for (const auto& [cell, count] : people) {
        if (cell.service.empty()) continue;
        std::vector<Heads> parts;
        for (std::size_t week = 0; week < counts.weeks; ++week)
            collect(weeks, {cell.service, cell.capability, week}, parts);
        if (const auto heads = release_coarse(count, parts, counts.weeks, k, hidden_below)) out.emplace(cell, *heads);
    }
    for (const auto& [cell, count] : people) {
        if (!cell.service.empty()) continue;
        std::vector<Heads> parts;
        for (std::size_t week = 0; week < counts.weeks; ++week)
            collect(weeks, {"", cell.capability, week}, parts);
        for (const auto& [other, heads] : out)
            if (!other.service.empty() && other.capability == cell.capability) parts.push_back(heads);
        const std::size_t pieces = std::min(known(counts, cell.capability), counts.weeks);
        if (const auto heads = release_coarse(count, parts, pieces, k, hidden_below)) out.emplace(cell, *heads);
    }
    return out;
}

Published release(const UnitCounts& counts, std::uint64_t k)
{
    Published out = release_weeks(counts, k);
    if (counts.weeks > 1) out.merge(release_month(counts, out, k, k));
    return out;
}

}    // namespace dl::collector::release
