#include "collector/commands/commands.hpp"

#include <cstdio>

namespace dl::collector::commands {

void add_check_config(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("check-config", "Not built yet");
    verb->callback([&line] {
        line.chosen = [] {
            std::fputs("daylight-collector check-config: not built yet\n", stderr);
            return 1;
        };
    });
}

}    // namespace dl::collector::commands
