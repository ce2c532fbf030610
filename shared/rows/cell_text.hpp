// How one value looks in the text formats, and how wide text is on a terminal.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace dl::rows {

/// The value as plain text: null is empty, a list is joined with ", ". Invalid UTF-8 becomes U+FFFD.
[[nodiscard]] std::string plain_text(const nlohmann::json& value);

/// Valid UTF-8 without what a terminal would obey: control characters (C0, DEL, C1) but those in `keep` as \xNN,
/// bidirectional overrides and isolates (Unicode TR 9) as \u{NNNN}.
[[nodiscard]] std::string harmless_text(std::string_view text, std::string_view keep = {});

/// The same in a text that is JSON already: what JSON lets stand as it is becomes \uNNNN, which reads back alike.
[[nodiscard]] std::string harmless_json(std::string json);

/// Plain text made safe to show by harmless_text(); fractions with two decimals.
[[nodiscard]] std::string display_text(const nlohmann::json& value);

/// Terminal columns that valid UTF-8 takes: combining marks none, East Asian wide characters and emoji two.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// The longest start of `text` that fits `width` columns, with … in its last column when something was cut.
[[nodiscard]] std::string cut_to_width(std::string_view text, std::size_t width);

}    // namespace dl::rows
