// serve: the collector at work. Threads: this one waits for signals; the store's (committer); one per core for agents;
// one for page and API.
#include "collector/access/audit_heads.hpp"
#include "collector/api/api_server.hpp"
#include "collector/commands/commands.hpp"
#include "collector/commands/data_directory.hpp"
#include "collector/commands/server_certificate.hpp"
#include "collector/commands/workspace.hpp"
#include "collector/insight/audience.hpp"
#include "collector/insight/labeller.hpp"
#include "collector/intake/agent_server.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <thread>

namespace dl::collector::commands {
namespace {

constexpr int lock_attempts = 10;    ///< a report verb may hold the directory for a moment
constexpr std::chrono::milliseconds lock_pause{200};
constexpr std::size_t roll_up_step = 64;            ///< device days between two looks at the queue
constexpr std::chrono::seconds look_around{600};    ///< how often the certificate's age and the day are looked at

/// Catalogue, policy and directory in force, replaced as a whole on SIGHUP.
class Meaning {
public:
    explicit Meaning(Workspace workspace) : current_(std::make_shared<const Workspace>(std::move(workspace))) {}
    [[nodiscard]] std::shared_ptr<const Workspace> get() const
    {
        const std::lock_guard lock{mutex_};
        return current_;
    }
    void set(Workspace workspace)
    {
        auto next = std::make_shared<const Workspace>(std::move(workspace));
        const std::lock_guard lock{mutex_};
        current_ = std::move(next);
    }

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const Workspace> current_;
};

/// What the API's thread works with: stores of its own and a router over one state of the files.
struct ApiDesk {
    std::shared_ptr<const Workspace> meaning;
    std::unique_ptr<store::UsageStore> usage;
    store::StateStore& state;
    access::Accounts accounts;
    SystemClock clock;
    std::unique_ptr<api::Router> router;

