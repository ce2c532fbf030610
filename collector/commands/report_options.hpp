// What every report verb takes, and the figures that its caller may see.
#pragma once

#include "collector/commands/workspace.hpp"
#include "collector/insight/audience.hpp"
#include "collector/insight/offers.hpp"
#include "collector/release/figures.hpp"
#include "shared/rows/row_writer.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::commands {

struct ReportOptions {
    std::string config_file, token_file;
    std::string period, from, to;
    std::string unit;
    std::string format = "table";
    bool explain = false;
};

/// --config, --token-file, --period and --format (the default is what `options` holds).
void add_report_options(CLI::App& verb, ReportOptions& options,
                        const std::vector<std::string>& formats = {"table", "jsonl", "tsv", "csv"});
/// --from, --to and --unit besides.
void add_window_options(CLI::App& verb, ReportOptions& options);
/// In the verb's callback: wrong usage when --period, --from and --to contradict each other.
void check_window(const ReportOptions& options);

/// A workspace, who asks, and when.
struct Report {
    Workspace workspace;
    insight::Audience audience;
    release::Period period;
    Day today{};
    Timestamp now{};

    [[nodiscard]] insight::Meaning meaning() const
    {
        return {*workspace.catalog, *workspace.policy, *workspace.directory};
    }
    [[nodiscard]] release::Press press() const
    {
        return insight::press_of(*workspace.usage, *workspace.state, *workspace.catalog, *workspace.directory,
                                 workspace.settings);
    }
};
/// Denied when the caller's role does not read this.
[[nodiscard]] Result<Report> open_report(const ReportOptions& options, insight::Operation operation);
[[nodiscard]] Result<release::Figures> figures_of(Report& report, const ReportOptions& options);

/// What is said about the figures, on stderr, where a table goes to people.
void print_notes(const std::vector<std::string>& notes, const release::Period& period);
/// The same for figures that were chosen by `options`: who may see the current days is told how.
void print_notes(const Report& report, const ReportOptions& options, const release::Figures& figures);
/// A number where it is exact, the band's text where it is a band, null where it is not known.
[[nodiscard]] nlohmann::json people_cell(const std::optional<release::Heads>& people);
/// Runs a verb: its Result<void> becomes the exit code.
int finish_report(std::string_view verb, const Result<void>& done);

}    // namespace dl::collector::commands
