// ONE table per program says which settings there are. It drives the parsing of the file, `check-config`, the JSON
// Schema and the reference page, so that they can't differ. `S` is a plain struct whose initial values are the
// defaults.
//
//   static const SettingsTable<Settings> table({
//       path_setting<Settings>({.key = "data_directory", .since = "0.1", .required = true, .description = "…"},
//                              &Settings::data_directory),
//       …
//   });
//   Result<Loaded<Settings>> loaded = table.load("/etc/daylight/collector.json");
#pragma once

#include "shared/config/setting_description.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <utility>

namespace dl::config {

/// What the author of a table says of a setting; type, schema and default come from the member.
struct About {
    std::string key;
    std::string unit{};
    std::string since{};
    Applies applies = Applies::restart;
    bool required = false;
    std::string description{};
};

/// What is wrong with a text and what to write instead; nothing where it is right.
using TextCheck = std::function<std::optional<std::string>(std::string_view)>;

template <class S>
struct Setting {
    SettingDescription description;
    std::function<Result<void>(const Node& value, const std::filesystem::path& directory, S& settings)> read;
    std::function<nlohmann::json(const S& settings)> write;
    /// Defaults that depend on where the file is; may be empty.
    std::function<void(const std::filesystem::path& directory, S& settings)> prepare{};
};

/// A setting in force.
struct EffectiveSetting {
    std::string key;
    nlohmann::json value;    ///< null: none
    std::string unit;
    std::string source;    ///< "FILE:LINE", or "default"
    Applies applies = Applies::restart;
};

template <class S>
struct Loaded {
    S settings;
    std::vector<EffectiveSetting> effective;    ///< in the order of the table
};

template <class S>
class SettingsTable {
public:
    explicit SettingsTable(std::vector<Setting<S>> settings) : settings_(std::move(settings))
    {
        const S defaults{};
        for (const Setting<S>& setting : settings_) {
            SettingDescription& description = descriptions_.emplace_back(setting.description);
            if (description.default_value.is_null() && !description.required)
                description.default_value = setting.write(defaults);
        }
    }

    [[nodiscard]] std::span<const SettingDescription> descriptions() const { return descriptions_; }

    [[nodiscard]] Result<Loaded<S>> load(const std::filesystem::path& file) const
    {
        const Result<Node> node = parse_file(file);
        if (!node) return node.error();
        return read(*node, file.parent_path());
    }

