#include "collector/commands/commands.hpp"
#include "collector/settings.hpp"
#include "collector/store/sqlite/open.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace dl::collector::commands {
namespace {

Result<void> run(const std::string& config)
{
    const auto settings = load_settings(config);
    if (!settings) return settings.error();
    const auto state =
        store::open_sqlite_state_store(settings->data_directory / "state.sqlite", store::Open::read_only);
    if (!state) return state.error();
    const auto usage =
        store::open_sqlite_usage_store(settings->data_directory / "usage.sqlite", store::Open::read_only);
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
    const auto config = std::make_shared<std::string>("/etc/daylight/collector.json");
    verb->add_option("--config", *config, "Settings of the collector")->capture_default_str()->type_name("FILE");
    verb->callback([&line, config] {
        line.chosen = [config] {
            const Result<void> verified = run(*config);
            if (verified) return 0;
            std::fprintf(stderr, "daylight-collector verify: %s\n", verified.error().message.c_str());
            return 1;
        };
    });
}

}    // namespace dl::collector::commands
