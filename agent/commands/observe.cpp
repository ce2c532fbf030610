// daylight-agent observe: what is on the wire, by name as asked, shown here and sent nowhere. What `run` reports of it
// has personal life folded and people made pseudonyms.
#include "agent/capture/capture_file.hpp"
#include "agent/commands/commands.hpp"
#include "agent/commands/observed_rows.hpp"
#include "agent/commands/verb.hpp"
#include "agent/flow/flow_table.hpp"
#include "agent/identity/recorded_attributor.hpp"
#include "agent/platform/platform.hpp"
#include "shared/command_line/option_checks.hpp"
#include "shared/rows/row_writer.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>

namespace dl::agent::commands {
namespace {

struct Options {
    std::string file;
    std::string interface;
    std::string network_namespace;
    std::string format = "table";
    std::string filter;
    std::string identities;
    std::string process_watch;
    std::string mode = "sensor";
    std::size_t rows_in_memory = ObservedRows::default_rows;
    std::uint32_t connections_limit = flow::Limits::usual_connections;
    std::optional<double> duration;    ///< seconds; absent: until the end or a signal
};

volatile std::sig_atomic_t stop_asked = 0;

void ask_to_stop(int) { stop_asked = 1; }

int fail(const Failure& failure) { return commands::fail("observe", failure); }

/// What is wrong with a text as a time to watch; nothing where it is one.
std::string check_duration(const std::string& text)
{
    double seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error == std::errc{} && end == text.data() + text.size() && std::isfinite(seconds) && seconds > 0) return {};
    return fmt::format("'{}' is no time to watch; give seconds, more than 0", text);
}

Result<std::unique_ptr<capture::PacketSource>> open_source(const Options& options)
{
    if (!options.file.empty()) return capture::open_capture_file(options.file);
    capture::LiveOptions live;
    live.interface = options.interface;
    live.network_namespace = options.network_namespace;
    live.filter = options.filter;
    if (options.mode == "endpoint") live.view = capture::LiveOptions::View::endpoint;
    return platform::open_live_capture(live);
}

/// A recorded table where one is named, the running system on an interface, else nobody is known.
Result<std::unique_ptr<identity::Attributor>> open_attributor(const Options& options)
{
    if (!options.identities.empty()) return identity::create_recorded_attributor(options.identities);
    if (options.interface.empty()) return std::unique_ptr<identity::Attributor>();
    return platform::open_attribution({options.interface, options.network_namespace, options.process_watch});
}

/// Reads packets until the end, the duration, or a signal. A failure is returned after everything before it was read.
Result<void> read_all(capture::PacketSource& source, flow::FlowTable& table, const ObservedRows& observed,
                      const Options& options)
{
    const auto begun = std::chrono::steady_clock::now();
    const bool live = options.file.empty();
    std::int64_t first_ns = 0;
    bool any = false;
    capture::Packet packet;
    for (std::uint64_t count = 0; stop_asked == 0; ++count) {
        auto event = source.next(packet);
        if (!event) return event.error();
        if (*event == capture::Event::end) break;
        if (*event == capture::Event::packet) {
            if (!any) first_ns = packet.time_ns;
            any = true;
            // In a file, time is the packets'.
            if (!live && options.duration && static_cast<double>(packet.time_ns - first_ns) > *options.duration * 1e9)
                break;
            table.on_packet(packet);
            if (count % 1024 != 0) continue;
            if (observed.failure()) return *observed.failure();
        }
        if (live && options.duration &&
            std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count() >= *options.duration)
            break;
    }
    return {};
}

/// What a bound left out, one line each.
void tell_bounds(const flow::Counters& counters)
{
    const auto tell = [](std::uint64_t count, std::string_view what) {
        if (count > 0) fmt::print(stderr, "daylight-agent observe: {} {}\n", count, what);
    };
    tell(counters.connections_evicted,
         "connections were ended early: more were open than are kept (--connections-limit)");
    tell(counters.networks_left_out,
         "packets were left out: alike in addresses and ports in more virtual networks than are told apart");
    tell(counters.streams_refused, "first flights found no room or gave it to others (--connections-limit)");
    tell(counters.key_trials_refused, "QUIC packets were not tried: too many a second that open nothing");
    tell(counters.answers_unasked, "DNS answers were not believed: their question was not seen");
    tell(counters.fragments_given_up, "fragmented packets were given up");
}

int observe(const Options& options)
{
    auto source = open_source(options);
    if (!source) return fail(source.error());
    const auto attributor = open_attributor(options);
    if (!attributor) return fail(attributor.error());
    std::signal(SIGINT, ask_to_stop);
    std::signal(SIGTERM, ask_to_stop);

    if (*attributor) (*attributor)->start();
    ObservedRows observed(attributor->get(), options.rows_in_memory);
    flow::FlowTable table(observed, flow::Limits::of(options.connections_limit));
    const Result<void> read = read_all(**source, table, observed, options);
    table.finish();
    const auto writer =
        rows::create_row_writer(*rows::parse_format(options.format), ObservedRows::columns(), std::cout);
    if (auto written = observed.write(*writer); !written) return fail(written.error());
    if (auto finished = writer->finish(); !finished) return fail(finished.error());
    if (const auto unknown = (*source)->statistics().unknown; unknown > 0)
        fmt::print(stderr, "daylight-agent observe: {} packets of interfaces with an unknown link type were left out\n",
                   unknown);
    if (const auto dropped = (*source)->statistics().dropped; dropped > 0)
        fmt::print(stderr, "daylight-agent observe: {} packets were dropped by the kernel; narrow the filter\n",
                   dropped);
    if (observed.rows_spilled() > 0)
        fmt::print(stderr,
                   "daylight-agent observe: rows lay in a temporary file: more than {} came (--rows-in-memory)\n",
                   options.rows_in_memory);
    tell_bounds(table.counters());
    return read ? 0 : fail(read.error());
}

}    // namespace

