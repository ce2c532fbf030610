// Lays the meaning over the facts: destinations get their label from the catalogue (a service's embedded, asset and
// telemetry hosts that of its background traffic, so that its heads come from app, api and login hosts alone), people
// and devices their unit from the directory. Called after commits (cheap: only new destinations) and at start
// (everything, when catalogue or directory changed).
#pragma once

#include "collector/catalog/catalog.hpp"
#include "collector/directory/directory.hpp"
#include "collector/store/usage_store.hpp"
#include "shared/base/failure.hpp"

#include <cstddef>
#include <string>

namespace dl::collector::insight {

/// What a store's dimensions made from these would be stamped with: a hash over both versions.
[[nodiscard]] std::string label_stamp(const catalog::Catalog& catalog, const directory::Directory& directory);

/// Labels what carries no label yet, or everything when the store's stamp is another. Returns how many destinations
/// were labelled; 0: nothing was to do.
[[nodiscard]] Result<std::size_t> refresh_labels(store::UsageStore& usage, const catalog::Catalog& catalog,
                                                 const directory::Directory& directory,
                                                 const directory::PseudonymKeys& keys);

}    // namespace dl::collector::insight
