// classify: host names on standard input, one a line (also HOST:PORT and URLs); what each is on standard output, one
// row for each line, in the same order.
#include "collector/commands/commands.hpp"
#include "collector/commands/workspace.hpp"
#include "shared/command_line/option_checks.hpp"
#include "shared/names/host_name.hpp"
#include "shared/rows/row_writer.hpp"

#include <algorithm>
#include <iostream>
#include <string>
#include <unordered_map>

namespace dl::collector::commands {
namespace {

struct Choice {
    std::string config;
    std::string format = "tsv";
    std::string unit;
    bool explain = false;
};

/// A verdict is asked for once per service, not once per host.
class Verdicts {
public:
    Verdicts(const policy::Policy& policy, std::string unit) : policy_(policy), unit_(std::move(unit)) {}

    const policy::Decision& of(const catalog::Service& service)
    {
        const auto known = decisions_.find(&service);
        if (known != decisions_.end()) return known->second;
        return decisions_.emplace(&service, policy_.decide(service, unit_)).first->second;
    }

private:
    const policy::Policy& policy_;
    std::string unit_;
    std::unordered_map<const catalog::Service*, policy::Decision> decisions_;
};

std::string joined(const std::vector<std::string>& chain)
{
    std::string text;
    for (const auto& link : chain)
        text += (text.empty() ? "" : " | ") + link;
    return text;
}

/// What the host is to its service, then the rules that applied.
std::string why(const catalog::Match& match, const policy::Decision& decision)
{
    std::string text;
    if (!match.role.empty()) {
        text = "role " + std::string(match.role);
        if (catalog::is_background(match.role)) text += ": contact, not use";
    }
    const std::string chain = joined(decision.chain);
    return text + (text.empty() || chain.empty() ? "" : " | ") + chain;
}

/// What can be said of a host of which no policy decides.
std::string why_without_service(const catalog::Match& match)
{
    const std::string vendor(match.vendor);
    switch (match.counted()) {
        case catalog::Counted::storage:
            return "role storage: a bucket of shared cloud storage proves no service; large uploads are shown to "
                   "security";
        case catalog::Counted::vendor:
            return "role vendor: no catalogued host" +
                   (vendor.empty() ? std::string(", below a domain of known vendors") : " of " + vendor);
        case catalog::Counted::address: return "role address: no name to look up";
        case catalog::Counted::noise:
            return vendor.empty() ? std::string() : "a site of " + vendor + ": browsing, not use";
        default: break;
    }
    return match.role.empty() ? std::string() : "role " + std::string(match.role);
}

nlohmann::json text_or_null(std::string_view text) { return text.empty() ? nlohmann::json() : nlohmann::json(text); }

/// One row for each line, whatever it holds.
class Classifier {
public:
    Classifier(const catalog::Catalog& catalog, const policy::Policy& policy, const Choice& choice,
               rows::RowWriter& out)
        : catalog_(catalog),
          verdicts_(policy, choice.unit),
          explain_(choice.explain),
          out_(out),
          row_(explain_ ? 10 : 9)
    {}

    void take(std::string_view line)
    {
        const std::string_view written = names::host_in(line);
        std::fill(row_.begin(), row_.end(), nlohmann::json());
        row_[1] = catalog::to_string(catalog::Kind::unknown);
        if (!written.empty()) fill(written);
        out_.write(row_);
    }

private:
    void fill(std::string_view written)
    {
        const auto host = names::normalise_host(written);
        const catalog::Match match = catalog_.match(host ? std::string_view(*host) : written);
        row_[0] = host ? std::string_view(*host) : written;
        row_[1] = catalog::to_string(match.kind);
        row_[2] = text_or_null(match.id);
        row_[4] = text_or_null(match.vendor);
        row_[8] = text_or_null(match.matched);
        if (explain_ && !match.service) row_[9] = text_or_null(why_without_service(match));
        if (match.service) {
            row_[3] = text_or_null(match.service->name);
            row_[5] = text_or_null(match.service->category);
            row_[6] = text_or_null(match.service->capability);
            const policy::Decision& decision = verdicts_.of(*match.service);
            row_[7] = policy::to_string(decision.verdict);
            if (explain_) row_[9] = text_or_null(why(match, decision));
        } else if (match.kind == catalog::Kind::unknown) {
            row_[7] = policy::to_string(policy::Verdict::unreviewed);
        }
    }

    const catalog::Catalog& catalog_;
    Verdicts verdicts_;
    const bool explain_;
    rows::RowWriter& out_;
    std::vector<nlohmann::json> row_;
};

Result<void> classify(const Choice& choice)
{
    const auto settings = load_settings(choice.config);
    if (!settings) return settings.error();
    const auto catalog = catalog::load_catalog(settings->catalog_directory, settings->own_catalog_directory);
    if (!catalog) return catalog.error();
    const auto policy = policy::load_policy(settings->policy_file, **catalog);
    if (!policy) return policy.error();
    if (!choice.unit.empty()) {
        if (auto known = check_units(*settings, {choice.unit}); !known) return known;
        const auto directory =
            directory::load_directory({settings->units_file, settings->people_file, settings->devices_file});
        if (!directory) return directory.error();
        if (auto placed = (*policy)->place_units(places_of(**directory)); !placed) return placed;
    }

    std::vector<rows::Column> columns{{"host"},     {"kind"},       {"id"},      {"name"},   {"vendor"},
                                      {"category"}, {"capability"}, {"verdict"}, {"matched"}};
    if (choice.explain) columns.push_back({"why"});
    std::ios::sync_with_stdio(false);
    const auto out = rows::create_row_writer(*rows::parse_format(choice.format), columns, std::cout);
    Classifier classifier(**catalog, **policy, choice, *out);
    std::string line;
    while (std::getline(std::cin, line))
        classifier.take(line);
    if (std::cin.bad()) return io_failure("standard input: reading stopped in the middle; check where it comes from");
    return out->finish();
}

}    // namespace

void add_classify(CommandLine& line)
{
    auto choice = std::make_shared<Choice>();
    CLI::App* verb = line.app.add_subcommand("classify", "What each host name on standard input is, and its verdict");
    add_config_option(*verb, choice->config);
    command_line::add_format_option(*verb, choice->format);
    verb->add_option("--unit", choice->unit, "Business unit whose verdict is asked for; without: the one for all");
    verb->add_flag("--explain", choice->explain,
                   "Add a column: the host's role, and the rules that applied, most specific first");
    verb->callback([&line, choice] {
        line.chosen = [choice] {
            const auto done = classify(*choice);
            return done ? 0 : fail("classify", done.error());
        };
    });
}

}    // namespace dl::collector::commands
