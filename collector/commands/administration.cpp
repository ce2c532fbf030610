// The part of workspace.hpp that verbs need which administrate: options, failures, the state store. Nothing of the
// catalogue.
#include "collector/commands/data_directory.hpp"
#include "collector/commands/workspace.hpp"
#include "shared/base/id.hpp"
#include "shared/command_line/option_checks.hpp"
#include "shared/rows/cell_text.hpp"

#include <fmt/format.h>

#include <array>
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

void add_digest_option(CLI::App& verb, std::string& digest)
{
    verb.add_option("--digest", digest, "The digest that `backup` printed, where you kept it")
        ->type_name("sha256:HEX")
        ->check([](const std::string& text) {
            std::array<std::uint8_t, 32> octets{};
            const bool good = text.starts_with("sha256:") && from_hex(std::string_view(text).substr(7), octets) &&
                              text == "sha256:" + to_hex(octets);
            return good ? std::string()
                        : "'" + text + "' is no digest; give sha256: and 64 hex digits, as `backup` printed it";
        });
}

int fail(std::string_view verb, const Failure& failure)
{
    std::fputs(fmt::format("daylight-collector {}: {}\n", verb, rows::display_text(failure.message)).c_str(), stderr);
    return 1;
}

void add_check_verb(CommandLine& line, const char* name, const char* what, int (*run)(const CheckOptions& options))
{
    CLI::App* verb = line.app.add_subcommand(name, what);
    const auto options = std::make_shared<CheckOptions>();
    add_config_option(*verb, options->config_file);
    command_line::add_format_option(*verb, options->format);
    verb->callback([&line, options, run] { line.chosen = [options, run] { return run(*options); }; });
}

Failure undone(const Failure& why, std::string_view what, const Result<void>& withdrawn, const Result<void>& recorded)
{
    for (const Result<void>* step : {&withdrawn, &recorded})
        if (!*step)
            return io_failure(fmt::format("{}; {} was not shown and could not be taken back: {}", why.message, what,
                                          step->error().message));
    return io_failure(
        fmt::format("{}; {} was taken back, nothing was made; mend the output and try again", why.message, what));
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
