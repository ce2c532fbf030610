// daylight-agent explain: what has left this host, in words. Only what the collector acknowledged, with the values that
// it was told; accounts of this host are shown by name to its reader, the collector was told a pseudonym.
#include "agent/commands/commands.hpp"
#include "agent/commands/verb.hpp"
#include "agent/ledger/ledger.hpp"
#include "agent/service/collecting.hpp"
#include "agent/service/data_directory.hpp"
#include "agent/service/health.hpp"
#include "agent/service/standing.hpp"
#include "agent/uplink/enrolment.hpp"
#include "shared/command_line/option_checks.hpp"
#include "shared/names/identifiers.hpp"
#include "shared/rows/row_writer.hpp"

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <pwd.h>
#include <set>
#include <unistd.h>

#include <iostream>
#include <map>
#include <memory>

namespace dl::agent::commands {
namespace {

struct Options {
    std::string config;
    std::string format = "table";
};

constexpr std::size_t shown_digits = 12;    // of a pseudonym that belongs to no account here

const char* in_words(wire::Evidence evidence)
{
    using wire::Evidence;
    switch (evidence) {
        case Evidence::tls_sni: return "named in a TLS handshake";
        case Evidence::quic_sni: return "named in a QUIC handshake";
        case Evidence::http_host: return "named in an HTTP request";
        case Evidence::http_connect: return "named to an HTTP proxy";
        case Evidence::dns_answer: return "address matched a DNS answer";
        case Evidence::ambiguous: return "address matched several DNS answers";
        case Evidence::dns_query: return "asked in DNS, not connected";
        case Evidence::ech_outer: return "public name, the true one is encrypted";
        case Evidence::address_only: return "no name was visible";
        case Evidence::imported: return "from another product's log";
        case Evidence::hidden_road: return "encrypted DNS, VPN or proxy: names behind it are hidden";
    }
    return "unknown";
}

/// Pseudonyms of the accounts of this host: the way back exists here only, where the names are.
std::map<Pseudonym, std::string> accounts_by_pseudonym(const std::array<std::uint8_t, 32>& organisation_key)
{
    std::map<Pseudonym, std::string> accounts;
    setpwent();
    while (const passwd* entry = getpwent()) {
        accounts.emplace(names::person_pseudonym(organisation_key, entry->pw_name), entry->pw_name);
        const std::string digits = std::to_string(entry->pw_uid);
        accounts.emplace(names::person_pseudonym(organisation_key, digits), digits);
    }
    endpwent();
    // A directory's accounts are not listed, but those who are here can be asked for by name.
    const auto add = [&](const passwd* entry) {
        if (entry != nullptr)
            accounts.emplace(names::person_pseudonym(organisation_key, entry->pw_name), entry->pw_name);
    };
    add(getpwuid(getuid()));
    if (const char* caller = std::getenv("SUDO_USER")) add(getpwnam(caller));
    std::error_code ignored;
    for (const auto& home : std::filesystem::directory_iterator("/home", ignored))
        add(getpwnam(home.path().filename().c_str()));
    return accounts;
}

/// What the running agent can't see, or can't write down, at this moment.
void tell_present_trouble(const Settings& settings)
{
    if (!settings.capture_file.empty() || !service::running_agent(settings.data_directory)) return;
    const auto standing = service::read_standing(settings.data_directory);
    if (!standing) return;
    if (standing->absence)
        fmt::print(stderr, "Interface {} is not there since {}: nothing is watched until it comes back.\n",
                   standing->absence->interface, to_rfc3339(standing->absence->since));
    if (standing->disk)
        fmt::print(stderr,
                   "Since {} the ledger can't be written: {} cells wait in memory, of which nothing was told.\n",
                   to_rfc3339(standing->disk->since), standing->disk->cells_waiting);
}

/// Of a table that does not go to a terminal (whose width the writer asks for itself): what COLUMNS says, else enough
/// for most names.
std::size_t width_without_terminal()
{
    constexpr std::size_t enough = 200;
    const char* told = std::getenv("COLUMNS");
    if (told == nullptr) return enough;
    std::size_t columns = 0;
    const std::string_view text(told);
    const auto read = std::from_chars(text.data(), text.data() + text.size(), columns);
    return read.ec == std::errc{} && columns > 0 ? columns : enough;
}

/// What may be collected here, and who said so.
Result<void> tell_collecting(const Settings& settings, const uplink::Enrolment& enrolment, Timestamp now)
{
    const auto held = service::load_signed_settings(settings, enrolment);
    if (!held) return held.error();
    const auto local = service::collection_of(settings);
    if (!local) return local.error();
    std::string by = "the agent's own file alone says so; no settings key is pinned";
    if (held->governed() && !held->document())
        by = "the least, until the collector hands over signed settings";
    else if (held->expired(now))
        by = fmt::format("the least: the signed settings {} have expired", held->document()->serial);
    else if (held->governed())
        by = fmt::format("no more than the signed settings {} allow, good until {}", held->document()->serial,
                         to_rfc3339(held->document()->expires));
    fmt::print(stderr, "Collected here: {} ({}).\n",
               signing::in_words(service::in_force(held->bound(now), *local, settings.mode)), by);
    if (held->refused() > 0)
        fmt::print(stderr, "Settings were refused {} times{}{}.\n", held->refused(),
                   held->why().empty() ? "" : ", last: ", held->why());
    return {};
}

int explain(const Options& options)
{
    const auto settings = load_settings(options.config);
    if (!settings) return fail("explain", settings.error());
    const auto enrolment = uplink::load_enrolment(settings->data_directory);
    if (!enrolment) return fail("explain", enrolment.error());
    const SystemClock clock;
    const auto ledger = ledger::open_existing_ledger(service::ledger_file(settings->data_directory), clock);
    if (!ledger) return fail("explain", ledger.error());

    const auto accounts = accounts_by_pseudonym(enrolment->organisation_key);
    const auto writer = rows::create_row_writer(*rows::parse_format(options.format),
                                                {{"day"},
                                                 {"person"},
                                                 {"application"},
                                                 {"host"},
                                                 {"canonical"},
                                                 {"transport"},
                                                 {"port", rows::Column::Align::right},
                                                 {"how_known"},
                                                 {"connections", rows::Column::Align::right},
                                                 {"bytes_up", rows::Column::Align::right},
                                                 {"bytes_down", rows::Column::Align::right},
                                                 {"first_seen"},
                                                 {"last_seen"}},
                                                std::cout, ::isatty(STDOUT_FILENO) == 1 ? 0 : width_without_terminal());
    // The day stands in the first column: in a table for people the time alone leaves room for names.
    const bool table = *rows::parse_format(options.format) == rows::Format::table;
    const auto moment = [&](Timestamp when) {
        const std::string whole = to_rfc3339(when);
        return table ? whole.substr(11, 8) : whole;
    };
    std::uint64_t cells = 0;
    std::set<Pseudonym> nameless;
    const auto text_or_null = [](const std::string& text) {
        return text.empty() ? nlohmann::json() : nlohmann::json(text);
    };
    const auto visited = (*ledger)->for_each_left([&](const ledger::LeftCell& cell) {
        ++cells;
        nlohmann::json person;
        if (cell.key.person) {
            const auto account = accounts.find(*cell.key.person);
            if (account == accounts.end()) nameless.insert(*cell.key.person);
            person = account != accounts.end() ? account->second
                                               : "pseudonym " + cell.key.person->hex().substr(0, shown_digits) + "…";
        }
        const auto& to = cell.key.destination;
        writer->write({to_iso_date(cell.key.day), person, text_or_null(cell.key.application.value_or("")), to.host,
                       text_or_null(to.canonical), to_string(to.transport), to.port, in_words(cell.key.evidence),
                       cell.sent.connections, cell.sent.bytes_up, cell.sent.bytes_down, moment(cell.sent.first_seen),
                       moment(cell.sent.last_seen)});
    });
    if (!visited) return fail("explain", visited.error());
    if (const auto written = writer->finish(); !written) return fail("explain", written.error());
    if (table)
        fmt::print(stderr, "Times are UTC. What is too long for the table is cut (…): --format tsv has it whole.\n");
    const std::string who =
        nameless.empty()
            ? "Accounts are shown by name to you"
            : fmt::format("Accounts of this host are shown by name to you; {} that it does not list {} shown "
                          "as the beginning of a pseudonym",
                          nameless.size(), nameless.size() == 1 ? "is" : "are");
    fmt::print(stderr,
               "{} cells of use were told to {} and are still kept here ({} days). No payload, path or page is among "
               "them. {}; the collector was told keyed pseudonyms of them and of this device.\n",
               cells, enrolment->collector, settings->keep_acknowledged_days, who);
    if (const auto told = tell_collecting(*settings, *enrolment, clock.now()); !told)
        return fail("explain", told.error());
    const auto offers = (*ledger)->offers();
    if (!offers) return fail("explain", offers.error());
    std::string offered;
    for (const auto& [what, value] : *offers)
        offered += fmt::format("{}{} {}", offered.empty() ? "" : ", ", what.first, wire::to_string(what.second));
    if (!offered.empty())
        fmt::print(stderr, "Of applications, not of anybody's use, the highest TLS they offer is told: {}.\n", offered);
    const auto state = (*ledger)->state();
    if (!state) return fail("explain", state.error());
    if (state->unsent > 0) {
        const auto until = service::room_until(*state, std::uint64_t{settings->ledger_limit_mb} << 20U, clock.now());
        const std::string room =
            until ? fmt::format("; at this pace there is room for them until about {}", to_iso_date(*until)) : "";
        fmt::print(stderr, "{} more cells, the oldest of {}, wait here to be told{}.\n", state->unsent,
                   to_iso_date(*state->oldest_unsent), room);
    }
    if (state->counters.cells_dropped > 0)
        fmt::print(stderr, "{} cells were let go untold: there was no room for them.\n", state->counters.cells_dropped);
    if (state->counters.gap_seconds > 0)
        fmt::print(stderr, "For {} s in all nobody watched here: what was used then is not known.\n",
                   state->counters.gap_seconds);
    tell_present_trouble(*settings);
    return 0;
}

}    // namespace

void add_explain(CommandLine& line)
{
    auto options = std::make_shared<Options>();
    CLI::App* verb = line.app.add_subcommand("explain", "Print what has left this host");
    add_config_option(*verb, options->config);
    command_line::add_format_option(*verb, options->format);
    verb->callback([&line, options] { line.chosen = [options] { return explain(*options); }; });
}

}    // namespace dl::agent::commands
