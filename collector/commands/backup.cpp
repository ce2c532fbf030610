#include "collector/store/sqlite/backup.hpp"
#include "collector/commands/commands.hpp"
#include "collector/settings.hpp"

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
    const Result<void> written =
        settings ? store::back_up(settings->data_directory, options.file) : Result<void>(settings.error());
    if (!written) {
        std::fprintf(stderr, "daylight-collector backup: %s\n", written.error().message.c_str());
        return 1;
    }
    std::fprintf(stderr,
                 "daylight-collector backup: %s holds the stores and the keys of %s; keep it as safe as they are\n",
                 options.file.c_str(), settings->data_directory.c_str());
    return 0;
}

}    // namespace

void add_backup(CommandLine& line)
{
    CLI::App* verb =
        line.app.add_subcommand("backup", "Write the whole data directory into one file, while the collector works");
    const auto options = std::make_shared<Options>();
    verb->add_option("--config", options->config, "Settings of the collector")
        ->capture_default_str()
        ->type_name("FILE");
    verb->add_option("file", options->file, "The file to write; it must not exist")->required()->type_name("FILE");
    verb->callback([&line, options] { line.chosen = [options] { return run(*options); }; });
}

}    // namespace dl::collector::commands
