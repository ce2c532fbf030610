// The checks behind `doctor`: each says how it stands and, where it is not well, what to do next.
#pragma once

#include "agent/settings.hpp"

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

/// Reads and connects, but sends nothing and changes nothing. Takes seconds where the collector does not answer.
[[nodiscard]] std::vector<Finding> examine(const Settings& settings);

}    // namespace dl::agent::service
