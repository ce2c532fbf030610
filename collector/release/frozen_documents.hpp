// What is published once and stands for ever: documents of the state store that are written a single time. FORMAT.md
// beside this file specifies them.
#pragma once

#include "collector/release/figures.hpp"
#include "collector/store/state_store.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace dl::collector::release {

inline constexpr const char* frozen_figures = "released-figures";
inline constexpr const char* frozen_coverage = "released-coverage";

/// Fills in the document; leaves it null where there is nothing to publish.
using MakeDocument = std::function<Result<void>(nlohmann::json& document)>;
/// The document as it was first put. Where there is none, what `make` fills in is put now, unless it is null: then
/// there is still none. Two processes that do this at once get the same document: that of the first.
[[nodiscard]] Result<void> freeze_once(store::StateStore& state, std::string_view collection, const std::string& key,
                                       nlohmann::json& document, const MakeDocument& make);

[[nodiscard]] nlohmann::json to_document(const Figures& released);
/// A failure that names the document when it is none of ours.
[[nodiscard]] Result<Figures> from_document(const nlohmann::json& document, const Period& period);

/// What was frozen of the period; nothing where nothing was.
[[nodiscard]] Result<std::optional<Figures>> frozen_release(store::StateStore& state, const Period& period);
/// Removes what was frozen of periods that ended before this day. Returns how many documents.
[[nodiscard]] Result<std::size_t> forget_releases(store::StateStore& state, Day before);

}    // namespace dl::collector::release
