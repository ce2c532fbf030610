// A machine whose clock a test sets, and which may sleep.
#pragma once

#include "shared/base/awake.hpp"
#include "shared/base/time.hpp"

namespace dl::agent::service {

/// Awake whenever its clock goes on, but for the times that it is told to have slept or been set.
class Machine final : public AwakeClock {
public:
    explicit Machine(FixedClock& clock) : clock_(clock) {}
    [[nodiscard]] std::chrono::microseconds awake() const override { return clock_.now().time_since_epoch() - leaps_; }
    /// Ahead or, negative, back.
    void leap(std::chrono::microseconds by)
    {
        clock_.set(clock_.now() + by);
        leaps_ += by;
    }

private:
    FixedClock& clock_;
    std::chrono::microseconds leaps_{0};
};

}    // namespace dl::agent::service
