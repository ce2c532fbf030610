// The front door of the programs: verbs with options, `help`, `--version` everywhere, and the exit codes that scripts
// rely on: 0 done, 1 failed, 2 wrong usage. Wrong usage is told in one line that names verb and argument.
#pragma once

#include "shared/base/failure.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace dl::command_line {

struct CommandLine {
    CLI::App app;
    std::function<int()> chosen;    ///< set by the callback of the verb that the user named, or beforehand by a program
                                    ///< without verbs; its answer is the exit code
};

/// Reads the arguments, runs the verb that they name, and returns the program's exit code. Adds, where there are
/// verbs, the verb `help`, and `--version` everywhere. What went to standard output and could not be written makes the
/// exit code 1.
[[nodiscard]] int run(CommandLine& line, std::string_view version, int argc, char** argv);

/// For a verb's callback: ends the parsing with exit code 2 and "PROGRAM VERB: ARGUMENT: WHAT".
[[noreturn]] void wrong_usage(const std::string& argument, const std::string& what);

/// Writes what is shown only once, past every buffer: a failure says that not all of it came out, and the caller undoes
/// what it had made. A reader that is gone is a failure too, no SIGPIPE.
[[nodiscard]] Result<void> show_once(std::string_view text);

}    // namespace dl::command_line
