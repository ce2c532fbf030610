// Checks of options' values, made while the command line is read: what does not pass is wrong usage (exit code 2), told
// before anything is opened.
#pragma once

#include "shared/base/failure.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dl::command_line {

/// "a, b or c"
[[nodiscard]] std::string alternatives(const std::vector<std::string>& words);

[[nodiscard]] CLI::Validator one_of(std::vector<std::string> words);
/// Decimal digits alone, from `least` to `most`.
[[nodiscard]] CLI::Validator whole_number(std::uint64_t least, std::uint64_t most);
/// What `parse`, from text to a Result, refuses; its message is told.
template <class Parse>
[[nodiscard]] CLI::Validator read_by(Parse parse)
{
    return CLI::Validator(
        [parse = std::move(parse)](std::string& text) {
            const auto read = parse(std::string_view(text));
            return read ? std::string() : read.error().message;
        },
        "");
}

/// `--format` of a verb that gives rows; `format` holds the default. More formats may be named besides.
void add_format_option(CLI::App& verb, std::string& format,
                       const std::vector<std::string>& formats = {"table", "jsonl", "tsv", "csv"});

}    // namespace dl::command_line
