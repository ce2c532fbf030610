#include "agent/identity/system_attributor.hpp"

#include "agent/identity/cgroup_table.hpp"
#include "agent/identity/sock_diag.hpp"
#include "agent/identity/subordinate_ids.hpp"
#include "agent/identity/system_accounts.hpp"

#include <pwd.h>

#include <array>
#include <charconv>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace dl::agent::identity {
namespace {

constexpr std::size_t most_names = 4096;

std::optional<std::string> listed_name(std::uint32_t uid)
{
    std::array<char, 4096> buffer;
    passwd entry{};
    passwd* found = nullptr;
    if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found && found->pw_name &&
        *found->pw_name)
        return found->pw_name;
    return std::nullopt;
}

class System final : public SystemAttributor {
public:
    System(SockDiag sockets, std::unique_ptr<ProcessFinder> processes)
        : sockets_(std::move(sockets)), netns_(sockets_.netns_cookie()), processes_(std::move(processes))
    {
        // Loads the name service modules while that is still allowed.
        (void)name_of(0);
    }

    void start() override { processes_->start(); }

    Identity identify(const flow::Connection& connection) override
    {
        if (auto known = recorded(connection)) return std::move(*known);
        const auto owner = owner_of(connection);
        if (!owner) return {};
        Identity identity = without_process(*owner);
        add_process(identity, process_of(*owner));
        return identity;
    }

    std::optional<SocketOwner> owner_of(const flow::Connection& connection) override
    {
        return sockets_.find(connection);
    }

    Identity without_process(const SocketOwner& owner) override
    {
        Identity identity;
        identity.user = name_of(owner.uid);
        identity.cgroup = owner.cgroup;
        add_unit(identity);
        return identity;
    }

    void add_unit(Identity& identity) override
    {
        if (identity.unit) return;
        const UnitName& unit = groups_.unit_of(identity.cgroup);
        identity.unit = unit.unit;
        if (!identity.application) identity.application = unit.application;
    }

    std::optional<Identity> recorded(const flow::Connection& connection) override
    {
        const auto origin = processes_->origin_of(connection, netns_);
        if (!origin) return std::nullopt;
        SocketOwner owner;
        owner.uid = origin->uid;
        owner.cgroup = origin->cgroup;
        Identity identity = without_process(owner);
        add_process(identity, origin->process);
        return identity;
    }

    std::optional<Process> recorded(const SocketOwner& owner) override { return processes_->recorded(owner); }

    std::optional<Process> process_of(const SocketOwner& owner) override
    {
        const std::lock_guard lock(one_question_);
        return processes_->find(owner);
    }

private:
    std::string account_name(std::uint32_t uid) const
    {
        if (is_made_up(uid)) return std::to_string(uid);    // a name would not outlive the service
        if (auto name = listed_name(uid)) return std::move(*name);
        const auto owner = subordinates_.owner_of(uid);    // a container's
        if (!owner) return std::to_string(uid);
        std::uint32_t by_id = 0;
        const auto [end, error] = std::from_chars(owner->data(), owner->data() + owner->size(), by_id);
        if (error != std::errc{} || end != owner->data() + owner->size()) return *owner;
        return listed_name(by_id).value_or(*owner);
    }

    const std::string& name_of(std::uint32_t uid)
    {
        if (const auto known = names_.find(uid); known != names_.end()) return known->second;
        if (names_.size() >= most_names) names_.clear();
        return names_.emplace(uid, account_name(uid)).first->second;
    }

    SockDiag sockets_;
    std::uint64_t netns_ = 0;
    std::mutex one_question_;
    std::unique_ptr<ProcessFinder> processes_;
    CgroupTable groups_;
    const SubordinateIds subordinates_ = SubordinateIds::of_this_system();
    std::unordered_map<std::uint32_t, std::string> names_;
};

}    // namespace

void add_process(Identity& identity, const std::optional<Process>& process)
{
    if (!process) return;
    identity.process = process->name;
    identity.application = process->name;
}

Result<std::unique_ptr<SystemAttributor>> create_system_attributor(const std::optional<std::filesystem::path>& netns,
                                                                   std::unique_ptr<ProcessFinder> processes)
{
    auto sockets = SockDiag::open(netns);
    if (!sockets) return sockets.error();
    return std::unique_ptr<SystemAttributor>(std::make_unique<System>(std::move(*sockets), std::move(processes)));
}

}    // namespace dl::agent::identity
