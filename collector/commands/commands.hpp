// The verbs of daylight-collector, one source file each beside this one. A verb adds itself to the command line and,
// when it was chosen, leaves what main() is to run: the exit code is its answer (0 done, 1 failed, 2 wrong usage).
#pragma once

#include "shared/command_line/command_line.hpp"

namespace dl::collector::commands {

using command_line::CommandLine;

void add_init(CommandLine& line);
void add_serve(CommandLine& line);
void add_check_config(CommandLine& line);
void add_doctor(CommandLine& line);
void add_token(CommandLine& line);
void add_settings(CommandLine& line);
void add_agents(CommandLine& line);
void add_user(CommandLine& line);
void add_classify(CommandLine& line);
void add_import(CommandLine& line);
void add_findings(CommandLine& line);
void add_portfolio(CommandLine& line);
void add_brief(CommandLine& line);
void add_demand(CommandLine& line);
void add_coverage(CommandLine& line);
void add_privacy_report(CommandLine& line);
void add_export(CommandLine& line);
void add_backup(CommandLine& line);
void add_restore(CommandLine& line);
void add_verify(CommandLine& line);

}    // namespace dl::collector::commands
