#include "agent/identity/subordinate_ids.hpp"

#include <charconv>
#include <fstream>
#include <sstream>

namespace dl::agent::identity {
namespace {

std::optional<std::uint32_t> number(std::string_view text)
{
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}    // namespace

SubordinateIds SubordinateIds::parse(std::string_view text)
{
    SubordinateIds ids;
    while (!text.empty() && ids.ranges_.size() < most_ranges) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const std::size_t one = line.find(':');
        const std::size_t two = one == std::string_view::npos ? one : line.find(':', one + 1);
        if (one == 0 || two == std::string_view::npos) continue;
        const auto first = number(line.substr(one + 1, two - one - 1));
        const auto count = number(line.substr(two + 1));
        if (first && count) ids.ranges_.push_back({*first, *count, std::string(line.substr(0, one))});
    }
    return ids;
}

SubordinateIds SubordinateIds::of_this_system()
{
    std::ifstream file("/etc/subuid", std::ios::binary);
    std::ostringstream text;
    if (file) text << file.rdbuf();
    return parse(text.str());
}

std::optional<std::string> SubordinateIds::owner_of(std::uint32_t uid) const
{
    for (const Range& range : ranges_)
        if (uid >= range.first && uid - range.first < range.count) return range.owner;
    return std::nullopt;
}

}    // namespace dl::agent::identity
