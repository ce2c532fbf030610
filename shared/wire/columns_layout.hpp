// Keys and columns of the CBOR encoding, as FORMAT.md numbers them. Never reuse a number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dl::wire::layout {

inline constexpr std::uint64_t self_described = 55799;    ///< RFC 8949 section 3.4.6
inline constexpr std::string_view magic = "daylight-report";

enum Key : std::uint64_t {
    agent = 1,
    observer = 2,
    epoch = 3,
    revision_from = 4,
    revision_to = 5,
    last_receipt = 6,
    last_store = 7,
    sent_at = 8,
    agent_version = 9,
    counters = 10,
    devices = 11,
    persons = 12,
    strings = 13,
    applications = 14,
    destinations = 15,
    time_unit = 16,
    cells = 17,
    offers = 18,
};

inline constexpr std::size_t counter_count = 8;
inline constexpr std::size_t least_counters = 7;    ///< the eighth came later
inline constexpr std::size_t destination_columns = 4;
inline constexpr std::size_t cell_columns = 12;
inline constexpr std::size_t offer_columns = 4;

}    // namespace dl::wire::layout
