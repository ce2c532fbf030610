#include "collector/commands/commands.hpp"

#include <cstdio>

namespace dl::collector::commands {

void add_init(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("init", "Not built yet");
    verb->callback([&line] {
        line.chosen = [] {
            std::fputs("daylight-collector init: not built yet\n", stderr);
            return 1;
        };
    });
}

}    // namespace dl::collector::commands
