// daylight-collector: reads the command line and hands over to the verb that was named.
#include "collector/commands/commands.hpp"

#include "generated/version.hpp"

int main(int argc, char** argv)
{
    using namespace dl::collector;

    commands::CommandLine line;
    line.app.description(
        "Daylight collector: tells agreed use from the rest, explains why, and prepares the conversation");
    line.app.name("daylight-collector");
    commands::add_init(line);
    commands::add_serve(line);
    commands::add_check_config(line);
    commands::add_doctor(line);
    commands::add_token(line);
    commands::add_settings(line);
    commands::add_agents(line);
    commands::add_user(line);
    commands::add_classify(line);
    commands::add_import(line);
    commands::add_findings(line);
    commands::add_portfolio(line);
    commands::add_brief(line);
    commands::add_demand(line);
    commands::add_coverage(line);
    commands::add_privacy_report(line);
    commands::add_export(line);
    commands::add_backup(line);
    commands::add_restore(line);
    commands::add_verify(line);
    return dl::command_line::run(line, dl::version, argc, argv);
}
