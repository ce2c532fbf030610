#include "tests/traffic/ends.hpp"
#include "tests/traffic/recorder.hpp"
#include "tests/traffic/recording_check.hpp"
#include "tests/traffic/truth.hpp"

#include <fmt/format.h>

#include <grp.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

#include "tests/traffic/sockets.hpp"

namespace dl::traffic {
namespace {

constexpr auto recorded_day_begins = std::chrono::hours{9};
constexpr auto until_quiet = std::chrono::milliseconds{800};    // longer than a loaded server needs to see a close

struct Errand {
    Day day{};
    std::size_t visit = 0;
};

std::vector<Errand> errands_of(const Scenario& scenario, const DeviceRun& run, unsigned person)
{
    std::vector<Errand> errands;
    for (std::size_t at = 0; at < scenario.visits.size(); ++at) {
        const Visit& visit = scenario.visits[at];
        if (!visit.people.contains(person)) continue;
        for (const Day day : days_of(visit, run.today)) {
            if ((day == run.today) != (run.days == DeviceRun::Days::today)) continue;
            errands.insert(errands.end(), visit.times, Errand{day, at});
        }
    }
    return errands;
}

Counted go(const Exchange& exchange)
{
    switch (exchange.visit.how) {
        case How::tls: return exchange_tls(exchange);
        case How::quic: return exchange_quic(exchange);
        case How::http: return exchange_http(exchange);
        case How::opaque:
        case How::address: return exchange_opaque(exchange);
        case How::dns: break;
    }
    throw std::logic_error("a dns visit has no connection");
}

void send_report(int pipe, const std::string& lines)
{
    // Under PIPE_BUF: one write, one piece.
    if (write(pipe, lines.data(), lines.size()) != static_cast<ssize_t>(lines.size()))
        throw std::runtime_error("the pipe broke");
}

/// Connections whose count is not final before everything is quiet.
struct LateCounts {
    std::mutex mutex;
    std::vector<Made> made;
};

void run_errand(const Scenario& scenario, const DeviceRun& run, unsigned person, const Errand& errand, int report,
                LateCounts& late)
{
    const Visit& visit = scenario.visits[errand.visit];
    Made made{errand.day, person, errand.visit, true, client_address(scenario.place(run.device), errand.day, run.today),
              {}};
    if (visit.how != How::address) {
        made.counted = exchange_dns({visit, made.client, resolver_address, run.hold});
        send_report(report, to_line(made));
    }
    if (visit.how == How::dns) return;
    made.question = false;
    made.counted = go({visit, made.client, scenario.addresses.at(visit.host), run.hold});
    if (made.counted.late) {
        const std::lock_guard held{late.mutex};
        late.made.push_back(made);
    } else {
        send_report(report, to_line(made));
    }
}

// In the employee's process. Threads take errands one after another.
int work(const Scenario& scenario, const DeviceRun& run, unsigned person, int report)
{
    const std::vector<Errand> errands = errands_of(scenario, run, person);
    std::atomic<std::size_t> next = 0;
    std::atomic<bool> failed = false;
    LateCounts late;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < std::min<std::size_t>(run.connections_at_once, errands.size()); ++i) {
        threads.emplace_back([&] {
            for (std::size_t at = next++; at < errands.size(); at = next++) {
                try {
                    run_errand(scenario, run, person, errands[at], report, late);
                } catch (const std::exception& problem) {
                    fmt::print(stderr, "daylight-traffic device {}: e{}: {}: {}\n", run.device, person,
                               scenario.visits[errands[at].visit].host, problem.what());
                    failed = true;
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    if (!late.made.empty()) std::this_thread::sleep_for(until_quiet);
    for (Made& made : late.made) {
        count_late(made.counted);
        send_report(report, to_line(made));
    }
    return failed ? 1 : 0;
}

void become(unsigned uid)
{
    if (setgroups(0, nullptr) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0) {
        fail(fmt::format("become user {}", uid));
    }
}

struct Pipe {
    Socket in;
    Socket out;
};
Pipe make_pipe()
{
    int ends[2];
    if (pipe(ends) != 0) fail("pipe");
    return {Socket{ends[0]}, Socket{ends[1]}};
}

pid_t start_employee(const Scenario& scenario, const DeviceRun& run, unsigned person, Pipe& go_ahead, Pipe& reports)
{
    const pid_t pid = fork();
    if (pid < 0) fail("fork");
    if (pid > 0) return pid;
    int code = 1;
    try {
        go_ahead.out = Socket{};
        reports.in = Socket{};
        become(scenario.account(person).uid);
        char octet = 0;
        if (read(go_ahead.in.fd(), &octet, 1) == 0) code = work(scenario, run, person, reports.out.fd());
    } catch (const std::exception& problem) {
        fmt::print(stderr, "daylight-traffic device {}: e{}: {}\n", run.device, person, problem.what());
    }
    _exit(code);
}

std::vector<Made> collect(const Socket& reports)
{
    std::string text;
    char buffer[65536];
    for (ssize_t got = 0; (got = read(reports.fd(), buffer, sizeof buffer)) > 0;) {
        text.append(buffer, static_cast<std::size_t>(got));
    }
    std::vector<Made> made;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        made.push_back(parse_line(text.substr(at, end - at)));
        at = end + 1;
    }
    return made;
}

}    // namespace

int run_device(const Scenario& scenario, const DeviceRun& run)
{
    std::signal(SIGPIPE, SIG_IGN);
    const Device& device = scenario.device(run.device);
    turn_off_offloads(run.interface);

    // Employees are forked first and wait: no process is forked beside a running thread.
    Pipe go_ahead = make_pipe();
    Pipe reports = make_pipe();
    std::vector<pid_t> employees;
    for (const unsigned person : device.people) {
        employees.push_back(start_employee(scenario, run, person, go_ahead, reports));
    }
    reports.out = Socket{};
    go_ahead.in = Socket{};

    std::unique_ptr<Recorder> recorder;
    if (!run.capture.empty()) {
        std::map<std::string, Day> day_of_client;
        for (const Day day : earlier_days(run.today)) {
            day_of_client[client_address(scenario.place(run.device), day, run.today)] = day;
        }
        recorder = std::make_unique<Recorder>(run.interface, day_of_client);
        recorder->start();
    }
    go_ahead.out = Socket{};
    const std::vector<Made> made = collect(reports.in);
    bool good = true;
    for (const pid_t pid : employees) {
        int status = 0;
        waitpid(pid, &status, 0);
        good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    if (recorder) {
        recorder->stop();
        recorder->write(run.capture, recorded_day_begins);
        // A failed visit has no count to compare with, and is a failure anyway.
        if (const std::string lacking = good ? difference(run.capture, scenario, made) : ""; !lacking.empty())
            throw RecordIncomplete(lacking);
    }
    if (!run.identities.empty()) write_identities(run.identities, scenario, made);
    if (!run.truth.empty()) write_truth(run.truth, scenario, device, made);
    return good ? 0 : 1;
}

void turn_off_offloads(const std::string& interface)
{
    const Socket socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    for (const std::uint32_t command : {ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_STXCSUM}) {
        ethtool_value value{command, 0};
        ifreq request{};
        std::strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
        request.ifr_data = reinterpret_cast<char*>(&value);
        if (ioctl(socket.fd(), SIOCETHTOOL, &request) != 0 && errno != EOPNOTSUPP) fail("ethtool on " + interface);
    }
}

}    // namespace dl::traffic
