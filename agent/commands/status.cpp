// daylight-agent status: who this agent is, what it holds, what it has reported. Works beside a running agent.
#include "agent/commands/commands.hpp"
#include "agent/commands/verb.hpp"
#include "agent/ledger/ledger.hpp"
#include "agent/service/data_directory.hpp"
#include "agent/service/health.hpp"
#include "agent/service/watch.hpp"
#include "agent/uplink/enrolment.hpp"
#include "shared/command_line/option_checks.hpp"
#include "shared/rows/row_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>
#include <memory>

namespace dl::agent::commands {
namespace {

struct Options {
    std::string config;
    std::string format = "table";
};

nlohmann::json when(const std::optional<Timestamp>& moment)
{
    return moment ? nlohmann::json(to_rfc3339(*moment)) : nlohmann::json();
}

std::uint64_t count_in(const std::string& text)
{
    std::uint64_t count = 0;
    std::from_chars(text.data(), text.data() + text.size(), count);
    return count;
}

/// Null where there was nothing; three digits are enough.
nlohmann::json share(std::uint64_t part, std::uint64_t whole)
{
    if (whole == 0) return {};
    const double exact = static_cast<double>(std::min(part, whole)) / static_cast<double>(whole);
    return std::round(exact * 1000) / 1000;
}

int status(const Options& options)
{
    const auto settings = load_settings(options.config);
    if (!settings) return fail("status", settings.error());
    const auto enrolment = uplink::load_enrolment(settings->data_directory);
    if (!enrolment) return fail("status", enrolment.error());
    const auto validity = uplink::validity_of(*enrolment);
    if (!validity) return fail("status", validity.error());

    const SystemClock clock;
    const auto writer = rows::create_row_writer(*rows::parse_format(options.format), {{"item"}, {"value"}}, std::cout);
    const auto row = [&](const char* item, nlohmann::json value) { writer->write({item, std::move(value)}); };
    const auto process = service::running_agent(settings->data_directory);
    row("agent", enrolment->agent.hex());
    row("observer", std::string(wire::to_string(enrolment->observer)));
    row("collector", settings->collector.empty() ? enrolment->collector : settings->collector);
    row("process", process ? nlohmann::json(*process) : nlohmann::json());
    row("certificate_good_until", to_rfc3339(validity->to));
    row("certificate_expired", clock.now() > validity->to);

    const auto ledger = ledger::open_existing_ledger(service::ledger_file(settings->data_directory), clock);
    if (!ledger && ledger.error().kind != Failure::Kind::not_found) return fail("status", ledger.error());
    if (ledger) {
        const auto state = (*ledger)->state();
        if (!state) return fail("status", state.error());
        const auto trouble = (*ledger)->note("trouble");
        row("epoch", state->epoch.hex());
        row("epoch_began_because", state->last_epoch_reason);
        row("revision", state->revision);
        row("revision_acknowledged", state->acknowledged);
        row("cells", state->cells);
        row("cells_unsent", state->unsent);
        row("cells_set_aside", state->set_aside);
        row("ledger_octets", state->bytes);
        row("open_connections_kept", state->open_connections);
        const auto without_room = (*ledger)->note(service::open_without_room_note);
        row("open_connections_without_room", without_room ? count_in(*without_room) : 0);
        row("last_booked", when(state->last_booked));
        row("seconds_since_booked", state->last_booked && process
                                        ? nlohmann::json(service::seconds_between(*state->last_booked, clock.now()))
                                        : nlohmann::json());
        row("oldest_unsent_day",
            state->oldest_unsent ? nlohmann::json(to_iso_date(*state->oldest_unsent)) : nlohmann::json());
        row("days_behind", service::days_behind(*state, clock.now()));
        const auto disk_trouble = (*ledger)->note(service::disk_trouble_note);
        row("last_disk_trouble",
            disk_trouble && !disk_trouble->empty() ? nlohmann::json(*disk_trouble) : nlohmann::json());
        row("last_acknowledged", when(state->last_acknowledged));
        row("store", state->last_store ? nlohmann::json(state->last_store->hex()) : nlohmann::json());
        row("trouble", trouble && !trouble->empty() ? nlohmann::json(*trouble) : nlohmann::json());
        const wire::Counters& counters = state->counters;
        row("packets", counters.packets);
        row("packets_dropped", counters.packets_dropped);
        row("connections", counters.connections);
        row("connections_unattributed", counters.connections_unattributed);
        const std::uint64_t without_program =
            counters.connections - std::min(counters.connections, counters.connections_with_program);
        row("connections_without_program", without_program);
        row("share_without_user", share(counters.connections_unattributed, counters.connections));
        row("share_without_program", share(without_program, counters.connections));
        row("cells_dropped", counters.cells_dropped);
        row("gap_seconds", counters.gap_seconds);
        row("bytes_hidden_road", counters.bytes_hidden_road);
    }
    const auto written = writer->finish();
    return written ? 0 : fail("status", written.error());
}

}    // namespace

void add_status(CommandLine& line)
{
    auto options = std::make_shared<Options>();
    CLI::App* verb =
        line.app.add_subcommand("status", "Show who this agent is, what it holds and what it has reported");
    add_config_option(*verb, options->config);
    command_line::add_format_option(*verb, options->format);
    verb->callback([&line, options] { line.chosen = [options] { return status(*options); }; });
}

}    // namespace dl::agent::commands
