#include "collector/commands/commands.hpp"
#include "collector/settings.hpp"
#include "collector/store/sqlite/backup.hpp"

#include <cstdio>

namespace dl::collector::commands {
namespace {

struct Options {
    std::string config = "/etc/daylight/collector.json";
    std::string file;
};

int run(const Options& options)
{
    const auto settings = load_settings(options.config);
    const Result<void> restored =
        settings ? store::restore(options.file, settings->data_directory) : Result<void>(settings.error());
    if (!restored) {
        std::fprintf(stderr, "daylight-collector restore: %s\n", restored.error().message.c_str());
        return 1;
    }
    std::fprintf(stderr, "daylight-collector restore: %s is ready; agents will send again what the backup lacks\n",
                 settings->data_directory.c_str());
    return 0;
}

}    // namespace

void add_restore(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("restore", "Make a data directory from a backup; nothing is overwritten");
    const auto options = std::make_shared<Options>();
    verb->add_option("--config", options->config, "Settings of the collector")
        ->capture_default_str()
        ->type_name("FILE");
    verb->add_option("file", options->file, "The file that backup wrote")->required()->type_name("FILE");
    verb->callback([&line, options] { line.chosen = [options] { return run(*options); }; });
}

}    // namespace dl::collector::commands
