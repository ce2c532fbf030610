#include "collector/commands/commands.hpp"

#include <cstdio>

namespace dl::collector::commands {

void add_restore(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("restore", "Not built yet");
    verb->callback([&line] {
        line.chosen = [] {
            std::fputs("daylight-collector restore: not built yet\n", stderr);
            return 1;
        };
    });
}

}    // namespace dl::collector::commands
