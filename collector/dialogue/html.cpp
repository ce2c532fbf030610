// Briefs as one HTML file, print-ready: two A4 pages at most, no script, nothing loaded from anywhere.
#include "collector/dialogue/document.hpp"
#include "shared/base/digest.hpp"

#include <openssl/evp.h>

#include <string_view>

namespace dl::collector::dialogue {
namespace {

using Kind = Block::Kind;

constexpr std::string_view style = R"css(
@page { size: A4; margin: 15mm 16mm; }
:root { color-scheme: light dark; }
body { font: 10.5pt/1.4 system-ui, "Liberation Sans", Arial, sans-serif; max-width: 46em; margin: 1.5em auto; padding: 0 1em; }
h1 { font-size: 1.7em; margin: 0; }
.subtitle { margin: .2em 0 1em; opacity: .8; }
h2 { font-size: 1.1em; margin: 1.1em 0 .3em; border-bottom: 1px solid; padding-bottom: .15em; break-after: avoid; }
h3 { font-size: 1em; margin: .9em 0 .1em; break-after: avoid; }
ul, dl { margin: .2em 0; }
ul { padding-left: 1.2em; }
.question { font-weight: 600; margin: .1em 0 .3em; break-after: avoid; }
dl { display: grid; grid-template-columns: 7em 1fr; gap: .1em .6em; }
dt { opacity: .8; }
dd { margin: 0; }
.more { grid-column: 2; }
@media print { body { font-size: 9pt; line-height: 1.3; margin: 0; padding: 0; max-width: none; } .subtitle, dt { opacity: 1; } }
)css";

std::string escaped(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    }
    return out;
}

/// Opens and closes the lists that blocks stand in.
class Lists {
public:
    explicit Lists(std::string& out) : out_(out) {}
    void want(std::string_view list)
    {
        if (list == open_) return;
        if (!open_.empty()) out_ += "</" + std::string(open_) + ">\n";
        if (!list.empty()) out_ += "<" + std::string(list) + ">\n";
        open_ = list;
    }

private:
    std::string& out_;
    std::string_view open_;
};

}    // namespace

std::string html_style_source()
{
    const Digest digest = sha256(style);
    std::string encoded(4 * ((digest.size() + 2) / 3) + 1, '\0');
    encoded.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                                            digest.data(), static_cast<int>(digest.size()))));
    return "'sha256-" + encoded + "'";
}

std::string to_html(const Document& document)
{
    std::string out = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
    out +=
        escaped(document.title) + "</title>\n<style>" + std::string(style) + "</style>\n</head>\n<body>\n<main>\n<h1>";
    out += escaped(document.title) + "</h1>\n<p class=\"subtitle\">" + escaped(document.subtitle) + "</p>\n";
    for (const auto& section : document.sections) {
        out += "<section>\n<h2>" + escaped(section.heading) + "</h2>\n";
        Lists lists(out);
        std::string_view label;
        for (const auto& block : section.blocks) {
            const auto text = escaped(block.text);
            lists.want(block.kind == Kind::bullet ? "ul" : block.kind == Kind::field ? "dl" : "");
            switch (block.kind) {
                case Kind::paragraph: out += "<p>" + text + "</p>\n"; break;
                case Kind::bullet: out += "<li>" + text + "</li>\n"; break;
                case Kind::point: out += "<h3>" + text + "</h3>\n"; break;
                case Kind::question: out += "<p class=\"question\">" + text + "</p>\n"; break;
                case Kind::field:
                    if (block.label != label) out += "<dt>" + escaped(block.label) + "</dt>";
                    out += (block.label == label ? "<dd class=\"more\">" : "<dd>") + text + "</dd>\n";
                    break;
            }
            label = block.kind == Kind::field ? std::string_view(block.label) : std::string_view{};
        }
        lists.want("");
        out += "</section>\n";
    }
    return out + "</main>\n</body>\n</html>\n";
}

}    // namespace dl::collector::dialogue
