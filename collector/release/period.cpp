#include "collector/release/period.hpp"

#include <fmt/format.h>

#include <charconv>

namespace dl::collector::release {
namespace {

using std::chrono::days;

constexpr days one_week{7};
constexpr int last_year = 2999;    // later ones are slips of the keyboard

Day monday_of(Day day) { return day - (std::chrono::weekday(day) - std::chrono::Monday); }
Day thursday_of(Day day) { return monday_of(day) + days(3); }
std::chrono::year_month_day calendar(Day day) { return std::chrono::year_month_day(day); }
/// The Monday of the week that the first Thursday at or after `first` lies in.
Day monday_of_first_thursday(Day first)
{
    const Day thursday = thursday_of(first);
    return monday_of(thursday < first ? thursday + one_week : thursday);
}
int week_number(Day day)
{
    const Day thursday = thursday_of(day);
    const Day first = monday_of_first_thursday(Day(calendar(thursday).year() / 1 / 1));
    return static_cast<int>((monday_of(day) - first) / one_week) + 1;
}
int week_year(Day day) { return static_cast<int>(calendar(thursday_of(day)).year()); }
Period month(std::chrono::year_month at)
{
    return {Period::Kind::month, monday_of_first_thursday(Day(at / 1)),
            monday_of_first_thursday(Day((at + std::chrono::months(1)) / 1))};
}
/// Digits only, all of them.
bool number(std::string_view text, int& out)
{
    if (text.find_first_not_of("0123456789") != std::string_view::npos) return false;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
    return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

}    // namespace

std::string_view to_string(Period::Kind kind)
{
    switch (kind) {
        case Period::Kind::week: return "week";
        case Period::Kind::month: return "month";
        case Period::Kind::window: break;
    }
    return "window";
}

std::string id_of(const Period& period)
{
    if (period.kind == Period::Kind::week)
        return fmt::format("{:04}-W{:02}", week_year(period.from), week_number(period.from));
    if (period.kind == Period::Kind::month) return to_iso_date(thursday_of(period.from)).substr(0, 7);
    return fmt::format("{}..{}", to_iso_date(period.from), to_iso_date(period.to - days(1)));
}

std::string words_of(const Period& period)
{
    static constexpr const char* names[] = {"January", "February", "March",     "April",   "May",      "June",
                                            "July",    "August",   "September", "October", "November", "December"};
    if (period.kind == Period::Kind::week)
        return fmt::format("week {} of {}", week_number(period.from), week_year(period.from));
    if (period.kind == Period::Kind::month) {
        const auto at = calendar(thursday_of(period.from));
        return fmt::format("{} {} (weeks {} to {})", names[static_cast<unsigned>(at.month()) - 1],
                           static_cast<int>(at.year()), week_number(period.from), week_number(period.to - days(1)));
    }
    return fmt::format("{} to {}", to_iso_date(period.from), to_iso_date(period.to - days(1)));
}

Result<Period> parse_period(std::string_view text)
{
    const auto wrong = [&] {
        return invalid_input(
            fmt::format("'{}' is no period; write a week as 2026-W46 or a month as 2026-10", text.substr(0, 40)));
    };
    int year = 0, part = 0;
    if (text.size() < 7 || text[4] != '-' || !number(text.substr(0, 4), year) || year < 1970) return wrong();
    if (year > last_year)
        return invalid_input(
            fmt::format("'{}' lies too far in the future; write a week as 2026-W46", text.substr(0, 40)));
    if (text[5] == 'W') {
        if (text.size() != 8 || !number(text.substr(6), part) || part < 1 || part > 53) return wrong();
        const Day from = monday_of_first_thursday(Day(std::chrono::year(year) / 1 / 1)) + one_week * (part - 1);
        if (week_year(from) != year) return wrong();    // a year without week 53
        return week_of(from);
    }
    if (text.size() != 7 || !number(text.substr(5), part) || part < 1 || part > 12) return wrong();
    return month(std::chrono::year(year) / std::chrono::month(static_cast<unsigned>(part)));
}

Result<Period> window(Day from, Day to)
{
    if (from >= to) return invalid_input("the last day lies before the first; exchange from and to");
    if (to - from > days(400)) return invalid_input("more than 400 days; ask for less");
    return Period{Period::Kind::window, from, to};
}

Period week_of(Day day)
{
    const Day monday = monday_of(day);
    return {Period::Kind::week, monday, monday + one_week};
}

Period month_of(Day day)
{
    const auto at = calendar(thursday_of(day));
    return month(at.year() / at.month());
}

Period previous(const Period& period)
{
    if (period.kind == Period::Kind::month) return month_of(period.from - days(1));
    return {period.kind, period.from - (period.to - period.from), period.from};
}

Period last_closed_week(Day today) { return previous(week_of(today)); }

bool is_closed(const Period& period, Day today) { return period.to <= today; }

std::vector<Period> weeks_of(const Period& period)
{
    std::vector<Period> weeks;
    if (period.kind != Period::Kind::window)
        for (Day day = period.from; day < period.to; day += one_week)
            weeks.push_back(week_of(day));
    return weeks;
}

}    // namespace dl::collector::release
