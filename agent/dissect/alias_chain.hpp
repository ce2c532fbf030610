// The names that a DNS answer leads a question to, through its CNAME records (RFC 1034 section 3.6.2) in whatever order
// they stand. Records of other owners answer something that was not asked.
#pragma once

#include "agent/dissect/dns.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace dl::agent::dissect::dns {

class AliasChain {
public:
    static constexpr std::size_t longest = 16;    ///< the question's name included; what follows is not believed

    /// `answers`: a reader whose questions are read; it is not moved on.
    void follow(const Name& asked, const Reader& answers);
    /// Seconds for which the aliases that lead to `owner` live, the largest number where it is the question's own name;
    /// nothing where none leads there.
    [[nodiscard]] std::optional<std::uint32_t> leads_to(std::string_view owner) const;

private:
    std::array<Name, longest> names_;
    std::array<std::uint32_t, longest> ttl_{};
    std::size_t length_ = 0;
};

}    // namespace dl::agent::dissect::dns
