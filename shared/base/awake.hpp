// Time that nobody sets and that stands still while the machine sleeps: what idleness is measured in.
#pragma once

#include <chrono>

namespace dl {

class AwakeClock {
public:
    virtual ~AwakeClock() = default;
    /// Time the machine has been awake since some moment that stays the same (on Linux CLOCK_MONOTONIC).
    [[nodiscard]] virtual std::chrono::microseconds awake() const = 0;
};

class SystemAwakeClock final : public AwakeClock {
public:
    [[nodiscard]] std::chrono::microseconds awake() const override
    {
        return std::chrono::floor<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch());
    }
};

}    // namespace dl
