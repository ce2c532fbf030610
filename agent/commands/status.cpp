// daylight-agent status: who this agent is, what it holds, what it has reported. Works beside a running agent.
#include "agent/commands/commands.hpp"
#include "agent/commands/verb.hpp"
#include "agent/ledger/ledger.hpp"
#include "agent/service/collecting.hpp"
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

template <class Row>
Result<void> show_collecting(const Settings& settings, const uplink::Enrolment& enrolment, Timestamp now, Row row)
{
    const auto held = service::load_signed_settings(settings, enrolment);
    if (!held) return held.error();
    const auto local = service::collection_of(settings);
    if (!local) return local.error();
    const auto& document = held->document();
    row("settings_key", held->trusted() ? nlohmann::json(signing::to_text(*held->trusted())) : nlohmann::json());
    row("settings_serial", document ? nlohmann::json(document->serial) : nlohmann::json());
    row("settings_good_until", document ? when(document->expires) : nlohmann::json());
    row("settings_refused", held->refused());
    row("settings_last_refusal", held->why().empty() ? nlohmann::json() : nlohmann::json(held->why()));
    row("collects", signing::in_words(service::in_force(held->bound(now), *local, settings.mode)));
    return {};
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
    const auto standing =
        process && settings->capture_file.empty() ? service::read_standing(settings->data_directory) : std::nullopt;
    row("agent", enrolment->agent.hex());
    row("observer", std::string(wire::to_string(enrolment->observer)));
    row("collector", settings->collector.empty() ? enrolment->collector : settings->collector);
    row("process", process ? nlohmann::json(*process) : nlohmann::json());
    row("certificate_good_until", to_rfc3339(validity->to));
    row("certificate_expired", clock.now() > validity->to);
    // Told by the agent itself, also while its ledger can't be written.
    const auto told = [&](const auto& what, auto value) {
        return what ? nlohmann::json(value(*what)) : nlohmann::json();
    };
    const auto disk = standing ? standing->disk : std::nullopt;
    row("disk_trouble", told(disk, [](const auto& now) { return now.why; }));
    row("disk_trouble_since", told(disk, [](const auto& now) { return to_rfc3339(now.since); }));
    row("cells_waiting_in_memory", told(disk, [](const auto& now) { return now.cells_waiting; }));
    row("cells_without_room_in_memory", told(disk, [](const auto& now) { return now.cells_dropped; }));
    const auto absence = standing ? standing->absence : std::nullopt;
    row("interface_absent", told(absence, [](const auto& now) { return now.interface; }));
    row("interface_absent_since", told(absence, [](const auto& now) { return to_rfc3339(now.since); }));
    if (const auto shown = show_collecting(*settings, *enrolment, clock.now(), row); !shown)
        return fail("status", shown.error());

    const auto ledger = ledger::open_existing_ledger(service::ledger_file(settings->data_directory), clock);
    const auto so_far = [&](const Failure& why) {    // what is known without the ledger is shown all the same
        const auto written = writer->finish();
        return fail("status", written ? why : written.error());
    };
    if (!ledger && ledger.error().kind != Failure::Kind::not_found) return so_far(ledger.error());
    if (ledger) {
        const auto state = (*ledger)->state();
        if (!state) return so_far(state.error());
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
        const auto until = service::room_until(*state, std::uint64_t{settings->ledger_limit_mb} << 20U, clock.now());
        row("room_until", until ? nlohmann::json(to_iso_date(*until)) : nlohmann::json());
        const auto disk_trouble = (*ledger)->note(service::disk_trouble_note);
        row("last_disk_trouble",
            disk_trouble && !disk_trouble->empty() ? nlohmann::json(*disk_trouble) : nlohmann::json());
        const auto last_absence = (*ledger)->note(service::absence_note);
        row("last_interface_absence",
            last_absence && !last_absence->empty() ? nlohmann::json(*last_absence) : nlohmann::json());
        const auto aside = (*ledger)->note(ledger::set_aside_note);
        row("last_ledger_set_aside", aside && !aside->empty() ? nlohmann::json(*aside) : nlohmann::json());
        const auto aside_count = (*ledger)->note(ledger::set_aside_count_note);
        row("ledgers_set_aside", aside_count ? count_in(*aside_count) : 0);
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
        service::ReachedLimits reached;
        if (const auto noted = (*ledger)->note(service::reached_limits_note))
            reached = service::parse_reached_limits(*noted);
        if (standing && standing->limits) reached = *standing->limits;
        for (std::size_t i = 0; i < service::known_limits.size(); ++i)
            row(service::known_limits[i].item, reached.counts[i].count);
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
