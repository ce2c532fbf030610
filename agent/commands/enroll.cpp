#include "agent/commands/commands.hpp"

#include <cstdio>

namespace dl::agent::commands {

void add_enroll(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("enroll", "Not built yet");
    verb->callback([&line] {
        line.chosen = [] {
            std::fputs("daylight-agent enroll: not built yet\n", stderr);
            return 1;
        };
    });
}

}    // namespace dl::agent::commands
