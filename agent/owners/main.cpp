// daylight-process-watch: tells the agent which program holds a socket, and nobody else. It parses no packets.
#include "agent/owners/kernel/recorder.hpp"
#include "agent/owners/kernel_records.hpp"
#include "agent/owners/message.hpp"
#include "agent/owners/process_watch.hpp"

#include "generated/version.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <iostream>
#include <memory>

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
    bool wants_records = false;
    app.add_flag("--kernel-records", wants_records,
                 "Have the kernel write down who makes a connection (eBPF), for those too short to be looked for");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return app.exit(wrong, std::cout, std::cerr) == 0 ? 0 : 2;
    }

    std::signal(SIGTERM, ask_to_stop);
    std::signal(SIGINT, ask_to_stop);
    auto watch = owners::ProcessWatch::open(socket, admission);
    if (!watch) return fail(watch.error());
    owners::RecordsOffer offer;
    std::unique_ptr<owners::Recorder> recorder;
    if (wants_records) {
        auto started = owners::start_recorder();
        if (!started) {
            offer.state = owners::Records::refused;
            fmt::print(stderr, "daylight-process-watch: no kernel records: {}\n", started.error().message);
        } else {
            recorder = std::move(*started);
        }
    }
    const auto missing = owners::keep_only_looking();
    if (!missing) return fail(missing.error());
    for (const std::string& capability : *missing)
        fmt::print(stderr,
                   "daylight-process-watch: has no {}: programs of other users stay unknown; start it by its service\n",
                   capability);
    if (recorder) {
        // The agent has no privilege when it reads: what it will not be able to do is not offered.
        if (const auto readable = owners::can_read_table(recorder->by_ends()); !readable) {
            offer.state = owners::Records::refused;
            recorder.reset();
            fmt::print(stderr, "daylight-process-watch: no kernel records: {}\n", readable.error().message);
        } else {
            offer = {owners::Records::on, recorder->by_ends(), recorder->by_cookie()};
            fmt::print(stderr, "daylight-process-watch: the kernel records who makes a connection{}\n",
                       recorder->sees_the_close() ? "" : "; not for short connected UDP sockets (Linux before 6.2)");
        }
    }
    if (const auto confined = owners::confine_to_answering(); !confined) return fail(confined.error());
    fmt::print(stderr, "daylight-process-watch: answering on {}\n", socket);
    const auto served = watch->serve(stop_asked, offer);
    return served ? 0 : fail(served.error());
}
