#include "agent/service/run_agent.hpp"

#include "agent/capture/capture_file.hpp"
#include "agent/identity/recorded_attributor.hpp"
#include "agent/platform/platform.hpp"
#include "agent/service/capture_position.hpp"
#include "agent/service/collecting.hpp"
#include "agent/service/data_directory.hpp"
#include "agent/service/reporter.hpp"
#include "agent/service/watch.hpp"
#include "agent/uplink/enrolment.hpp"
#include "shared/tls/certificates.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <netdb.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <exception>
#include <fstream>
#include <thread>
#include <utility>

namespace dl::agent::service {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto last_report_patience = 10s;    // after SIGTERM

/// What must be opened while the process still may.
struct Opened {
    std::unique_ptr<capture::PacketSource> live;    ///< null: a capture file is read
    std::unique_ptr<identity::Attributor> attributor;
    ledger::BookerRules rules;
    ReporterPlan reporter;
};

/// What open connections belong to: sockets of another boot are gone, those of another place are others.
std::string place_of(const Settings& settings)
{
    return fmt::format("{} {} {} {}", platform::boot_id(), wire::to_string(settings.mode), settings.interface,
                       settings.network_namespace.string());
}

std::string network_namespace_path(const std::filesystem::path& setting)
{
    return setting.has_parent_path() ? setting.string() : "/run/netns/" + setting.string();
}

/// Enrolments of older agents learn their host. A copy of another host's disk becomes an agent of its own, with a
/// ledger of its own: what stands in the copied one is the other's, which reports it.
Result<uplink::Enrolment> enrolment_of_this_host(const Settings& settings)
{
    auto enrolment = uplink::load_enrolment(settings.data_directory);
    const std::string here = platform::host_mark();
    if (!enrolment || here.empty() || enrolment->host == here) return enrolment;
    if (enrolment->host.empty()) {
        enrolment->host = here;
        if (const auto saved = uplink::save_enrolment(settings.data_directory, *enrolment); !saved)
            return saved.error();
        return enrolment;
    }
    spdlog::warn("this host is a copy of the one that agent {} was enrolled on; it becomes an agent of its own",
                 enrolment->agent.hex());
    std::error_code error;
    for (const char* suffix : {"", "-wal", "-shm"})
        if (std::filesystem::remove(ledger_file(settings.data_directory).string() + suffix, error); error)
            return io_failure(fmt::format("{}{}: the copied ledger can't be removed: {}; remove it",
                                          ledger_file(settings.data_directory).string(), suffix, error.message()));
    if (!settings.collector.empty()) enrolment->collector = settings.collector;
    if (!settings.proxy.empty()) enrolment->proxy = settings.proxy;
    uplink::EnrolmentWish wish;
    wish.device_name = device_name(settings);
    wish.data_directory = settings.data_directory;
    wish.host = here;
    auto own = uplink::enrol_clone(*enrolment, wish, uplink::process_environment());
    if (own) spdlog::info("enrolled as agent {}", own->agent.hex());
    return own;
}

Result<ReporterPlan> plan_reports(const Settings& settings)
{
    auto enrolment = enrolment_of_this_host(settings);
    if (!enrolment) return enrolment.error();
    if (!settings.ca_pin.empty()) {
        const auto wanted = tls::parse_pin(settings.ca_pin);
        if (!wanted) return wanted.error();
        const auto ca = tls::certificate_from_pem(enrolment->ca_pem);
        if (!ca) return ca.error();
        const auto held = tls::public_key_fingerprint(**ca);
        if (!held) return held.error();
        if (*held != *wanted)
            return denied(fmt::format(
                "ca_pin is not the pin of the CA that this agent enrolled with ({}); enrol again or mend ca_pin",
                tls::to_pin(*held)));
    }
    if (!settings.collector.empty()) enrolment->collector = settings.collector;
    if (!settings.proxy.empty()) enrolment->proxy = settings.proxy;
    auto route = uplink::route_to(enrolment->collector, enrolment->proxy, uplink::process_environment());
    if (!route) return route.error();

    ReporterPlan plan{std::move(*enrolment),
                      std::move(*route),
                      {},
                      settings.data_directory,
                      std::make_shared<flow::OwnConnections>(),
                      {}};
    plan.pace.jitter = settings.report_jitter;
    return plan;
}

Result<Opened> open_all(const Settings& settings)
{
    Opened opened;
    auto reporter = plan_reports(settings);
    if (!reporter) return reporter.error();
    opened.reporter = std::move(*reporter);

    const auto bounds = std::make_shared<ledger::CurrentBounds>();
    auto collecting = Collecting::start(settings, opened.reporter.enrolment, SystemClock{}.now(), bounds);
    if (!collecting) return collecting.error();
    opened.reporter.pace.report_every = (*collecting)->report_every();
    opened.reporter.collecting = std::move(*collecting);
    opened.rules.bounds = bounds;
    opened.rules.organisation_key = opened.reporter.enrolment.organisation_key;
    opened.rules.device = device_name(settings);
    opened.rules.device_per_client = settings.mode == wire::ObserverKind::sensor;
    opened.rules.system_accounts = platform::system_accounts();
    opened.rules.own = opened.reporter.own;
    opened.rules.own_questions.insert(opened.reporter.route.collector.host);
    if (opened.reporter.route.proxy) opened.rules.own_questions.insert(opened.reporter.route.proxy->peer.host);

    if (!settings.capture_file.empty()) {
        if (settings.capture_identities.empty()) {
            opened.attributor = identity::create_memory_attributor({});
            return opened;
        }
        auto recorded = identity::create_recorded_attributor(settings.capture_identities);
        if (!recorded) return recorded.error();
        opened.attributor = std::move(*recorded);
        return opened;
    }

    capture::LiveOptions options;
    options.interface = settings.interface.empty() ? "any" : settings.interface;
    const bool sensor = settings.mode == wire::ObserverKind::sensor;
    options.view = sensor ? capture::LiveOptions::View::everything : capture::LiveOptions::View::endpoint;
    options.promiscuous = sensor;
    options.absent = capture::LiveOptions::Absent::wait;
    if (!settings.network_namespace.empty())
        options.network_namespace = network_namespace_path(settings.network_namespace);
    auto live = platform::open_live_capture(options);
    if (!live) return live.error();
    opened.live = std::move(*live);
    if (settings.mode == wire::ObserverKind::sensor) {
        opened.attributor = identity::create_memory_attributor({});    // whose it is can't be seen from a tap
        return opened;
    }
    auto attributor =
        platform::open_attribution({options.interface, options.network_namespace, settings.process_watch});
    if (!attributor) return attributor.error();
    opened.attributor = std::move(*attributor);
    return opened;
}

/// Loads what glibc loads late (name service modules), while every system call is still allowed.
void load_late_libraries()
{
    addrinfo* found = nullptr;
    if (::getaddrinfo("localhost", "443", nullptr, &found) == 0) ::freeaddrinfo(found);
}

Result<void> give_up_privilege(const Settings& settings)
{
    load_late_libraries();
    return platform::give_up_privilege(settings.data_directory);
}

/// Watches on one thread, reports on another, and waits for signals and for both on this one.
class RunningAgent {
public:
    RunningAgent(Ending ending, bool replay)
        : ending_(ending), replay_(replay), signals_(io_, SIGTERM, SIGINT), deadline_(io_)
    {}

