// All that the agent asks of the system it runs on, and nothing else: a port to another platform implements this header
// (docs/porting.md). On Linux it is routed to the rooms capture, identity, owners and privilege by linux/platform.cpp.
#pragma once

#include "agent/capture/live_interface.hpp"
#include "agent/identity/attributor.hpp"
#include "agent/identity/system_accounts.hpp"

#include "shared/base/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace dl::agent::platform {

/// Packets of an interface. Whatever privilege it needs, it needs now: none later.
[[nodiscard]] Result<std::unique_ptr<capture::PacketSource>> open_live_capture(const capture::LiveOptions& options);
/// Whether this process may, as far as can be told without trying.
[[nodiscard]] bool may_capture();

struct AttributionOptions {
    std::string interface;                  ///< empty or "any": all
    std::string network_namespace;          ///< name or path; empty: this one
    std::filesystem::path process_watch;    ///< its socket; empty: programs as far as this process may look itself
};
/// Whose connections are. Opens what needs privilege now; start() is called when it was given up.
[[nodiscard]] Result<std::unique_ptr<identity::Attributor>> open_attribution(const AttributionOptions& options);

/// For `doctor`: can users and programs be told here, and if not, what to do?
struct Ability {
    enum class Standing { good, doubtful, missing };
    std::string of;    ///< "users", "programs"
    Standing standing = Standing::good;
    std::string what;
    std::string next;    ///< empty where it is good
};
[[nodiscard]] std::vector<Ability> attribution_abilities(const std::filesystem::path& process_watch);

/// The accounts that are no people, by name and in digits.
[[nodiscard]] identity::SystemAccounts system_accounts();

/// For good, before the first byte of a stranger is parsed and before any thread is started: another user's rights,
/// where the data directory is somebody else's, and every privilege and system call that is not needed any more.
[[nodiscard]] Result<void> give_up_privilege(const std::filesystem::path& data_directory);
/// Which system calls were refused since, and how often.
[[nodiscard]] std::map<std::string, std::uint64_t> denied_calls();

/// Differs after each start of the system; empty where it is not told.
[[nodiscard]] std::string boot_id();

/// Differs from host to host, also between copies of one disk image (which systemd gives a machine-id of their own when
/// they first start, if the image was prepared for copying); tells nothing of the machine-id. Empty where it is not
/// told.
[[nodiscard]] std::string host_mark();

/// Gives memory that only the start or a report needed back to the system: pages of code and constants, which come
/// again when they are used, and the free pages of the heap. Takes less than a millisecond; any thread.
void give_back_resident_memory();

}    // namespace dl::agent::platform
