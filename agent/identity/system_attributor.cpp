#include "agent/identity/system_attributor.hpp"

#include "agent/identity/process_table.hpp"
#include "agent/identity/sock_diag.hpp"

#include <pwd.h>

#include <array>
#include <unordered_map>
#include <utility>

namespace dl::agent::identity {
namespace {

constexpr std::size_t most_names = 4096;
constexpr std::uint32_t first_person = 1000;    // UID_MIN of login.defs(5)
constexpr std::uint32_t nobody = 65534;

std::string account_name(std::uint32_t uid)
{
    std::array<char, 4096> buffer;
    passwd entry{};
    passwd* found = nullptr;
    if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found && found->pw_name &&
        *found->pw_name)
        return found->pw_name;
    return std::to_string(uid);
}

class SystemAttributor final : public Attributor {
public:
    explicit SystemAttributor(SockDiag sockets) : sockets_(std::move(sockets))
    {
        // Loads the name service modules while that is still allowed.
        (void)name_of(0);
    }

    Identity identify(const flow::Connection& connection) override
    {
        const auto owner = sockets_.find(connection);
        if (!owner) return {};
        Identity identity;
        identity.user = name_of(owner->uid);
        identity.application = processes_.program_of(owner->inode);
        if (!identity.application) identity.application = processes_.unit_of(owner->cgroup);
        return identity;
    }

private:
    const std::string& name_of(std::uint32_t uid)
    {
        if (const auto known = names_.find(uid); known != names_.end()) return known->second;
        if (names_.size() >= most_names) names_.clear();
        return names_.emplace(uid, account_name(uid)).first->second;
    }

    SockDiag sockets_;
    ProcessTable processes_;
    std::unordered_map<std::uint32_t, std::string> names_;
};

}    // namespace

Result<std::unique_ptr<Attributor>> create_system_attributor(const std::optional<std::filesystem::path>& netns)
{
    auto sockets = SockDiag::open(netns);
    if (!sockets) return sockets.error();
    return std::unique_ptr<Attributor>(std::make_unique<SystemAttributor>(std::move(*sockets)));
}

std::set<std::string> system_accounts()
{
    std::set<std::string> accounts{std::to_string(nobody), "nobody"};
    for (std::uint32_t uid = 0; uid < first_person; ++uid)
        accounts.insert(std::to_string(uid));
    setpwent();
    while (const passwd* entry = getpwent())
        if (entry->pw_uid < first_person || entry->pw_uid == nobody) accounts.insert(entry->pw_name);
    endpwent();
    return accounts;
}

}    // namespace dl::agent::identity
