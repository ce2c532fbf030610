// coverage: what is seen and what is not.
#include "collector/insight/coverage.hpp"
#include "collector/commands/commands.hpp"
#include "collector/commands/report_options.hpp"

#include <iostream>

namespace dl::collector::commands {
namespace {

Result<void> coverage(const ReportOptions& options)
{
    auto report = open_report(options, insight::Operation::coverage);
    if (!report) return report.error();
    const auto made = insight::coverage_of(*report->workspace.usage, *report->workspace.directory, report->period,
                                           report->now, report->workspace.settings.small_group);
    if (!made) return made.error();
    using Align = rows::Column::Align;
    const auto writer = rows::create_row_writer(
        *rows::parse_format(options.format),
        {{"what"}, {"of"}, {"part", Align::right}, {"whole", Align::right}, {"percent", Align::right}}, std::cout);
    const auto share = [&](const char* what, const std::string& of, const insight::Share& value) {
        const auto percent = value.percent();
        writer->write(
            {what, of, value.part, value.whole, percent ? nlohmann::json(*percent) : nlohmann::json(nullptr)});
    };
    const auto count = [&](const char* what, std::uint64_t value) {
        writer->write({what, "", value, nullptr, nullptr});
    };
    share("devices that reported", "all", made->devices);
    for (const auto& entry : made->devices_by_unit)
        if (entry.share && report->audience.reads(entry.unit)) share("devices that reported", entry.unit, *entry.share);
    share("connections with a readable name", "all", made->readable_names);
    share("bytes down a hidden road", "all", made->hidden_road_bytes);
    share("connections with a user", "all", made->people_attributed);
    share("agents silent for 24 hours", "all", {made->silent.size(), made->observers.size()});
    count("packets lost by the kernel", made->counters.packets_dropped);
    count("seconds not watched", made->counters.gap_seconds);
    count("cells let go by agents", made->counters.cells_dropped);
    count("cells of implausible days", made->quarantined);
    count("cells too old", made->too_old);
    if (report->audience.sees_agents)
        for (const auto& observer : made->silent)
            writer->write({"silent since", observer.agent.hex(), nullptr, nullptr, to_rfc3339(observer.last_report)});
    if (auto done = writer->finish(); !done) return done;
    if (options.format == "table") {
        print_notes({"Not covered:"}, made->period);
        for (const auto& platform : made->not_covered)
            std::cerr << "- " << platform << '\n';
    }
    return {};
}

}    // namespace

void add_coverage(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand(
        "coverage", "What is seen and what is not: devices, names, hidden roads, silent agents");
    const auto options = std::make_shared<ReportOptions>();
    add_report_options(*verb, *options);
    verb->callback(
        [&line, options] { line.chosen = [options] { return finish_report("coverage", coverage(*options)); }; });
}

}    // namespace dl::collector::commands
