// findings: what is worth a conversation, most urgent first.
#include "collector/commands/commands.hpp"
#include "collector/commands/report_options.hpp"
#include "collector/insight/finding.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iostream>

namespace dl::collector::commands {
namespace {

using insight::Finding;
using nlohmann::json;

template <class T, class Text>
std::string joined(const std::vector<T>& items, Text text, const char* between = ", ")
{
    std::string out;
    for (const auto& item : items)
        out += (out.empty() ? "" : between) + std::string(text(item));
    return out;
}

std::string risks_text(const Finding& finding)
{
    if (finding.background) return "background only";
    return joined(finding.risks, [](const auto& risk) { return risk.id; });
}

json bytes(const std::optional<std::uint64_t>& count) { return count ? json(*count) : json(nullptr); }

/// In tables, outside the security role, a verdict stands in the words of the page and the brief; machines read its
/// name.
std::string_view verdict_text(policy::Verdict verdict, const ReportOptions& options, const release::Figures& figures)
{
    const bool for_business = options.format == "table" && figures.strength == release::Strength::released;
    return for_business ? insight::business_words(verdict) : policy::to_string(verdict);
}

/// Under --explain: why the verdict is what it is, and what could be done.
void explain(const Finding& finding, std::string_view verdict, const insight::Meaning& meaning)
{
    std::cout << fmt::format("{}  {}: {}\n", finding.id(), finding.name(), verdict);
    const auto line = [](std::string_view head, const std::string& text) {
        if (!text.empty()) std::cout << fmt::format("  {:<12}{}\n", head, text);
    };
    const auto& figure = finding.figure;
    line("reach",
         fmt::format("{} people, {} devices, {} days, {}", figure.people ? figure.people->text() : "unknown",
                     figure.devices ? figure.devices->text() : "–", figure.days, insight::to_string(finding.trend)));
    if (figure.bytes_up && figure.bytes_down)
        line("bytes", fmt::format("{} up, {} down", insight::bytes_text(*figure.bytes_up),
                                  insight::bytes_text(*figure.bytes_down)));
    line("matched",
         fmt::format("{} (catalogue {})",
                     finding.matched.empty() ? "nothing" : fmt::format("{}", fmt::join(finding.matched, ", ")),
                     meaning.catalog.version()));
    line("evidence", joined(figure.evidence, [](const auto& evidence) {
             return evidence.connections ? fmt::format("{} ({})", evidence.kind, *evidence.connections) : evidence.kind;
         }));
    line("rule", finding.decision.rule);
    line("reason", finding.decision.reason);
    line("owner", finding.decision.owner);
    line("conditions", finding.decision.conditions);
    if (finding.decision.review) line("review", to_iso_date(*finding.decision.review));
    for (const auto& step : finding.decision.chain)
        line("because", step);
    for (const auto& risk : finding.risks)
        line("risk", risk.name + ": " + risk.evidence);
    for (const auto& option : finding.options)
        line("option", option.title + ". " + option.consequence + ".");
    std::cout << '\n';
}

Result<void> findings(const ReportOptions& options)
{
    auto report = open_report(options, insight::Operation::findings);
    if (!report) return report.error();
    const auto figures = figures_of(*report, options);
    if (!figures) return figures.error();
    const auto meaning = report->meaning();
    const auto found = insight::find(*figures, meaning);
    if (options.explain && options.format == "table") {
        for (const auto& finding : found)
            explain(finding, verdict_text(finding.decision.verdict, options, *figures), meaning);
        print_notes(*report, options, *figures);
        return {};
    }
    using Align = rows::Column::Align;
    std::vector<rows::Column> columns{{"unit"},
                                      {"service"},
                                      {"verdict"},
                                      {"people", Align::right},
                                      {"days", Align::right},
                                      {"trend"},
                                      {"bytes_up", Align::right},
                                      {"bytes_down", Align::right},
                                      {"capability"},
                                      {"risks"},
                                      {"id"}};
    if (options.explain)
        for (const char* name : {"reason", "rule", "owner", "review", "chain", "matched"})
            columns.push_back({name});
    const auto writer = rows::create_row_writer(*rows::parse_format(options.format), std::move(columns), std::cout);
    for (const auto& finding : found) {
        const auto& figure = finding.figure;
        std::vector<json> values{figure.unit,
                                 finding.name(),
                                 verdict_text(finding.decision.verdict, options, *figures),
                                 people_cell(figure.people),
                                 figure.days,
                                 insight::to_string(finding.trend),
                                 bytes(figure.bytes_up),
                                 bytes(figure.bytes_down),
                                 figure.capability,
                                 risks_text(finding),
                                 figure.label};
        if (options.explain) {
            const auto& decision = finding.decision;
            values.insert(values.end(), {json(decision.reason), json(decision.rule), json(decision.owner),
                                         decision.review ? json(to_iso_date(*decision.review)) : json(nullptr),
                                         json(fmt::format("{}", fmt::join(decision.chain, "; "))),
                                         json(fmt::format("{}", fmt::join(finding.matched, ", ")))});
        }
        writer->write(values);
    }
    if (auto done = writer->finish(); !done) return done;
    if (options.format == "table") print_notes(*report, options, *figures);
    return {};
}

}    // namespace

void add_findings(CommandLine& line)
{
    CLI::App* verb =
        line.app.add_subcommand("findings", "What is worth a conversation: verdicts with reach, trend and risks");
    const auto options = std::make_shared<ReportOptions>();
    add_report_options(*verb, *options);
    add_window_options(*verb, *options);
    verb->add_flag("--explain", options->explain, "Say for each why, and what could be done");
    verb->callback([&line, options] {
        check_window(*options);
        line.chosen = [options] { return finish_report("findings", findings(*options)); };
    });
}

}    // namespace dl::collector::commands
