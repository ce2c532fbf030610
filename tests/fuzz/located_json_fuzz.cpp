// Files that people write: every value has a line within the text, every failure is one line.
#include "shared/config/located_json.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace {

void walk(const dl::config::Node& node, std::size_t lines)
{
    if (node.line() == 0 || node.line() > lines) std::abort();
    (void)node.as_text();
    (void)node.as_unsigned();
    (void)node.as_texts();
    (void)node.only_keys({"name", "hosts"});
    if (const auto list = node.as_list())
        for (const dl::config::Node& item : *list)
            walk(item, lines);
    if (const auto object = node.as_object())
        for (const dl::config::Member& member : *object)
            walk(member.node, lines);
}

}    // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto node = dl::config::parse_text(text, "fuzz.json");
    if (node)
        walk(*node, 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
    else if (!node.error().message.starts_with("fuzz.json:") || node.error().message.find('\n') != std::string::npos)
        std::abort();
    return 0;
}
