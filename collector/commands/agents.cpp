// agents list|revoke: who reports, and who no longer may.
#include "collector/access/audit.hpp"
#include "collector/commands/commands.hpp"
#include "collector/commands/data_directory.hpp"
#include "collector/commands/workspace.hpp"
#include "collector/pki/agent_registry.hpp"
#include "collector/pki/published_settings.hpp"
#include "shared/command_line/option_checks.hpp"
#include "shared/rows/row_writer.hpp"

#include <fmt/format.h>

#include <iostream>
#include <map>

namespace dl::collector::commands {
namespace {

struct Arguments {
    std::string config_file;
    std::string id;
    std::string serial;
    std::string format = "table";
};

/// What is to be said of an agent's signed settings; null where all is well.
nlohmann::json remark_of(const pki::Standing& standing)
{
    if (standing.key.empty()) return "no settings key; its own file alone says what it collects";
    if (!standing.why.empty()) return "refused " + standing.why;
    return nullptr;
}

int list(const Arguments& arguments)
{
    auto workspace = open_state(arguments.config_file);
    if (!workspace) return fail("agents list", workspace.error());
    const DataDirectory data{workspace->settings.data_directory};
    const auto usage = store::open_sqlite_usage_store(data.usage_store(), store::Open::read_only);
    if (!usage) return fail("agents list", usage.error());
    const auto observers = (*usage)->observers();
    if (!observers) return fail("agents list", observers.error());
    std::map<AgentId, const store::ObserverState*> seen;
    for (const store::ObserverState& observer : *observers)
        seen[observer.agent] = &observer;

    pki::AgentRegistry registry{*workspace->state};
    const auto agents = registry.list();
    if (!agents) return fail("agents list", agents.error());
    using Align = rows::Column::Align;
    const auto writer = rows::create_row_writer(*rows::parse_format(arguments.format),
                                                {{"id"},
                                                 {"device"},
                                                 {"kind"},
                                                 {"group"},
                                                 {"version"},
                                                 {"enrolled"},
                                                 {"certificate_until"},
                                                 {"last_report"},
                                                 {"clock_offset_s", Align::right},
                                                 {"settings_serial", Align::right},
                                                 {"settings_refused", Align::right},
                                                 {"state"},
                                                 {"remark"}},
                                                std::cout);
    const auto standings = pki::standings(*workspace->state);
    if (!standings) return fail("agents list", standings.error());
    const Timestamp now = SystemClock{}.now();
    for (const pki::Agent& agent : *agents) {
        const auto observer = seen.find(agent.id);
        const bool reported = observer != seen.end();
        const char* state = agent.revoked            ? "revoked"
                            : agent.locked           ? "locked"
                            : now >= agent.not_after ? "certificate expired"
                            : reported               ? "reporting"
                                                     : "enrolled";
        nlohmann::json remark;
        if (agent.cloned_from) remark = "clone of " + agent.cloned_from->hex();
        if (reported) {
            const std::chrono::microseconds offset(observer->second->clock_offset_us);
            if (store::is_clock_off(offset)) remark = "clock " + store::clock_words(offset) + "; set it";
        }
        const auto standing = standings->find(agent.id);
        const bool governed = standing != standings->end() && !standing->second.key.empty();
        if (standing != standings->end() && (remark.is_null() || !standing->second.why.empty()))
            remark = remark_of(standing->second);
        if (agent.locked)
            remark = fmt::format("locked at {}: its key was copied; find out where, and enrol it anew",
                                 to_rfc3339(*agent.locked));
        writer->write({agent.id.hex(), agent.device_name, std::string(wire::to_string(agent.kind)), agent.group,
                       reported ? observer->second->version : agent.version, to_rfc3339(agent.enrolled),
                       to_rfc3339(agent.not_after),
                       reported ? nlohmann::json(to_rfc3339(observer->second->last_report)) : nlohmann::json(),
                       reported ? nlohmann::json(observer->second->clock_offset_us / 1'000'000) : nlohmann::json(),
                       governed ? nlohmann::json(standing->second.serial) : nlohmann::json(),
                       governed ? nlohmann::json(standing->second.refused) : nlohmann::json(), state, remark});
    }
    if (auto done = writer->finish(); !done) return fail("agents list", done.error());
    return 0;
}

int revoke(const Arguments& arguments)
{
    auto workspace = open_state(arguments.config_file);
    if (!workspace) return fail("agents revoke", workspace.error());
    pki::AgentRegistry registry{*workspace->state};
    const Timestamp now = SystemClock{}.now();
    std::string detail;
    std::string subject = arguments.id;
    if (!arguments.serial.empty()) {
        const auto holder = registry.revoke_serial(arguments.serial);
        if (!holder) return fail("agents revoke", holder.error());
        subject = holder->hex();
        detail = "certificate " + arguments.serial;
    } else {
        const auto id = AgentId::parse(arguments.id);
        if (!id) return fail("agents revoke", id.error());
        if (auto revoked = registry.revoke(*id, now); !revoked) return fail("agents revoke", revoked.error());
    }
    access::AuditChain audit{*workspace->state};
    const auto recorded = audit.append(now, access::console_user(), "agent.revoke", subject, detail);
    return recorded ? 0 : fail("agents revoke", recorded.error());
}

}    // namespace

void add_agents(CommandLine& line)
{
    CLI::App* agents = line.app.add_subcommand("agents", "The agents that were let in");
    agents->require_subcommand(1);
    auto arguments = std::make_shared<Arguments>();

    CLI::App* verb = agents->add_subcommand("list", "Every agent: device, version, last report, certificate, state");
    add_config_option(*verb, arguments->config_file);
    command_line::add_format_option(*verb, arguments->format);
    verb->callback([&line, arguments] { line.chosen = [arguments] { return list(*arguments); }; });

    verb = agents->add_subcommand("revoke", "Refuse an agent, or one of its certificates, from the next request on");
    add_config_option(*verb, arguments->config_file);
    verb->add_option("ID", arguments->id, "As `agents list` shows it")->check(command_line::read_by(AgentId::parse));
    verb->add_option("--serial", arguments->serial, "Only this certificate");
    verb->callback([&line, arguments] {
        if (arguments->id.empty() == arguments->serial.empty())
            command_line::wrong_usage("ID or --serial", "name one agent by its id, or one certificate with --serial");
        line.chosen = [arguments] { return revoke(*arguments); };
    });
}

}    // namespace dl::collector::commands
