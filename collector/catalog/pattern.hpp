// The three ways to write hosts in the catalogue:
//   mail.example.com     that host alone
//   *.example.com        every host below example.com, and example.com itself
//   *-my.example.com     every host whose label before example.com ends in "-my", and everything below it
#pragma once

#include "shared/base/failure.hpp"

#include <string>
#include <string_view>

namespace dl::collector::catalog {

struct Pattern {
    enum class Shape { exact, suffix, label_ending };
    Shape shape = Shape::exact;
    std::string text;      ///< as written, lower case
    std::string suffix;    ///< what follows the wildcard (the whole name where exact), without leading dot
    std::string ending;    ///< of the label before the suffix ("-my"), where the shape is label_ending
};

/// The failure's message is only the reason; the caller knows file and line. `single_label` allows *.local.
enum class Depth { two_labels, single_label };
[[nodiscard]] Result<Pattern> parse_pattern(std::string_view text, Depth depth = Depth::two_labels);

}    // namespace dl::collector::catalog
