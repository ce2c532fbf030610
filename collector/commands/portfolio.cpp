#include "collector/commands/commands.hpp"

#include <cstdio>

namespace dl::collector::commands {

void add_portfolio(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("portfolio", "Not built yet");
    verb->callback([&line] {
        line.chosen = [] {
            std::fputs("daylight-collector portfolio: not built yet\n", stderr);
            return 1;
        };
    });
}

}    // namespace dl::collector::commands
