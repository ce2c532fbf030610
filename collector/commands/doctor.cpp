// doctor: looks at everything that a collector needs, one line each, with the next step where something is wrong.
#include "collector/access/audit.hpp"
#include "collector/commands/commands.hpp"
#include "collector/commands/data_directory.hpp"
#include "collector/commands/workspace.hpp"
#include "collector/pki/agent_registry.hpp"
#include "collector/pki/certificate_authority.hpp"
#include "collector/pki/published_settings.hpp"
#include "shared/rows/row_writer.hpp"
#include "shared/tls/certificates.hpp"
#include "shared/tls/files.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>

#include <iostream>

namespace dl::collector::commands {
namespace {

constexpr std::uintmax_t little_space = 512ULL << 20;    ///< octets
constexpr std::chrono::hours silence{24};                ///< an agent that said nothing for so long is missed

constexpr std::chrono::hours settings_notice{24 * 30};    ///< before signed settings end

class Checks {
public:
    explicit Checks(rows::Format format)
        : writer_(rows::create_row_writer(format, {{"check"}, {"state"}, {"detail"}}, std::cout))
    {}
    void ok(const char* check, const std::string& detail) { writer_->write({check, "ok", detail}); }
    void warn(const char* check, const std::string& detail) { writer_->write({check, "warn", detail}); }
    void failed(const char* check, const Failure& failure)
    {
        writer_->write({check, "fail", failure.message});
        all_well_ = false;
    }
    [[nodiscard]] int finish()
    {
        if (auto done = writer_->finish(); !done) return fail("doctor", done.error());
        return all_well_ ? 0 : 1;
    }

private:
    std::unique_ptr<rows::RowWriter> writer_;
    bool all_well_ = true;
};

void check_files(Checks& checks, const DataDirectory& data)
{
    for (const auto& file : {data.organisation_key(), data.collector_key(), data.pki() / "ca.key", data.server_key()}) {
        struct stat status {};
        if (::stat(file.c_str(), &status) != 0)
            checks.failed("keys", not_found(file.string() + ": missing; restore it from the backup"));
        else if ((status.st_mode & 077) != 0)
            checks.failed("keys", denied(file.string() + ": others can read it; chmod 600 it and consider it known"));
        else
            checks.ok("keys", file.string());
    }
    std::error_code error;
    const auto space = std::filesystem::space(data.root, error);
    if (error || space.available < little_space)
        checks.warn("space",
                    fmt::format("{} MiB free at {}; make room", error ? 0 : space.available >> 20, data.root.string()));
    else
        checks.ok("space", fmt::format("{} MiB free", space.available >> 20));
}

void check_certificates(Checks& checks, const DataDirectory& data, Timestamp now)
{
    const auto authority = pki::CertificateAuthority::open(data.pki());
    if (!authority) return checks.failed("authority", authority.error());
    checks.ok("authority", fmt::format("{}, until {}", authority->pin(), to_rfc3339(authority->not_after())));
    const auto pem = tls::read_whole_file(data.server_certificate());
    if (!pem) return checks.failed("server certificate", pem.error());
    const auto certificate = tls::certificate_from_pem(*pem);
    if (!certificate) return checks.failed("server certificate", certificate.error());
    const auto end = tls::not_after(**certificate);
    if (!end) return checks.failed("server certificate", end.error());
    const std::string until = "until " + to_rfc3339(*end);
    *end > now ? checks.ok("server certificate", until)
               : checks.warn("server certificate", until + "; `daylight-collector serve` renews it at its start");
}

void check_stores(Checks& checks, const DataDirectory& data, Timestamp now)
{
    const auto state = store::open_sqlite_state_store(data.state_store(), store::Open::read_only);
    if (!state) return checks.failed("state store", state.error());
    access::AuditChain audit{**state};
    const auto head = audit.verify(day_of(now));
    head ? checks.ok("audit chain", fmt::format("{} entries, unbroken", head->sequence))
         : checks.failed("audit chain", head.error());

    const auto usage = store::open_sqlite_usage_store(data.usage_store(), store::Open::read_only);
    if (!usage) return checks.failed("usage store", usage.error());
    const auto observers = (*usage)->observers();
    if (!observers) return checks.failed("usage store", observers.error());
    pki::AgentRegistry registry{**state};
    const auto agents = registry.list();
    if (!agents) return checks.failed("agents", agents.error());
    std::size_t silent = 0;
    for (const store::ObserverState& observer : *observers)
        if (now - observer.last_report > silence) ++silent;
    const std::string detail =
        fmt::format("{} enrolled, {} have reported, {} silent for a day", agents->size(), observers->size(), silent);
    if (agents->empty())
        checks.warn("agents", "none enrolled; `daylight-collector token create` prints the command for the first");
    else if (const auto locked =
                 std::ranges::count_if(*agents, [](const pki::Agent& agent) { return agent.locked.has_value(); }))
        checks.warn("agents",
                    fmt::format("{}; {} locked, their keys were copied; `daylight-collector agents list` names them",
                                detail, locked));
    else if (silent > 0)
        checks.warn("agents", detail + "; `daylight-collector agents list` names them");
    else
        checks.ok("agents", detail);
}

/// The signed settings: their end, and agents that refused them.
void check_signed_settings(Checks& checks, const DataDirectory& data, Timestamp now)
{
    const auto state = store::open_sqlite_state_store(data.state_store(), store::Open::read_only);
    if (!state) return;    // told above
    const auto published = pki::published_settings(**state);
    if (!published) return checks.failed("signed settings", published.error());
    if (published->documents.empty())
        return checks.ok("signed settings", "none published: what agents collect stands in their own files alone; see "
                                            "`daylight-collector settings draft`");
    const auto told = pki::standings(**state);
    if (!told) return checks.failed("signed settings", told.error());
    const auto refusing = std::ranges::count_if(*told, [](const auto& one) { return !one.second.why.empty(); });
    const auto keyless = std::ranges::count_if(*told, [](const auto& one) { return one.second.key.empty(); });
    const signing::SettingsDocument& last = published->documents.back().document;
    std::string detail = fmt::format("{} until {}", last.serial, to_rfc3339(last.expires));
    if (refusing > 0) detail += fmt::format("; {} agents refused what they were offered", refusing);
    if (keyless > 0) detail += fmt::format("; {} agents have no settings key", keyless);
    if (refusing + keyless > 0) detail += ": `daylight-collector agents list` names them";
    const bool ends_soon = last.expires - now < settings_notice;
    if (ends_soon) detail += "; sign and publish the next before that day, or agents collect the least";
    refusing + keyless > 0 || ends_soon ? checks.warn("signed settings", detail) : checks.ok("signed settings", detail);
}

int doctor(const CheckOptions& options)
{
    Checks checks{*rows::parse_format(options.format)};
    const auto settings = load_settings(options.config_file);
    if (!settings) {
        checks.failed("settings", settings.error());
        return checks.finish();
    }
    checks.ok("settings", options.config_file);
    for (const std::string& warning : warnings_on(*settings))
        checks.warn("settings", warning);
    const auto files = open_configuration(options.config_file);
    files ? checks.ok("catalogue, policy, directory",
                      fmt::format("{} services, {} units", files->catalog->services().size(),
                                  files->directory->units().size()))
          : checks.failed("catalogue, policy, directory", files.error());

    const DataDirectory data{settings->data_directory};
    if (auto exists = data.check_exists(); !exists) {
        checks.failed("data directory", exists.error());
        return checks.finish();
    }
    const Timestamp now = SystemClock{}.now();
    check_files(checks, data);
    check_certificates(checks, data, now);
    check_stores(checks, data, now);
    check_signed_settings(checks, data, now);
    const auto lock = DirectoryLock::take(data);
    if (lock)
        checks.warn("collector", "is not running; start it with `daylight-collector serve`");
    else if (lock.error().kind == Failure::Kind::conflict)
        checks.ok("collector", "is running");
    else
        checks.failed("collector", lock.error());
    return checks.finish();
}

}    // namespace

void add_doctor(CommandLine& line)
{
    add_check_verb(line, "doctor", "Check everything that a collector needs; say what to do next", doctor);
}

}    // namespace dl::collector::commands
