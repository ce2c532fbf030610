// daylight-process-watch: tells the agent which program holds a socket, and nobody else. It parses no packets.
#include "agent/owners/message.hpp"
#include "agent/owners/process_watch.hpp"

#include "generated/version.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <iostream>

namespace {

std::atomic<bool> stop_asked{false};

void ask_to_stop(int) { stop_asked = true; }

int fail(const dl::Failure& failure)
{
    fmt::print(stderr, "daylight-process-watch: {}\n", failure.message);
    return 1;
}

}    // namespace

int main(int argc, char** argv)
{
    using namespace dl::agent;

    CLI::App app("Daylight process watch: tells the agent on this host which program holds a socket");
    app.name("daylight-process-watch");
    app.set_version_flag("--version", std::string("daylight-process-watch ") + dl::version);
    std::string socket = owners::default_socket;
    owners::Admission admission;
    app.add_option("--socket", socket, "Where to listen")->capture_default_str();
    app.add_option("--agent-cgroup", admission.cgroup, "Processes in this control group are answered")
        ->capture_default_str();
    app.add_option("--agent-user", admission.users, "User ids that are answered too");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return app.exit(wrong, std::cout, std::cerr) == 0 ? 0 : 2;
    }

    std::signal(SIGTERM, ask_to_stop);
    std::signal(SIGINT, ask_to_stop);
    auto watch = owners::ProcessWatch::open(socket, admission);
    if (!watch) return fail(watch.error());
    const auto missing = owners::keep_only_looking();
    if (!missing) return fail(missing.error());
    for (const std::string& capability : *missing)
        fmt::print(stderr,
                   "daylight-process-watch: has no {}: programs of other users stay unknown; start it by its service\n",
                   capability);
    if (const auto confined = owners::confine_to_answering(); !confined) return fail(confined.error());
    fmt::print(stderr, "daylight-process-watch: answering on {}\n", socket);
    const auto served = watch->serve(stop_asked);
    return served ? 0 : fail(served.error());
}