    ApiDesk(std::unique_ptr<store::UsageStore> own_usage, store::StateStore& state_store)
        : usage(std::move(own_usage)), state(state_store), accounts(state_store)
    {}
    void use(std::shared_ptr<const Workspace> next)
    {
        router.reset();
        meaning = std::move(next);
        const api::Sources sources{meaning->settings,
                                   *meaning->catalog,
                                   *meaning->policy,
                                   *meaning->directory,
                                   *usage,
                                   state,
                                   accounts,
                                   clock};
        router = api::create_router(sources);
    }
};

Result<DirectoryLock> take_lock(const DataDirectory& data)
{
    for (int attempt = 1;; ++attempt) {
        auto lock = DirectoryLock::take(data);
        if (lock || attempt == lock_attempts || lock.error().kind != Failure::Kind::conflict) return lock;
        std::this_thread::sleep_for(lock_pause);
    }
}

intake::StoreDuties duties_of(Meaning& meaning, store::StateStore& state, const directory::PseudonymKeys& keys,
                              const Clock& clock)
{
    const auto label = [&meaning, keys](store::UsageStore& usage) -> Result<void> {
        const auto now = meaning.get();
        const auto labelled = insight::refresh_labels(usage, *now->catalog, *now->directory, keys);
        if (!labelled) return labelled.error();
        return {};
    };
    const auto upkeep = [&meaning, &state, &clock, label](store::UsageStore& usage) -> Result<void> {
        if (auto labelled = label(usage); !labelled) return labelled;
        const auto under = meaning.get();
        const auto now = clock.now();
        const auto press = insight::press_of(usage, state, *under->catalog, *under->directory, under->settings);
        const auto released = release::release_expiring(press, under->settings.small_group, now);
        const auto forgotten = release::forget_releases(state, day_of(now) - release::kept_for);
        // What can't be released must not keep facts about persons alive.
        if (auto expired = usage.expire(day_of(now) - std::chrono::days(under->settings.retention_days)); !expired)
            return expired;
        return forgotten ? released : Result<void>(forgotten.error());
    };
    const auto catch_up = [](store::UsageStore& usage) -> Result<bool> {
        const auto waiting = usage.refresh(roll_up_step);
        if (!waiting) return waiting.error();
        return *waiting > 0;
    };
    return {label, catch_up, upkeep};
}

void reload(const std::string& config_file, Meaning& meaning, intake::Committer& committer, api::ApiServer& api,
            ApiDesk& desk)
{
    auto next = open_configuration(config_file);
    if (!next) {
        spdlog::error("reload: {}; the old settings stay in force", next.error().message);
        return;
    }
    meaning.set(std::move(*next));
    committer.request_upkeep();
    api.post([&desk, now = meaning.get()] { desk.use(now); });
    spdlog::info("catalogue, policy and directory were read anew");
}

void renew_certificate(const DataDirectory& data, const pki::CertificateAuthority& authority,
                       const std::vector<std::string>& names, const Clock& clock, intake::CurrentContext& context,
                       std::string& in_use)
{
    const auto identity = current_server_identity(data, authority, names, clock.now());
    if (!identity) {
        spdlog::error("server certificate: {}", identity.error().message);
        return;
    }
    if (identity->certificate_pem == in_use) return;
    auto next = intake::make_server_context(*identity);
    if (!next) {
        spdlog::error("server certificate: {}", next.error().message);
        return;
    }
    context.set(std::move(*next));
    in_use = identity->certificate_pem;
    spdlog::info("the server certificate was renewed");
}

/// Once a day, to the file and to the log, which is kept elsewhere where anything is.
void export_audit_head(const DataDirectory& data, store::StateStore& state, const Clock& clock)
{
    access::AuditChain audit{state};
    const auto exported = access::export_head(audit, data.audit_heads(), day_of(clock.now()));
    if (!exported)
        spdlog::error("audit: {}", exported.error().message);
    else if (*exported)
        if (const auto head = audit.head(day_of(clock.now()))) spdlog::info("{}", access::to_line(*head));
}

/// SIGTERM, SIGINT and SIGHUP, blocked in every thread and waited for in this one. Zero: nothing came in time.
class Signals {
public:
    Signals()
    {
        sigemptyset(&set_);
        for (const int signal : {SIGTERM, SIGINT, SIGHUP})
            sigaddset(&set_, signal);
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
        std::signal(SIGPIPE, SIG_IGN);
    }
    [[nodiscard]] int wait(std::chrono::seconds longest) const
    {
        const timespec time{longest.count(), 0};
        const int signal = sigtimedwait(&set_, nullptr, &time);
        return signal > 0 ? signal : 0;
    }

private:
    sigset_t set_{};
};

int serve(const std::string& config_file)
{
    spdlog::set_default_logger(spdlog::stderr_logger_mt("collector"));
    const auto failed = [](const Failure& failure) { return fail("serve", failure); };

    auto workspace = open_configuration(config_file);
    if (!workspace) return failed(workspace.error());
    const Settings settings = workspace->settings;
    const DataDirectory data{settings.data_directory};
    if (auto exists = data.check_exists(); !exists) return failed(exists.error());
    const auto lock = take_lock(data);
    if (!lock) return failed(lock.error());
    const auto keys = data.read_keys();
    if (!keys) return failed(keys.error());
    const auto authority = pki::CertificateAuthority::open(data.pki());
    if (!authority) return failed(authority.error());
    auto state = store::open_sqlite_state_store(data.state_store(), store::Open::read_write);
    if (!state) return failed(state.error());
    auto usage = store::open_sqlite_usage_store(data.usage_store(), store::Open::read_write);
    if (!usage) return failed(usage.error());
    auto api_usage = store::open_sqlite_usage_store(data.usage_store(), store::Open::read_only);
    if (!api_usage) return failed(api_usage.error());

    const SystemClock clock;
    const auto identity = current_server_identity(data, *authority, settings.agents_names, clock.now());
    if (!identity) return failed(identity.error());
    auto tls = intake::make_server_context(*identity);
    if (!tls) return failed(tls.error());
    intake::CurrentContext context{std::move(*tls)};
    std::string certificate_in_use = identity->certificate_pem;

    const Signals signals;    // before the first thread, which inherits what is blocked
    Meaning meaning{std::move(*workspace)};
    // Labels first: the page must not show yesterday's meaning of today's catalogue.
    if (auto labelled = insight::refresh_labels(**usage, *meaning.get()->catalog, *meaning.get()->directory, *keys);
        !labelled)
        return failed(labelled.error());
    ApiDesk desk{std::move(*api_usage), **state};
    desk.use(meaning.get());
    intake::Committer committer{std::move(*usage), clock, duties_of(meaning, **state, *keys, clock)};
    intake::Admission admission{
        *authority, **state, clock, {keys->organisation, std::chrono::days(settings.certificate_days)}};
    pki::SettingsDesk settings_desk{**state, clock};
    intake::Endpoints endpoints{
        admission, committer, settings_desk, clock, {keys->collector, settings.retention_days, 2}};

    const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1U, 16U);
    auto api = api::start_api_server(settings.api_listen,
                                     [&desk](const api::Request& request) { return desk.router->handle(request); });
    if (!api) return failed(api.error());
    auto agents = intake::start_agent_server(settings.agents_listen, threads, context, *authority, endpoints);
    if (!agents) return failed(agents.error());
    std::fputs(fmt::format("ready agents=https://{} page=http://{}\n", (*agents)->address(), (*api)->address()).c_str(),
               stderr);

    for (int signal = 0; signal != SIGTERM && signal != SIGINT;) {
        export_audit_head(data, **state, clock);
        signal = signals.wait(look_around);
        if (signal == SIGHUP) reload(config_file, meaning, committer, **api, desk);
        renew_certificate(data, *authority, settings.agents_names, clock, context, certificate_in_use);
    }
    spdlog::info("stopping: no new connections, reports on their way are still stored");
    (*agents)->stop();
    committer.stop();
    (*api)->stop();
    const intake::CommitCounters counted = committer.counters();
    spdlog::info("stopped after {} reports with {} cells in {} commits", counted.reports, counted.cells,
                 counted.commits);
    return 0;
}

}    // namespace

void add_serve(CommandLine& line)
{
    CLI::App* verb = line.app.add_subcommand("serve", "Take agents' reports; serve page and API");
    auto config_file = std::make_shared<std::string>();
    add_config_option(*verb, *config_file);
    verb->callback([&line, config_file] { line.chosen = [config_file] { return serve(*config_file); }; });
}

}    // namespace dl::collector::commands
