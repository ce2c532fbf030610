// The bounds of FORMAT.md. A decoder checks each before it allocates; an encoder refuses what a decoder would.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace dl::wire::limits {

inline constexpr std::size_t body = 8 << 20;            ///< octets of a request or reply, as they travel
inline constexpr std::size_t decompressed = 8 << 20;    ///< octets behind zstd
inline constexpr std::size_t texts = 8 << 20;           ///< octets of all texts of a report together
inline constexpr std::size_t cells = 100'000;
inline constexpr std::size_t destinations = 100'000;
inline constexpr std::size_t devices = 20'000;
inline constexpr std::size_t persons = 20'000;
inline constexpr std::size_t applications = 20'000;
inline constexpr std::size_t offers = 100'000;
inline constexpr std::size_t text = 255;           ///< octets of a host, canonical name, application, reason …
inline constexpr std::size_t version_text = 64;    ///< octets of a program's version
inline constexpr std::size_t pem = 64 << 10;       ///< octets of a signing request or a chain of certificates
inline constexpr std::size_t statements = 17;      ///< of one answer about settings: 16 changes of key and a document
inline constexpr std::size_t statement = 512 << 10;    ///< octets of one
/// Counts fit a signed 64-bit integer, because stores have no other.
inline constexpr std::uint64_t count = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
inline constexpr std::int64_t last_day = 2'932'896;    ///< 9999-12-31, in days since 1970-01-01

}    // namespace dl::wire::limits
