#include "shared/base/time.hpp"

#include <fmt/format.h>

#include <charconv>

namespace dl {
namespace {

/// Reads exactly `width` digits at `at`.
bool digits(std::string_view text, std::size_t at, std::size_t width, int& out)
{
    if (text.size() < at || text.size() - at < width) return false;
    const char* first = text.data() + at;
    for (std::size_t i = 0; i < width; ++i)
        if (first[i] < '0' || first[i] > '9') return false;
    return std::from_chars(first, first + width, out).ec == std::errc{};
}

}    // namespace

std::string to_iso_date(Day day)
{
    const std::chrono::year_month_day date{day};
    return fmt::format("{:04}-{:02}-{:02}", int(date.year()), unsigned(date.month()), unsigned(date.day()));
}

Result<Day> parse_iso_date(std::string_view text)
{
    int year = 0, month = 0, day = 0;
    const bool shaped = text.size() == 10 && text[4] == '-' && text[7] == '-' && digits(text, 0, 4, year) &&
                        digits(text, 5, 2, month) && digits(text, 8, 2, day);
    const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month(unsigned(month)),
                                           std::chrono::day(unsigned(day))};
    if (!shaped || !date.ok()) return invalid_input(fmt::format("'{}' is no date; write it as YYYY-MM-DD", text));
    return Day{date};
}

std::string to_rfc3339(Timestamp when)
{
    const Day day = day_of(when);
    const std::chrono::hh_mm_ss clock{when - day};
    return fmt::format("{}T{:02}:{:02}:{:02}.{:06}Z", to_iso_date(day), clock.hours().count(), clock.minutes().count(),
                       clock.seconds().count(), clock.subseconds().count());
}

Result<Timestamp> parse_rfc3339(std::string_view text)
{
    const auto wrong = [&] {
        return invalid_input(fmt::format("'{}' is no UTC time; write it as YYYY-MM-DDTHH:MM:SSZ (RFC 3339)", text));
    };
    int hour = 0, minute = 0, second = 0;
    if (text.size() < 20 || text.back() != 'Z' || text[10] != 'T' || text[13] != ':' || text[16] != ':') return wrong();
    const auto day = parse_iso_date(text.substr(0, 10));
    if (!day || !digits(text, 11, 2, hour) || !digits(text, 14, 2, minute) || !digits(text, 17, 2, second))
        return wrong();
    if (hour > 23 || minute > 59 || second > 60) return wrong();
    std::int64_t micros = 0;
    if (text.size() > 20) {
        const std::string_view fraction = text.substr(20, text.size() - 21);
        if (text[19] != '.' || fraction.empty() || fraction.size() > 9) return wrong();
        std::int64_t scale = 100'000;
        for (const char c : fraction) {
            if (c < '0' || c > '9') return wrong();
            micros += scale * (c - '0');
            scale /= 10;
        }
    }
    return Timestamp{*day} + std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second) +
           std::chrono::microseconds(micros);
}

}    // namespace dl
