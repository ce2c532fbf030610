#include "collector/commands/report_options.hpp"

#include "shared/command_line/command_line.hpp"
#include "shared/command_line/option_checks.hpp"
#include "shared/rows/cell_text.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace dl::collector::commands {

void add_report_options(CLI::App& verb, ReportOptions& options, const std::vector<std::string>& formats)
{
    add_config_option(verb, options.config_file);
    add_token_option(verb, options.token_file);
    verb.add_option("--period", options.period,
                    "A closed week (2026-W46) or month (2026-10); the last closed week when absent")
        ->check(command_line::read_by(release::parse_period));
    command_line::add_format_option(verb, options.format, formats);
}

void add_window_options(CLI::App& verb, ReportOptions& options)
{
    verb.add_option("--from", options.from, "First day, such as 2026-11-01 (security role only)")
        ->check(command_line::read_by(parse_iso_date));
    verb.add_option("--to", options.to, "The day after the last (security role only); tomorrow when absent")
        ->check(command_line::read_by(parse_iso_date));
    verb.add_option("--unit", options.unit, "Only this unit");
}

void check_window(const ReportOptions& options)
{
    if (options.from.empty() && options.to.empty()) return;
    if (!options.period.empty())
        command_line::wrong_usage("--period", "excludes --from and --to; give a period or days");
    if (options.from.empty()) command_line::wrong_usage("--to", "needs --from; give both");
    const Day today = day_of(SystemClock{}.now());
    const auto period = insight::choose_period({}, options.from, options.to, today, today);
    if (!period) command_line::wrong_usage("--from", period.error().message);
}

Result<Report> open_report(const ReportOptions& options, insight::Operation operation)
{
    auto workspace = open_workspace(options.config_file);
    if (!workspace) return workspace.error();
    Report report;
    report.workspace = std::move(*workspace);
    report.now = SystemClock{}.now();
    report.today = day_of(report.now);
    const auto caller = account_of_caller(report.workspace, options.token_file);
    if (!caller) return caller.error();
    if (*caller && !insight::may((*caller)->role, operation))
        return denied(fmt::format("the role {} does not read this", access::to_string((*caller)->role)));
    report.audience = insight::audience_of(*caller, report.workspace.settings);
    const auto period = insight::choose_period(options.period, options.from, options.to, report.today,
                                               release::settled_day(report.press(), report.now));
    if (!period) return period.error();
    report.period = *period;
    if (!options.unit.empty() && options.unit != store::unassigned && !report.workspace.directory->unit(options.unit))
        return not_found(
            fmt::format("no unit '{}' in {}", options.unit, report.workspace.settings.units_file.string()));
    return report;
}

Result<release::Figures> figures_of(Report& report, const ReportOptions& options)
{
    return insight::figures_for(report.audience, report.press(), report.period, report.now, *report.workspace.directory,
                                options.unit);
}

void print_notes(const std::vector<std::string>& notes, const release::Period& period)
{
    std::string days;    // the words for any days are those days
    if (period.kind != release::Period::Kind::window)
        days = fmt::format(", {} to {}", to_iso_date(period.from), to_iso_date(period.to - std::chrono::days(1)));
    std::fputs(fmt::format("Period: {}{}.\n", release::words_of(period), days).c_str(), stderr);
    for (const auto& note : notes)
        std::fputs(fmt::format("{}\n", rows::display_text(note)).c_str(), stderr);
}

nlohmann::json people_cell(const std::optional<release::Heads>& people)
{
    if (!people) return nullptr;
    return people->exact ? nlohmann::json(people->at_least) : nlohmann::json(people->text());
}

void print_notes(const Report& report, const ReportOptions& options, const release::Figures& figures)
{
    auto notes = insight::notes_on(figures);
    if (figures.strength == release::Strength::exact && options.period.empty() && options.from.empty())
        notes.push_back(
            fmt::format("For this week so far add --from {}.", to_iso_date(insight::week_so_far(report.today).from)));
    print_notes(notes, figures.period);
}

int finish_report(std::string_view verb, const Result<void>& done) { return done ? 0 : fail(verb, done.error()); }

}    // namespace dl::collector::commands
