// Ids that accounts were given for their containers (subuid(5)): a process under one of them is its owner's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dl::agent::identity {

class SubordinateIds {
public:
    /// Lines beyond are left out: no system hands out as many.
    static constexpr std::size_t most_ranges = 65536;

    /// Of lines "owner:first:count", the owner by name or id; other lines are passed over.
    [[nodiscard]] static SubordinateIds parse(std::string_view text);
    /// Of this system; none where there is no such file.
    [[nodiscard]] static SubordinateIds of_this_system();

    /// The owner as the file has it; of ranges that overlap, the first one's. Nothing: the id was given to nobody.
    [[nodiscard]] std::optional<std::string> owner_of(std::uint32_t uid) const;

private:
    struct Range {
        std::uint64_t first = 0;
        std::uint64_t count = 0;
        std::string owner;
    };
    std::vector<Range> ranges_;
};

}    // namespace dl::agent::identity