void add_observe(CommandLine& line)
{
    auto options = std::make_shared<Options>();
    CLI::App* verb = line.app.add_subcommand(
        "observe", "Show which destinations are used, in a capture or on an interface; send nothing");
    auto* file = verb->add_option("--pcap", options->file,
                                  "Capture file (pcap, pcapng; also gzip or zstd), - for standard input");
    auto* interface = verb->add_option("--interface", options->interface, "Network interface to watch");
    file->excludes(interface);
    verb->add_option("--netns", options->network_namespace, "Network namespace (name or path) that the interface is in")
        ->needs(interface);
    verb->add_option("--filter", options->filter, "BPF filter for the kernel (pcap-filter syntax)")->needs(interface);
    verb->add_option("--identities", options->identities,
                     "Table (TSV) of whose connections were recorded beside the capture");
    verb->add_option("--mode", options->mode,
                     "sensor: every packet; endpoint: what `run` reads of this host's own traffic in that mode")
        ->check(CLI::IsMember({"sensor", "endpoint"}))
        ->needs(interface);
    verb->add_option("--process-watch", options->process_watch,
                     "Socket of the process watch to ask for programs; without it, /proc as far as this user may look")
        ->needs(interface);
    verb->add_option(
            "--duration", options->duration,
            "Seconds to watch, more than 0 (in a capture: of its packets); without it, until the end or Ctrl-C")
        ->check(CLI::Validator([](std::string& text) { return check_duration(text); }, ""));
    verb->add_option("--connections-limit", options->connections_limit,
                     "Open connections to keep at once; with more, the longest silent end early")
        ->check(CLI::Range(1024U, 16'777'216U))
        ->capture_default_str();
    verb->add_option("--rows-in-memory", options->rows_in_memory,
                     "Rows to keep in memory; more lie in a temporary file (in TMPDIR) till the end")
        ->check(CLI::Range(std::size_t{1}, std::size_t{100'000'000}))
        ->capture_default_str();
    command_line::add_format_option(*verb, options->format);
    verb->callback([&line, options] {
        if (options->file.empty() && options->interface.empty())
            command_line::wrong_usage("--pcap or --interface",
                                      "name a capture with --pcap FILE or an interface with --interface IF");
        line.chosen = [options] { return observe(*options); };
    });
}

}    // namespace dl::agent::commands
