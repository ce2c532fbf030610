#include "agent/uplink/settings_pin.hpp"

#include "agent/uplink/enrolment.hpp"
#include "agent/uplink/signed_settings.hpp"

#include <fmt/format.h>

#include <optional>

namespace dl::agent::uplink {
namespace {

/// Does `asked` speak for settings that were pinned to `pinned`: itself, or what followed it here?
Result<bool> follows(const std::string& asked, const std::string& pinned, const std::filesystem::path& data_directory,
                     const Enrolment& before)
{
    if (asked == pinned) return true;
    const auto key = signing::parse_public_key(pinned);
    if (!key) return key.error();
    const auto held =
        SignedSettings::load(data_directory, {*key, signing::audience_of(before.organisation_key), before.group});
    if (!held) return held.error();
    return held->trusted() && signing::to_text(*held->trusted()) == asked;
}

}    // namespace

Result<std::string> pin_to_store(const std::filesystem::path& data_directory, const PinWish& wish)
{
    const auto before = load_enrolment(data_directory);
    const std::string stored = before ? before->settings_key : std::string();
    const std::string& pinned = wish.in_settings.empty() ? stored : wish.in_settings;
    if (wish.replace && !wish.asked.empty() && wish.in_settings.empty()) return wish.asked;
    if (pinned.empty()) {
        std::error_code unknown;
        if (wish.asked.empty() && !before && std::filesystem::exists(signed_settings_file(data_directory), unknown))
            return denied(fmt::format("{} was taken by a settings key that is no longer known here; name it with "
                                      "--settings-key, or remove the file to enrol without one",
                                      signed_settings_file(data_directory).string()));
        return wish.asked;
    }
    if (wish.asked.empty()) return stored;
    bool same = wish.asked == pinned;
    if (before && !same) {
        const auto good = follows(wish.asked, pinned, data_directory, *before);
        if (!good) return good.error();
        same = *good;
    }
    if (!same)
        return denied(fmt::format(
            "--settings-key {} is not the key that this host has pinned ({}); ask who holds that key, and {}",
            wish.asked, pinned,
            wish.in_settings.empty() ? "add --replace-settings-key where another one is meant"
                                     : "change settings_key of agent.json where another one is meant"));
    return wish.asked;
}

}    // namespace dl::agent::uplink