    /// `directory` is what paths in the file are relative to.
    [[nodiscard]] Result<Loaded<S>> read(const Node& file, const std::filesystem::path& directory) const
    {
        const Result<std::vector<FoundSetting>> found = find_settings(file, descriptions_);
        if (!found) return found.error();
        Loaded<S> loaded;
        for (const Setting<S>& setting : settings_)
            if (setting.prepare) setting.prepare(directory, loaded.settings);
        std::vector<std::string> sources(settings_.size(), "default");
        for (const FoundSetting& one : *found) {
            const Result<void> taken = settings_[one.index].read(*one.node, directory, loaded.settings);
            if (!taken) return taken.error();
            sources[one.index] = fmt::format("{}:{}", one.node->file(), one.node->line());
        }
        for (std::size_t i = 0; i < settings_.size(); ++i)
            loaded.effective.push_back({descriptions_[i].key, settings_[i].write(loaded.settings),
                                        descriptions_[i].unit, std::move(sources[i]), descriptions_[i].applies});
        return loaded;
    }

private:
    std::vector<Setting<S>> settings_;
    std::vector<SettingDescription> descriptions_;
};

[[nodiscard]] inline SettingDescription describe(About about, std::string type, nlohmann::ordered_json schema)
{
    return {std::move(about.key),         std::move(type),   std::move(about.unit),
            std::move(about.since),       about.applies,     about.required,
            std::move(about.description), std::move(schema), nullptr};
}

/// Text that is not empty; an empty member means none.
template <class S>
[[nodiscard]] Setting<S> text_setting(About about, std::string S::*member, TextCheck check = {},
                                      std::string type = "text")
{
    return {describe(std::move(about), std::move(type), {{"type", "string"}, {"minLength", 1}}),
            [member, check](const Node& value, const std::filesystem::path&, S& settings) -> Result<void> {
                Result<std::string> text = value.as_text();
                if (!text) return text.error();
                if (text->empty()) return value.wrong("must not be empty; give a value or remove the key");
                if (const auto complaint = check ? check(*text) : std::nullopt) return value.wrong(*complaint);
                settings.*member = std::move(*text);
                return {};
            },
            [member](const S& settings) -> nlohmann::json {
                return (settings.*member).empty() ? nlohmann::json{} : nlohmann::json(settings.*member);
            }};
}

/// A path, relative to the file that names it. `absent` stands, relative to the file too, where the key is missing.
template <class S>
[[nodiscard]] Setting<S> path_setting(About about, std::filesystem::path S::*member, std::string absent = {})
{
    const auto resolve = [](const std::filesystem::path& directory, const std::filesystem::path& path) {
        return path.is_absolute() || directory.empty() ? path : (directory / path).lexically_normal();
    };
    Setting<S> setting{
        describe(std::move(about), "path", {{"type", "string"}, {"minLength", 1}}),
        [member, resolve](const Node& value, const std::filesystem::path& directory, S& settings) -> Result<void> {
            const Result<std::string> text = value.as_text();
            if (!text) return text.error();
            if (text->empty() || text->find('\0') != std::string::npos)
                return value.wrong("must be a path; give one or remove the key");
            settings.*member = resolve(directory, *text);
            return {};
        },
        [member](const S& settings) -> nlohmann::json {
            return (settings.*member).empty() ? nlohmann::json{} : nlohmann::json((settings.*member).string());
        }};
    if (!absent.empty()) {
        setting.description.default_value = absent;
        setting.prepare = [member, resolve, absent](const std::filesystem::path& directory, S& settings) {
            settings.*member = resolve(directory, absent);
        };
    }
    return setting;
}

template <class S>
[[nodiscard]] Setting<S> whole_number_setting(About about, std::uint32_t S::*member, std::uint32_t least,
                                              std::uint32_t most)
{
    return {describe(std::move(about), fmt::format("whole number from {} to {}", least, most),
                     {{"type", "integer"}, {"minimum", least}, {"maximum", most}}),
            [=](const Node& value, const std::filesystem::path&, S& settings) -> Result<void> {
                const Result<std::int64_t> number = value.as_integer();
                if (!number) return number.error();
                if (*number < std::int64_t{least} || *number > std::int64_t{most})
                    return value.wrong(fmt::format("is {}; give a whole number from {} to {}", *number, least, most));
                settings.*member = static_cast<std::uint32_t>(*number);
                return {};
            },
            [member](const S& settings) -> nlohmann::json { return settings.*member; }};
}

/// A share from 0 to 1.
template <class S>
[[nodiscard]] Setting<S> share_setting(About about, double S::*member)
{
    return {describe(std::move(about), "number from 0 to 1", {{"type", "number"}, {"minimum", 0}, {"maximum", 1}}),
            [member](const Node& value, const std::filesystem::path&, S& settings) -> Result<void> {
                const Result<double> number = value.as_number();
                if (!number) return number.error();
                if (!(*number >= 0 && *number <= 1)) return value.wrong("must be a share; give a number from 0 to 1");
                settings.*member = *number;
                return {};
            },
            [member](const S& settings) -> nlohmann::json { return settings.*member; }};
}

template <class S>
[[nodiscard]] Setting<S> boolean_setting(About about, bool S::*member)
{
    return {describe(std::move(about), "true or false", {{"type", "boolean"}}),
            [member](const Node& value, const std::filesystem::path&, S& settings) -> Result<void> {
                const Result<bool> flag = value.as_boolean();
                if (!flag) return flag.error();
                settings.*member = *flag;
                return {};
            },
            [member](const S& settings) -> nlohmann::json { return settings.*member; }};
}

/// A list of text, none of it empty.
template <class S>
[[nodiscard]] Setting<S> texts_setting(About about, std::vector<std::string> S::*member, TextCheck check = {})
{
    return {describe(std::move(about), "list of text",
                     {{"type", "array"}, {"items", {{"type", "string"}, {"minLength", 1}}}}),
            [member, check](const Node& value, const std::filesystem::path&, S& settings) -> Result<void> {
                Result<std::vector<std::string>> texts = value.as_texts();
                if (!texts) return texts.error();
                const std::span<const Node> items = *value.as_list();
                for (std::size_t i = 0; i < texts->size(); ++i) {
                    if ((*texts)[i].empty()) return items[i].wrong("must not be empty; give a value or remove it");
                    if (const auto complaint = check ? check((*texts)[i]) : std::nullopt)
                        return items[i].wrong(*complaint);
                }
                settings.*member = std::move(*texts);
                return {};
            },
            [member](const S& settings) -> nlohmann::json { return settings.*member; }};
}

/// One of a few words, each standing for a value.
template <class S, class E>
[[nodiscard]] Setting<S> choice_setting(About about, E S::*member, std::vector<std::pair<std::string, E>> choices)
{
    std::vector<std::string> words;
    for (const auto& [word, ignored] : choices)
        words.push_back(word);
    const std::string type = fmt::format("one of {}", fmt::join(words, ", "));
    return {describe(std::move(about), type, {{"enum", words}}),
            [=](const Node& value, const std::filesystem::path&, S& settings) -> Result<void> {
                const Result<std::string> text = value.as_text();
                if (!text) return text.error();
                for (const auto& [word, choice] : choices)
                    if (word == *text) {
                        settings.*member = choice;
                        return {};
                    }
                return value.wrong(fmt::format("is '{}'; give {}", *text, type));
            },
            [=](const S& settings) -> nlohmann::json {
                for (const auto& [word, choice] : choices)
                    if (choice == settings.*member) return word;
                return nullptr;
            }};
}

}    // namespace dl::config
