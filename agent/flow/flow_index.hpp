// Where in the flow table a connection lies, by its hash: linear probing over small entries that keep half of the hash
// beside the place, so that a look-up and a removal touch no connection but the one that is meant.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace dl::agent::flow {

class FlowIndex {
public:
    static constexpr std::uint32_t nowhere = ~std::uint32_t{0};

    /// Holds up to `most` slots, half full at most.
    explicit FlowIndex(std::size_t most) : entries_(std::bit_ceil(most * 2)) {}

    /// The slot of this hash that `is_meant(slot)` agrees to, or `nowhere`.
    template <typename IsMeant>
    [[nodiscard]] std::uint32_t find(std::uint64_t hash, const IsMeant& is_meant) const
    {
        const auto half = static_cast<std::uint32_t>(hash);
        for (std::size_t at = half & mask(); entries_[at].place != 0; at = (at + 1) & mask())
            if (entries_[at].half == half && is_meant(entries_[at].place - 1)) return entries_[at].place - 1;
        return nowhere;
    }
    void insert(std::uint64_t hash, std::uint32_t slot)
    {
        const auto half = static_cast<std::uint32_t>(hash);
        std::size_t at = half & mask();
        while (entries_[at].place != 0)
            at = (at + 1) & mask();
        entries_[at] = {half, slot + 1};
    }
    /// What was inserted so; what lay behind it moves up, so that no look-up ends too early.
    void erase(std::uint64_t hash, std::uint32_t slot)
    {
        std::size_t hole = static_cast<std::uint32_t>(hash) & mask();
        while (entries_[hole].place != slot + 1)
            hole = (hole + 1) & mask();
        for (std::size_t next = (hole + 1) & mask(); entries_[next].place != 0; next = (next + 1) & mask()) {
            const std::size_t home = entries_[next].half & mask();
            if (((next - home) & mask()) < ((next - hole) & mask())) continue;
            entries_[hole] = entries_[next];
            hole = next;
        }
        entries_[hole] = {};
    }

private:
    struct Entry {
        std::uint32_t half = 0;     ///< the lower half of the hash
        std::uint32_t place = 0;    ///< slot + 1; 0: empty
    };
    [[nodiscard]] std::size_t mask() const { return entries_.size() - 1; }

    std::vector<Entry> entries_;
};

}    // namespace dl::agent::flow
