// init: makes the data directory of a new collector and its first two accounts.
#include "collector/access/audit.hpp"
#include "collector/commands/commands.hpp"
#include "collector/commands/data_directory.hpp"
#include "collector/commands/server_certificate.hpp"
#include "collector/commands/workspace.hpp"
#include "collector/pki/certificate_authority.hpp"

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

int init(const std::string& config_file)
{
    const auto settings = load_settings(config_file);
    if (!settings) return fail("init", settings.error());
    const DataDirectory data{settings->data_directory};
    const Timestamp now = SystemClock{}.now();
    if (auto created = data.create(now); !created) return fail("init", created.error());

    const auto authority = pki::CertificateAuthority::open(data.pki());
    if (!authority) return fail("init", authority.error());
    const auto identity = current_server_identity(data, *authority, settings->agents_names, now);
    if (!identity) return fail("init", identity.error());

    auto state = store::open_sqlite_state_store(data.state_store(), store::Open::read_write);
    if (!state) return fail("init", state.error());
    const auto administrator = make_account(**state, "administrator", access::Role::administrator, now);
    if (!administrator) return fail("init", administrator.error());
    const auto security = make_account(**state, "security", access::Role::security, now);
    if (!security) return fail("init", security.error());

    fmt::print("data-directory: {}\n", data.root.string());
    fmt::print("ca-pin: {}\n", authority->pin());
    fmt::print("administrator-token: {}\n", *administrator);
    fmt::print("security-token: {}\n", *security);
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
