#include "collector/commands/commands.hpp"

#include <cstdio>

namespace dl::collector::commands {

void add_classify(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("classify", "Not built yet");
    verb->callback([&line] {
        line.chosen = [] {
            std::fputs("daylight-collector classify: not built yet\n", stderr);
            return 1;
        };
    });
}

}    // namespace dl::collector::commands
