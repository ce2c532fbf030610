// verify: the stores and their roll-ups against the facts.
#include "collector/commands/commands.hpp"
#include "collector/commands/data_directory.hpp"
#include "collector/commands/workspace.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace dl::collector::commands {
namespace {

Result<void> run(const std::string& config)
{
    const auto settings = load_settings(config);
    if (!settings) return settings.error();
    const DataDirectory data{settings->data_directory};
    if (auto exists = data.check_exists(); !exists) return exists;
    const auto state = store::open_sqlite_state_store(data.state_store(), store::Open::read_only);
    if (!state) return state.error();
    const auto usage = store::open_sqlite_usage_store(data.usage_store(), store::Open::read_only);
    if (!usage) return usage.error();
    const auto totals = (*usage)->totals(Day::min(), Day::max());
    if (!totals) return totals.error();
    if (const auto verified = (*usage)->verify(); !verified) return verified.error();
    fmt::print("cells {}\nconnections {}\nbytes_up {}\nbytes_down {}\nok\n", totals->cells, totals->connections,
               totals->bytes_up, totals->bytes_down);
    return {};
}

}    // namespace

void add_verify(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand(
        "verify", "Check the stores and their roll-ups against the facts, and print the totals");
    const auto config = std::make_shared<std::string>();
    add_config_option(*verb, *config);
    verb->callback([&line, config] {
        line.chosen = [config] {
            const Result<void> verified = run(*config);
            return verified ? 0 : fail("verify", verified.error());
        };
    });
}

}    // namespace dl::collector::commands
