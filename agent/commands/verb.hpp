// What the verbs that work on a configuration have in common: the option --config, and how a failure is said.
#pragma once

#include "agent/settings.hpp"
#include "shared/base/failure.hpp"

#include <CLI/CLI.hpp>

#include <string>

namespace dl::agent::commands {

inline constexpr const char* default_config = "/etc/daylight/agent.json";

/// Adds --config; `file` must outlive the parsing.
void add_config_option(CLI::App& verb, std::string& file);
/// "daylight-agent VERB: message" on stderr; returns 1.
int fail(const char* verb, const Failure& failure);

}    // namespace dl::agent::commands
