#include "shared/signed/collection.hpp"

#include "shared/names/host_name.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dl::signing {
namespace {

using Hosts = std::set<std::string, std::less<>>;

struct Flag {
    std::string_view key;
    bool Collection::*member;
    const char* words;
};
constexpr Flag flags[] = {
    {"use", &Collection::use, "use"},
    {"sensors", &Collection::sensors, "sensors"},
    {"people", &Collection::people, "people"},
    {"applications", &Collection::applications, "applications"},
    {"dns_only", &Collection::dns_only, "DNS questions"},
};

Hosts both(const Hosts& one, const Hosts& other)
{
    Hosts all = one;
    all.insert(other.begin(), other.end());
    return all;
}

bool holds_all(const Hosts& outer, const Hosts& inner)
{
    return std::includes(outer.begin(), outer.end(), inner.begin(), inner.end());
}

Result<Hosts> read_hosts(const config::Node& object, std::string_view key)
{
    Hosts hosts;
    const config::Node* node = object.find(key);
    if (!node) return hosts;
    const auto list = node->as_list();
    if (!list) return list.error();
    if (list->size() > most_listed_hosts)
        return node->wrong(fmt::format("lists {} hosts; {} are taken", list->size(), most_listed_hosts));
    for (const config::Node& item : *list) {
        const auto text = item.as_text();
        if (!text) return text.error();
        auto host = names::normalise_host(*text);
        if (!host) return item.wrong(fmt::format("'{}' is no host name", *text));
        hosts.insert(std::move(*host));
    }
    return hosts;
}

}    // namespace

std::string_view to_string(TimeGrain grain)
{
    switch (grain) {
        case TimeGrain::day: return "day";
        case TimeGrain::hour: return "hour";
        case TimeGrain::second: break;
    }
    return "second";
}

std::optional<TimeGrain> parse_time_grain(std::string_view text)
{
    for (const TimeGrain grain : {TimeGrain::day, TimeGrain::hour, TimeGrain::second})
        if (text == to_string(grain)) return grain;
    return std::nullopt;
}

Collection everything()
{
    Collection all;
    all.sensors = all.people = all.applications = all.dns_only = true;
    all.time_grain = TimeGrain::second;
    all.report_seconds = 1;
    all.built_in_personal_hosts = false;
    return all;
}

Collection narrowest(const Collection& one, const Collection& other)
{
    Collection least;
    for (const Flag& flag : flags)
        least.*flag.member = one.*flag.member && other.*flag.member;
    least.time_grain = std::min(one.time_grain, other.time_grain);
    least.report_seconds = std::max(one.report_seconds, other.report_seconds);
    least.built_in_personal_hosts = one.built_in_personal_hosts || other.built_in_personal_hosts;
    least.personal_hosts = both(one.personal_hosts, other.personal_hosts);
    least.excluded_hosts = both(one.excluded_hosts, other.excluded_hosts);
    return least;
}

bool is_within(const Collection& inner, const Collection& outer)
{
    const bool no_flag_more = std::all_of(std::begin(flags), std::end(flags), [&](const Flag& flag) {
        return outer.*flag.member || !(inner.*flag.member);
    });
    return no_flag_more && inner.time_grain <= outer.time_grain && inner.report_seconds >= outer.report_seconds &&
           (inner.built_in_personal_hosts || !outer.built_in_personal_hosts) &&
           holds_all(inner.personal_hosts, outer.personal_hosts) &&
           holds_all(inner.excluded_hosts, outer.excluded_hosts);
}

Result<Collection> read_collection(const config::Node& object)
{
    const auto known =
        object.only_keys({"use", "sensors", "people", "applications", "dns_only", "time_grain", "report_seconds",
                          "built_in_personal_hosts", "personal_hosts", "excluded_hosts"});
    if (!known) return known.error();
    Collection read;
    for (const Flag& flag : flags) {
        const auto value = object.boolean_or(flag.key, Collection{}.*flag.member);
        if (!value) return value.error();
        read.*flag.member = *value;
    }
    const auto built_in = object.boolean_or("built_in_personal_hosts", true);
    if (!built_in) return built_in.error();
    read.built_in_personal_hosts = *built_in;
    if (const config::Node* node = object.find("time_grain")) {
        const auto text = node->as_text();
        if (!text) return text.error();
        const auto grain = parse_time_grain(*text);
        if (!grain) return node->wrong(fmt::format("is '{}'; give day, hour or second", *text));
        read.time_grain = *grain;
    }
    if (const config::Node* node = object.find("report_seconds")) {
        const auto seconds = node->as_unsigned();
        if (!seconds) return seconds.error();
        if (*seconds < 1 || *seconds > longest_report_seconds)
            return node->wrong(fmt::format("is {}; give 1 to {}", *seconds, longest_report_seconds));
        read.report_seconds = static_cast<std::uint32_t>(*seconds);
    }
    auto personal = read_hosts(object, "personal_hosts");
    if (!personal) return personal.error();
    read.personal_hosts = std::move(*personal);
    auto excluded = read_hosts(object, "excluded_hosts");
    if (!excluded) return excluded.error();
    read.excluded_hosts = std::move(*excluded);
    return read;
}

nlohmann::ordered_json to_json(const Collection& collection)
{
    nlohmann::ordered_json out;
    for (const Flag& flag : flags)
        out[std::string(flag.key)] = collection.*flag.member;
    out["time_grain"] = std::string(to_string(collection.time_grain));
    out["report_seconds"] = collection.report_seconds;
    out["built_in_personal_hosts"] = collection.built_in_personal_hosts;
    out["personal_hosts"] = collection.personal_hosts;
    out["excluded_hosts"] = collection.excluded_hosts;
    return out;
}

std::string in_words(const Collection& collection)
{
    if (!collection.use) return "nothing";
    std::string yes = "hosts", no;
    for (const Flag& flag : flags) {
        if (flag.member == &Collection::use) continue;
        std::string& list = collection.*flag.member ? yes : no;
        list += fmt::format("{}{}", list.empty() ? "" : ", ", flag.words);
    }
    return fmt::format("{}; times by the {}{}{}; at most every {} s; {}{} more suffixes folded, {} left out", yes,
                       to_string(collection.time_grain), no.empty() ? "" : "; not: ", no, collection.report_seconds,
                       collection.built_in_personal_hosts ? "" : "built-in personal hosts not folded, ",
                       collection.personal_hosts.size(), collection.excluded_hosts.size());
}

}    // namespace dl::signing