    Result<void> run(const WatchPlan& plan, capture::PacketSource& source, Opened& opened, ledger::Ledger& ledger,
                     const Clock& clock)
    {
        opened.attributor->start();
        ledger::Booker booker(std::move(opened.rules), *opened.attributor);
        const SystemAwakeClock awake;
        Watch watch(plan, source, booker, ledger, clock, awake);
        auto reporter =
            start_reporter(std::move(opened.reporter), ledger, clock, [this](bool all, const std::string& trouble) {
                asio::post(io_, [this, all, trouble] { on_reported(all, trouble); });
            });
        if (!reporter) return reporter.error();
        reporter_ = reporter->get();
        signals_.async_wait([this](const boost::system::error_code& error, int signal) {
            if (!error) on_signal(signal);
        });
        std::thread watching([&] {
            Result<void> end;
            try {
                end = watch.run(stop_, [&] { reporter_->poke(); });
            } catch (const std::exception& bug) {
                end = Failure{Failure::Kind::internal, bug.what()};
            }
            asio::post(io_, [this, end] { on_watched(end); });
        });
        io_.run();
        stop_ = true;
        watching.join();
        (*reporter)->stop();
        return end_;
    }

private:
    void on_signal(int signal)
    {
        spdlog::info("{} received: reporting once more", signal == SIGINT ? "SIGINT" : "SIGTERM");
        told_ = true;
        stop_ = true;
        signals_.async_wait([this](const boost::system::error_code& error, int) {
            if (!error) io_.stop();    // told twice
        });
        if (watched_) last_report();
    }

