// The verbs of daylight-agent, one source file each beside this one. A verb adds itself to the command line and, when
// it was chosen, leaves what main() is to run: the exit code is its answer (0 done, 1 failed, 2 wrong usage).
#pragma once

#include "shared/command_line/command_line.hpp"

namespace dl::agent::commands {

using command_line::CommandLine;

void add_observe(CommandLine& line);
void add_enroll(CommandLine& line);
void add_run(CommandLine& line);
void add_status(CommandLine& line);
void add_explain(CommandLine& line);
void add_doctor(CommandLine& line);
void add_check_config(CommandLine& line);

}    // namespace dl::agent::commands
