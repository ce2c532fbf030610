// What a verb works on: the settings, and of the data directory what the verb asked for, opened in the right order.
#pragma once

#include "collector/access/accounts.hpp"
#include "collector/catalog/catalog.hpp"
#include "collector/commands/commands.hpp"
#include "collector/directory/directory.hpp"
#include "collector/policy/policy.hpp"
#include "collector/settings.hpp"
#include "collector/store/sqlite/open.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::commands {

struct Workspace {
    Settings settings;
    std::unique_ptr<catalog::Catalog> catalog;
    std::unique_ptr<policy::Policy> policy;
    std::unique_ptr<directory::Directory> directory;
    std::unique_ptr<store::StateStore> state;
    std::unique_ptr<store::UsageStore> usage;
    directory::PseudonymKeys keys;
};

/// `--config FILE`, which every verb takes; /etc/daylight/collector.json where it is not given.
void add_config_option(CLI::App& verb, std::string& config_file);
/// `--token-file FILE`, for account_of_caller().
void add_token_option(CLI::App& verb, std::string& token_file);
/// `--digest sha256:HEX`, of a backup, as `backup` printed it.
void add_digest_option(CLI::App& verb, std::string& digest);
/// Prints "daylight-collector VERB: message" on stderr and returns 1.
int fail(std::string_view verb, const Failure& failure);
/// What a verb says whose secret could not be shown, after it took back what it had made: `why`, and that `what` is
/// gone, or which step of taking it back failed.
[[nodiscard]] Failure undone(const Failure& why, std::string_view what, const Result<void>& withdrawn,
                             const Result<void>& recorded);

struct CheckOptions {
    std::string config_file;
    std::string format = "table";
};
/// A verb that takes --config and --format alone, and looks at things: `doctor`, `check-config`, `privacy-report`.
void add_check_verb(CommandLine& line, const char* name, const char* what, int (*run)(const CheckOptions& options));

/// Settings and the files in config/ only: what `classify` and `check-config` need. No data directory is touched.
[[nodiscard]] Result<Workspace> open_configuration(const std::string& config_file);
/// All of it, for report verbs: stores beside a running collector, labels brought up to date.
[[nodiscard]] Result<Workspace> open_workspace(const std::string& config_file);

/// Which unit lies in which, as the policy asks for it.
[[nodiscard]] std::vector<policy::UnitPlace> places_of(const directory::Directory& directory);

/// A failure that names the first that is no unit of the directory, with the nearest that is and the file that lists
/// them.
[[nodiscard]] Result<void> check_units(const Settings& settings, const std::vector<std::string>& units);

/// Settings, keys and the state store, for verbs that administrate; read-write, beside a running collector or not.
[[nodiscard]] Result<Workspace> open_state(const std::string& config_file);

/// The account whose token stands in --token-file or DAYLIGHT_TOKEN; none when neither is given (the released view).
[[nodiscard]] Result<std::optional<access::Account>> account_of_caller(Workspace& workspace,
                                                                       const std::string& token_file);

}    // namespace dl::collector::commands
