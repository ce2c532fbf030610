// The spans of days that reports are made for. Released figures exist for closed ISO weeks and closed months only.
//
// A released month is the ISO weeks whose Thursday lies in it (so 2026-10 runs from Monday 2026-09-28 to Sunday
// 2026-11-01): weeks nest in months, and no difference between a month and its weeks leaves a few days over.
#pragma once

#include "shared/base/failure.hpp"
#include "shared/base/time.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::release {

struct Period {
    enum class Kind { week, month, window } kind = Kind::week;
    Day from{};    ///< inclusive
    Day to{};      ///< exclusive

    friend bool operator==(const Period&, const Period&) = default;
};
[[nodiscard]] std::string_view to_string(Period::Kind kind);

/// 2026-W46, 2026-10, or 2026-11-01..2026-11-14 (both days inclusive).
[[nodiscard]] std::string id_of(const Period& period);
/// week 46 of 2026; October 2026 (weeks 40 to 44)
[[nodiscard]] std::string words_of(const Period& period);
/// A week or a month by its id (ISO 8601 week dates).
[[nodiscard]] Result<Period> parse_period(std::string_view text);
/// Any days; a failure when it is empty or longer than 400 days.
[[nodiscard]] Result<Period> window(Day from, Day to);

[[nodiscard]] Period week_of(Day day);
/// The month that the week of this day belongs to.
[[nodiscard]] Period month_of(Day day);
/// The one before, of the same kind; for a window of the same length.
[[nodiscard]] Period previous(const Period& period);
[[nodiscard]] Period last_closed_week(Day today);
/// It ended before today.
[[nodiscard]] bool is_closed(const Period& period, Day today);
/// The weeks of a week or month, oldest first; none of a window.
[[nodiscard]] std::vector<Period> weeks_of(const Period& period);

}    // namespace dl::collector::release
