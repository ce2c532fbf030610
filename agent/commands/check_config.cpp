#include "agent/commands/commands.hpp"

#include <cstdio>

namespace dl::agent::commands {

void add_check_config(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("check-config", "Not built yet");
    verb->callback([&line] {
        line.chosen = [] {
            std::fputs("daylight-agent check-config: not built yet\n", stderr);
            return 1;
        };
    });
}

}    // namespace dl::agent::commands
