#include "collector/commands/commands.hpp"

#include <cstdio>

namespace dl::collector::commands {

void add_user(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("user", "Not built yet");
    verb->callback([&line] {
        line.chosen = [] {
            std::fputs("daylight-collector user: not built yet\n", stderr);
            return 1;
        };
    });
}

}    // namespace dl::collector::commands
