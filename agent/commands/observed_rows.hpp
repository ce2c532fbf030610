// The rows of `observe`: shares added up by (client, server, port, transport, name, evidence, app, user). Memory is
// bounded: what is more than so many rows lies in a temporary file till the end, and every key is written once.
#pragma once

#include "agent/commands/spilled_rows.hpp"
#include "agent/flow/sighting.hpp"
#include "agent/identity/attributor.hpp"
#include "shared/rows/row_writer.hpp"

#include <boost/container/deque.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace dl::agent::commands {

class ObservedRows final : public flow::SightingSink {
public:
    static constexpr std::size_t default_rows = 49152;

    /// `attributor` may be null: then user and app are unknown. `most_rows` are kept in memory.
    explicit ObservedRows(identity::Attributor* attributor, std::size_t most_rows = default_rows)
        : attributor_(attributor), most_rows_(most_rows)
    {}

    void opened(const flow::Connection& connection) override;
    void used(const flow::Connection& connection, const flow::Usage& usage) override;
    void closed(const flow::Connection& connection) override;

    [[nodiscard]] static std::vector<rows::Column> columns();
    /// In the order of first appearance. Failure where the temporary file broke: then rows are missing.
    [[nodiscard]] Result<void> write(rows::RowWriter& writer);
    /// What broke the temporary file; rows that came after that are lost.
    [[nodiscard]] const std::optional<Failure>& failure() const { return failure_; }
    /// How often a row was put into the temporary file.
    [[nodiscard]] std::uint64_t rows_spilled() const { return rows_spilled_; }

private:
    using Text = const std::string*;    ///< interned; null: unknown
    struct Owner {
        Text app = nullptr;
        Text user = nullptr;
    };

    Text intern(std::string_view text);
    [[nodiscard]] static std::size_t hash_of(const InternedKey& key);
    ObservedFigures& figures_of(const InternedKey& key);
    void grow_index();
    void spill();
    [[nodiscard]] static Failure broken(const std::runtime_error& error);
    Owner ask(const flow::Connection& connection);

    identity::Attributor* attributor_;
    std::size_t most_rows_;
    std::unordered_set<std::string> texts_;
    std::unordered_map<std::uint64_t, Owner> owners_;    ///< of open connections; empty without an attributor
    /// Grows without a copy of itself, which would be the peak of memory, and in blocks that go back to the system.
    using Rows = boost::container::deque<InternedRow, void,
                                         boost::container::deque_options<boost::container::block_size<2048>>::type>;
    Rows rows_;
    std::vector<std::uint32_t> index_ = std::vector<std::uint32_t>(1024);    ///< row + 1, linear probing
    std::unique_ptr<SpilledRows> spilled_;
    std::uint64_t rows_spilled_ = 0;
    std::optional<Failure> failure_;
};

}    // namespace dl::agent::commands
