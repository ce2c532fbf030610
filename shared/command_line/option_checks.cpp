#include "shared/command_line/option_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace dl::command_line {

std::string alternatives(const std::vector<std::string>& words)
{
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i)
        text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
    return text;
}

CLI::Validator one_of(std::vector<std::string> words)
{
    return CLI::Validator(
        [words = std::move(words)](std::string& text) {
            if (std::find(words.begin(), words.end(), text) != words.end()) return std::string();
            return fmt::format("'{}' is not known; give {}", text, alternatives(words));
        },
        "");
}

CLI::Validator whole_number(std::uint64_t least, std::uint64_t most)
{
    return CLI::Validator(
        [least, most](std::string& text) {
            std::uint64_t number = 0;
            const char* const last = text.data() + text.size();
            const auto [end, error] = std::from_chars(text.data(), last, number);
            if (error == std::errc{} && end == last && number >= least && number <= most) return std::string();
            return fmt::format("'{}' is not taken; give a whole number from {} to {}", text, least, most);
        },
        "");
}

void add_format_option(CLI::App& verb, std::string& format, const std::vector<std::string>& formats)
{
    verb.add_option("--format", format, alternatives(formats))
        ->check(one_of(formats))
        ->capture_default_str()
        ->type_name("FORMAT");
}

}    // namespace dl::command_line
