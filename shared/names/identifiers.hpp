// One person has many names (anna, CORP\anna, anna@corp.example): rules make them one before a pseudonym is made. Agent and
// directory call the same function, so both arrive at the same pseudonym.
#pragma once

#include "shared/base/digest.hpp"
#include "shared/base/id.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dl::names {

/// Lower case (ASCII; other bytes kept), surrounding blanks removed, a DOMAIN\ prefix and an @domain suffix removed.
[[nodiscard]] std::string canonical_person(std::string_view name);
/// Lower case, first label only (a device is known by its short name), no trailing dot.
[[nodiscard]] std::string canonical_device(std::string_view name);

/// HMAC(organisation key, "person:" + canonical name): what an endpoint sends.
[[nodiscard]] Pseudonym person_pseudonym(std::span<const std::uint8_t, 32> organisation_key, std::string_view name);
[[nodiscard]] Pseudonym device_pseudonym(std::span<const std::uint8_t, 32> organisation_key, std::string_view name);
/// HMAC(collector key, pseudonym): what the store holds.
[[nodiscard]] Pseudonym rekey(std::span<const std::uint8_t, 32> collector_key, const Pseudonym& endpoint_pseudonym);

}    // namespace dl::names
