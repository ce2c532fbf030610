#include "shared/signed/settings_document.hpp"

#include "shared/base/digest.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dl::signing {
namespace {

constexpr std::string_view settings_format = "daylight-settings";
constexpr std::string_view key_change_format = "daylight-settings-key";
constexpr std::uint64_t format_version = 1;
constexpr std::uint64_t highest_serial = 1ULL << 53;    // what every JSON reader keeps exact (RFC 8259 section 6)
constexpr std::size_t longest_group = 255;

Result<Audience> read_audience(const config::Node& node)
{
    const auto found = node.require("organisation");
    if (!found) return found.error();
    const auto text = (*found)->as_text();
    if (!text) return text.error();
    const auto id = Audience::parse(*text);
    if (!id) return (*found)->wrong(id.error().message);
    return *id;
}

Result<Timestamp> read_moment(const config::Node& node)
{
    const auto text = node.as_text();
    if (!text) return text.error();
    const auto moment = parse_rfc3339(*text);
    if (!moment) return node.wrong(moment.error().message);
    return *moment;
}

enum class Completeness { draft, whole };

Result<SettingsDocument> read_settings(const config::Node& node, Completeness completeness)
{
    const auto known =
        node.only_keys({"format", "version", "organisation", "groups", "serial", "issued", "expires", "collect"});
    if (!known) return known.error();
    SettingsDocument document;
    const auto organisation = read_audience(node);
    if (!organisation) return organisation.error();
    document.organisation = *organisation;
    auto groups = node.texts_or_none("groups");
    if (!groups) return groups.error();
    if (groups->size() > most_groups) return node.find("groups")->wrong("lists too many groups; 100 are taken");
    for (const std::string& group : *groups)
        if (group.empty() || group.size() > longest_group)
            return node.find("groups")->wrong("holds an empty or too long group");
    document.groups = std::move(*groups);

    const bool whole = completeness == Completeness::whole;
    if (whole || node.find("serial")) {
        const auto serial = node.unsigned_integer("serial");
        if (!serial) return serial.error();
        if (*serial < 1 || *serial > highest_serial)
            return node.find("serial")->wrong("must be a whole number from 1; give one more than the last");
        document.serial = *serial;
    }
    for (const auto& [key, member] :
         {std::pair{"issued", &SettingsDocument::issued}, std::pair{"expires", &SettingsDocument::expires}}) {
        const config::Node* moment = node.find(key);
        if (!moment) {
            if (whole) return node.require(key).error();
            continue;
        }
        const auto read = read_moment(*moment);
        if (!read) return read.error();
        document.*member = *read;
    }
    if (whole && document.issued <= Timestamp{}) return node.find("issued")->wrong("must lie behind 1970");
    if (whole && (document.expires <= document.issued || document.expires - document.issued > longest_validity))
        return node.find("expires")->wrong("must lie behind issued, by two years at most");
    const auto collect = node.require("collect");
    if (!collect) return collect.error();
    auto rules = read_collection(**collect);
    if (!rules) return rules.error();
    document.collect = std::move(*rules);
    return document;
}

Result<KeyChange> read_key_change(const config::Node& node)
{
    const auto known = node.only_keys({"format", "version", "organisation", "next_key"});
    if (!known) return known.error();
    const auto organisation = read_audience(node);
    if (!organisation) return organisation.error();
    const auto text = node.text("next_key");
    if (!text) return text.error();
    const auto next = parse_public_key(*text);
    if (!next) return node.find("next_key")->wrong(next.error().message);
    return KeyChange{*organisation, *next};
}

/// The format that the document names, of a version that is known.
Result<std::string> format_of(const config::Node& node)
{
    auto format = node.text("format");
    if (!format) return format;
    const auto version = node.unsigned_integer("version");
    if (!version) return version.error();
    if (*version != format_version)
        return node.find("version")->wrong(
            fmt::format("is {}; this program knows {}: upgrade it", *version, format_version));
    if (*format != settings_format && *format != key_change_format)
        return node.find("format")->wrong(
            fmt::format("is '{}'; give {} or {}", *format, settings_format, key_change_format));
    return format;
}

nlohmann::ordered_json head(std::string_view format, const Audience& organisation)
{
    return {{"format", std::string(format)}, {"version", format_version}, {"organisation", organisation.hex()}};
}

}    // namespace

Audience audience_of(std::span<const std::uint8_t> organisation_key)
{
    const Digest digest = hmac_sha256(organisation_key, std::string_view("daylight settings audience"));
    Audience audience;
    std::copy_n(digest.begin(), audience.bytes.size(), audience.bytes.begin());
    return audience;
}

bool SettingsDocument::concerns(std::string_view group) const
{
    return groups.empty() || std::find(groups.begin(), groups.end(), group) != groups.end();
}

std::string to_text(const SettingsDocument& document)
{
    nlohmann::ordered_json out = head(settings_format, document.organisation);
    out["groups"] = document.groups;
    if (document.serial > 0) out["serial"] = document.serial;
    if (document.issued != Timestamp{}) out["issued"] = to_rfc3339(document.issued);
    if (document.expires != Timestamp{}) out["expires"] = to_rfc3339(document.expires);
    out["collect"] = to_json(document.collect);
    return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string to_text(const KeyChange& change)
{
    nlohmann::ordered_json out = head(key_change_format, change.organisation);
    out["next_key"] = to_text(change.next);
    return out.dump(2) + "\n";
}

Result<SettingsDocument> read_draft(std::string_view text, const std::string& name)
{
    const auto node = config::parse_text(text, name);
    if (!node) return node.error();
    const auto format = format_of(*node);
    if (!format) return format.error();
    if (*format != settings_format) return node->find("format")->wrong("is no draft of settings");
    return read_settings(*node, Completeness::draft);
}

Result<Content> read_content(std::string_view text, const std::string& name)
{
    const auto node = config::parse_text(text, name);
    if (!node) return node.error();
    const auto format = format_of(*node);
    if (!format) return format.error();
    if (*format == key_change_format) {
        const auto change = read_key_change(*node);
        if (!change) return change.error();
        return Content{*change};
    }
    auto document = read_settings(*node, Completeness::whole);
    if (!document) return document.error();
    return Content{std::move(*document)};
}

Result<SignedContent> open_statement(std::string_view sealed, const std::string& name)
{
    const auto statement = unseal(sealed, name);
    if (!statement) return statement.error();
    auto content = read_content(statement->text, name);
    if (!content) return content.error();
    return SignedContent{std::move(*content), statement->signer};
}

}    // namespace dl::signing
