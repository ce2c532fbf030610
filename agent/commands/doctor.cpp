// daylight-agent doctor: one line a check, with the next step where something is not well.
#include "agent/commands/commands.hpp"
#include "agent/commands/verb.hpp"
#include "agent/service/health.hpp"
#include "shared/command_line/option_checks.hpp"
#include "shared/rows/row_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>

namespace dl::agent::commands {
namespace {

struct Options {
    std::string config;
    std::string format = "table";
};

int doctor(const Options& options)
{
    const auto settings = load_settings(options.config);
    if (!settings) return fail("doctor", settings.error());
    const auto findings = service::examine(*settings);
    const auto writer = rows::create_row_writer(*rows::parse_format(options.format),
                                                {{"state"}, {"check"}, {"what"}, {"next"}}, std::cout);
    for (const service::Finding& finding : findings)
        writer->write({service::to_string(finding.grade), finding.check, finding.what, finding.next});
    if (const auto written = writer->finish(); !written) return fail("doctor", written.error());
    const auto failed = std::count_if(findings.begin(), findings.end(), [](const service::Finding& finding) {
        return finding.grade == service::Finding::Grade::fail;
    });
    if (failed == 0) return 0;
    return fail("doctor",
                unavailable(fmt::format("{} of {} checks failed; follow their next steps", failed, findings.size())));
}

}    // namespace

void add_doctor(CommandLine& line)
{
    auto options = std::make_shared<Options>();
    CLI::App* verb =
        line.app.add_subcommand("doctor", "Check that this agent can do its work, and say what to do where it can't");
    add_config_option(*verb, options->config);
    command_line::add_format_option(*verb, options->format);
    verb->callback([&line, options] { line.chosen = [options] { return doctor(*options); }; });
}

}    // namespace dl::agent::commands
