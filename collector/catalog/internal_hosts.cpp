#include "collector/catalog/catalog_source.hpp"

#include "collector/directory/csv.hpp"

#include <algorithm>
#include <iterator>

namespace dl::collector::catalog {
namespace {

const std::vector<std::string> head{"host", "service", "name", "category", "owner"};

Failure wrong(const Place& place, const std::string& what) { return invalid_input(place.text() + ": " + what); }

}    // namespace

Result<void> read_internal_hosts(std::string_view text, const std::filesystem::path& file, CatalogSource& source)
{
    const auto records = directory::parse_csv(text, file.string());
    if (!records) return records.error();
    if (records->empty() || records->front().fields != head)
        return wrong({file.string(), 1}, "the first line must be host,service,name,category,owner");

    const auto by_id = [&](const std::string& id) {
        return std::find_if(source.services.begin(), source.services.end(),
                            [&](const SourceService& s) { return s.service.id == id; });
    };
    for (auto record = std::next(records->begin()); record != records->end(); ++record) {
        const Place place{file.string(), record->line};
        if (record->fields.size() != head.size())
            return wrong(place, "has " + std::to_string(record->fields.size()) +
                                    " fields; write host,service,name,category,owner");
        const auto& [host, id, name, category, owner] =
            std::tie(record->fields[0], record->fields[1], record->fields[2], record->fields[3], record->fields[4]);
        auto network = parse_network(host);
        if (!network) return wrong(place, network.error().message);
        auto pattern = *network ? Result<Pattern>(Pattern{}) : parse_pattern(host, Depth::single_label);
        if (!pattern) return wrong(place, pattern.error().message);
        if (id.empty()) return wrong(place, "names no service; give it an id in lower-case-with-dashes");
        auto entry = by_id(id);
        if (entry == source.services.end()) {
            const auto own = std::find_if(source.categories.begin(), source.categories.end(),
                                          [&](const Category& c) { return c.id == category; });
            if (own == source.categories.end())
                return wrong(place, "no category is called '" + category + "'; see categories.json");
            if (name.empty()) return wrong(place, "the new service '" + id + "' has no name");
            SourceService fresh;
            fresh.service = {id, name, "internal", category, own->capability, true};
            fresh.service.low_interest = own->low_interest;
            fresh.place = place;
            fresh.local = true;
            source.services.push_back(std::move(fresh));
            entry = std::prev(source.services.end());
        } else if (entry->service.internal && !name.empty() && entry->service.name != name) {
            return wrong(place,
                         "the service '" + id + "' is called '" + entry->service.name + "' at " + entry->place.text());
        }
        if (*network)
            entry->networks.push_back({std::move(**network), place});
        else
            entry->hosts.push_back({std::move(*pattern), "internal", place});
    }
    return {};
}

}    // namespace dl::collector::catalog
