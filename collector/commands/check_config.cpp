// check-config: reads settings, catalogue, policy and directory as serve would, and prints what is in force and from
// where.
#include "collector/commands/commands.hpp"
#include "collector/commands/workspace.hpp"
#include "shared/rows/row_writer.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <iostream>

namespace dl::collector::commands {
namespace {

int check_config(const std::string& config_file, const std::string& format_name)
{
    const auto format = rows::parse_format(format_name);
    if (!format)
        return fail("check-config", invalid_input("--format is table, jsonl, tsv or csv, not '" + format_name + "'"));
    const auto loaded = load_described_settings(config_file);
    if (!loaded) return fail("check-config", loaded.error());
    const auto workspace = open_configuration(config_file);
    if (!workspace) return fail("check-config", workspace.error());

    const auto writer =
        rows::create_row_writer(*format, {{"key"}, {"value"}, {"unit"}, {"source"}, {"applies"}}, std::cout);
    for (const config::EffectiveSetting& setting : loaded->effective) {
        const nlohmann::json value = setting.value.is_array() ? nlohmann::json(setting.value.dump()) : setting.value;
        writer->write(
            {setting.key, value, setting.unit, setting.source, std::string(config::to_string(setting.applies))});
    }
    if (auto done = writer->finish(); !done) return fail("check-config", done.error());
    std::fputs(fmt::format("{} services, {} units; catalogue {}, policy {}, directory {}: all is well\n",
                           workspace->catalog->services().size(), workspace->directory->units().size(),
                           workspace->catalog->version(), workspace->policy->version(), workspace->directory->version())
                   .c_str(),
               stderr);
    return 0;
}

}    // namespace

void add_check_config(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("check-config", "Check settings, catalogue, policy and directory");
    struct Arguments {
        std::string config_file;
        std::string format = "table";
    };
    auto arguments = std::make_shared<Arguments>();
    add_config_option(*verb, arguments->config_file);
    verb->add_option("--format", arguments->format, "table, jsonl, tsv or csv")->capture_default_str();
    verb->callback([&line, arguments] {
        line.chosen = [arguments] { return check_config(arguments->config_file, arguments->format); };
    });
}

}    // namespace dl::collector::commands
