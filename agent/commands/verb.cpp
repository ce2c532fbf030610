#include "agent/commands/verb.hpp"

#include "shared/rows/cell_text.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace dl::agent::commands {

void add_config_option(CLI::App& verb, std::string& file)
{
    file = default_config;
    verb.add_option("--config", file, "Configuration of the agent")->capture_default_str();
}

int fail(const char* verb, const Failure& failure)
{
    fmt::print(stderr, "daylight-agent {}: {}\n", verb, rows::display_text(failure.message));
    return 1;
}

}    // namespace dl::agent::commands
