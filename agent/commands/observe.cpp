#include "agent/commands/commands.hpp"

#include <cstdio>

namespace dl::agent::commands {

void add_observe(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("observe", "Not built yet");
    verb->callback([&line] {
        line.chosen = [] {
            std::fputs("daylight-agent observe: not built yet\n", stderr);
            return 1;
        };
    });
}

}    // namespace dl::agent::commands
