#include "agent/commands/observed_rows.hpp"

#include "agent/flow/hash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace dl::agent::commands {
namespace {

/// Names are octets; JSON is UTF-8. What is not, is written as \xHH.
std::string as_utf8(std::string_view text)
{
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto lead = static_cast<unsigned char>(text[at]);
        const std::size_t length = lead < 0x80                   ? 1
                                   : lead >= 0xc2 && lead < 0xe0 ? 2
                                   : lead >= 0xe0 && lead < 0xf0 ? 3
                                   : lead >= 0xf0 && lead < 0xf5 ? 4
                                                                 : 0;
        bool valid = length != 0 && text.size() - at >= length;
        for (std::size_t i = 1; valid && i < length; ++i)
            valid = (static_cast<unsigned char>(text[at + i]) & 0xc0U) == 0x80U;
        if (valid && length >= 3) {    // no overlong forms, surrogates or numbers beyond U+10FFFF
            const auto second = static_cast<unsigned char>(text[at + 1]);
            valid = !(lead == 0xe0 && second < 0xa0) && !(lead == 0xed && second >= 0xa0) &&
                    !(lead == 0xf0 && second < 0x90) && !(lead == 0xf4 && second >= 0x90);
        }
        if (valid) {
            out.append(text, at, length);
            at += length;
        } else {
            constexpr std::string_view digits = "0123456789abcdef";
            out += "\\x";
            out += digits[lead >> 4U];
            out += digits[lead & 15U];
            ++at;
        }
    }
    return out;
}

/// `text`: a pointer or an optional.
template <class Text>
nlohmann::json text_or_null(const Text& text)
{
    return text ? nlohmann::json(*text) : nlohmann::json(nullptr);
}

template <class Text>
std::vector<nlohmann::json> values_of(const ObservedKey<Text>& key, const ObservedFigures& figures)
{
    return {key.client.to_string(),
            key.server.to_string(),
            key.port,
            to_string(key.transport),
            key.name ? nlohmann::json(as_utf8(*key.name)) : nlohmann::json(nullptr),
            std::string(wire::to_string(key.evidence)),
            text_or_null(key.app),
            text_or_null(key.user),
            figures.connections,
            figures.bytes_up,
            figures.bytes_down,
            to_rfc3339(figures.first_seen),
            to_rfc3339(figures.last_seen)};
}

}    // namespace

std::size_t ObservedRows::hash_of(const InternedKey& key)
{
    std::uint64_t value = flow::hash_address(key.server, flow::hash_address(key.client, key.port));
    value = flow::mix(value + reinterpret_cast<std::uintptr_t>(key.name));
    value = flow::mix(value + reinterpret_cast<std::uintptr_t>(key.app) * 3 +
                      reinterpret_cast<std::uintptr_t>(key.user) * 7);
    return flow::mix(value + static_cast<unsigned>(key.transport) * 256U + static_cast<unsigned>(key.evidence));
}

ObservedRows::Text ObservedRows::intern(std::string_view text)
{
    return text.empty() ? nullptr : &*texts_.emplace(text).first;
}

void ObservedRows::grow_index()
{
    std::vector<std::uint32_t> larger(index_.size() * 2);
    for (std::uint32_t row = 0; row < rows_.size(); ++row) {
        std::size_t at = hash_of(rows_[row].key) & (larger.size() - 1);
        while (larger[at] != 0)
            at = (at + 1) & (larger.size() - 1);
        larger[at] = row + 1;
    }
    index_ = std::move(larger);
}

ObservedFigures& ObservedRows::figures_of(const InternedKey& key)
{
    const std::size_t mask = index_.size() - 1;
    std::size_t at = hash_of(key) & mask;
    for (; index_[at] != 0; at = (at + 1) & mask)
        if (InternedRow& row = rows_[index_[at] - 1]; row.key == key) return row.figures;
    rows_.push_back({key, {}});
    index_[at] = static_cast<std::uint32_t>(rows_.size());
    if (rows_.size() * 2 > index_.size()) grow_index();
    return rows_.back().figures;
}

/// What is in memory goes to the temporary file; of the texts, owners of open connections keep theirs.
void ObservedRows::spill()
{
    if (failure_) return;
    try {
        if (!spilled_) spilled_ = std::make_unique<SpilledRows>();
        spilled_->add(rows_);
    } catch (const std::runtime_error& error) {
        failure_ = broken(error);
    }
    rows_spilled_ += rows_.size();
    rows_.clear();
    std::fill(index_.begin(), index_.end(), 0);
    const std::unordered_set<std::string> before = std::exchange(texts_, {});
    for (auto& [connection, owner] : owners_)
        for (Text* text : {&owner.app, &owner.user})
            if (*text != nullptr) *text = intern(**text);
}

Failure ObservedRows::broken(const std::runtime_error& error)
{
    return io_failure(fmt::format("the temporary file of rows: {}; set TMPDIR to a folder with room", error.what()));
}

ObservedRows::Owner ObservedRows::ask(const flow::Connection& connection)
{
    const identity::Identity identity = attributor_->identify(connection);
    return {intern(identity.application.value_or("")), intern(identity.user.value_or(""))};
}

void ObservedRows::opened(const flow::Connection& connection)
{
    if (attributor_ != nullptr) owners_[connection.id] = ask(connection);
}

void ObservedRows::used(const flow::Connection& connection, const flow::Usage& usage)
{
    if (rows_.size() >= most_rows_) spill();
    InternedKey key;
    key.client = connection.client.address;
    key.server = connection.server.address;
    key.port = connection.server.port;
    key.transport = connection.transport;
    key.evidence = usage.evidence;
    key.name = intern(usage.name);
    if (attributor_ != nullptr) {
        Owner& owner = owners_[connection.id];
        if (owner.user == nullptr) owner = ask(connection);
        key.app = owner.app;
        key.user = owner.user;
    }
    figures_of(key).add({usage.connections, usage.bytes_up, usage.bytes_down, usage.first_seen, usage.last_seen});
}

void ObservedRows::closed(const flow::Connection& connection) { owners_.erase(connection.id); }

std::vector<rows::Column> ObservedRows::columns()
{
    using Align = rows::Column::Align;
    return {{"client", Align::left},    {"server", Align::left},      {"port", Align::right},
            {"transport", Align::left}, {"name", Align::left},        {"evidence", Align::left},
            {"app", Align::left},       {"user", Align::left},        {"connections", Align::right},
            {"bytes_up", Align::right}, {"bytes_down", Align::right}, {"first_seen", Align::left},
            {"last_seen", Align::left}};
}

Result<void> ObservedRows::write(rows::RowWriter& writer)
{
    if (!spilled_ && !failure_) {
        for (const InternedRow& row : rows_)
            writer.write(values_of(row.key, row.figures));
        return {};
    }
    spill();
    if (failure_) return *failure_;
    try {
        if (writer.measures())
            spilled_->for_each(
                [&](const OwnKey& key, const ObservedFigures& figures) { writer.measure(values_of(key, figures)); });
        spilled_->for_each(
            [&](const OwnKey& key, const ObservedFigures& figures) { writer.write(values_of(key, figures)); });
    } catch (const std::runtime_error& error) {
        return broken(error);
    }
    return {};
}

}    // namespace dl::agent::commands
