// How many different people, at the strength that may be shown: exact for the security role, else a band.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace dl::collector::release {

struct Heads {
    std::uint64_t at_least = 0;
    std::optional<std::uint64_t> at_most;    ///< nothing: open
    bool exact = false;

    /// 6 · 5–9 · 500+ · "5 or more" where a coarse figure says no more than its released parts
    [[nodiscard]] std::string text() const;
    friend bool operator==(const Heads&, const Heads&) = default;
};

[[nodiscard]] Heads exactly(std::uint64_t people);
/// The band that holds `people`: k–9 (k below 10), 10–19, 20–49, 50–99, 100–199, 200–499, 500+. `people` is at least k.
[[nodiscard]] Heads band(std::uint64_t people, std::uint64_t k);
[[nodiscard]] Heads at_least(std::uint64_t people);

}    // namespace dl::collector::release
