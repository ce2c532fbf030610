// portfolio: unit × capability, with the services behind each cell.
#include "collector/insight/portfolio.hpp"
#include "collector/commands/commands.hpp"
#include "collector/commands/report_options.hpp"

#include <iostream>

namespace dl::collector::commands {
namespace {

Result<void> portfolio(const ReportOptions& options)
{
    auto report = open_report(options, insight::Operation::portfolio);
    if (!report) return report.error();
    const auto figures = figures_of(*report, options);
    if (!figures) return figures.error();
    const auto meaning = report->meaning();
    const auto findings = insight::find(*figures, meaning);
    const auto made =
        insight::portfolio_of(*figures, findings, meaning, report->workspace.settings.use_threshold_people);
    using Align = rows::Column::Align;
    const auto writer = rows::create_row_writer(
        *rows::parse_format(options.format),
        {{"unit"}, {"capability"}, {"state"}, {"people", Align::right}, {"services"}, {"agreed_services"}}, std::cout);
    for (const auto& cell : made.cells) {
        if (!report->audience.reads(cell.unit) || (!options.unit.empty() && cell.unit != options.unit)) continue;
        // What nobody uses fills a screen: a table leaves it to the other formats.
        if (options.format == "table" && cell.state == insight::CellState::idle) continue;
        std::string services, offered;
        for (const auto* finding : cell.services) {
            services += (services.empty() ? "" : ", ") + finding->name();
            if (finding->figure.people) services += " (" + finding->figure.people->text() + ")";
        }
        for (const auto* service : cell.offered)
            offered += (offered.empty() ? "" : ", ") + service->name;
        writer->write({cell.unit, cell.capability, insight::to_string(cell.state),
                       cell.people ? nlohmann::json(cell.people->text()) : nlohmann::json(nullptr), services, offered});
    }
    if (auto done = writer->finish(); !done) return done;
    if (options.format == "table") print_notes(insight::notes_on(*figures), figures->period);
    return {};
}

}    // namespace

void add_portfolio(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("portfolio", "What the business works with: unit by capability");
    const auto options = std::make_shared<ReportOptions>();
    add_report_options(*verb, *options);
    add_window_options(*verb, *options);
    verb->callback(
        [&line, options] { line.chosen = [options] { return finish_report("portfolio", portfolio(*options)); }; });
}

}    // namespace dl::collector::commands
