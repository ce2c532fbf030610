// backup, restore: the whole data directory into one file and back.
#include "collector/store/sqlite/backup.hpp"
#include "collector/commands/commands.hpp"
#include "collector/commands/workspace.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace dl::collector::commands {
namespace {

struct Options {
    std::string config;
    std::string file;
};

int back_up(const Options& options)
{
    const auto settings = load_settings(options.config);
    if (!settings) return fail("backup", settings.error());
    if (auto written = store::back_up(settings->data_directory, options.file); !written)
        return fail("backup", written.error());
    std::fputs(fmt::format("{} holds the stores and the keys of {}; keep it as safe as they are\n", options.file,
                           settings->data_directory.string())
                   .c_str(),
               stderr);
    return 0;
}

int restore(const Options& options)
{
    const auto settings = load_settings(options.config);
    if (!settings) return fail("restore", settings.error());
    if (auto restored = store::restore(options.file, settings->data_directory); !restored)
        return fail("restore", restored.error());
    std::fputs(
        fmt::format("{} is ready; agents will send again what the backup lacks\n", settings->data_directory.string())
            .c_str(),
        stderr);
    return 0;
}

void add(CommandLine& line, const char* name, const char* what, const char* file, int (*run)(const Options&))
{
    CLI::App* verb = line.app.add_subcommand(name, what);
    const auto options = std::make_shared<Options>();
    add_config_option(*verb, options->config);
    verb->add_option("FILE", options->file, file)->required();
    verb->callback([&line, options, run] { line.chosen = [options, run] { return run(*options); }; });
}

}    // namespace

void add_backup(CommandLine& line)
{
    add(line, "backup", "Write the whole data directory into one file, while the collector works",
        "The file to write; it must not exist", back_up);
}

void add_restore(CommandLine& line)
{
    add(line, "restore", "Make a data directory from a backup; nothing is overwritten", "The file that backup wrote",
        restore);
}

}    // namespace dl::collector::commands
