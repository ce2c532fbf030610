// Host name → rule, by the longest suffix, in one pass over the name from right to left.
//
// Every suffix of two or more labels of every pattern is a node in one flat hash table, keyed by a 64-bit hash that
// grows with the name. A look-up probes label by label and stops at the first node without children: an unknown domain
// costs one probe, a catalogued one two or three. Texts are compared before an answer is given, so a chosen collision
// names nothing that is not there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::catalog {

struct Pattern;

/// A host name folded for look-up: lower case, no trailing dot. Refers to its own buffer: do not copy.
class FoldedHost {
public:
    /// A name that isn't one (RFC 1123 section 2.1, underscores allowed; 253 octets, labels up to 63) is not valid().
    explicit FoldedHost(std::string_view host);
    FoldedHost(const FoldedHost&) = delete;
    FoldedHost& operator=(const FoldedHost&) = delete;

    [[nodiscard]] bool valid() const { return size_ != 0; }
    [[nodiscard]] std::string_view text() const { return {text_, size_}; }
    [[nodiscard]] bool single_label() const { return single_label_; }
    /// The last label is all digits: an IPv4 literal, or nothing that DNS has.
    [[nodiscard]] bool numeric_end() const { return numeric_end_; }

private:
    char text_[256];
    std::size_t size_ = 0;
    bool single_label_ = true;
    bool numeric_end_ = false;
};

class SuffixIndex {
public:
    using RuleNumber = std::uint32_t;
    static constexpr RuleNumber none = 0xffffffff;

    /// Prepares for about that many patterns.
    explicit SuffixIndex(std::size_t expected_patterns);
    /// The number of the rule that holds this very pattern already; `none` after it was taken up.
    [[nodiscard]] RuleNumber add(const Pattern& pattern, RuleNumber rule);
    /// Puts the rule in place of the one that holds the pattern now.
    void replace(const Pattern& pattern, RuleNumber rule);
    [[nodiscard]] RuleNumber find(const FoldedHost& host) const;

private:
    struct Node {
        std::uint64_t hash = 0;
        std::uint32_t text = 0;    ///< offset in texts_
        std::uint16_t size = 0;    ///< of the text; 0: an empty slot
        bool has_children = false;
        RuleNumber exact = none;
        RuleNumber suffix = none;
        std::uint32_t endings = 0;    ///< first of its label endings in endings_, counted from 1
    };
    struct Ending {
        std::string text;
        RuleNumber rule;
        std::uint32_t next;    ///< as in Node::endings
    };

    [[nodiscard]] Node& node(std::string_view suffix);
    [[nodiscard]] const Node* probe(std::uint64_t hash, std::string_view suffix) const;
    [[nodiscard]] RuleNumber* place(const Pattern& pattern);
    void grow();

    std::vector<Node> slots_;
    std::size_t used_ = 0;
    std::string texts_;
    std::vector<Ending> endings_;
};

}    // namespace dl::collector::catalog
