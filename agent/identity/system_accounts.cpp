#include "agent/identity/system_accounts.hpp"

#include <pwd.h>

#include <charconv>

namespace dl::agent::identity {

bool SystemAccounts::contains(std::string_view user) const
{
    std::uint32_t uid = 0;
    const auto [end, error] = std::from_chars(user.data(), user.data() + user.size(), uid);
    if (error == std::errc{} && end == user.data() + user.size()) return is_system(uid);
    return names_.contains(std::string(user));
}

SystemAccounts system_accounts()
{
    std::set<std::string> names{"nobody"};
    setpwent();
    while (const passwd* entry = getpwent())
        if (is_system(entry->pw_uid)) names.insert(entry->pw_name);
    endpwent();
    return SystemAccounts(std::move(names));
}

}    // namespace dl::agent::identity
