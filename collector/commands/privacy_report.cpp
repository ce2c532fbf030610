#include "collector/commands/commands.hpp"

#include <cstdio>

namespace dl::collector::commands {

void add_privacy_report(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("privacy-report", "Not built yet");
    verb->callback([&line] {
        line.chosen = [] {
            std::fputs("daylight-collector privacy-report: not built yet\n", stderr);
            return 1;
        };
    });
}

}    // namespace dl::collector::commands
