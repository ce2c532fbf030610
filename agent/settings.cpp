#include "agent/settings.hpp"

#include "agent/uplink/route.hpp"
#include "shared/names/host_name.hpp"
#include "shared/signed/statement.hpp"
#include "shared/tls/certificates.hpp"

#include <net/if.h>

namespace dl::agent {
namespace {

using namespace dl::config;

std::optional<std::string> check_collector(std::string_view text)
{
    if (uplink::parse_collector(text)) return std::nullopt;
    return "must be https://HOST:PORT, as the collector's administrator gives it";
}

std::optional<std::string> check_proxy(std::string_view text)
{
    const auto proxy = uplink::parse_named_proxy(text);
    return proxy ? std::nullopt : std::optional{proxy.error().message};
}

std::optional<std::string> check_pin(std::string_view text)
{
    const Result<Digest> pin = tls::parse_pin(text);
    return pin ? std::nullopt : std::optional{pin.error().message};
}

std::optional<std::string> check_settings_key(std::string_view text)
{
    const auto key = signing::parse_public_key(text);
    return key ? std::nullopt : std::optional{key.error().message};
}

std::optional<std::string> check_host(std::string_view text)
{
    if (names::normalise_host(text)) return std::nullopt;
    return "is no host name; give one such as clinic.example, which stands for all below it too";
}

std::optional<std::string> check_interface(std::string_view text)
{
    if (text.size() < IF_NAMESIZE && text.find_first_of("/ \t\n") == std::string_view::npos) return std::nullopt;
    return "is no name of a network interface; `ip link` lists them";
}

}    // namespace

const SettingsTable<Settings>& settings_table()
{
    using S = Settings;
    constexpr const char* first = "0.1";
    static const SettingsTable<S> table({
        text_setting<S>({.key = "collector",
                         .since = first,
                         .description = "Where to report; what `enroll --collector` said where it is absent."},
                        &S::collector, check_collector, "https URL"),
        text_setting<S>({.key = "proxy",
                         .since = first,
                         .description = "A proxy that takes CONNECT, on the way to the collector; `none`: no proxy, "
                                        "whatever the environment says. Absent: "
                                        "HTTPS_PROXY, which is also the place for a proxy's name and password."},
                        &S::proxy, check_proxy, "http URL"),
        text_setting<S>(
            {.key = "ca_pin",
             .since = first,
             .description =
                 "Fingerprint of the collector CA's public key; what `enroll --ca-pin` said where it is absent."},
            &S::ca_pin, check_pin, "sha256:HEX"),
        text_setting<S>({.key = "settings_key",
                         .since = "0.2",
                         .description = "Public settings key: what is collected never goes beyond what was signed with "
                                        "it. What `enroll --settings-key` said where it is absent."},
                        &S::settings_key, check_settings_key, "ed25519:HEX"),
        path_setting<S>(
            {.key = "data_directory",
             .since = first,
             .required = true,
             .description = "Key, certificate and ledger. One agent at a time; never copy it to another host."},
            &S::data_directory),
        choice_setting<S, wire::ObserverKind>(
            {.key = "mode",
             .since = first,
             .description = "endpoint: this host's own connections. sensor: those of many devices, seen on a "
                            "tap or mirror port."},
            &S::mode, {{"endpoint", wire::ObserverKind::endpoint}, {"sensor", wire::ObserverKind::sensor}}),
        text_setting<S>(
            {.key = "interface", .since = first, .description = "The network interface to watch; absent: all of them."},
            &S::interface, check_interface),
        path_setting<S>(
            {.key = "network_namespace",
             .since = first,
             .description = "Watch and look up sockets in this network namespace, such as /run/netns/NAME."},
            &S::network_namespace),
        path_setting<S>(
            {.key = "capture_file",
             .since = first,
             .description = "Read this capture (pcap or pcapng) instead of watching, resume where the ledger stopped."},
            &S::capture_file),
        path_setting<S>({.key = "capture_identities",
                         .since = first,
                         .description = "TSV beside capture_file: whose each connection is."},
                        &S::capture_identities),
        path_setting<S>({.key = "personal_list",
                         .since = first,
                         .description =
                             "Hosts of personal life, one per line: they leave this host as the word `personal` only. "
                             "Absent: the list that is built in. Signed settings add to it."},
                        &S::personal_list),
        path_setting<S>({.key = "process_watch",
                         .since = "0.2",
                         .description = "Socket of the process watch, which tells what program holds a connection; "
                                        "without it programs are unknown, users and units are not."},
                        &S::process_watch),
        text_setting<S>(
            {.key = "device_name", .since = first, .description = "The name of this device; absent: its host name."},
            &S::device_name),
        boolean_setting<S>({.key = "dns_only",
                            .since = first,
                            .description = "Report names that were asked for but not connected to."},
                           &S::dns_only),
        boolean_setting<S>({.key = "report_people",
                            .since = "0.2",
                            .description = "Report whose a connection is, as a pseudonym; false: the device's only."},
                           &S::report_people),
        boolean_setting<S>({.key = "report_applications",
                            .since = "0.2",
                            .description = "Report which program or unit makes a connection, and the TLS it offers."},
                           &S::report_applications),
        choice_setting<S, signing::TimeGrain>({.key = "time_grain",
                                               .since = "0.2",
                                               .description = "How finely the times of first and last use of a day are "
                                                              "told."},
                                              &S::time_grain,
                                              {{"day", signing::TimeGrain::day},
                                               {"hour", signing::TimeGrain::hour},
                                               {"second", signing::TimeGrain::second}}),
        texts_setting<S>(
            {.key = "excluded_hosts",
             .since = "0.2",
             .description = "Hosts, and all below them, of which nothing is booked where their name is seen."},
            &S::excluded_hosts, check_host),
        whole_number_setting<S>({.key = "flush_seconds",
                                 .unit = "seconds",
                                 .since = first,
                                 .description = "How often the ledger is written: at most so much is lost to a kill."},
                                &S::flush_seconds, 1, 600),
        whole_number_setting<S>(
            {.key = "report_seconds", .unit = "seconds", .since = first, .description = "How often to report."},
            &S::report_seconds, 1, 86400),
        share_setting<S>(
            {.key = "report_jitter",
             .unit = "share of report_seconds",
             .since = first,
             .description = "By how much reports are spread at random, so that agents don't come all at once."},
            &S::report_jitter),
        whole_number_setting<S>(
            {.key = "connections_limit",
             .since = "0.2",
             .description = "Open connections that are kept at once; with more, the longest silent end early. About 1 "
                            "MiB of memory for 2,000, names and answers included."},
            &S::connections_limit, 1024, 16'777'216),
        whole_number_setting<S>(
            {.key = "ledger_limit_mb",
             .unit = "MiB",
             .since = first,
             .description = "Size of the ledger at which the oldest days are let go, counted and reported."},
            &S::ledger_limit_mb, 1, 4096),
        whole_number_setting<S>(
            {.key = "keep_acknowledged_days",
             .unit = "days",
             .since = first,
             .description = "How long acknowledged cells are kept, so that a restored collector can be told again."},
            &S::keep_acknowledged_days, 1, 90),
    });
    return table;
}

Result<Loaded<Settings>> load_described_settings(const std::filesystem::path& file)
{
    Result<Loaded<Settings>> loaded = settings_table().load(file);
    if (!loaded) return loaded;
    const Settings& settings = loaded->settings;
    if (!settings.capture_identities.empty() && settings.capture_file.empty())
        return invalid_input(
            fmt::format("{}: capture_identities needs capture_file; give both or remove it", file.string()));
    if (!settings.capture_file.empty() && !settings.interface.empty())
        return invalid_input(
            fmt::format("{}: capture_file and interface exclude each other; remove one", file.string()));
    return loaded;
}

Result<Settings> load_settings(const std::filesystem::path& file)
{
    Result<Loaded<Settings>> loaded = load_described_settings(file);
    if (!loaded) return loaded.error();
    return std::move(loaded->settings);
}

}    // namespace dl::agent
