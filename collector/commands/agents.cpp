#include "collector/commands/commands.hpp"

#include <cstdio>

namespace dl::collector::commands {

void add_agents(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("agents", "Not built yet");
    verb->callback([&line] {
        line.chosen = [] {
            std::fputs("daylight-collector agents: not built yet\n", stderr);
            return 1;
        };
    });
}

}    // namespace dl::collector::commands
