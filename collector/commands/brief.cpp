// brief: the document for one unit's conversation.
#include "collector/dialogue/brief.hpp"
#include "collector/commands/commands.hpp"
#include "collector/commands/report_options.hpp"
#include "collector/dialogue/document.hpp"

#include <iostream>

namespace dl::collector::commands {
namespace {

/// A row is one statement of the document, in its order; a heading stands with each.
Result<void> write_rows(const dialogue::Brief& brief, rows::Format format)
{
    const auto writer =
        rows::create_row_writer(format, {{"unit"}, {"period"}, {"section"}, {"kind"}, {"label"}, {"text"}}, std::cout);
    const std::string period = release::id_of(brief.period);
    for (const auto& section : dialogue::document_of(brief).sections)
        for (const auto& block : section.blocks)
            writer->write({brief.unit, period, section.heading, dialogue::to_string(block.kind),
                           block.label.empty() ? nlohmann::json() : nlohmann::json(block.label), block.text});
    return writer->finish();
}

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
    if (const auto rows = rows::parse_format(options.format); rows && *rows != rows::Format::table)
        return write_rows(*made, *rows);
    std::cout << dialogue::render(*made, *dialogue::parse_brief_format(options.format));
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
    add_report_options(*verb, *options, {"text", "table", "markdown", "html", "json", "jsonl", "tsv", "csv"});
    verb->footer("text (table is the same) is for a terminal, html for printing on A4; json is the whole document, "
                 "jsonl, tsv and csv have a row for each of its statements.");
    verb->callback([&line, options] { line.chosen = [options] { return finish_report("brief", brief(*options)); }; });
}

}    // namespace dl::collector::commands
