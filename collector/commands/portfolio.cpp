// portfolio: unit × capability, with the services behind each cell.
#include "collector/insight/portfolio.hpp"
#include "collector/commands/commands.hpp"
#include "collector/commands/report_options.hpp"

#include <iostream>

namespace dl::collector::commands {
namespace {

constexpr std::size_t table_columns = 120;

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
    using nlohmann::json;
    // A table has a row for each cell; the other formats one for each service, so that no value needs taking apart.
    const bool table = options.format == "table";
    std::vector<rows::Column> columns{{"unit"}, {"capability"}, {"state"}, {"people", Align::right}};
    if (table)
        columns.push_back({"services"});
    else
        columns.insert(columns.end(), {{"service"}, {"verdict"}, {"service_people", Align::right}});
    const auto writer = rows::create_row_writer(*rows::parse_format(options.format), std::move(columns), std::cout,
                                                table ? table_columns : 0);
    const auto heads = [](const std::optional<release::Heads>& people) {
        return people ? json(people->text()) : json(nullptr);
    };
    for (const auto& cell : made.cells) {
        if (!report->audience.reads(cell.unit) || (!options.unit.empty() && cell.unit != options.unit)) continue;
        // What nobody uses fills a screen: a table leaves it to the other formats.
        if (table && cell.state == insight::CellState::idle) continue;
        const auto state = table ? insight::words_of(cell.state) : insight::to_string(cell.state);
        const std::vector<json> of_cell{cell.unit, cell.capability, state, heads(cell.people)};
        const auto write = [&](std::initializer_list<json> more) {
            auto values = of_cell;
            values.insert(values.end(), more);
            writer->write(values);
        };
        std::string services;
        for (const auto* finding : cell.services) {
            if (!table) {
                const auto verdict = policy::to_string(finding->decision.verdict);
                write({finding->name(), verdict, heads(finding->figure.people)});
            }
            services += (services.empty() ? "" : ", ") + finding->name();
            if (finding->figure.people) services += " (" + finding->figure.people->text() + ")";
        }
        if (table)
            write({services});
        else if (cell.services.empty())
            write({nullptr, nullptr, nullptr});
    }
    if (auto done = writer->finish(); !done) return done;
    if (options.format == "table") print_notes(*report, options, *figures);
    return {};
}

}    // namespace

void add_portfolio(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("portfolio", "What the business works with: unit by capability");
    const auto options = std::make_shared<ReportOptions>();
    add_report_options(*verb, *options);
    add_window_options(*verb, *options);
    verb->callback([&line, options] {
        check_window(*options);
        line.chosen = [options] { return finish_report("portfolio", portfolio(*options)); };
    });
}

}    // namespace dl::collector::commands
