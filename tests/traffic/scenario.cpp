#include "tests/traffic/scenario.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <stdexcept>

namespace dl::traffic {
namespace {

using nlohmann::json;

How parse_how(const std::string& text)
{
    for (const How how : {How::tls, How::quic, How::http, How::opaque, How::dns, How::address}) {
        if (text == to_string(how)) return how;
    }
    throw std::runtime_error(fmt::format("'how' is '{}'; one of tls, quic, http, opaque, dns, address", text));
}

std::uint16_t usual_port(How how)
{
    switch (how) {
        case How::http: return 80;
        case How::opaque:
        case How::address: throw std::runtime_error("a visit without a name in it needs its 'port'");
        default: return 443;
    }
}

unsigned parse_number(std::string_view text)
{
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) {
        throw std::runtime_error(fmt::format("'{}' is no employee number", text));
    }
    return number;
}

// ["1001-1009", "1012"]
std::set<unsigned> parse_people(const json& list)
{
    std::set<unsigned> people;
    for (const json& entry : list) {
        const auto text = entry.get<std::string>();
        const auto dash = text.find('-');
        const unsigned from = parse_number(text.substr(0, dash));
        const unsigned to = dash == std::string::npos ? from : parse_number(text.substr(dash + 1));
        for (unsigned person = from; person <= to; ++person) {
            people.insert(person);
        }
    }
    return people;
}

Visit parse_visit(const json& entry)
{
    static const std::set<std::string> known{"service", "host", "canonical", "how",  "port",  "people",
                                             "days",    "up",   "down",      "note", "times", "hello_padding"};
    for (const auto& [key, value] : entry.items()) {
        if (!known.contains(key)) throw std::runtime_error(fmt::format("unknown key '{}'", key));
    }
    Visit visit;
    visit.host = entry.at("host").get<std::string>();
    visit.canonical = entry.value("canonical", "");
    visit.how = parse_how(entry.value("how", "tls"));
    visit.port = entry.contains("port") ? entry["port"].get<std::uint16_t>() : usual_port(visit.how);
    visit.people = parse_people(entry.at("people"));
    visit.days = entry.at("days").get<std::vector<std::string>>();
    visit.up = std::max(entry.value("up", 2000U), 16U);
    visit.down = std::max(entry.value("down", 20000U), 1U);
    visit.times = entry.value("times", 1U);
    visit.hello_padding = entry.value("hello_padding", 0U);
    return visit;
}

Day monday_of(Day day) { return day - (std::chrono::weekday{day} - std::chrono::Monday); }

// RFC 5737: three documentation ranges, spread over so that neighbours in the list don't share a network.
void assign_addresses(Scenario& scenario)
{
    static constexpr const char* ranges[] = {"192.0.2", "198.51.100", "203.0.113"};
    std::map<std::string, std::string> edges;
    std::size_t next = 0;
    const auto fresh = [&next] {
        if (next >= 3 * 180) throw std::runtime_error("more hosts than documentation addresses (540)");
        const std::string address = fmt::format("{}.{}", ranges[next % 3], 60 + next / 3);
        ++next;
        return address;
    };
    for (const Visit& visit : scenario.visits) {
        if (scenario.addresses.contains(visit.host)) continue;
        if (visit.canonical.empty()) {
            scenario.addresses[visit.host] = fresh();
            continue;
        }
        auto edge = edges.find(visit.canonical);
        if (edge == edges.end()) edge = edges.emplace(visit.canonical, fresh()).first;
        scenario.addresses[visit.host] = edge->second;
    }
}

}    // namespace

std::string_view to_string(How how)
{
    switch (how) {
        case How::tls: return "tls";
        case How::quic: return "quic";
        case How::http: return "http";
        case How::opaque: return "opaque";
        case How::dns: return "dns";
        case How::address: return "address";
    }
    return "";
}

std::string_view transport_of(How how) { return how == How::quic || how == How::dns ? "udp" : "tcp"; }

std::size_t Scenario::place(std::string_view name) const
{
    for (std::size_t at = 0; at < devices.size(); ++at) {
        if (devices[at].name == name) return at;
    }
    throw std::runtime_error(fmt::format("the scenario has no device '{}'", name));
}

Account Scenario::account(unsigned number) const
{
    const auto other = accounts.find(number);
    return other == accounts.end() ? Account{fmt::format("e{}", number), uid_base + number} : other->second;
}

const Device& Scenario::device(std::string_view name) const { return devices[place(name)]; }

Scenario load_scenario(const std::filesystem::path& file)
{
    std::ifstream in(file);
    if (!in) throw std::runtime_error(fmt::format("{}: can't be read", file.string()));
    Scenario scenario;
    std::string where = "top";
    try {
        const json root = json::parse(in);
        scenario.uid_base = root.value("uid_base", 20000U);
        where = "accounts";
        const json accounts = root.value("accounts", json::object());
        for (const auto& [number, entry] : accounts.items()) {
            scenario.accounts[parse_number(number)] = {entry.at("name").get<std::string>(),
                                                       entry.at("uid").get<unsigned>()};
        }
        for (const json& entry : root.at("devices")) {
            where = fmt::format("device {}", scenario.devices.size() + 1);
            const std::set<unsigned> people = parse_people(entry.at("people"));
            scenario.devices.push_back({entry.at("name").get<std::string>(),
                                        entry.at("unit").get<std::string>(),
                                        {people.begin(), people.end()}});
        }
        for (const json& entry : root.at("visits")) {
            where = fmt::format("visit {} ({})", scenario.visits.size() + 1, entry.value("host", "no host"));
            scenario.visits.push_back(parse_visit(entry));
            static_cast<void>(days_of(scenario.visits.back(), Day{}));
        }
        assign_addresses(scenario);
    } catch (const std::exception& wrong) {
        throw std::runtime_error(fmt::format("{}: {}: {}", file.string(), where, wrong.what()));
    }
    return scenario;
}

std::vector<Day> earlier_days(Day today)
{
    std::vector<Day> days;
    for (const int weeks : {3, 2, 1}) {
        for (int day = 0; day < 5; ++day) {
            days.push_back(monday_of(today) - std::chrono::days{7 * weeks} + std::chrono::days{day});
        }
    }
    return days;
}

std::vector<Day> days_of(const Visit& visit, Day today)
{
    std::set<Day> days;
    const std::vector<Day> earlier = earlier_days(today);
    for (const std::string& token : visit.days) {
        if (token == "today") {
            days.insert(today);
            continue;
        }
        const bool week = token.size() >= 3 && token.starts_with("W-") && token[2] >= '1' && token[2] <= '3';
        const bool one_day = token.size() == 5 && token[3] == '/' && token[4] >= '1' && token[4] <= '5';
        if (!week || (token.size() != 3 && !one_day)) {
            throw std::runtime_error(fmt::format("'{}' is no day; W-3, W-2, W-1, W-1/1 … W-1/5 or today", token));
        }
        const auto monday = earlier.begin() + 5 * ('3' - token[2]);
        if (one_day) {
            days.insert(monday[token[4] - '1']);
        } else {
            days.insert(monday, monday + 5);
        }
    }
    return {days.begin(), days.end()};
}

std::string client_address(std::size_t place, Day day, Day today)
{
    const std::vector<Day> earlier = earlier_days(today);
    const auto found = std::find(earlier.begin(), earlier.end(), day);
    if (day == today) return fmt::format("10.77.{}.9", place);
    if (found == earlier.end()) throw std::runtime_error("a day outside the scenario");
    return fmt::format("10.77.{}.{}", place, 10 + (found - earlier.begin()));
}

}    // namespace dl::traffic
