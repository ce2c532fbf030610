// Accounts that are no people: what they use is the device's.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace dl::agent::identity {

/// Ids below UID_MIN of login.defs(5); those that systemd makes up for a service while it runs (DynamicUser=,
/// systemd.exec(5)); and those that stand for none.
[[nodiscard]] constexpr bool is_made_up(std::uint32_t uid) { return uid >= 61184 && uid <= 65535; }
[[nodiscard]] constexpr bool is_system(std::uint32_t uid) { return uid < 1000 || is_made_up(uid); }

class SystemAccounts {
public:
    SystemAccounts() = default;
    explicit SystemAccounts(std::set<std::string> names) : names_(std::move(names)) {}
    /// A user as an Identity has it: one of the names, or the digits of such an id.
    [[nodiscard]] bool contains(std::string_view user) const;

private:
    std::set<std::string> names_;
};

/// Those that this system lists by name.
[[nodiscard]] SystemAccounts system_accounts();

}    // namespace dl::agent::identity
