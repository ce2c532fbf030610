// The verbs of daylight-agent, one source file each beside this one. A verb adds itself to the command line and, when it was
// chosen, leaves what main() is to run: the exit code is its answer (0 done, 1 failed, 2 wrong usage).
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

namespace dl::agent::commands {

struct CommandLine {
    CLI::App app;
    std::function<int()> chosen;    ///< set by the callback of the verb that the user named
};

void add_observe(CommandLine& line);
void add_enroll(CommandLine& line);
void add_run(CommandLine& line);
void add_status(CommandLine& line);
void add_explain(CommandLine& line);
void add_doctor(CommandLine& line);
void add_check_config(CommandLine& line);

}    // namespace dl::agent::commands
