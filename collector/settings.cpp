#include "collector/settings.hpp"

#include "shared/names/host_name.hpp"

#include <charconv>

namespace dl::collector {
namespace {

using namespace dl::config;

/// ADDRESS:PORT, the address in brackets where it is IPv6 (RFC 3986 section 3.2.2); the address, or nothing.
std::optional<std::string_view> address_of_listener(std::string_view text)
{
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    unsigned port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size() || port > 65535) return std::nullopt;
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (!names::is_address_literal(host) || (!bracketed && host.find(':') != std::string_view::npos))
        return std::nullopt;
    return host;
}

std::optional<std::string> check_listener(std::string_view text)
{
    if (address_of_listener(text)) return std::nullopt;
    return "must be ADDRESS:PORT, such as 127.0.0.1:8443 or [::1]:8443";
}

std::optional<std::string> check_loopback_listener(std::string_view text)
{
    const auto address = address_of_listener(text);
    if (!address) return check_listener(text);
    if (address->starts_with("127.") || *address == "[::1]") return std::nullopt;
    return "must be on loopback, because page and API are plain HTTP; give 127.0.0.1:PORT and put a TLS proxy in front";
}

std::optional<std::string> check_name(std::string_view text)
{
    if (names::normalise_host(text) || names::is_address_literal(text)) return std::nullopt;
    return "is neither a host name nor an address; give one that agents connect to";
}

/// Two listeners can't have one port, unless their addresses differ and neither is that of all.
bool clash(std::string_view a, std::string_view b)
{
    const auto port = [](std::string_view text) { return text.substr(text.rfind(':')); };
    const auto address = [](std::string_view text) { return text.substr(0, text.rfind(':')); };
    const auto all = [](std::string_view text) { return text == "0.0.0.0" || text == "[::]"; };
    if (port(a) != port(b) || port(a) == ":0") return false;
    return address(a) == address(b) || all(address(a)) || all(address(b));
}

std::optional<Failure> check_listeners(const Loaded<Settings>& loaded)
{
    const Settings& settings = loaded.settings;
    if (!clash(settings.agents_listen, settings.api_listen)) return std::nullopt;
    std::string where;
    for (const EffectiveSetting& setting : loaded.effective)
        if (setting.key == "agents.listen" || (setting.key == "api.listen" && setting.source != "default"))
            where = setting.source;
    return invalid_input(
        fmt::format("{}: agents.listen ({}) and api.listen ({}) are the same port; give them different ones", where,
                    settings.agents_listen, settings.api_listen));
}

}    // namespace

