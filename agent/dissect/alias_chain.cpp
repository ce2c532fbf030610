#include "agent/dissect/alias_chain.hpp"

#include <algorithm>
#include <limits>

namespace dl::agent::dissect::dns {

void AliasChain::follow(const Name& asked, const Reader& answers)
{
    constexpr int most_passes = 4;    // one does where aliases stand in order
    names_[0] = asked;
    ttl_[0] = std::numeric_limits<std::uint32_t>::max();
    length_ = 1;
    static thread_local Record record;
    for (int pass = 0; pass < most_passes; ++pass) {
        const std::size_t before = length_;
        Reader reader = answers;
        while (length_ < longest && reader.next_answer(record)) {
            if (record.kind != Record::Kind::alias || record.owner.text() != names_[length_ - 1].text()) continue;
            if (leads_to(record.target.text())) continue;    // a circle
            ttl_[length_] = std::min(ttl_[length_ - 1], record.ttl);
            names_[length_++] = record.target;
        }
        if (length_ == before) return;
    }
}

std::optional<std::uint32_t> AliasChain::leads_to(std::string_view owner) const
{
    for (std::size_t i = 0; i < length_; ++i)
        if (names_[i].text() == owner) return ttl_[i];
    return std::nullopt;
}

}    // namespace dl::agent::dissect::dns
