#include "collector/insight/labeller.hpp"

#include "shared/base/digest.hpp"
#include "shared/names/host_name.hpp"

namespace dl::collector::insight {
namespace {

store::DestinationLabel label_of(const store::KnownDestination& known, const catalog::Catalog& catalog)
{
    const auto& [host, canonical, transport, port] = known.destination;
    if (host == "personal") return {known.id, "personal", "personal", ""};
    auto match = catalog.match(host, canonical);
    const catalog::Counted counted = match.counted();
    std::string label = match.label.empty() ? std::string(names::registrable_domain(host)) : std::move(match.label);
    // Contact is no use, and private use no need: the people behind either stand for no capability.
    const bool shows_need = match.service && counted != catalog::Counted::background && match.service->shows_need();
    return {known.id, std::string(catalog::to_string(counted)), std::move(label),
            shows_need ? match.service->capability : std::string()};
}

}    // namespace

std::string label_stamp(const catalog::Catalog& catalog, const directory::Directory& directory)
{
    // The first word changes when label_of() or a placement does: labels that an older collector laid are then laid
    // anew.
    const std::string versions =
        "what is counted as what\n" + std::string(catalog.version()) + '\n' + std::string(directory.version());
    return to_hex(sha256(versions)).substr(0, 32);
}

Result<std::size_t> refresh_labels(store::UsageStore& usage, const catalog::Catalog& catalog,
                                   const directory::Directory& directory, const directory::PseudonymKeys& keys)
{
    store::Dimensions dimensions;
    dimensions.stamp = label_stamp(catalog, directory);
    const auto stamp = usage.stamp();
    if (!stamp) return stamp.error();
    const bool same = *stamp == dimensions.stamp;
    const auto destinations = usage.destinations(same);
    if (!destinations) return destinations.error();
    if (same && destinations->empty()) return std::size_t{0};

    dimensions.destinations.reserve(destinations->size());
    for (const auto& known : *destinations)
        dimensions.destinations.push_back(label_of(known, catalog));
    dimensions.people = directory.people(keys);
    dimensions.devices = directory.devices(keys);
    if (auto laid = usage.label(dimensions); !laid) return laid.error();
    return dimensions.destinations.size();
}

}    // namespace dl::collector::insight
