// Reads JSON (RFC 8259) of a known shape in one pass, from bytes that a stranger sent: no document tree, every text and
// list bounded before it grows, nesting of what is skipped bounded at 32. The first mistake sticks: after it every read
// gives an empty value and loops end, so that a decoder needs one check at its end. Messages carry the path:
// "cells[3].day".
#pragma once

#include "shared/base/failure.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dl::wire {

class JsonReader {
public:
    /// `subject` begins every message: "report". The text outlives the reader.
    JsonReader(std::string_view text, std::string_view subject) : text_(text), subject_(subject) {}

    [[nodiscard]] bool ok() const { return message_.empty(); }
    [[nodiscard]] Failure failure() const { return invalid_input(message_); }
    /// Makes `what` the failure, at the value being read; the first one stays.
    void fail(std::string_view what);

    /// True when the next value is null, which is then consumed.
    [[nodiscard]] bool null();
    /// UTF-8 (RFC 3629) of at most `limit` octets without control characters.
    [[nodiscard]] std::string text(std::size_t limit);
    /// The same with line breaks allowed: PEM.
    [[nodiscard]] std::string lines(std::size_t limit);
    /// Digits only: no sign, fraction or exponent.
    [[nodiscard]] std::uint64_t unsigned_integer(std::uint64_t most);
    /// Consumes a value of any shape.
    void skip();
    /// Nothing but blanks may follow.
    void finish();

    /// A list of at most `limit` values; `on_item()` reads each.
    template <class F>
    void list(std::size_t limit, F on_item)
    {
        if (!begin('[', "a list")) return;
        path_.push_back({{}, 0});
        for (std::size_t i = 0; more(']', i); ++i) {
            if (i == limit) {
                path_.pop_back();
                return fail("has more than " + std::to_string(limit) + " items; split it");
            }
            path_.back().index = i;
            on_item();
        }
        path_.pop_back();
    }

    /// An object: `on_field(index into names)` reads the value of each known key, unknown keys are skipped, a known key
    /// that comes twice is a mistake, and so is the lack of one of the first `required`.
    template <std::size_t N, class F>
    void object(const std::array<std::string_view, N>& names, std::size_t required, F on_field)
    {
        if (!begin('{', "an object")) return;
        std::array<bool, N> seen{};
        for (std::size_t i = 0; more('}', i); ++i) {
            const std::string name = key();
            std::size_t field = 0;
            while (field < N && names[field] != name)
                ++field;
            path_.push_back({name, not_an_index});
            if (field == N)
                skip();
            else if (seen[field])
                fail("occurs twice; send it once");
            else {
                seen[field] = true;
                on_field(field);
            }
            path_.pop_back();
        }
        for (std::size_t field = 0; field < required && ok(); ++field)
            if (!seen[field]) fail("'" + std::string(names[field]) + "' is missing; add it");
    }

private:
    static constexpr std::size_t not_an_index = static_cast<std::size_t>(-1);
    struct Step {
        std::string_view key;
        std::size_t index = not_an_index;
    };

    void skip_blanks();
    [[nodiscard]] bool begin(char opening, std::string_view what);
    [[nodiscard]] bool more(char closing, std::size_t count);
    [[nodiscard]] std::string key();
    [[nodiscard]] std::string quoted(std::size_t limit, bool line_breaks);
    void append_escape(std::string& out);
    [[nodiscard]] std::uint32_t four_hex_digits();
    void skip_word(std::string_view word);
    void skip_number();
    [[nodiscard]] std::string_view next_type() const;

    std::string_view text_;
    std::string_view subject_;
    std::size_t at_ = 0;
    std::vector<Step> path_;
    std::string message_;
};

}    // namespace dl::wire
