// The list of personal hosts that this program was built with: config/personal-hosts.txt.
#pragma once

#include "agent/ledger/personal_hosts.hpp"

#include <filesystem>

namespace dl::agent::service {

/// From `file`, or the list that is built in where that is empty.
[[nodiscard]] Result<ledger::PersonalHosts> personal_hosts_from(const std::filesystem::path& file);

}    // namespace dl::agent::service
