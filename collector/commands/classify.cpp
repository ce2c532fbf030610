// classify: host names on standard input, one a line; what each is on standard output, in the same order.
#include "collector/catalog/catalog.hpp"
#include "collector/commands/commands.hpp"
#include "collector/policy/policy.hpp"
#include "collector/settings.hpp"
#include "shared/rows/row_writer.hpp"

#include <cstdio>
#include <iostream>
#include <string>
#include <unordered_map>

namespace dl::collector::commands {
namespace {

struct Choice {
    std::string config = "/etc/daylight/collector.json";
    std::string format = "tsv";
    std::string unit;
    bool explain = false;
};

int fail(const std::string& message)
{
    std::fprintf(stderr, "daylight-collector classify: %s\n", message.c_str());
    return 1;
}

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
std::string why(const catalog::Match& match, const policy::Decision* decision)
{
    std::string text;
    if (!match.role.empty()) {
        text = "role " + std::string(match.role);
        if (catalog::is_background(match.role)) text += ": contact, not use";
    }
    if (!decision) return text;
    const std::string chain = joined(decision->chain);
    return text + (text.empty() || chain.empty() ? "" : " | ") + chain;
}

int classify(const Choice& choice)
{
    const auto format = rows::parse_format(choice.format);
    if (!format) {
        fail("no format is called '" + choice.format + "'; choose table, jsonl, tsv or csv");
        return 2;
    }
    const auto settings = load_settings(choice.config);
    if (!settings) return fail(settings.error().message);
    const auto catalog = catalog::load_catalog(settings->catalog_directory);
    if (!catalog) return fail(catalog.error().message);
    const auto policy = policy::load_policy(settings->policy_file, **catalog);
    if (!policy) return fail(policy.error().message);

    std::vector<rows::Column> columns{{"host"},     {"kind"},       {"id"},      {"name"},   {"vendor"},
                                      {"category"}, {"capability"}, {"verdict"}, {"matched"}};
    if (choice.explain) columns.push_back({"why"});
    std::ios::sync_with_stdio(false);
    const auto out = rows::create_row_writer(*format, columns, std::cout);
    Verdicts verdicts(**policy, choice.unit);
    std::vector<nlohmann::json> row(columns.size());
    std::string host;
    while (std::getline(std::cin, host)) {
        if (host.ends_with('\r')) host.pop_back();
        if (host.empty()) continue;
        const catalog::Match match = (*catalog)->match(host);
        const catalog::Service* const service = match.service;
        row[0] = host;
        row[1] = catalog::to_string(match.kind);
        row[2] = match.id;
        row[3] = service ? std::string_view(service->name) : std::string_view();
        row[4] = service ? std::string_view(service->vendor) : std::string_view();
        row[5] = service ? std::string_view(service->category) : std::string_view();
        row[6] = service ? std::string_view(service->capability) : std::string_view();
        row[8] = match.matched;
        const policy::Decision* const decision = service ? &verdicts.of(*service) : nullptr;
        if (decision)
            row[7] = policy::to_string(decision->verdict);
        else
            row[7] = match.kind == catalog::Kind::unknown ? policy::to_string(policy::Verdict::unreviewed)
                                                          : std::string_view();
        if (choice.explain) row[9] = why(match, decision);
        out->write(row);
    }
    if (const auto finished = out->finish(); !finished) return fail(finished.error().message);
    return 0;
}

}    // namespace

void add_classify(CommandLine& line)
{
    auto choice = std::make_shared<Choice>();
    CLI::App* verb = line.app.add_subcommand("classify", "What each host name on standard input is, and its verdict");
    verb->add_option("--config", choice->config, "Settings of the collector")->capture_default_str()->type_name("FILE");
    verb->add_option("--format", choice->format, "table, jsonl, tsv or csv")->capture_default_str();
    verb->add_option("--unit", choice->unit, "Business unit whose verdict is asked for; without: the one for all");
    verb->add_flag("--explain", choice->explain,
                   "Add a column: the host's role, and the rules that applied, most specific first");
    verb->callback([&line, choice] { line.chosen = [choice] { return classify(*choice); }; });
}

}    // namespace dl::collector::commands
