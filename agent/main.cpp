// daylight-agent: reads the command line and hands over to the verb that was named.
#include "agent/commands/commands.hpp"

#include "generated/version.hpp"

#include <cstdio>
#include <exception>
#include <iostream>

namespace {

/// The program's version at every verb, however deep.
void add_version(CLI::App& app)
{
    app.set_version_flag("--version", std::string("daylight-agent ") + dl::version);
    for (CLI::App* verb : app.get_subcommands({}))
        add_version(*verb);
}

}    // namespace

int main(int argc, char** argv)
{
    using namespace dl::agent;

    commands::CommandLine line;
    line.app.description("Daylight agent: sees which services and destinations this host uses, and reports names only");
    line.app.name("daylight-agent");
    line.app.require_subcommand(1);
    commands::add_observe(line);
    commands::add_enroll(line);
    commands::add_run(line);
    commands::add_status(line);
    commands::add_explain(line);
    commands::add_doctor(line);
    commands::add_check_config(line);
    add_version(line.app);

    try {
        line.app.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return line.app.exit(wrong, std::cout, std::cerr) == 0 ? 0 : 2;
    }
    try {
        return line.chosen ? line.chosen() : 2;
    } catch (const std::exception& bug) {
        std::fprintf(stderr, "daylight-agent: %s\n", bug.what());
        return 1;
    }
}
