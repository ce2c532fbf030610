// verify: the stores, their roll-ups against the facts, and the audit chain; or a backup.
#include "collector/access/audit_heads.hpp"
#include "collector/commands/commands.hpp"
#include "collector/commands/data_directory.hpp"
#include "collector/commands/workspace.hpp"
#include "collector/store/sqlite/backup.hpp"
#include "shared/command_line/command_line.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace dl::collector::commands {
namespace {

struct Options {
    std::string config;
    std::string audit_heads;
    std::string backup;
    std::string digest;
    bool rebuild = false;
};

/// Prints what was found of one part, or what is wrong with it; a later part is looked at all the same.
class Findings {
public:
    void failed(const Failure& failure)
    {
        fail("verify", failure);
        sound_ = false;
    }
    [[nodiscard]] bool sound() const { return sound_; }

private:
    bool sound_ = true;
};

void check_usage(const DataDirectory& data, Findings& findings)
{
    const auto usage = store::open_sqlite_usage_store(data.usage_store(), store::Open::read_only);
    if (!usage) return findings.failed(usage.error());
    if (const auto verified = (*usage)->verify(); !verified) findings.failed(verified.error());
    const auto totals = (*usage)->totals(Day::min(), Day::max());
    if (!totals) return findings.failed(totals.error());
    fmt::print("cells {}\nconnections {}\nbytes_up {}\nbytes_down {}\n", totals->cells, totals->connections,
               totals->bytes_up, totals->bytes_down);
}

void check_state(const DataDirectory& data, const Options& options, Findings& findings)
{
    const auto state = store::open_sqlite_state_store(data.state_store(), store::Open::read_only);
    if (!state) return findings.failed(state.error());
    if (const auto verified = (*state)->verify(); !verified) findings.failed(verified.error());
    auto kept = access::read_heads(data.audit_heads());
    if (!kept) return findings.failed(kept.error());
    if (!options.audit_heads.empty()) {
        std::error_code error;
        if (!std::filesystem::exists(options.audit_heads, error))
            return findings.failed(not_found(options.audit_heads + ": there is no such file; check the path"));
        const auto elsewhere = access::read_heads(options.audit_heads);
        if (!elsewhere) return findings.failed(elsewhere.error());
        if (elsewhere->empty())
            return findings.failed(
                invalid_input(options.audit_heads +
                              ": holds no line with audit-head, day, number and hash; name the file that was kept"));
        kept->insert(kept->end(), elsewhere->begin(), elsewhere->end());
    }
    access::AuditChain audit{**state};
    const auto head = audit.verify(day_of(SystemClock{}.now()), *kept);
    if (!head) return findings.failed(head.error());
    fmt::print("audit_heads_compared {}\n{}\n", kept->size(), access::to_line(*head));
}

Result<void> rebuild(const DataDirectory& data)
{
    const auto lock = DirectoryLock::take(data);
    if (!lock) return lock.error();
    const auto usage = store::open_sqlite_usage_store(data.usage_store(), store::Open::read_write);
    if (!usage) return usage.error();
    return (*usage)->rebuild();
}

int verify_backup(const Options& options)
{
    const auto digest = store::check_backup(options.backup, options.digest);
    if (!digest) return fail("verify", digest.error());
    if (digest->empty())
        return fail("verify",
                    invalid_input(options.backup + ": is of version 0.1.0 and carries no digest: its structure "
                                                   "is sound, its content can't be checked; make a new backup"));
    fmt::print("{}\nok\n", *digest);
    return 0;
}

int run(const Options& options)
{
    if (!options.backup.empty()) return verify_backup(options);
    const auto settings = load_settings(options.config);
    if (!settings) return fail("verify", settings.error());
    const DataDirectory data{settings->data_directory};
    if (auto exists = data.check_exists(); !exists) return fail("verify", exists.error());
    if (options.rebuild)
        if (auto rebuilt = rebuild(data); !rebuilt) return fail("verify", rebuilt.error());
    Findings findings;
    check_usage(data, findings);
    check_state(data, options, findings);
    if (!findings.sound()) return 1;
    fmt::print("ok\n");
    return 0;
}

}    // namespace

void add_verify(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand(
        "verify",
        "Check the stores, their roll-ups against the facts, and the audit chain, and print the totals; or a backup");
    const auto options = std::make_shared<Options>();
    add_config_option(*verb, options->config);
    verb->add_option("--audit-heads", options->audit_heads,
                     "Heads of the audit chain that were kept elsewhere: the chain must hold them all")
        ->type_name("FILE");
    verb->add_flag("--rebuild", options->rebuild,
                   "Make the roll-ups anew from the facts first; the collector must not be running");
    verb->add_option("--backup", options->backup, "Check this backup instead")->type_name("FILE");
    add_digest_option(*verb, options->digest);
    verb->callback([&line, options] {
        if (!options->digest.empty() && options->backup.empty())
            command_line::wrong_usage("--digest", "is of a backup; name it with --backup");
        line.chosen = [options] { return run(*options); };
    });
}

}    // namespace dl::collector::commands
