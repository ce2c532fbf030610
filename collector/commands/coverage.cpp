#include "collector/commands/commands.hpp"

#include <cstdio>

namespace dl::collector::commands {

void add_coverage(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("coverage", "Not built yet");
    verb->callback([&line] {
        line.chosen = [] {
            std::fputs("daylight-collector coverage: not built yet\n", stderr);
            return 1;
        };
    });
}

}    // namespace dl::collector::commands
