// What there is to say about one setting, apart from how it is read; and what is made from a list of those: the check
// of a file's keys, the JSON Schema, the reference page.
#pragma once

#include "shared/config/located_json.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dl::config {

enum class Applies {
    restart,    ///< read at start-up only
    reload,     ///< taken up when the file is read again
};
[[nodiscard]] std::string_view to_string(Applies applies);

struct SettingDescription {
    std::string key;      ///< dotted path in the file: "agents.listen"
    std::string type;     ///< in words: "path", "whole number from 1 to 3660"
    std::string unit;     ///< "days"; empty where there is none
    std::string since;    ///< version that brought it
    Applies applies = Applies::restart;
    bool required = false;
    std::string description;
    nlohmann::ordered_json schema;    ///< JSON Schema of the value, without description and default
    nlohmann::json default_value;     ///< null: none
};

/// One setting as it stands in a file.
struct FoundSetting {
    std::size_t index = 0;    ///< into the descriptions
    const Node* node = nullptr;
};

/// The settings that `file` holds. Failures: a key that is none (with the nearest that is), a group that is no object,
/// a required setting missing. "$schema" at the top is allowed, for editors.
[[nodiscard]] Result<std::vector<FoundSetting>> find_settings(const Node& file,
                                                              std::span<const SettingDescription> known);

/// JSON Schema, draft 2020-12.
[[nodiscard]] nlohmann::ordered_json json_schema(std::string_view title, std::span<const SettingDescription> known);
/// A page in Markdown; `file` is the name of the settings file.
[[nodiscard]] std::string reference_page(std::string_view program, std::string_view file,
                                         std::span<const SettingDescription> known);

}    // namespace dl::config
