// daylight-agent: reads the command line and hands over to the verb that was named.
#include "agent/commands/commands.hpp"

#include "generated/version.hpp"

int main(int argc, char** argv)
{
    using namespace dl::agent;

    commands::CommandLine line;
    line.app.description("Daylight agent: sees which services and destinations this host uses, and reports names only");
    line.app.name("daylight-agent");
    commands::add_observe(line);
    commands::add_enroll(line);
    commands::add_run(line);
    commands::add_status(line);
    commands::add_explain(line);
    commands::add_doctor(line);
    commands::add_check_config(line);
    return dl::command_line::run(line, dl::version, argc, argv);
}
