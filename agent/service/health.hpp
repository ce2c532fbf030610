// The checks behind `doctor`: each says how it stands and, where it is not well, what to do next.
#pragma once

#include "agent/ledger/ledger.hpp"
#include "agent/settings.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dl::agent::service {

struct Finding {
    enum class Grade { ok, warn, fail };
    std::string check;
    Grade grade = Grade::ok;
    std::string what;
    std::string next;    ///< empty where it is well
};
[[nodiscard]] const char* to_string(Finding::Grade grade);

/// The network namespace or interface of the settings that this host does not have now; none: both are there.
struct AbsentPlace {
    std::string what;
    std::string next;
};
[[nodiscard]] std::optional<AbsentPlace> absent_place(const Settings& settings);

/// Whole seconds, 0 where `later` is before `earlier`.
[[nodiscard]] std::uint64_t seconds_between(Timestamp earlier, Timestamp later);
/// How many days back the oldest use is that the collector was not told of; 0: of today, or all was told.
[[nodiscard]] std::uint64_t days_behind(const ledger::State& state, Timestamp now);
/// What the state of the ledger says of an agent that books every `flush_every` while it runs. Pure.
[[nodiscard]] std::vector<Finding> examine_ledger(const ledger::State& state, Timestamp now, bool watches_live,
                                                  std::chrono::seconds flush_every);

/// Reads and connects, but sends nothing and changes nothing. Takes seconds where the collector does not answer.
[[nodiscard]] std::vector<Finding> examine(const Settings& settings);

}    // namespace dl::agent::service
