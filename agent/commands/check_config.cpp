// daylight-agent check-config: reads the configuration and every file it names, changes nothing, and prints what is in
// force.
#include "agent/commands/commands.hpp"
#include "agent/commands/verb.hpp"
#include "agent/identity/recorded_attributor.hpp"
#include "agent/service/health.hpp"
#include "agent/service/personal_list.hpp"
#include "agent/uplink/route.hpp"
#include "shared/command_line/option_checks.hpp"
#include "shared/rows/row_writer.hpp"

#include <fmt/format.h>

#include <iostream>
#include <memory>

namespace dl::agent::commands {
namespace {

struct Options {
    std::string config;
    std::string format = "table";
};

Result<void> check_named_files(const Settings& settings)
{
    if (const auto personal = service::personal_hosts_from(settings.personal_list); !personal) return personal.error();
    if (!settings.capture_identities.empty())
        if (const auto table = identity::create_recorded_attributor(settings.capture_identities); !table)
            return table.error();
    if (!settings.collector.empty())
        if (const auto route = uplink::route_to(settings.collector, settings.proxy, uplink::process_environment());
            !route)
            return route.error();
    std::error_code error;
    if (!settings.capture_file.empty() && !std::filesystem::is_regular_file(settings.capture_file, error))
        return not_found(fmt::format("{}: capture_file is not there; check its path", settings.capture_file.string()));
    return {};
}

/// What may still come, such as the interface of a tunnel: no fault of the file.
void warn_of_absent_places(const Settings& settings)
{
    if (!settings.capture_file.empty()) return;
    const auto absent = service::absent_place(settings);
    if (absent) fmt::print(stderr, "warn: {}; {}\n", absent->what, absent->next);
}

int check_config(const Options& options)
{
    const auto loaded = load_described_settings(options.config);
    if (!loaded) return fail("check-config", loaded.error());
    const auto writer = rows::create_row_writer(*rows::parse_format(options.format),
                                                {{"key"}, {"value"}, {"unit"}, {"source"}, {"applies"}}, std::cout);
    for (const config::EffectiveSetting& setting : loaded->effective)
        writer->write({setting.key, setting.value, setting.unit, setting.source,
                       std::string(config::to_string(setting.applies))});
    if (const auto written = writer->finish(); !written) return fail("check-config", written.error());
    const auto files = check_named_files(loaded->settings);
    if (!files) return fail("check-config", files.error());
    warn_of_absent_places(loaded->settings);
    fmt::print(stderr, "{}: good\n", options.config);
    return 0;
}

}    // namespace

void add_check_config(CommandLine& line)
{
    auto options = std::make_shared<Options>();
    CLI::App* verb = line.app.add_subcommand("check-config",
                                             "Check the configuration and the files it names; print what is in force");
    add_config_option(*verb, options->config);
    command_line::add_format_option(*verb, options->format);
    verb->callback([&line, options] { line.chosen = [options] { return check_config(*options); }; });
}

}    // namespace dl::agent::commands
