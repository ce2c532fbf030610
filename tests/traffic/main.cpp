// daylight-traffic: real traffic of made-up employees, between network namespaces. See README.md beside this.
#include "tests/traffic/ends.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <iostream>
#include <optional>

namespace {

using namespace dl;
using namespace dl::traffic;

// device, unit, link's internet end, the device's addresses with a comma between
void print_network(const Scenario& scenario, Day today)
{
    for (std::size_t place = 0; place < scenario.devices.size(); ++place) {
        const Device& device = scenario.devices[place];
        std::string addresses = client_address(place, today, today);
        for (const Day day : earlier_days(today)) {
            addresses += "," + client_address(place, day, today);
        }
        fmt::print("{}\t{}\t10.77.{}.1\t{}\n", device.name, device.unit, place, addresses);
    }
}

// As in passwd(5): what turns the employees' user ids into account names.
void print_passwd(const Scenario& scenario)
{
    for (const Device& device : scenario.devices) {
        for (const unsigned person : device.people) {
            const Account account = scenario.account(person);
            if (account.name.empty()) continue;
            fmt::print("{}:x:{}:{}:number {}:/nonexistent:/usr/sbin/nologin\n", account.name, account.uid, account.uid,
                       person);
        }
    }
}

}    // namespace

int main(int argc, char** argv)
{
    CLI::App app{
        "Makes real traffic (TLS 1.3, QUIC, HTTP, DNS) of made-up employees, and counts it at its own sockets"};
    app.require_subcommand(1);
    std::string scenario_file;
    std::string today_text;
    DeviceRun run;
    std::string days = "today";
    int hold_ms = 1200;
    app.add_option("--scenario", scenario_file, "who visits what (JSON)")->required()->check(CLI::ExistingFile);
    app.add_option("--today", today_text, "the day that counts as today (UTC, 2026-03-01); the system's by default");

    CLI::App* network = app.add_subcommand("network", "Prints device, unit, gateway and addresses, TSV");
    CLI::App* passwd = app.add_subcommand("passwd", "Prints the employees as passwd(5) lines");
    CLI::App* internet = app.add_subcommand("internet", "Serves every host; ends with its standard input");
    CLI::App* device = app.add_subcommand("device", "Makes the visits of one device's employees (root)");
    device->add_option("name", run.device, "the device")->required();
    device->add_option("--interface", run.interface, "what to record, and to send like a wire")->capture_default_str();
    device->add_option("--days", days, "today: live; earlier: the three closed weeks before, all at once")
        ->check(CLI::IsMember({"today", "earlier"}))
        ->capture_default_str();
    device->add_option("--capture", run.capture, "records into this pcap file, times shifted to the earlier days");
    device->add_option("--identities", run.identities, "writes whose connection was whose (TSV)");
    device->add_option("--truth", run.truth, "writes the generator's own count (JSON)");
    device->add_option("--hold", hold_ms, "milliseconds that a connection stays open after its data")
        ->capture_default_str();
    device->add_option("--at-once", run.connections_at_once, "connections of one employee at a time")
        ->capture_default_str();

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return app.exit(wrong, std::cout, std::cerr) == 0 ? 0 : 2;
    }
    try {
        const Scenario scenario = load_scenario(scenario_file);
        run.today = today_text.empty() ? day_of(SystemClock{}.now()) : parse_iso_date(today_text).value();
        run.days = days == "today" ? DeviceRun::Days::today : DeviceRun::Days::earlier;
        run.hold = std::chrono::milliseconds{hold_ms};
        if (*network) return print_network(scenario, run.today), 0;
        if (*passwd) return print_passwd(scenario), 0;
        if (*internet) return run_internet(scenario);
        return run_device(scenario, run);
    } catch (const RecordIncomplete& problem) {
        fmt::print(stderr, "daylight-traffic: {}\n", problem.what());
        return 3;
    } catch (const std::exception& problem) {
        fmt::print(stderr, "daylight-traffic: {}\n", problem.what());
        return 1;
    }
}
