#include "collector/commands/commands.hpp"

#include <cstdio>

namespace dl::collector::commands {

void add_demand(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("demand", "Not built yet");
    verb->callback([&line] {
        line.chosen = [] {
            std::fputs("daylight-collector demand: not built yet\n", stderr);
            return 1;
        };
    });
}

}    // namespace dl::collector::commands
