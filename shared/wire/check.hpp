// What both encodings promise of a decoded report: indexes inside their tables, values inside their bounds.
#pragma once

#include "shared/wire/report.hpp"

#include <optional>
#include <string>

namespace dl::wire {

/// "cells[3].person: points outside the table of persons; …", the first thing that is wrong; nothing where all is
/// right.
[[nodiscard]] std::optional<std::string> first_mistake(const Report& report);

}    // namespace dl::wire
