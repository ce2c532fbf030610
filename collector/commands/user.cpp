// user add|list|disable|enable: who may read what.
#include "collector/access/accounts.hpp"
#include "collector/access/audit.hpp"
#include "collector/commands/commands.hpp"
#include "collector/commands/workspace.hpp"
#include "shared/command_line/option_checks.hpp"
#include "shared/rows/row_writer.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <tuple>

namespace dl::collector::commands {
namespace {

struct Arguments {
    std::string config_file;
    std::string name;
    std::string role;
    std::vector<std::string> units;
    std::string format = "table";
};

int add(const Arguments& arguments)
{
    const auto role = access::parse_role(arguments.role);
    auto workspace = open_state(arguments.config_file);
    if (!workspace) return fail("user add", workspace.error());
    if (auto known = check_units(workspace->settings, arguments.units); !known) return fail("user add", known.error());
    access::Accounts accounts{*workspace->state};
    const auto token = accounts.create({arguments.name, *role, arguments.units, false});
    if (!token) return fail("user add", token.error());
    access::AuditChain audit{*workspace->state};
    const auto recorded = audit.append(SystemClock{}.now(), access::console_user(), "user.add", arguments.name,
                                       fmt::format("{} {}", arguments.role, fmt::join(arguments.units, ",")));
    if (!recorded) return fail("user add", recorded.error());
    if (const auto shown = command_line::show_once(*token + "\n"); !shown) {
        const auto withdrawn = accounts.withdraw(arguments.name);
        return fail("user add",
                    undone(shown.error(), "the account", withdrawn,
                           audit.append(SystemClock{}.now(), access::console_user(), "user.withdraw", arguments.name)));
    }
    std::fputs("The token is shown this once: hand it over in person.\n", stderr);
    return 0;
}

int list(const Arguments& arguments)
{
    auto workspace = open_state(arguments.config_file);
    if (!workspace) return fail("user list", workspace.error());
    access::Accounts accounts{*workspace->state};
    const auto all = accounts.list();
    if (!all) return fail("user list", all.error());
    const auto writer = rows::create_row_writer(*rows::parse_format(arguments.format),
                                                {{"name"}, {"role"}, {"units"}, {"state"}}, std::cout);
    for (const access::Account& account : *all)
        writer->write({account.id, std::string(access::to_string(account.role)),
                       fmt::format("{}", fmt::join(account.units, ",")), account.disabled ? "disabled" : "active"});
    if (auto done = writer->finish(); !done) return fail("user list", done.error());
    return 0;
}

/// Disables or enables, by `change`; `what` is the verb as it stands in the audit chain.
int change(const Arguments& arguments, const char* verb, const char* what,
           Result<void> (access::Accounts::*change)(std::string_view))
{
    auto workspace = open_state(arguments.config_file);
    if (!workspace) return fail(verb, workspace.error());
    access::Accounts accounts{*workspace->state};
    if (auto changed = (accounts.*change)(arguments.name); !changed) return fail(verb, changed.error());
    access::AuditChain audit{*workspace->state};
    const auto recorded = audit.append(SystemClock{}.now(), access::console_user(), what, arguments.name);
    return recorded ? 0 : fail(verb, recorded.error());
}

int disable(const Arguments& arguments)
{
    return change(arguments, "user disable", "user.disable", &access::Accounts::disable);
}

int enable(const Arguments& arguments)
{
    return change(arguments, "user enable", "user.enable", &access::Accounts::enable);
}

}    // namespace

void add_user(CommandLine& line)
{
    CLI::App* user = line.app.add_subcommand("user", "Accounts: a name, a role, units, a token");
    user->require_subcommand(1);
    auto arguments = std::make_shared<Arguments>();

    CLI::App* verb = user->add_subcommand("add", "Make an account and print its token");
    add_config_option(*verb, arguments->config_file);
    verb->add_option("NAME", arguments->name, "For instance an employee number: 1 to 64 letters, digits and . _ @ -")
        ->required()
        ->check(command_line::read_by(access::check_account_name));
    verb->add_option("--role", arguments->role, command_line::alternatives(access::role_names()))
        ->required()
        ->check(command_line::one_of(access::role_names()));
    verb->add_option("--units", arguments->units,
                     "The units it may read, by id; all that the role allows when absent (a unit-leader needs them)")
        ->delimiter(',');
    verb->callback([&line, arguments] {
        if (access::parse_role(arguments->role) == access::Role::unit_leader && arguments->units.empty())
            command_line::wrong_usage("--units", "a unit-leader reads the units it leads; name them, by id");
        line.chosen = [arguments] { return add(*arguments); };
    });

    verb = user->add_subcommand("list", "Every account, without its token");
    add_config_option(*verb, arguments->config_file);
    command_line::add_format_option(*verb, arguments->format);
    verb->callback([&line, arguments] { line.chosen = [arguments] { return list(*arguments); }; });

    const std::tuple<const char*, const char*, int (*)(const Arguments&)> changes[] = {
        {"disable", "Refuse an account's token from now on", disable},
        {"enable", "Let a disabled account in again, with the token it had", enable},
    };
    for (const auto& [name, what, run] : changes) {
        verb = user->add_subcommand(name, what);
        add_config_option(*verb, arguments->config_file);
        verb->add_option("NAME", arguments->name, "As `user list` shows it")->required();
        verb->callback([&line, arguments, run = run] { line.chosen = [arguments, run] { return run(*arguments); }; });
    }
}

}    // namespace dl::collector::commands
