// Host names come from strangers: any bytes give an answer whose label is short and printable.
#include "collector/catalog/catalog.hpp"
#include "collector/catalog/pattern.hpp"
#include "collector/catalog/suffix_index.hpp"

#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace dl::collector::catalog;
    static const SuffixIndex index = [] {
        SuffixIndex made(4);
        SuffixIndex::RuleNumber rule = 0;
        for (const char* text : {"*.a.example", "b.a.example", "*-my.a.example", "*.local"})
            if (made.add(*parse_pattern(text, Depth::single_label), rule++) != SuffixIndex::none) std::abort();
        return made;
    }();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const FoldedHost host(text);
    if (host.valid()) {
        if (host.text().size() > 253) std::abort();
        const auto rule = index.find(host);
        if (rule != SuffixIndex::none && rule > 3) std::abort();
        if (rule == 1 && host.text() != "b.a.example") std::abort();
        if ((rule == 0 || rule == 2) && !host.text().ends_with("a.example")) std::abort();
        if (rule == 3 && !host.text().ends_with(".local")) std::abort();
    }
    // What parses as a pattern finds itself.
    if (const auto pattern = parse_pattern(text)) {
        SuffixIndex own(1);
        if (own.add(*pattern, 0) != SuffixIndex::none) std::abort();
        const FoldedHost self(pattern->suffix);
        if (pattern->shape != Pattern::Shape::label_ending && (!self.valid() || own.find(self) != 0)) std::abort();
    }
    return 0;
}
