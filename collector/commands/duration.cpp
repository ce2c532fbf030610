#include "collector/commands/duration.hpp"

#include <fmt/format.h>

#include <charconv>

namespace dl::collector::commands {

Result<std::chrono::seconds> parse_duration(std::string_view text)
{
    std::uint32_t count = 0;
    const char* last = text.data() + text.size();
    const auto [unit, error] = std::from_chars(text.data(), last, count);
    if (error == std::errc{} && last - unit == 1) {
        switch (*unit) {
            case 's': return std::chrono::seconds(count);
            case 'm': return std::chrono::minutes(count);
            case 'h': return std::chrono::hours(count);
            case 'd': return std::chrono::days(count);
            default: break;
        }
    }
    return invalid_input(fmt::format("'{}' is no length of time; write 90s, 30m, 24h or 7d", text));
}

}    // namespace dl::collector::commands
