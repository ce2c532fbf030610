// brief: the document for one unit's conversation.
#include "collector/dialogue/brief.hpp"
#include "collector/commands/commands.hpp"
#include "collector/commands/report_options.hpp"

#include <iostream>

namespace dl::collector::commands {
namespace {

Result<void> brief(const ReportOptions& options)
{
    auto report = open_report(options, insight::Operation::brief);
    if (!report) return report.error();
    auto& workspace = report->workspace;
    if (!report->audience.reads(options.unit))
        return denied("your account does not read this unit; ask an administrator");
    const auto figures = insight::released_for(report->audience, report->press(), report->period, report->now);
    if (!figures) return figures.error();
    const auto coverage = insight::published_coverage(report->press(), *workspace.directory, report->period,
                                                      workspace.settings.small_group, report->now);
    if (!coverage) return coverage.error();
    const auto made = dialogue::make_brief(options.unit, *figures, *coverage, report->meaning(), report->today);
    if (!made) return made.error();
    std::cout << dialogue::render(*made, *dialogue::parse_brief_format(options.format)) << std::flush;
    if (!std::cout) return io_failure("the output can't be written; is the disk full or the pipe closed?");
    return {};
}

}    // namespace

void add_brief(CommandLine& line)
{
    CLI::App* verb =
        line.app.add_subcommand("brief", "The document for one unit's conversation, from released figures alone");
    const auto options = std::make_shared<ReportOptions>();
    options->format = "text";
    verb->add_option("UNIT", options->unit, "Id of the unit")->required();
    add_config_option(*verb, options->config_file);
    add_token_option(*verb, options->token_file);
    verb->add_option("--period", options->period,
                     "A closed week (2026-W46) or month (2026-10); the last closed week when absent");
    verb->add_option("--format", options->format, "text, markdown, html (print-ready, A4) or json")
        ->check(CLI::IsMember({"text", "table", "markdown", "html", "json"}))
        ->capture_default_str();
    verb->callback([&line, options] { line.chosen = [options] { return finish_report("brief", brief(*options)); }; });
}

}    // namespace dl::collector::commands
