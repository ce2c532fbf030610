#include "tests/traffic/ends.hpp"
#include "tests/traffic/exchange.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <set>
#include <thread>

namespace dl::traffic {

int run_internet(const Scenario& scenario)
{
    std::signal(SIGPIPE, SIG_IGN);
    std::set<std::pair<How, std::uint16_t>> services{{How::dns, 53}};
    for (const Visit& visit : scenario.visits) {
        if (visit.how == How::dns) continue;
        services.insert({visit.how == How::address ? How::opaque : visit.how, visit.port});
    }
    for (const auto& [how, port] : services) {
        std::thread([&scenario, how = how, port = port] {
            try {
                switch (how) {
                    case How::tls: serve_tls(port); break;
                    case How::quic: serve_quic(port); break;
                    case How::http: serve_http(port); break;
                    case How::opaque:
                    case How::address: serve_opaque(port); break;
                    case How::dns: serve_dns(scenario); break;
                }
            } catch (const std::exception& problem) {
                fmt::print(stderr, "daylight-traffic internet: {}\n", problem.what());
                _exit(1);
            }
        }).detach();
    }
    std::this_thread::sleep_for(
        std::chrono::milliseconds{200});    // a listener that fails ends the process before this
    fmt::print("ready: {} hosts on {} ports\n", scenario.addresses.size(), services.size());
    std::fflush(stdout);
    char ignored = 0;
    while (read(STDIN_FILENO, &ignored, 1) > 0) {
    }
    _exit(0);    // the serving threads have no end of their own
}

}    // namespace dl::traffic
