#include "tests/traffic/truth.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

namespace dl::traffic {
namespace {

constexpr const char* application = "daylight-traffic";
constexpr std::uint16_t dns_port = 53;

std::ofstream create(const std::filesystem::path& file)
{
    std::ofstream out(file, std::ios::trunc);
    if (!out) throw std::runtime_error(fmt::format("{}: can't be written", file.string()));
    return out;
}

}    // namespace

std::string to_line(const Made& made)
{
    return fmt::format("{} {} {} {} {} {} {} {}\n", made.day.time_since_epoch().count(), made.person, made.visit,
                       made.question ? 1 : 0, made.client, made.counted.client_port, made.counted.up,
                       made.counted.down);
}

Made parse_line(const std::string& line)
{
    Made made;
    int day = 0;
    std::istringstream in(line);
    in >> day >> made.person >> made.visit >> made.question >> made.client >> made.counted.client_port >>
        made.counted.up >> made.counted.down;
    if (!in) throw std::runtime_error("an employee's process reported '" + line + "'");
    made.day = Day{std::chrono::days{day}};
    return made;
}

void write_truth(const std::filesystem::path& file, const Scenario& scenario, const Device& device,
                 const std::vector<Made>& made)
{
    struct Sum {
        std::uint64_t connections = 0, up = 0, down = 0;
    };
    std::map<std::tuple<Day, unsigned, std::size_t, bool>, Sum> sums;
    for (const Made& one : made) {
        Sum& sum = sums[{one.day, one.person, one.visit, one.question}];
        ++sum.connections;
        sum.up += one.counted.up;
        sum.down += one.counted.down;
    }
    nlohmann::json rows = nlohmann::json::array();
    for (const auto& [key, sum] : sums) {
        const auto& [day, person, at, question] = key;
        const Visit& visit = scenario.visits[at];
        const How how = question ? How::dns : visit.how;
        const std::string account = scenario.account(person).name;
        const std::string server = question ? resolver_address : scenario.addresses.at(visit.host);
        rows.push_back({{"day", to_iso_date(day)},
                        {"employee", account.empty() ? nlohmann::json() : nlohmann::json(account)},
                        {"host", visit.how == How::address ? server : visit.host},
                        {"canonical", visit.canonical},
                        {"how", to_string(how)},
                        {"transport", transport_of(how)},
                        {"server", server},
                        {"port", question ? dns_port : visit.port},
                        {"connections", sum.connections},
                        {"bytes_up", sum.up},
                        {"bytes_down", sum.down}});
    }
    create(file) << nlohmann::json{{"device", device.name}, {"unit", device.unit}, {"rows", rows}}.dump(1) << '\n';
}

void write_identities(const std::filesystem::path& file, const Scenario& scenario, const std::vector<Made>& made)
{
    std::ofstream out = create(file);
    out << "#transport\tclient_address\tclient_port\tserver_address\tserver_port\tuser\tapplication\n";
    for (const Made& one : made) {
        const Visit& visit = scenario.visits[one.visit];
        const How how = one.question ? How::dns : visit.how;
        out << fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\n", transport_of(how), one.client, one.counted.client_port,
                           one.question ? resolver_address : scenario.addresses.at(visit.host),
                           one.question ? dns_port : visit.port, scenario.account(one.person).name, application);
    }
}

}    // namespace dl::traffic
