#include "collector/commands/workspace.hpp"

#include "collector/commands/data_directory.hpp"
#include "collector/insight/labeller.hpp"
#include "shared/config/nearest_word.hpp"
#include "shared/tls/files.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <set>

namespace dl::collector::commands {
namespace {

constexpr const char* token_variable = "DAYLIGHT_TOKEN";

std::string trimmed(std::string text)
{
    const auto blank = " \t\r\n";
    text.erase(0, text.find_first_not_of(blank));
    if (const auto last = text.find_last_not_of(blank); last != std::string::npos) text.erase(last + 1);
    return text;
}

/// Brings labels up to date. Beside a serving collector that is its task: then a reader only says when they are older
/// than the files.
Result<void> open_usage(Workspace& workspace, const DataDirectory& data)
{
    const auto lock = DirectoryLock::take(data);
    const bool serving = !lock && lock.error().kind == Failure::Kind::conflict;
    if (!lock && !serving) return lock.error();

    auto usage =
        store::open_sqlite_usage_store(data.usage_store(), serving ? store::Open::read_only : store::Open::read_write);
    if (!usage) return usage.error();
    workspace.usage = std::move(*usage);
    if (!serving) {
        const auto labelled =
            insight::refresh_labels(*workspace.usage, *workspace.catalog, *workspace.directory, workspace.keys);
        if (!labelled) return labelled.error();
        return {};
    }
    const auto stamp = workspace.usage->stamp();
    if (!stamp) return stamp.error();
    if (*stamp != insight::label_stamp(*workspace.catalog, *workspace.directory))
        std::fputs(
            "daylight-collector: catalogue or directory are newer than the running collector's; send it SIGHUP\n",
            stderr);
    return {};
}

}    // namespace

std::vector<policy::UnitPlace> places_of(const directory::Directory& directory)
{
    std::vector<policy::UnitPlace> places;
    for (const auto& unit : directory.units())
        places.push_back({unit.id, unit.parent});
    return places;
}

Result<Workspace> open_configuration(const std::string& config_file)
{
    auto settings = load_settings(config_file);
    if (!settings) return settings.error();
    Workspace workspace;
    workspace.settings = std::move(*settings);
    auto catalog =
        catalog::load_catalog(workspace.settings.catalog_directory, workspace.settings.own_catalog_directory);
    if (!catalog) return catalog.error();
    workspace.catalog = std::move(*catalog);
    auto policy = policy::load_policy(workspace.settings.policy_file, *workspace.catalog);
    if (!policy) return policy.error();
    workspace.policy = std::move(*policy);
    auto directory = directory::load_directory(
        {workspace.settings.units_file, workspace.settings.people_file, workspace.settings.devices_file});
    if (!directory) return directory.error();
    workspace.directory = std::move(*directory);
    if (auto placed = workspace.policy->place_units(places_of(*workspace.directory)); !placed) return placed.error();
    std::set<std::string, std::less<>> capabilities, services;
    for (const auto& service : workspace.catalog->services()) {
        services.insert(service.id);
        capabilities.insert(service.capability);
    }
    if (auto known =
            directory::check_goals(*workspace.directory, workspace.settings.units_file, capabilities, services);
        !known)
        return known.error();
    return workspace;
}

Result<void> check_units(const Settings& settings, const std::vector<std::string>& units)
{
    if (units.empty()) return {};
    const auto directory =
        directory::load_directory({settings.units_file, settings.people_file, settings.devices_file});
    if (!directory) return directory.error();
    std::vector<std::string_view> known{store::unassigned};
    for (const auto& unit : (*directory)->units())
        known.push_back(unit.id);
    for (const std::string& unit : units) {
        if (std::find(known.begin(), known.end(), unit) != known.end()) continue;
        const auto nearest = config::nearest_word(unit, known);
        return not_found(fmt::format("no unit has the id '{}'; {}{} lists them", unit,
                                     nearest ? fmt::format("did you mean '{}'? ", *nearest) : std::string(),
                                     settings.units_file.string()));
    }
    return {};
}

Result<Workspace> open_workspace(const std::string& config_file)
{
    auto workspace = open_configuration(config_file);
    if (!workspace) return workspace;
    const DataDirectory data{workspace->settings.data_directory};
    if (auto exists = data.check_exists(); !exists) return exists.error();
    const auto keys = data.read_keys();
    if (!keys) return keys.error();
    workspace->keys = *keys;
    auto state = store::open_sqlite_state_store(data.state_store(), store::Open::read_write);
    if (!state) return state.error();
    workspace->state = std::move(*state);
    if (auto usage = open_usage(*workspace, data); !usage) return usage.error();
    return workspace;
}

Result<std::optional<access::Account>> account_of_caller(Workspace& workspace, const std::string& token_file)
{
    std::string token;
    if (!token_file.empty()) {
        auto content = tls::read_whole_file(token_file, 4096);
        if (!content) return content.error();
        token = trimmed(std::move(*content));
    } else {
        // Set to nothing is how scripts unset it.
        const char* variable = std::getenv(token_variable);
        token = trimmed(variable != nullptr ? variable : "");
        if (token.empty()) return std::optional<access::Account>{};
    }
    access::Accounts accounts{*workspace.state};
    auto account = accounts.authenticate(token);
    if (!account) return account.error();
    return std::optional<access::Account>{std::move(*account)};
}

}    // namespace dl::collector::commands