    void on_watched(const Result<void>& end)
    {
        watched_ = true;
        end_ = end;
        if (!end) spdlog::error("{}", end.error().message);
        if (told_ || (!end && !replay_)) {
            last_report();
        } else if (ending_ == Ending::when_acknowledged || !end) {
            spdlog::info("the capture was read; reporting until all of it is acknowledged");
            reporter_->aim(uplink::Until::acknowledged);
        } else {
            spdlog::info("the capture was read; reporting goes on until SIGTERM");
        }
    }

    void last_report()
    {
        reporter_->aim(uplink::Until::one_attempt);
        deadline_.expires_after(last_report_patience);
        deadline_.async_wait([this](const boost::system::error_code& error) {
            if (!error) io_.stop();
        });
    }

    void on_reported(bool all, const std::string& trouble)
    {
        if (all)
            spdlog::info("everything was acknowledged");
        else if (ending_ == Ending::when_acknowledged && !told_ && end_)
            end_ = denied(trouble + "; what was seen is kept");
        else
            spdlog::warn("not everything could be reported; it is kept and sent after the next start");
        io_.stop();
    }

    Ending ending_;
    bool replay_;
    asio::io_context io_{1};
    asio::signal_set signals_;
    asio::steady_timer deadline_;
    std::atomic<bool> stop_{false};
    Reporter* reporter_ = nullptr;
    bool told_ = false;
    bool watched_ = false;
    Result<void> end_;
};

}    // namespace

std::string device_name(const Settings& settings)
{
    if (!settings.device_name.empty()) return settings.device_name;
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

Result<void> run_agent(const Settings& settings, Ending ending)
{
    const auto lock = DataDirectoryLock::take(settings.data_directory);
    if (!lock) return lock.error();
    auto opened = open_all(settings);
    if (!opened) return opened.error();
    RunningAgent agent(ending, !opened->live);
    const auto unprivileged = give_up_privilege(settings);
    if (!unprivileged) return unprivileged;

    const std::chrono::seconds report_every = opened->reporter.collecting->report_every();
    const SystemClock clock;
    const ledger::Options limits{std::uint64_t{settings.ledger_limit_mb} << 20,
                                 static_cast<int>(settings.keep_acknowledged_days)};
    auto ledger = ledger::open_ledger(ledger_file(settings.data_directory), limits, clock);
    if (!ledger) return ledger.error();

    WatchPlan plan;
    plan.flush_every = std::chrono::seconds(settings.flush_seconds);
    plan.connections_limit = settings.connections_limit;
    plan.place = place_of(settings);
    plan.interface = settings.interface;
    std::unique_ptr<capture::PacketSource> source = std::move(opened->live);
    std::optional<StandingPage> standing;
    if (source) {
        auto page = StandingPage::open(settings.data_directory);
        if (!page) return page.error();
        standing.emplace(std::move(*page));
        plan.standing = &*standing;
    }
    if (!source) {
        const auto recognised = recognise_file(settings.capture_file, **ledger);
        if (!recognised) return recognised.error();
        plan.file = recognised->position;
        plan.nothing_new = recognised->nothing_new;
        auto capture = capture::open_capture_file(settings.capture_file.string());
        if (!capture) return capture.error();
        source = std::move(*capture);
    }
    spdlog::info("watching {}; reporting to {} every {} s",
                 settings.capture_file.empty()
                     ? (settings.interface.empty() ? std::string("all interfaces") : settings.interface)
                     : settings.capture_file.string(),
                 opened->reporter.route.collector.authority(), report_every.count());
    return agent.run(plan, *source, *opened, **ledger, clock);
}

}    // namespace dl::agent::service
