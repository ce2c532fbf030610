// Who visits what on which day: the scenario that demo, end-to-end tests and their ground truth share.
//
// A scenario is JSON: devices with the employees that work at them, and visits. Employees are numbers; number N has the
// account name eN and the user id uid_base + N, unless "accounts" gives that number another name and user id: a second
// account of somebody, or a service's (a name is empty where the system knows none). Days are given relative to the
// week of "today": "W-3", "W-2" and "W-1" are the working days of the three closed ISO weeks before it, "W-1/3" the
// Wednesday of the last one, "today" is today. A
// visit's "service" is for those who hold findings against the scenario; the generator does not read it.
#pragma once

#include "shared/base/time.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace dl::traffic {

enum class How {
    tls,        ///< TLS 1.3 over TCP, the host as SNI
    quic,       ///< QUIC v1, the host as SNI
    http,       ///< HTTP/1.1, the host in Host
    opaque,     ///< TCP whose bytes name nobody: only the DNS answer tells
    dns,        ///< a question and its answer, no connection
    address,    ///< TCP whose bytes name nobody, to an address that nobody asked for
};
[[nodiscard]] std::string_view to_string(How how);
/// "tcp" or "udp"
[[nodiscard]] std::string_view transport_of(How how);

struct Device {
    std::string name;
    std::string unit;
    std::vector<unsigned> people;
};

struct Account {
    std::string name;    ///< empty: a user id without a name
    unsigned uid = 0;
};

struct Visit {
    std::string host;
    std::string canonical;    ///< what the DNS answer's CNAME leads to; empty: no CNAME
    How how = How::tls;
    std::uint16_t port = 443;
    std::set<unsigned> people;
    std::vector<std::string> days;    ///< tokens as above
    std::uint32_t up = 0;             ///< application bytes, without what TLS or QUIC adds
    std::uint32_t down = 0;
    std::uint32_t times = 1;    ///< connections a day and person
    std::uint32_t hello_padding =
        0;    ///< octets added to the ClientHello, so that it needs several segments or packets
};

struct Scenario {
    unsigned uid_base = 20000;
    std::map<unsigned, Account> accounts;    ///< by number: those that are no employee's usual one
    std::vector<Device> devices;
    std::vector<Visit> visits;
    std::map<std::string, std::string> addresses;    ///< host → server address, documentation ranges

    [[nodiscard]] Account account(unsigned number) const;
    [[nodiscard]] const Device& device(std::string_view name) const;
    /// The device's place in the list: its link is 10.77.<place>.0/24, .1 is the internet's end.
    [[nodiscard]] std::size_t place(std::string_view device) const;
};

inline constexpr const char* resolver_address = "192.0.2.53";

/// Throws std::runtime_error naming file and entry.
[[nodiscard]] Scenario load_scenario(const std::filesystem::path& file);

/// The working days of the three closed ISO weeks before the week of `today`.
[[nodiscard]] std::vector<Day> earlier_days(Day today);
/// The days that the visit's tokens mean, ascending.
[[nodiscard]] std::vector<Day> days_of(const Visit& visit, Day today);
/// The device's own address on that day: every day has another one, so that days recorded at once can be told apart.
[[nodiscard]] std::string client_address(std::size_t place, Day day, Day today);

}    // namespace dl::traffic
