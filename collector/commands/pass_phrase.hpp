// Pass phrases: from a terminal without echo, or from standard input for scripts. Never from the command line, which
// others can read.
#pragma once

#include "shared/base/failure.hpp"

#include <string>

namespace dl::collector::commands {

enum class PassPhraseFrom { terminal, standard_input };

/// One line; a failure where it is empty, or where there is no terminal.
[[nodiscard]] Result<std::string> read_pass_phrase(PassPhraseFrom from, const char* prompt);

}    // namespace dl::collector::commands
