// Whose connection is it, asked of the running system.
#pragma once

#include "agent/identity/attributor.hpp"
#include "agent/identity/process_finder.hpp"

#include "shared/base/failure.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace dl::agent::identity {

/// The question in its two halves: what the kernel tells at once, and which program it is, which may take a while.
class SystemAttributor : public Attributor {
public:
    /// The socket now; nothing where it is gone, or another host's.
    [[nodiscard]] virtual std::optional<SocketOwner> owner_of(const flow::Connection& connection) = 0;
    /// User, unit and what the unit tells of the application.
    [[nodiscard]] virtual Identity without_process(const SocketOwner& owner) = 0;
    /// Names the unit where that was not known before: a group that was new then.
    virtual void add_unit(Identity& identity) = 0;
    /// All of it from the kernel's records, where there are any; at once.
    [[nodiscard]] virtual std::optional<Identity> recorded(const flow::Connection& connection) = 0;
    [[nodiscard]] virtual std::optional<Process> recorded(const SocketOwner& owner) = 0;
    /// The only function that may be called from a second thread at the same time.
    [[nodiscard]] virtual std::optional<Process> process_of(const SocketOwner& owner) = 0;
};
void add_process(Identity& identity, const std::optional<Process>& process);

/// Opens its netlink socket now (inside `netns` where given, which needs CAP_SYS_ADMIN) and needs no privilege later. A
/// user is the account's name, or the user id in digits where it has none; an application the executable's name where
/// `processes` knows it, else what its unit tells, else null.
[[nodiscard]] Result<std::unique_ptr<SystemAttributor>>
create_system_attributor(const std::optional<std::filesystem::path>& netns, std::unique_ptr<ProcessFinder> processes);

}    // namespace dl::agent::identity
