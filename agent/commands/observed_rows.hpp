// The rows of `observe`: shares added up by (client, server, port, transport, name, evidence, app, user).
#pragma once

#include "agent/flow/sighting.hpp"
#include "agent/identity/attributor.hpp"
#include "shared/rows/row_writer.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace dl::agent::commands {

class ObservedRows final : public flow::SightingSink {
public:
    /// `attributor` may be null: then user and app are unknown.
    explicit ObservedRows(identity::Attributor* attributor) : attributor_(attributor) {}

    void opened(const flow::Connection& connection) override;
    void used(const flow::Connection& connection, const flow::Usage& usage) override;
    void closed(const flow::Connection& connection) override;

    [[nodiscard]] static std::vector<rows::Column> columns();
    /// In the order of first appearance.
    void write(rows::RowWriter& writer) const;

private:
    using Text = const std::string*;    ///< interned; null: unknown
    struct Row {
        Address client;
        Address server;
        std::uint16_t port = 0;
        Transport transport = Transport::other;
        wire::Evidence evidence = wire::Evidence::address_only;
        Text name = nullptr;
        Text app = nullptr;
        Text user = nullptr;
        std::uint64_t connections = 0;
        std::uint64_t bytes_up = 0;
        std::uint64_t bytes_down = 0;
        Timestamp first_seen{};
        Timestamp last_seen{};

        [[nodiscard]] bool same_key(const Row& other) const;
        [[nodiscard]] std::size_t hash() const;
    };
    struct Owner {
        Text app = nullptr;
        Text user = nullptr;
    };

    Text intern(std::string_view text);
    Row& row_of(const Row& key);
    void grow_index();
    Owner ask(const flow::Connection& connection);

    identity::Attributor* attributor_;
    std::unordered_set<std::string> texts_;
    std::unordered_map<std::uint64_t, Owner> owners_;    ///< of open connections; empty without an attributor
    std::deque<Row> rows_;    ///< grows without a copy of itself, which would be the peak of memory
    std::vector<std::uint32_t> index_ = std::vector<std::uint32_t>(1024);    ///< row + 1, linear probing
};

}    // namespace dl::agent::commands
