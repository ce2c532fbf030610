// Times and days as the product counts them: UTC, microseconds, days since 1970-01-01.
#pragma once

#include "shared/base/failure.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace dl {

/// A moment, UTC, microsecond resolution.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

/// A UTC day. The grain of a usage cell.
using Day = std::chrono::sys_days;

[[nodiscard]] inline Day day_of(Timestamp when)
{
    return std::chrono::floor<std::chrono::days>(when);
}

/// RFC 3339, UTC, microseconds: 2026-03-01T09:15:00.250000Z
[[nodiscard]] std::string to_rfc3339(Timestamp when);
[[nodiscard]] Result<Timestamp> parse_rfc3339(std::string_view text);

/// ISO 8601 calendar date: 2026-03-01
[[nodiscard]] std::string to_iso_date(Day day);
[[nodiscard]] Result<Day> parse_iso_date(std::string_view text);

/// Where a program reads the time: the system's, or a test's.
class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual Timestamp now() const = 0;
};

class SystemClock final : public Clock {
public:
    [[nodiscard]] Timestamp now() const override
    {
        return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    }
};

/// A clock that a test sets.
class FixedClock final : public Clock {
public:
    explicit FixedClock(Timestamp start) : now_(start) {}
    [[nodiscard]] Timestamp now() const override { return now_; }
    void set(Timestamp when) { now_ = when; }
    void advance(std::chrono::microseconds by) { now_ += by; }

private:
    Timestamp now_;
};

}    // namespace dl
