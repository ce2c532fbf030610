#include "collector/commands/commands.hpp"

#include <cstdio>

namespace dl::collector::commands {

void add_export(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("export", "Not built yet");
    verb->callback([&line] {
        line.chosen = [] {
            std::fputs("daylight-collector export: not built yet\n", stderr);
            return 1;
        };
    });
}

}    // namespace dl::collector::commands
