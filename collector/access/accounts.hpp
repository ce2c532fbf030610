// Who may ask what: accounts with a role, proven by a random token of which only the hash is stored.
#pragma once

#include "collector/store/state_store.hpp"
#include "shared/base/failure.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::access {

/// What an account is for. The security role alone sees unreleased figures.
enum class Role { operations, security, relationship_manager, unit_leader, privacy_officer, administrator };
[[nodiscard]] std::string_view to_string(Role role);
[[nodiscard]] std::optional<Role> parse_role(std::string_view text);
[[nodiscard]] std::vector<std::string> role_names();

struct Account {
    std::string id;    ///< account name, for instance an employee number
    Role role = Role::relationship_manager;
    std::vector<std::string> units;    ///< the units it may read; empty: all that its role allows
    bool disabled = false;
};

/// 1 to 64 letters, digits and . _ @ -: a name stands in logs, commands and the audit chain, and must look there as it
/// is. The failure says so.
[[nodiscard]] Result<void> check_account_name(std::string_view name);

class Accounts {
public:
    explicit Accounts(store::StateStore& state) : state_(state) {}

    /// Makes the account and returns its token, shown this once (32 random bytes, base64url).
    [[nodiscard]] Result<std::string> create(const Account& account);
    [[nodiscard]] Result<std::vector<Account>> list();
    /// Conflict for the last enabled account with the security role: nobody could see what is not released.
    [[nodiscard]] Result<void> disable(std::string_view id);
    /// Takes a disabling back: the same token is good again.
    [[nodiscard]] Result<void> enable(std::string_view id);
    /// Takes an account back whose token nobody got to see: it and its token are gone, the name is free again.
    [[nodiscard]] Result<void> withdraw(std::string_view id);
    /// The account of a token, compared in constant time; denied when unknown or disabled.
    [[nodiscard]] Result<Account> authenticate(std::string_view token);

private:
    /// Is there an enabled account with the security role but this one?
    [[nodiscard]] Result<bool> is_anybody_security(std::string_view beside);

    store::StateStore& state_;
};

}    // namespace dl::collector::access
