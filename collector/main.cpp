// daylight-collector: reads the command line and hands over to the verb that was named.
#include "collector/commands/commands.hpp"

#include "generated/version.hpp"

#include <cstdio>
#include <exception>
#include <iostream>

namespace {

/// The program's version at every verb, however deep.
void add_version(CLI::App& app)
{
    app.set_version_flag("--version", std::string("daylight-collector ") + dl::version);
    for (CLI::App* verb : app.get_subcommands({}))
        add_version(*verb);
}

}    // namespace

int main(int argc, char** argv)
{
    using namespace dl::collector;

    commands::CommandLine line;
    line.app.description(
        "Daylight collector: tells agreed use from the rest, explains why, and prepares the conversation");
    line.app.name("daylight-collector");
    line.app.require_subcommand(1);
    commands::add_init(line);
    commands::add_serve(line);
    commands::add_check_config(line);
    commands::add_doctor(line);
    commands::add_token(line);
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
    add_version(line.app);

    try {
        line.app.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return line.app.exit(wrong, std::cout, std::cerr) == 0 ? 0 : 2;
    }
    try {
        return line.chosen ? line.chosen() : 2;
    } catch (const std::exception& bug) {
        std::fprintf(stderr, "daylight-collector: %s\n", bug.what());
        return 1;
    }
}
