// daylight-process-watch: tells the agent which program holds a socket, and nobody else. It parses no packets.
#include "agent/owners/kernel/recorder.hpp"
#include "agent/owners/kernel_records.hpp"
#include "agent/owners/message.hpp"
#include "agent/owners/process_watch.hpp"
#include "shared/command_line/command_line.hpp"
#include "shared/rows/cell_text.hpp"

#include "generated/version.hpp"

#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <memory>

namespace {

namespace owners = dl::agent::owners;

std::atomic<bool> stop_asked{false};

void ask_to_stop(int) { stop_asked = true; }

int fail(const dl::Failure& failure)
{
    fmt::print(stderr, "daylight-process-watch: {}\n", dl::rows::display_text(failure.message));
    return 1;
}

struct Asked {
    std::string socket = owners::default_socket;
    owners::Admission admission;
    bool records = false;
};

int watch_for(const Asked& asked)
{
    std::signal(SIGTERM, ask_to_stop);
    std::signal(SIGINT, ask_to_stop);
    auto watch = owners::ProcessWatch::open(asked.socket, asked.admission);
    if (!watch) return fail(watch.error());
    owners::RecordsOffer offer;
    std::unique_ptr<owners::Recorder> recorder;
    if (asked.records) {
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
    fmt::print(stderr, "daylight-process-watch: answering on {}\n", asked.socket);
    const auto served = watch->serve(stop_asked, offer);
    return served ? 0 : fail(served.error());
}

}    // namespace

int main(int argc, char** argv)
{
    dl::command_line::CommandLine line;
    line.app.description("Daylight process watch: tells the agent on this host which program holds a socket");
    line.app.name("daylight-process-watch");
    Asked asked;
    line.app.add_option("--socket", asked.socket, "Where to listen")->capture_default_str();
    line.app.add_option("--agent-cgroup", asked.admission.cgroup, "Processes in this control group are answered")
        ->capture_default_str();
    line.app.add_option("--agent-user", asked.admission.users, "User ids that are answered too");
    line.app.add_flag("--kernel-records", asked.records,
                      "Have the kernel write down who makes a connection (eBPF), for those too short to be looked for");
    line.chosen = [&asked] { return watch_for(asked); };
    return dl::command_line::run(line, dl::version, argc, argv);
}
