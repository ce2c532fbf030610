#include "agent/service/reached_limits.hpp"

#include <nlohmann/json.hpp>

namespace dl::agent::service {

ReachedLimits ReachedLimits::after(const ReachedLimits& before, const ReachedLimits& last_look,
                                   const flow::Counters& counters, Timestamp now)
{
    ReachedLimits reached = last_look;
    for (std::size_t i = 0; i < known_limits.size(); ++i) {
        const std::uint64_t count = before.counts[i].count + counters.*known_limits[i].count;
        if (count > last_look.counts[i].count) reached.counts[i] = {count, now};
    }
    return reached;
}

std::string to_note(const ReachedLimits& reached)
{
    nlohmann::json note = nlohmann::json::object();
    for (std::size_t i = 0; i < known_limits.size(); ++i)
        if (const auto& [count, last] = reached.counts[i]; count > 0 && last)
            note[known_limits[i].item] = {count, last->time_since_epoch().count()};
    return note.dump();
}

ReachedLimits parse_reached_limits(std::string_view text)
{
    ReachedLimits reached;
    const auto note = nlohmann::json::parse(text, nullptr, false);
    if (!note.is_object()) return reached;
    for (std::size_t i = 0; i < known_limits.size(); ++i) {
        const auto found = note.find(known_limits[i].item);
        if (found == note.end() || !found->is_array() || found->size() != 2 || !found->at(0).is_number_unsigned() ||
            !found->at(1).is_number_integer())
            continue;
        reached.counts[i] = {found->at(0).get<std::uint64_t>(),
                             Timestamp{std::chrono::microseconds(found->at(1).get<std::int64_t>())}};
    }
    return reached;
}

}    // namespace dl::agent::service
