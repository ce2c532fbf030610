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
    std::string digest;
};

int back_up(const Options& options)
{
    const auto settings = load_settings(options.config);
    if (!settings) return fail("backup", settings.error());
    const auto digest = store::back_up(settings->data_directory, options.file);
    if (!digest) return fail("backup", digest.error());
    fmt::print("{}\n", *digest);
    std::fputs(fmt::format("{} holds the stores and the keys of {}; keep it as safe as they are, and its digest "
                           "elsewhere\n",
                           options.file, settings->data_directory.string())
                   .c_str(),
               stderr);
    return 0;
}

int restore(const Options& options)
{
    const auto settings = load_settings(options.config);
    if (!settings) return fail("restore", settings.error());
    const auto digest = store::restore(options.file, settings->data_directory, options.digest);
    if (!digest) return fail("restore", digest.error());
    if (digest->empty())
        std::fputs("the backup is of version 0.1.0 and carries no digest: its structure was checked, its content was "
                   "not\n",
                   stderr);
    std::fputs(
        fmt::format("{} is ready; agents will send again what the backup lacks\n", settings->data_directory.string())
            .c_str(),
        stderr);
    return 0;
}

CLI::App& add(CommandLine& line, const char* name, const char* what, const char* file,
              const std::shared_ptr<Options>& options, int (*run)(const Options&))
{
    CLI::App* verb = line.app.add_subcommand(name, what);
    add_config_option(*verb, options->config);
    verb->add_option("FILE", options->file, file)->required();
    verb->callback([&line, options, run] { line.chosen = [options, run] { return run(*options); }; });
    return *verb;
}

}    // namespace

void add_backup(CommandLine& line)
{
    add(line, "backup", "Write the whole data directory into one file, while the collector works; print its digest",
        "The file to write; it must not exist", std::make_shared<Options>(), back_up);
}

void add_restore(CommandLine& line)
{
    const auto options = std::make_shared<Options>();
    CLI::App& verb = add(line, "restore", "Make a data directory from a backup; nothing is overwritten",
                         "The file that backup wrote", options, restore);
    add_digest_option(verb, options->digest);
}

}    // namespace dl::collector::commands
