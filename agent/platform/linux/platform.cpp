#include "agent/platform/platform.hpp"

#include "agent/capture/first_packets.hpp"
#include "agent/identity/early_attributor.hpp"
#include "agent/identity/process_search.hpp"
#include "agent/identity/sock_diag.hpp"
#include "agent/identity/system_attributor.hpp"
#include "agent/owners/remote_processes.hpp"
#include "agent/privilege/privilege.hpp"
#include "shared/base/digest.hpp"
#include "shared/base/id.hpp"

#include <cap-ng.h>

#include <array>
#include <fstream>
#include <optional>
#include <utility>

namespace dl::agent::platform {
namespace {

using Standing = Ability::Standing;

/// Built with clang and libbpf: else the process watch knows no kernel records.
constexpr bool has_kernel_records = DAYLIGHT_HAS_KERNEL_RECORDS != 0;

Ability programs(const std::filesystem::path& process_watch)
{
    const auto watched = owners::probe(process_watch);
    const std::string place = process_watch.string();
    if (watched && *watched == owners::Records::refused)
        return {"programs", Standing::doubtful,
                "the process watch answers, but has no kernel records: connections of a millisecond may stay unknown",
                has_kernel_records ? "journalctl -u daylight-process-watch says why"
                                   : "this build has none of them: build it with clang and libbpf, or leave out "
                                     "--kernel-records"};
    if (watched)
        return {"programs", Standing::good,
                "the process watch answers on " + place +
                    (*watched == owners::Records::on ? ", with kernel records"
                     : has_kernel_records            ? ", without kernel records"
                                                     : ", without kernel records: this build has none of them"),
                ""};
    // As which user the agent asks is told by the running system only: a refusal of this user says little.
    if (watched.error().kind == Failure::Kind::denied)
        return {"programs", Standing::good, "the process watch runs on " + place + " and answers the agent only", ""};
    return {"programs", Standing::doubtful, "no process watch: programs are unknown (" + watched.error().message + ")",
            "systemctl enable --now daylight-process-watch, or do with users and units"};
}

}    // namespace

Result<std::unique_ptr<capture::PacketSource>> open_live_capture(const capture::LiveOptions& options)
{
    return capture::open_live_interface(options);
}

bool may_capture() { return capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW) == 1; }

Result<std::unique_ptr<identity::Attributor>> open_attribution(const AttributionOptions& options)
{
    std::optional<std::filesystem::path> netns;
    if (!options.network_namespace.empty()) {
        const bool is_path = options.network_namespace.find('/') != std::string::npos;
        netns = is_path ? options.network_namespace : "/run/netns/" + options.network_namespace;
    }
    std::unique_ptr<identity::ProcessFinder> processes;
    if (options.process_watch.empty())
        processes = std::make_unique<identity::ProcessSearch>();
    else
        processes = std::make_unique<owners::RemoteProcesses>(options.process_watch);
    auto system = identity::create_system_attributor(netns, std::move(processes));
    if (!system) return system.error();
    auto first = capture::FirstPackets::open(options.interface, netns);
    if (!first) return first.error();
    return std::unique_ptr<identity::Attributor>(
        identity::create_early_attributor(std::move(*system), std::move(*first)));
}

std::vector<Ability> attribution_abilities(const std::filesystem::path& process_watch)
{
    const auto sockets = identity::SockDiag::open(std::nullopt);
    if (!sockets) return {{"users", Standing::missing, sockets.error().message, "load the kernel's modules"}};
    return {{"users", Standing::good, "the kernel tells whose a connection is, and its unit", ""},
            programs(process_watch)};
}

identity::SystemAccounts system_accounts() { return identity::system_accounts(); }

Result<void> give_up_privilege(const std::filesystem::path& data_directory)
{
    auto done = privilege::become_owner_of(data_directory);
    if (done) done = privilege::drop_capabilities();
    if (done) done = privilege::confine_system_calls();
    return done;
}

std::map<std::string, std::uint64_t> denied_calls() { return privilege::denied_calls(); }

std::string boot_id()
{
    std::string boot;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
    return boot;
}

std::string host_mark()
{
    // machine-id(5): never to be told; derive from it under a key of the application.
    std::string id;
    std::ifstream("/etc/machine-id") >> id;
    std::array<std::uint8_t, 16> octets{};
    if (!from_hex(id, octets)) return {};
    return to_hex(hmac_sha256(octets, std::string_view("daylight-agent host"))).substr(0, 32);
}

}    // namespace dl::agent::platform
