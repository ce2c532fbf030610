// init: makes the data directory of a new collector and its first two accounts.
#include "collector/access/audit.hpp"
#include "collector/commands/commands.hpp"
#include "collector/commands/data_directory.hpp"
#include "collector/commands/server_certificate.hpp"
#include "collector/commands/workspace.hpp"
#include "collector/pki/certificate_authority.hpp"
#include "shared/command_line/command_line.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace dl::collector::commands {
namespace {

Result<std::string> make_account(store::StateStore& state, const char* id, access::Role role, Timestamp now)
{
    access::Accounts accounts{state};
    auto token = accounts.create({id, role, {}, false});
    if (!token) return token;
    access::AuditChain audit{state};
    if (auto recorded = audit.append(now, access::console_user(), "user.add", id, access::to_string(role)); !recorded)
        return recorded.error();
    return token;
}

/// Certificates and the first accounts, in a data directory that was just made; tells what is told only once.
Result<void> fill(const DataDirectory& data, const Settings& settings, Timestamp now)
{
    const auto authority = pki::CertificateAuthority::open(data.pki());
    if (!authority) return authority.error();
    const auto identity = current_server_identity(data, *authority, settings.agents_names, now);
    if (!identity) return identity.error();

    auto state = store::open_sqlite_state_store(data.state_store(), store::Open::read_write);
    if (!state) return state.error();
    const auto administrator = make_account(**state, "administrator", access::Role::administrator, now);
    if (!administrator) return administrator.error();
    const auto security = make_account(**state, "security", access::Role::security, now);
    if (!security) return security.error();
    return command_line::show_once(
        fmt::format("data-directory: {}\nca-pin: {}\nadministrator-token: {}\nsecurity-token: {}\n", data.root.string(),
                    authority->pin(), *administrator, *security));
}

int init(const std::string& config_file)
{
    const auto settings = load_settings(config_file);
    if (!settings) return fail("init", settings.error());
    const DataDirectory data{settings->data_directory};
    const Timestamp now = SystemClock{}.now();
    if (auto created = data.create(now); !created) return fail("init", created.error());
    if (const auto filled = fill(data, *settings, now); !filled) {
        // What init can't finish or can't tell is of no use, and would be in the way of the next init.
        if (const auto discarded = data.discard(); !discarded) return fail("init", discarded.error());
        return fail("init", {filled.error().kind, fmt::format("{}; nothing was made; mend that and run init again",
                                                              filled.error().message)});
    }
    std::fputs(
        "The tokens are shown this once: keep them. Next: `daylight-collector serve`, then `daylight-collector token "
        "create` for the first agent.\n",
        stderr);
    return 0;
}

}    // namespace

void add_init(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("init", "Make keys, certificate authority, stores and the first accounts");
    auto config_file = std::make_shared<std::string>();
    add_config_option(*verb, *config_file);
    verb->callback([&line, config_file] { line.chosen = [config_file] { return init(*config_file); }; });
}

}    // namespace dl::collector::commands
