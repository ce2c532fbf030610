// Briefs for the terminal and as Markdown.
#include "collector/dialogue/document.hpp"

#include <string_view>

namespace dl::collector::dialogue {
namespace {

using Kind = Block::Kind;
constexpr std::size_t width = 96;

/// Columns that a text takes: UTF-8 continuation bytes take none.
std::size_t columns(std::string_view text)
{
    std::size_t count = 0;
    for (const char c : text)
        count += (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;
    return count;
}

/// Wraps at blanks; the first line begins with `first`, the others with as many blanks.
std::string wrapped(std::string_view first, std::string_view text)
{
    const std::string indent(columns(first), ' ');
    std::string out{first};
    std::size_t at = columns(first);
    bool begin = true;
    while (!text.empty()) {
        const auto end = text.find(' ');
        const auto word = text.substr(0, end);
        if (!begin && at + 1 + columns(word) > width) {
            out += "\n" + indent;
            at = indent.size();
            begin = true;
        }
        if (!begin) {
            out += ' ';
            ++at;
        }
        out += word;
        at += columns(word);
        begin = false;
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    return out + "\n";
}

std::string padded(std::string text, std::size_t to)
{
    while (columns(text) < to)
        text += ' ';
    return text;
}

/// Characters that Markdown would read as markup.
std::string escaped(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        if (std::string_view("\\`*_[]<>#|").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

}    // namespace

std::string to_text(const Document& document)
{
    std::string out = document.title + "\n" + std::string(columns(document.title), '=') + "\n";
    out += wrapped("", document.subtitle);
    for (const auto& section : document.sections) {
        out += "\n" + section.heading + "\n" + std::string(columns(section.heading), '-') + "\n";
        std::string_view label;    // options stand under one label
        bool first = true;
        for (const auto& block : section.blocks) {
            switch (block.kind) {
                case Kind::paragraph: out += (first ? "" : "\n") + wrapped("", block.text); break;
                case Kind::bullet: out += wrapped("- ", block.text); break;
                case Kind::point: out += (first ? "" : "\n") + wrapped("", block.text); break;
                case Kind::question: out += wrapped("   ", block.text); break;
                case Kind::field:
                    out +=
                        wrapped(padded("     " + (block.label == label ? std::string() : block.label), 18), block.text);
                    break;
            }
            label = block.kind == Kind::field ? std::string_view(block.label) : std::string_view{};
            first = false;
        }
    }
    return out;
}

std::string to_markdown(const Document& document)
{
    std::string out = "# " + escaped(document.title) + "\n\n*" + escaped(document.subtitle) + "*\n";
    for (const auto& section : document.sections) {
        out += "\n## " + escaped(section.heading) + "\n\n";
        for (const auto& block : section.blocks) {
            switch (block.kind) {
                case Kind::paragraph: out += (out.ends_with("\n\n") ? "" : "\n") + escaped(block.text) + "\n"; break;
                case Kind::bullet: out += "- " + escaped(block.text) + "\n"; break;
                case Kind::point:
                    out += (out.ends_with("\n\n") ? "### " : "\n### ") + escaped(block.text) + "\n\n";
                    break;
                case Kind::question: out += "**" + escaped(block.text) + "**\n\n"; break;
                case Kind::field: out += "- " + escaped(block.label) + ": " + escaped(block.text) + "\n"; break;
            }
        }
    }
    return out;
}

}    // namespace dl::collector::dialogue
