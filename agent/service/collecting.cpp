#include "agent/service/collecting.hpp"

#include "agent/service/personal_list.hpp"
#include "shared/names/host_name.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace dl::agent::service {

Result<signing::Collection> collection_of(const Settings& settings)
{
    signing::Collection local = signing::everything();
    local.people = settings.report_people;
    local.applications = settings.report_applications;
    local.dns_only = settings.dns_only;
    local.time_grain = settings.time_grain;
    local.report_seconds = settings.report_seconds;
    local.built_in_personal_hosts = settings.personal_list.empty();
    if (!settings.personal_list.empty()) {
        const auto listed = personal_hosts_from(settings.personal_list);
        if (!listed) return listed.error();
        local.personal_hosts.insert(listed->suffixes().begin(), listed->suffixes().end());
    }
    for (const std::string& host : settings.excluded_hosts)
        if (auto name = names::normalise_host(host)) local.excluded_hosts.insert(std::move(*name));
    return local;
}

Result<uplink::SignedSettings> load_signed_settings(const Settings& settings, const uplink::Enrolment& enrolment)
{
    uplink::SettingsAddressee addressee;
    const std::string& pin = settings.settings_key.empty() ? enrolment.settings_key : settings.settings_key;
    if (!pin.empty()) {
        const auto key = signing::parse_public_key(pin);
        if (!key) return key.error();
        addressee.key = *key;
    }
    addressee.organisation = signing::audience_of(enrolment.organisation_key);
    addressee.group = enrolment.group;
    return uplink::SignedSettings::load(settings.data_directory, std::move(addressee));
}

signing::Collection in_force(const signing::Collection& bound, const signing::Collection& local,
                             wire::ObserverKind mode)
{
    signing::Collection both = signing::narrowest(bound, local);
    if (mode == wire::ObserverKind::sensor && !both.sensors) both.use = false;
    return both;
}

Result<ledger::BookingBounds> booking_bounds(const signing::Collection& collection)
{
    ledger::BookingBounds bounds;
    bounds.use = collection.use;
    bounds.people = collection.people;
    bounds.applications = collection.applications;
    bounds.dns_only = collection.dns_only;
    bounds.time_grain = collection.time_grain;
    if (collection.built_in_personal_hosts) {
        auto built_in = personal_hosts_from({});
        if (!built_in) return built_in.error();
        bounds.personal_hosts = std::move(*built_in);
    }
    for (const std::string& host : collection.personal_hosts)
        bounds.personal_hosts.add(host);
    for (const std::string& host : collection.excluded_hosts)
        bounds.excluded_hosts.add(host);
    return bounds;
}

Result<std::unique_ptr<Collecting>> Collecting::start(const Settings& settings, const uplink::Enrolment& enrolment,
                                                      Timestamp now, std::shared_ptr<ledger::CurrentBounds> bounds)
{
    auto local = collection_of(settings);
    if (!local) return local.error();
    auto held = load_signed_settings(settings, enrolment);
    if (!held) return held.error();
    std::unique_ptr<Collecting> collecting(
        new Collecting(std::move(*held), std::move(*local), settings.mode, std::move(bounds)));
    if (const auto applied = collecting->apply(now); !applied) return applied.error();
    return collecting;
}

Result<void> Collecting::apply(Timestamp now)
{
    const std::pair state{settings_.document() ? settings_.document()->serial : 0, settings_.expired(now)};
    if (applied_ == state) return {};    // asked for at every report
    signing::Collection next = in_force(settings_.bound(now), local_, mode_);
    auto bounds = booking_bounds(next);
    if (!bounds) return bounds.error();
    bounds_->set(std::move(*bounds));
    in_force_ = std::move(next);
    applied_ = state;
    if (!settings_.governed()) return {};
    if (!settings_.document())
        spdlog::warn("no signed settings yet: the least is collected ({})", signing::in_words(in_force_));
    else if (settings_.expired(now))
        spdlog::warn("the signed settings {} expired on {}: the least is collected ({})", settings_.document()->serial,
                     to_rfc3339(settings_.document()->expires), signing::in_words(in_force_));
    else
        spdlog::info("signed settings {} are in force until {}: {}", settings_.document()->serial,
                     to_rfc3339(settings_.document()->expires), signing::in_words(in_force_));
    return {};
}

}    // namespace dl::agent::service
