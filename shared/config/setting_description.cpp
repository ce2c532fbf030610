#include "shared/config/setting_description.hpp"

#include "shared/config/nearest_word.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dl::config {
namespace {

constexpr std::string_view schema_key = "$schema";

/// The keys that may follow `prefix` ("" or "agents."), each once, in the order of the table.
std::vector<std::string_view> next_keys(std::string_view prefix, std::span<const SettingDescription> known)
{
    std::vector<std::string_view> keys;
    for (const SettingDescription& setting : known) {
        std::string_view key = setting.key;
        if (!key.starts_with(prefix)) continue;
        key.remove_prefix(prefix.size());
        key = key.substr(0, key.find('.'));
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
    return keys;
}

/// The unknown key may be known elsewhere, or be written with its path.
Failure unknown_key(const Node& group, const Member& member, const std::string& path,
                    std::span<const SettingDescription> known)
{
    std::vector<std::string_view> all;
    for (const SettingDescription& setting : known)
        all.emplace_back(setting.key);
    const std::string where = fmt::format("{}:{}: unknown key '{}'", group.file(), member.line, path);
    for (const std::string_view key : all)
        if (key.substr(key.rfind('.') + 1) == member.key)
            return invalid_input(fmt::format("{}; did you mean '{}'?", where, key));
    if (const auto nearest = nearest_word(path, all))
        return invalid_input(fmt::format("{}; did you mean '{}'?", where, *nearest));
    const std::string prefix = group.path().empty() ? "" : group.path() + '.';
    const std::vector<std::string_view> here = next_keys(prefix, known);
    if (const auto nearest = nearest_word(member.key, here))
        return invalid_input(fmt::format("{}; did you mean '{}{}'?", where, prefix, *nearest));
    return invalid_input(fmt::format("{}; remove it, or use one of: {}", where, fmt::join(here, ", ")));
}

Result<void> collect(const Node& group, std::span<const SettingDescription> known, std::vector<FoundSetting>& found)
{
    const Result<std::span<const Member>> members = group.as_object();
    if (!members) return members.error();
    for (const Member& member : *members) {
        if (group.path().empty() && member.key == schema_key) continue;
        const std::string path = group.path().empty() ? member.key : group.path() + '.' + member.key;
        const bool dotted = member.key.find('.') != std::string::npos;    // paths are nested objects, never dotted keys
        const auto exact = std::find_if(known.begin(), known.end(), [&](const auto& s) { return s.key == path; });
        if (exact != known.end() && !dotted) {
            found.push_back({static_cast<std::size_t>(exact - known.begin()), &member.node});
        } else if (!dotted && !next_keys(path + '.', known).empty()) {
            const Result<void> inner = collect(member.node, known, found);
            if (!inner) return inner;
        } else if (exact != known.end()) {
            return invalid_input(fmt::format("{}:{}: key '{}' is written with dots; nest it: {{ \"{}\": {{ … }} }}",
                                             group.file(), member.line, member.key,
                                             member.key.substr(0, member.key.find('.'))));
        } else {
            return unknown_key(group, member, path, known);
        }
    }
    return {};
}

std::string cell(std::string_view text)
{
    std::string escaped;
    for (const char c : text) {
        if (c == '|') escaped += '\\';
        escaped += c;
    }
    return escaped;
}

}    // namespace

std::string_view to_string(Applies applies) { return applies == Applies::reload ? "reload" : "restart"; }

Result<std::vector<FoundSetting>> find_settings(const Node& file, std::span<const SettingDescription> known)
{
    std::vector<FoundSetting> found;
    const Result<void> collected = collect(file, known, found);
    if (!collected) return collected.error();
    for (std::size_t i = 0; i < known.size(); ++i)
        if (known[i].required && std::none_of(found.begin(), found.end(), [i](const auto& f) { return f.index == i; }))
            return invalid_input(
                fmt::format("{}: '{}' is missing ({}); add it", file.file(), known[i].key, known[i].type));
    return found;
}

nlohmann::ordered_json json_schema(std::string_view title, std::span<const SettingDescription> known)
{
    const auto object = [] {
        nlohmann::ordered_json schema;
        schema["type"] = "object";
        schema["additionalProperties"] = false;
        schema["properties"] = nlohmann::ordered_json::object();
        return schema;
    };
    nlohmann::ordered_json top;
    top["$schema"] = "https://json-schema.org/draft/2020-12/schema";
    top["title"] = title;
    top.update(object());
    top["properties"][std::string(schema_key)]["type"] = "string";
    for (const SettingDescription& setting : known) {
        nlohmann::ordered_json* group = &top;
        std::string_view rest = setting.key;
        for (std::size_t dot = rest.find('.');; dot = rest.find('.')) {
            const std::string key{rest.substr(0, dot)};
            nlohmann::ordered_json& properties = (*group)["properties"];
            if (setting.required) {
                nlohmann::ordered_json& required = (*group)["required"];
                if (std::find(required.begin(), required.end(), key) == required.end()) required.push_back(key);
            }
            if (dot == std::string_view::npos) {
                properties[key] = setting.schema;
                properties[key]["description"] = setting.description;
                if (!setting.default_value.is_null()) properties[key]["default"] = setting.default_value;
                break;
            }
            if (!properties.contains(key)) properties[key] = object();
            group = &properties[key];
            rest.remove_prefix(dot + 1);
        }
    }
    return top;
}

std::string reference_page(std::string_view program, std::string_view file, std::span<const SettingDescription> known)
{
    std::string page = fmt::format(
        "# Settings of {0}\n\n"
        "`{1}` is JSON. A key with a dot is nested: `agents.listen` is `{{ \"agents\": {{ \"listen\": … }} }}`. Paths "
        "are relative to\n"
        "the file. An unknown key is an error. `{0} check-config` says what is in force and where it comes from.\n\n"
        "This page is made from the table of settings; a test keeps both equal (`scripts/update-references` writes "
        "it).\n\n"
        "| key | type | default | takes effect | since | meaning |\n"
        "| --- | --- | --- | --- | --- | --- |\n",
        program, file);
    for (const SettingDescription& setting : known) {
        const std::string type =
            setting.unit.empty() ? setting.type : fmt::format("{}, {}", setting.type, setting.unit);
        const std::string standard = setting.required ? "none: must be given"
                                     : setting.default_value.is_null()
                                         ? "none"
                                         : fmt::format("`{}`", setting.default_value.dump());
        page += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", setting.key, cell(type), cell(standard),
                            setting.applies == Applies::reload ? "on reload" : "on restart", setting.since,
                            cell(setting.description));
    }
    return page;
}

}    // namespace dl::config
