// Whose connection is it, asked of the running system.
#pragma once

#include "agent/identity/attributor.hpp"

#include "shared/base/failure.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace dl::agent::identity {

/// Opens its netlink socket now (inside `netns` where given, which needs CAP_SYS_ADMIN) and needs no privilege later. A
/// user is the account's name, or the user id in digits where it has none; an application the program's name where this
/// process may read it, else the systemd unit, else null. One thread.
[[nodiscard]] Result<std::unique_ptr<Attributor>>
create_system_attributor(const std::optional<std::filesystem::path>& netns = std::nullopt);

/// The accounts of this system that are no people: user ids below 1000 and `nobody`, by name and in digits.
[[nodiscard]] std::set<std::string> system_accounts();

}    // namespace dl::agent::identity
