#include "collector/catalog/pattern.hpp"

#include "shared/names/host_name.hpp"

namespace dl::collector::catalog {

Result<Pattern> parse_pattern(std::string_view text, Depth depth)
{
    Pattern pattern;
    std::string_view rest = text;
    if (rest.starts_with("*.")) {
        pattern.shape = Pattern::Shape::suffix;
        rest.remove_prefix(2);
    } else if (rest.starts_with('*')) {
        pattern.shape = Pattern::Shape::label_ending;
        rest.remove_prefix(1);
        const auto dot = rest.find('.');
        if (dot == std::string_view::npos || dot == 0)
            return invalid_input("'" + std::string(text) + "' is no pattern; write host, *.suffix or *ending.suffix");
        pattern.ending = rest.substr(0, dot);
        rest.remove_prefix(dot + 1);
    }
    if (rest.empty())
        return invalid_input("'" + std::string(text) + "' names no host; write host, *.suffix or *ending.suffix");
    if (names::is_address_literal(rest))
        return invalid_input("'" + std::string(text) + "' is an address; the catalogue holds host names");
    const auto host = names::normalise_host(rest);
    if (!host || *host != rest)
        return invalid_input("'" + std::string(text) +
                             "' is no host pattern; write host, *.suffix or *ending.suffix, in lower case");
    if (!pattern.ending.empty()) {
        const auto probe = names::normalise_host("a" + pattern.ending);
        if (!probe || *probe != "a" + pattern.ending)
            return invalid_input("'" + std::string(text) + "' has a wildcard that no label can match");
    }
    if (depth == Depth::two_labels && host->find('.') == std::string::npos)
        return invalid_input("'" + std::string(text) + "' is a single label; a pattern needs at least two");
    pattern.text = text;
    pattern.suffix = *host;
    return pattern;
}

}    // namespace dl::collector::catalog
