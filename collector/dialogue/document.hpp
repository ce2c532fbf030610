// A brief as a plain document: headings, paragraphs, points. What the text, Markdown and HTML renderings walk over.
#pragma once

#include "collector/dialogue/brief.hpp"

#include <string>
#include <vector>

namespace dl::collector::dialogue {

struct Block {
    enum class Kind { paragraph, bullet, point, field, question } kind = Kind::paragraph;
    std::string text;
    std::string label;    ///< of a field: printed before the text
};
[[nodiscard]] std::string_view to_string(Block::Kind kind);
struct Section {
    std::string heading;
    std::vector<Block> blocks;
};
struct Document {
    std::string title, subtitle;
    std::vector<Section> sections;
};

[[nodiscard]] Document document_of(const Brief& brief);

[[nodiscard]] std::string to_text(const Document& document);
[[nodiscard]] std::string to_markdown(const Document& document);
[[nodiscard]] std::string to_html(const Document& document);

}    // namespace dl::collector::dialogue
