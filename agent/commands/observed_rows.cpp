#include "agent/commands/observed_rows.hpp"

#include "agent/flow/hash.hpp"

#include <algorithm>

namespace dl::agent::commands {
namespace {

nlohmann::json text_or_null(const std::string* text)
{
    return text == nullptr ? nlohmann::json(nullptr) : nlohmann::json(*text);
}

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

}    // namespace

bool ObservedRows::Row::same_key(const Row& other) const
{
    return name == other.name && server == other.server && client == other.client && port == other.port &&
           transport == other.transport && evidence == other.evidence && app == other.app && user == other.user;
}

std::size_t ObservedRows::Row::hash() const
{
    std::uint64_t value = flow::hash_address(server, flow::hash_address(client, port));
    value = flow::mix(value + reinterpret_cast<std::uintptr_t>(name));
    value = flow::mix(value + reinterpret_cast<std::uintptr_t>(app) * 3 + reinterpret_cast<std::uintptr_t>(user) * 7);
    return flow::mix(value + static_cast<unsigned>(transport) * 256U + static_cast<unsigned>(evidence));
}

ObservedRows::Text ObservedRows::intern(std::string_view text)
{
    return text.empty() ? nullptr : &*texts_.emplace(text).first;
}

void ObservedRows::grow_index()
{
    std::vector<std::uint32_t> larger(index_.size() * 2);
    for (std::uint32_t row = 0; row < rows_.size(); ++row) {
        std::size_t at = rows_[row].hash() & (larger.size() - 1);
        while (larger[at] != 0)
            at = (at + 1) & (larger.size() - 1);
        larger[at] = row + 1;
    }
    index_ = std::move(larger);
}

ObservedRows::Row& ObservedRows::row_of(const Row& key)
{
    const std::size_t mask = index_.size() - 1;
    std::size_t at = key.hash() & mask;
    for (; index_[at] != 0; at = (at + 1) & mask)
        if (Row& row = rows_[index_[at] - 1]; row.same_key(key)) return row;
    rows_.push_back(key);
    index_[at] = static_cast<std::uint32_t>(rows_.size());
    if (rows_.size() * 2 > index_.size()) grow_index();
    return rows_.back();
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
    Row key;
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
    key.first_seen = usage.first_seen;
    key.last_seen = usage.last_seen;
    Row& row = row_of(key);
    row.connections += usage.connections;
    row.bytes_up += usage.bytes_up;
    row.bytes_down += usage.bytes_down;
    row.first_seen = std::min(row.first_seen, usage.first_seen);
    row.last_seen = std::max(row.last_seen, usage.last_seen);
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

void ObservedRows::write(rows::RowWriter& writer) const
{
    for (const Row& row : rows_) {
        const std::string name = row.name == nullptr ? std::string() : as_utf8(*row.name);
        writer.write({row.client.to_string(), row.server.to_string(), row.port, to_string(row.transport),
                      row.name == nullptr ? nlohmann::json(nullptr) : nlohmann::json(name),
                      std::string(wire::to_string(row.evidence)), text_or_null(row.app), text_or_null(row.user),
                      row.connections, row.bytes_up, row.bytes_down, to_rfc3339(row.first_seen),
                      to_rfc3339(row.last_seen)});
    }
}

}    // namespace dl::agent::commands
