// demand: what the business needs and does not get, over the last closed weeks.
#include "collector/insight/demand.hpp"
#include "collector/commands/commands.hpp"
#include "collector/commands/report_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iostream>

namespace dl::collector::commands {
namespace {

constexpr int weeks_looked_at = 4;

Result<void> demand(const ReportOptions& options)
{
    auto report = open_report(options, insight::Operation::portfolio);
    if (!report) return report.error();
    const release::Period newest = report->period;
    std::vector<release::Figures> weeks;
    for (int i = 0; i < weeks_looked_at; ++i) {
        auto figures = figures_of(*report, options);
        if (!figures) return figures.error();
        weeks.push_back(std::move(*figures));
        report->period = release::previous(report->period);
    }
    const auto needs = insight::demand_of(weeks, report->meaning());
    using Align = rows::Column::Align;
    const auto writer = rows::create_row_writer(*rows::parse_format(options.format),
                                                {{"rank", Align::right},
                                                 {"capability"},
                                                 {"signal", Align::right},
                                                 {"units"},
                                                 {"people_at_least", Align::right},
                                                 {"services"},
                                                 {"why"}},
                                                std::cout);
    int rank = 0;
    for (const auto& need : needs)
        writer->write({++rank, need.capability, need.signal, fmt::format("{}", fmt::join(need.units, ", ")),
                       need.people_at_least, fmt::format("{}", fmt::join(need.services, ", ")), need.why});
    if (auto done = writer->finish(); !done) return done;
    if (options.format == "table") {
        auto notes = insight::notes_on(weeks.front());
        notes.insert(
            notes.begin(),
            "signal = 10 x units + people + 5 x weeks + 10 if new or growing + 20 if a unit has no agreed service.");
        print_notes(notes, newest);
    }
    return {};
}

}    // namespace

void add_demand(CommandLine& line)
{
    CLI::App* verb =
        line.app.add_subcommand("demand", "What the business needs and does not get, ranked, with the evidence");
    const auto options = std::make_shared<ReportOptions>();
    add_report_options(*verb, *options);
    verb->callback([&line, options] {
        if (!options->period.empty() && release::parse_period(options->period)->kind != release::Period::Kind::week)
            command_line::wrong_usage("--period",
                                      "demand looks at the four weeks up to it; give a week such as 2026-W46");
        line.chosen = [options] { return finish_report("demand", demand(*options)); };
    });
}

}    // namespace dl::collector::commands
