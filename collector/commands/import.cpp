// import: logs of other products. No format is built yet; the verb says which are missing instead of pretending.
#include "collector/commands/commands.hpp"
#include "collector/commands/workspace.hpp"

#include <fmt/format.h>

#include <memory>

namespace dl::collector::commands {

void add_import(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("import", "Take logs of other products (no format is built yet)");
    struct Arguments {
        std::string config_file;
        std::string name;
        std::vector<std::string> files;
    };
    auto arguments = std::make_shared<Arguments>();
    add_config_option(*verb, arguments->config_file);
    verb->add_option("--format", arguments->name, "Which product's log")->required();
    verb->add_option("FILE", arguments->files, "The log files")->required();
    verb->callback([&line, arguments] {
        line.chosen = [arguments] {
            return fail("import",
                        not_found(fmt::format("{}: the importer of '{}' is missing, as are those of every other log "
                                              "(zeek, squid, suricata …); nothing was read",
                                              arguments->files.front(), arguments->name)));
        };
    });
}

}    // namespace dl::collector::commands
