// check-config: reads settings, catalogue, policy and directory as serve would, and prints what is in force and from
// where.
#include "collector/commands/commands.hpp"
#include "collector/commands/workspace.hpp"
#include "shared/rows/cell_text.hpp"
#include "shared/rows/row_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>

namespace dl::collector::commands {
namespace {

int check_config(const CheckOptions& options)
{
    const auto loaded = load_described_settings(options.config_file);
    if (!loaded) return fail("check-config", loaded.error());
    const auto workspace = open_configuration(options.config_file);
    if (!workspace) return fail("check-config", workspace.error());

    const auto writer = rows::create_row_writer(*rows::parse_format(options.format),
                                                {{"key"}, {"value"}, {"unit"}, {"source"}, {"applies"}}, std::cout);
    for (const config::EffectiveSetting& setting : loaded->effective) {
        const nlohmann::json value = setting.value.is_array() ? nlohmann::json(setting.value.dump()) : setting.value;
        writer->write(
            {setting.key, value, setting.unit, setting.source, std::string(config::to_string(setting.applies))});
    }
    if (auto done = writer->finish(); !done) return fail("check-config", done.error());
    auto warnings = warnings_on(workspace->settings);
    std::ranges::move(workspace->policy->overdue(), std::back_inserter(warnings));
    for (const std::string& warning : warnings)
        std::fputs(fmt::format("warn: {}\n", rows::display_text(warning)).c_str(), stderr);
    std::fputs(fmt::format("{} services, {} units; catalogue {}, policy {}, directory {}: {}\n",
                           workspace->catalog->services().size(), workspace->directory->units().size(),
                           workspace->catalog->version(), workspace->policy->version(), workspace->directory->version(),
                           warnings.empty() ? "all is well" : "good, but for the warnings")
                   .c_str(),
               stderr);
    return 0;
}

}    // namespace

void add_check_config(CommandLine& line)
{
    add_check_verb(line, "check-config", "Check settings, catalogue, policy and directory", check_config);
}

}    // namespace dl::collector::commands
