#include "collector/catalog/suffix_index.hpp"

#include "collector/catalog/pattern.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace dl::collector::catalog {
namespace {

constexpr std::size_t longest_name = 253;    // RFC 1035 section 2.3.4, as text
constexpr std::size_t longest_label = 63;

/// A letter's lower case, a digit, hyphen or underscore as itself, everything else 0.
constexpr std::array<char, 256> folded = [] {
    std::array<char, 256> table{};
    for (int c = 'a'; c <= 'z'; ++c)
        table[static_cast<std::size_t>(c)] = table[static_cast<std::size_t>(c - 'a' + 'A')] = static_cast<char>(c);
    for (int c = '0'; c <= '9'; ++c)
        table[static_cast<std::size_t>(c)] = static_cast<char>(c);
    table['-'] = '-';
    table['_'] = '_';
    table['.'] = '.';
    return table;
}();

constexpr std::uint64_t seed = 0x9e3779b97f4a7c15;

inline std::uint64_t grown(std::uint64_t hash, char next)
{
    return (hash ^ static_cast<unsigned char>(next)) * 0x100000001b3;
}

/// FNV leaves the low bits poor; a slot number needs them good.
inline std::uint64_t finished(std::uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93;
    hash ^= hash >> 32;
    return hash;
}

std::uint64_t hash_of(std::string_view suffix)
{
    std::uint64_t hash = seed;
    for (std::size_t i = suffix.size(); i-- > 0;)
        hash = grown(hash, suffix[i]);
    return finished(hash);
}

}    // namespace

FoldedHost::FoldedHost(std::string_view host)
{
    if (host.ends_with('.')) host.remove_suffix(1);
    if (host.empty() || host.size() > longest_name) return;
    std::size_t label_start = 0;
    bool digits = true;
    for (std::size_t i = 0; i < host.size(); ++i) {
        const char c = folded[static_cast<unsigned char>(host[i])];
        if (c == 0) return;
        text_[i] = c;
        if (c == '.') {
            if (i == label_start || i - label_start > longest_label || text_[i - 1] == '-') return;
            label_start = i + 1;
            digits = true;
            single_label_ = false;
        } else {
            if (c == '-' && i == label_start) return;
            digits = digits && c >= '0' && c <= '9';
        }
    }
    const std::size_t last = host.size() - label_start;
    if (last == 0 || last > longest_label || text_[host.size() - 1] == '-') return;
    numeric_end_ = digits;
    size_ = host.size();
}

SuffixIndex::SuffixIndex(std::size_t expected_patterns)
    : slots_(std::bit_ceil(std::max<std::size_t>(64, expected_patterns * 2)))
{}

const SuffixIndex::Node* SuffixIndex::probe(std::uint64_t hash, std::string_view suffix) const
{
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t slot = hash & mask;; slot = (slot + 1) & mask) {
        const Node& candidate = slots_[slot];
        if (candidate.size == 0) return nullptr;
        if (candidate.hash == hash && candidate.size == suffix.size() &&
            std::memcmp(texts_.data() + candidate.text, suffix.data(), suffix.size()) == 0)
            return &candidate;
    }
}

void SuffixIndex::grow()
{
    std::vector<Node> old(slots_.size() * 2);
    old.swap(slots_);
    const std::size_t mask = slots_.size() - 1;
    for (const Node& kept : old) {
        if (kept.size == 0) continue;
        std::size_t slot = kept.hash & mask;
        while (slots_[slot].size != 0)
            slot = (slot + 1) & mask;
        slots_[slot] = kept;
    }
}

SuffixIndex::Node& SuffixIndex::node(std::string_view suffix)
{
    const std::uint64_t hash = hash_of(suffix);
    if (const Node* known = probe(hash, suffix)) return const_cast<Node&>(*known);
    if (2 * (used_ + 1) > slots_.size()) grow();
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = hash & mask;
    while (slots_[slot].size != 0)
        slot = (slot + 1) & mask;
    Node& fresh = slots_[slot];
    fresh.hash = hash;
    fresh.text = static_cast<std::uint32_t>(texts_.size());
    fresh.size = static_cast<std::uint16_t>(suffix.size());
    texts_ += suffix;
    ++used_;
    return fresh;
}

SuffixIndex::RuleNumber* SuffixIndex::place(const Pattern& pattern)
{
    // All ancestors of two or more labels become nodes, from the shortest, so that a look-up can walk down to this one.
    const std::string_view suffix = pattern.suffix;
    std::size_t dot = suffix.rfind('.');
    if (dot != std::string_view::npos)
        for (dot = suffix.rfind('.', dot - 1); dot != std::string_view::npos; dot = suffix.rfind('.', dot - 1)) {
            node(suffix.substr(dot + 1)).has_children = true;
            if (dot == 0) break;
        }
    Node& last = node(suffix);
    switch (pattern.shape) {
        case Pattern::Shape::exact: return &last.exact;
        case Pattern::Shape::suffix: return &last.suffix;
        case Pattern::Shape::label_ending: break;
    }
    for (std::uint32_t i = last.endings; i != 0; i = endings_[i - 1].next)
        if (endings_[i - 1].text == pattern.ending) return &endings_[i - 1].rule;
    endings_.push_back({pattern.ending, none, last.endings});
    last.endings = static_cast<std::uint32_t>(endings_.size());
    return &endings_.back().rule;
}

SuffixIndex::RuleNumber SuffixIndex::add(const Pattern& pattern, RuleNumber rule)
{
    RuleNumber* const held = place(pattern);
    if (*held != none) return *held;
    *held = rule;
    return none;
}

void SuffixIndex::replace(const Pattern& pattern, RuleNumber rule) { *place(pattern) = rule; }

SuffixIndex::RuleNumber SuffixIndex::find(const FoldedHost& host) const
{
    const std::string_view text = host.text();
    RuleNumber best = none;
    std::uint64_t hash = seed;
    std::size_t labels = 0;
    for (std::size_t i = text.size(); i-- > 0;) {
        hash = grown(hash, text[i]);
        const bool whole = i == 0;
        if (!whole && text[i - 1] != '.') continue;
        if (++labels == 1 && !whole) continue;
        const Node* const here = probe(finished(hash), text.substr(i));
        if (here == nullptr) break;
        if (here->suffix != none) best = here->suffix;
        if (whole) {
            if (here->exact != none) best = here->exact;
            break;
        }
        for (std::uint32_t e = here->endings; e != 0; e = endings_[e - 1].next) {
            const std::string_view above = text.substr(0, i - 1);
            const std::string_view label = above.substr(above.rfind('.') + 1);
            if (label.size() > endings_[e - 1].text.size() && label.ends_with(endings_[e - 1].text))
                best = endings_[e - 1].rule;
        }
        if (!here->has_children) break;
    }
    if (best != none || host.single_label()) return best;
    // Nothing fits: the few suffixes of one label (*.local) are asked last, so that no other look-up pays for them.
    const std::string_view top = text.substr(text.rfind('.') + 1);
    const Node* const here = probe(hash_of(top), top);
    return here != nullptr ? here->suffix : none;
}

}    // namespace dl::collector::catalog