const SettingsTable<Settings>& settings_table()
{
    using S = Settings;
    constexpr const char* first = "0.1";
    static const SettingsTable<S> table({
        path_setting<S>({.key = "data_directory",
                         .since = first,
                         .required = true,
                         .description = "Keys, certificate authority and stores. One collector at a time; back it up."},
                        &S::data_directory),
        text_setting<S>(
            {.key = "agents.listen",
             .since = first,
             .description = "Where agents report: TLS 1.3 with client certificates. Loopback until told otherwise."},
            &S::agents_listen, check_listener, "address:port"),
        texts_setting<S>(
            {.key = "agents.names",
             .since = first,
             .description = "Host names and addresses in the server certificate: those that agents connect to."},
            &S::agents_names, check_name),
        text_setting<S>(
            {.key = "api.listen",
             .since = first,
             .description = "Page and API: plain HTTP, therefore on loopback only; put a TLS proxy in front."},
            &S::api_listen, check_loopback_listener, "address:port"),
        path_setting<S>({.key = "catalog",
                         .since = first,
                         .applies = Applies::reload,
                         .description = "Folder of the service catalogue, one file per category."},
                        &S::catalog_directory, "catalog"),
        path_setting<S>({.key = "catalog_local",
                         .since = first,
                         .applies = Applies::reload,
                         .description = "Folder of the organisation's own part of the catalogue, local.json and "
                                        "internal-hosts.csv; absent: they are in `catalog`."},
                        &S::own_catalog_directory),
        path_setting<S>(
            {.key = "policy",
             .since = first,
             .applies = Applies::reload,
             .description = "Rules that make verdicts: which service is sanctioned, for whom, why, until when."},
            &S::policy_file, "policy.json"),
        path_setting<S>({.key = "directory.units",
                         .since = first,
                         .applies = Applies::reload,
                         .description = "CSV of the business units."},
                        &S::units_file, "business-units.csv"),
        path_setting<S>({.key = "directory.people",
                         .since = first,
                         .applies = Applies::reload,
                         .description = "CSV: which person belongs to which unit, from when to when."},
                        &S::people_file, "people.csv"),
        path_setting<S>({.key = "directory.devices",
                         .since = first,
                         .applies = Applies::reload,
                         .description = "CSV: which device belongs to which unit, from when to when."},
                        &S::devices_file, "devices.csv"),
        path_setting<S>({.key = "web",
                         .since = first,
                         .description = "Folder of the built page; without it only the API is served."},
                        &S::web_directory),
        whole_number_setting<S>({.key = "retention_days",
                                 .unit = "days",
                                 .since = first,
                                 .description = "How long facts about persons are kept."},
                                &S::retention_days, 1, 3660),
        whole_number_setting<S>({.key = "certificate_days",
                                 .unit = "days",
                                 .since = first,
                                 .description = "How long an agent's certificate is valid; agents renew in time."},
                                &S::certificate_days, 1, 398),
        whole_number_setting<S>({.key = "small_group.people",
                                 .unit = "people",
                                 .since = first,
                                 .applies = Applies::reload,
                                 .description = "No released figure stands for fewer people."},
                                &S::small_group, 3, 1000),
        whole_number_setting<S>({.key = "small_group.own_unit",
                                 .unit = "people",
                                 .since = first,
                                 .applies = Applies::reload,
                                 .description = "The same for what a unit leader's own account sees: in the "
                                                "API, on the page, and in a brief that account asks for. The brief "
                                                "that a relationship manager hands over is made at "
                                                "small_group.people. Not below small_group.people."},
                                &S::small_group_own_unit, 3, 1000),
        whole_number_setting<S>(
            {.key = "release.grace_days",
             .unit = "days",
             .since = first,
             .applies = Applies::reload,
             .description = "A week or month may be released so many days after its end: agents that were away report "
                            "in between. What comes later is in no released figure."},
            &S::grace_days, 0, 31),
        whole_number_setting<S>(
            {.key = "use_threshold.people",
             .unit = "people",
             .since = first,
             .applies = Applies::reload,
             .description = "A service that fewer people of a unit reached counts as seen, not as used."},
            &S::use_threshold_people, 1, 1000),
    });
    return table;
}

Result<Loaded<Settings>> load_described_settings(const std::filesystem::path& file)
{
    Result<Loaded<Settings>> loaded = settings_table().load(file);
    if (!loaded) return loaded;
    const Settings& settings = loaded->settings;
    if (settings.small_group_own_unit < settings.small_group)
        return invalid_input(fmt::format("{}: small_group.own_unit ({}) is below small_group.people ({}); raise it",
                                         file.string(), settings.small_group_own_unit, settings.small_group));
    if (const auto same_port = check_listeners(*loaded)) return *same_port;
    return loaded;
}

std::vector<std::string> warnings_on(const Settings& settings)
{
    std::vector<std::string> warnings;
    std::error_code error;
    if (!settings.web_directory.empty() && !std::filesystem::exists(settings.web_directory / "index.html", error))
        warnings.push_back(fmt::format("web: {} holds no page, only the API will be served; build it with "
                                       "scripts/build-page, or remove the key",
                                       settings.web_directory.string()));
    return warnings;
}

Result<Settings> load_settings(const std::filesystem::path& file)
{
    Result<Loaded<Settings>> loaded = load_described_settings(file);
    if (!loaded) return loaded.error();
    return std::move(loaded->settings);
}

}    // namespace dl::collector
