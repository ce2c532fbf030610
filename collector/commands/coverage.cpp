// coverage: what is seen and what is not.
#include "collector/insight/coverage.hpp"
#include "collector/commands/commands.hpp"
#include "collector/commands/report_options.hpp"

#include <fmt/format.h>

#include <iostream>

namespace dl::collector::commands {
namespace {

Result<void> coverage(const ReportOptions& options)
{
    auto report = open_report(options, insight::Operation::coverage);
    if (!report) return report.error();
    const auto made = insight::coverage_for(report->audience, report->press(), *report->workspace.directory,
                                            report->period, report->now);
    if (!made) return made.error();
    using Align = rows::Column::Align;
    const auto writer = rows::create_row_writer(*rows::parse_format(options.format),
                                                {{"what"},
                                                 {"of"},
                                                 {"when"},
                                                 {"part", Align::right},
                                                 {"whole", Align::right},
                                                 {"percent", Align::right},
                                                 {"last_report"}},
                                                std::cout);
    using nlohmann::json;
    const char* const in_period = "period";
    const char* const ever = "since their epochs began";
    const auto share = [&](const char* what, const std::string& of, const char* when, const insight::Share& value) {
        const auto percent = value.percent();
        writer->write({what, of, when, value.rounded ? json(nullptr) : json(value.part),
                       value.rounded ? json(nullptr) : json(value.whole), percent ? json(*percent) : json(nullptr),
                       nullptr});
    };
    const auto count = [&](const char* what, std::uint64_t value) {
        writer->write({what, "agents", ever, value, nullptr, nullptr, nullptr});
    };
    share("devices that reported", "all", in_period, made->devices);
    for (const auto& entry : made->devices_by_unit)
        if (entry.share && report->audience.reads(entry.unit))
            share("devices that reported", entry.unit, in_period, *entry.share);
    share("connections with a readable name", "all", in_period, made->readable_names);
    share("bytes down a hidden road", "all", in_period, made->hidden_road_bytes);
    if (made->agents_shown) {
        share("connections with a user", "all", ever, made->people_attributed);
        share("connections with a program", "all", ever, made->programs_known);
        share("agents silent for 24 hours", "all", "now", {made->silent.size(), made->observers.size()});
        share("agents whose clock is off", "all", "now", {made->clocks_off, made->observers.size()});
        count("packets lost by the kernel", made->counters.packets_dropped);
        count("seconds not watched", made->counters.gap_seconds);
        count("cells let go by agents", made->counters.cells_dropped);
        count("cells of implausible days", made->quarantined);
        count("cells too old", made->too_old);
        for (const auto& offer : made->weak_offers)
            writer->write({fmt::format("offers at most {}", wire::to_string(offer.version)), offer.application,
                           "period or later", nullptr, nullptr, nullptr, to_iso_date(offer.last_day)});
        for (const auto& observer : made->silent)
            writer->write({"silent agent", observer.agent.hex(), "now", nullptr, nullptr, nullptr,
                           to_rfc3339(observer.last_report)});
    }
    if (auto done = writer->finish(); !done) return done;
    if (options.format == "table") {
        auto notes = made->notes;
        notes.emplace_back("Not covered:");
        print_notes(notes, made->period);
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
