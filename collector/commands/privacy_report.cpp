// privacy-report: what the promises look like in the running system, read from its settings and stores.
#include "collector/commands/commands.hpp"
#include "collector/commands/report_options.hpp"

#include <fmt/format.h>

#include <iostream>

namespace dl::collector::commands {
namespace {

Result<void> privacy_report(const CheckOptions& options)
{
    auto workspace = open_workspace(options.config_file);
    if (!workspace) return workspace.error();
    const Settings& settings = workspace->settings;
    const Day today = day_of(SystemClock{}.now());

    store::Query query;
    query.from = Day(std::chrono::days(0));
    query.to = today + std::chrono::days(3);
    query.by = {store::By::day};
    const auto days = workspace->usage->report(query);
    if (!days) return days.error();
    query.by = {};
    const auto all = workspace->usage->report(query);
    if (!all) return all.error();
    const auto reveals = workspace->state->list("reveals");
    if (!reveals) return reveals.error();
    access::Accounts accounts(*workspace->state);
    const auto known = accounts.list();
    if (!known) return known.error();
    std::size_t exact = 0;
    for (const auto& account : *known)
        exact += account.role == access::Role::security && !account.disabled;

    std::size_t expired = 0;    // days older than the retention that are still held
    std::optional<Day> oldest;
    for (const auto& row : *days) {
        if (!row.day) continue;
        if (!oldest || *row.day < *oldest) oldest = row.day;
        expired += *row.day + std::chrono::days(settings.retention_days) < today;
    }
    const auto writer =
        rows::create_row_writer(*rows::parse_format(options.format), {{"promise"}, {"value"}, {"source"}}, std::cout);
    const auto row = [&](const char* promise, const std::string& value, const char* source) {
        writer->write({promise, value, source});
    };
    row("small group",
        fmt::format(
            "{0} people, also in a brief that is handed to a unit's leader; {1} for what a leader's own account sees",
            settings.small_group, settings.small_group_own_unit),
        "settings");
    row("accounts that see exact figures", std::to_string(exact), "accounts");
    row("retention of person-level facts", fmt::format("{} days", settings.retention_days), "settings");
    row("person-level days held", std::to_string(days->size()), "store");
    row("oldest day held", oldest ? to_iso_date(*oldest) : "none", "store");
    row("days held beyond retention", std::to_string(expired), "store");
    row("pseudonymous people held", std::to_string(all->empty() ? 0 : all->front().people), "store");
    row("reveals of a person", std::to_string(reveals->size()), "state");
    if (auto done = writer->finish(); !done) return done;
    return {};
}

}    // namespace

void add_privacy_report(CommandLine& line)
{
    add_check_verb(
        line, "privacy-report", "What is kept of whom, how long and who can see it, from the running system",
        [](const CheckOptions& options) { return finish_report("privacy-report", privacy_report(options)); });
}

}    // namespace dl::collector::commands
