// The part of workspace.hpp that verbs need which administrate: options, failures, the state store. Nothing of the
// catalogue.
#include "collector/commands/data_directory.hpp"
#include "collector/commands/workspace.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace dl::collector::commands {
namespace {

constexpr const char* default_config_file = "/etc/daylight/collector.json";

}    // namespace

void add_config_option(CLI::App& verb, std::string& config_file)
{
    config_file = default_config_file;
    verb.add_option("--config", config_file, "Settings of the collector")->capture_default_str()->type_name("FILE");
}

void add_token_option(CLI::App& verb, std::string& token_file)
{
    verb.add_option("--token-file", token_file,
                    "File with an account's token (or the variable DAYLIGHT_TOKEN); without one: the released view")
        ->type_name("FILE");
}

int fail(std::string_view verb, const Failure& failure)
{
    std::fputs(fmt::format("daylight-collector {}: {}\n", verb, failure.message).c_str(), stderr);
    return 1;
}

Result<Workspace> open_state(const std::string& config_file)
{
    auto settings = load_settings(config_file);
    if (!settings) return settings.error();
    Workspace workspace;
    workspace.settings = std::move(*settings);
    const DataDirectory data{workspace.settings.data_directory};
    if (auto exists = data.check_exists(); !exists) return exists.error();
    const auto keys = data.read_keys();
    if (!keys) return keys.error();
    workspace.keys = *keys;
    auto state = store::open_sqlite_state_store(data.state_store(), store::Open::read_write);
    if (!state) return state.error();
    workspace.state = std::move(*state);
    return workspace;
}

}    // namespace dl::collector::commands
