#include "agent/service/health.hpp"

#include "agent/ledger/damaged_ledger.hpp"
#include "agent/ledger/ledger.hpp"
#include "agent/platform/platform.hpp"
#include "agent/service/collecting.hpp"
#include "agent/service/data_directory.hpp"
#include "agent/service/personal_list.hpp"
#include "agent/service/watch.hpp"
#include "agent/uplink/enrolment.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <net/if.h>
#include <sys/stat.h>

#include <cctype>
#include <exception>
#include <fstream>
#include <optional>

namespace dl::agent::service {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Grade = Finding::Grade;

constexpr std::uintmax_t little_space = 64ULL << 20;

/// Collects what the checks say.
class Examination {
public:
    explicit Examination(const Settings& settings) : settings_(settings) {}

    std::vector<Finding> all()
    {
        data_directory();
        enrolment();
        process();
        if (running_ && settings_.capture_file.empty()) standing_ = read_standing(settings_.data_directory);
        if (standing_)
            for (Finding& finding : examine_standing(*standing_, clock_.now()))
                findings_.push_back(std::move(finding));
        source();
        owners();
        personal();
        if (enrolment_) signed_settings();
        ledger();
        if (enrolment_) collector();
        reports();
        return std::move(findings_);
    }

private:
    void say(std::string check, Grade grade, std::string what, std::string next = {})
    {
        findings_.push_back({std::move(check), grade, std::move(what), std::move(next)});
    }

    void data_directory()
    {
        const auto& path = settings_.data_directory;
        struct stat status {};
        if (::stat(path.c_str(), &status) != 0)
            return say("data directory", Grade::fail, path.string() + " is not there",
                       "enrol this host: daylight-agent enroll");
        if ((status.st_mode & 077) != 0)
            return say("data directory", Grade::warn,
                       fmt::format("{} can be looked into by others (mode {:o})", path.string(), status.st_mode & 0777),
                       fmt::format("chmod 700 {}", path.string()));
        std::error_code error;
        const auto space = std::filesystem::space(path, error);
        if (!error && space.available < little_space)
            return say("data directory", Grade::warn, fmt::format("only {} MiB are free", space.available >> 20),
                       "make room on that disk");
        say("data directory", Grade::ok, path.string());
    }

    void enrolment()
    {
        auto loaded = uplink::load_enrolment(settings_.data_directory);
        if (!loaded)
            return say("enrolment", Grade::fail, loaded.error().message, "enrol this host: daylight-agent enroll");
        enrolment_ = std::move(*loaded);
        say("enrolment", Grade::ok, fmt::format("agent {} of {}", enrolment_->agent.hex(), enrolment_->collector));
        const auto validity = uplink::validity_of(*enrolment_);
        if (!validity) return say("certificate", Grade::fail, validity.error().message, "enrol again");
        findings_.push_back(examine_certificate(*validity, clock_.now()));
    }

    /// What the kernel says of the running agent: that it holds no privilege.
    void process()
    {
        const auto agent = running_agent(settings_.data_directory);
        if (!agent)
            return say("process", Grade::warn, "no agent runs on this data directory",
                       "start it: daylight-agent run, or its service");
        running_ = true;
        std::ifstream status(fmt::format("/proc/{}/status", *agent));
        std::string line, effective, no_new_privileges, filter;
        while (std::getline(status, line)) {
            const auto value = [&](std::string_view key, std::string& into) {
                if (!line.starts_with(key)) return;
                const auto first = line.find_first_not_of(" \t", key.size());
                into = first == std::string::npos ? std::string() : line.substr(first);
            };
            value("CapEff:", effective);
            value("NoNewPrivs:", no_new_privileges);
            value("Seccomp:", filter);
        }
        if (effective.empty())
            return say("process", Grade::warn, fmt::format("process {} runs; its privileges can't be read", *agent),
                       "run doctor as root");
        const bool bare =
            effective.find_first_not_of('0') == std::string::npos && no_new_privileges == "1" && filter == "2";
        if (bare)
            return say("process", Grade::ok, fmt::format("process {} holds no capability, seccomp is on", *agent));
        say("process", Grade::fail,
            fmt::format("process {} holds privilege (CapEff {}, NoNewPrivs {}, Seccomp {})", *agent, effective,
                        no_new_privileges, filter),
            "restart it; if that does not help, report it");
    }

    void source()
    {
        if (!settings_.capture_file.empty()) {
            if (std::ifstream(settings_.capture_file)) return say("source", Grade::ok, settings_.capture_file.string());
            return say("source", Grade::fail, settings_.capture_file.string() + " can't be read", "check capture_file");
        }
        if (standing_ && standing_->absence) return;    // said by the agent itself, with since when
        if (const auto absent = absent_place(settings_)) return say("source", Grade::fail, absent->what, absent->next);
        if (!running_ && !platform::may_capture())
            return say("source", Grade::warn, "this user may not watch interfaces (CAP_NET_RAW)",
                       "start the agent by its service, or as root");
        say("source", Grade::ok, settings_.interface.empty() ? "all interfaces" : settings_.interface);
    }

    void owners()
    {
        if (!settings_.capture_file.empty()) {
            if (settings_.capture_identities.empty())
                return say("users", Grade::warn, "a capture does not tell whose a connection is",
                           "set capture_identities");
            return say("users", Grade::ok, settings_.capture_identities.string());
        }
        using Standing = platform::Ability::Standing;
        for (const auto& ability : platform::attribution_abilities(settings_.process_watch)) {
            const Grade grade = ability.standing == Standing::good       ? Grade::ok
                                : ability.standing == Standing::doubtful ? Grade::warn
                                                                         : Grade::fail;
            say(ability.of, grade, ability.what, ability.next);
        }
    }

    void personal()
    {
        const auto hosts = personal_hosts_from(settings_.personal_list);
        if (!hosts) return say("personal hosts", Grade::fail, hosts.error().message, "mend the list");
        if (hosts->size() == 0)
            return say("personal hosts", Grade::fail, "the list is empty: nothing is folded", "set personal_list");
        say("personal hosts", Grade::ok, fmt::format("{} suffixes are folded to one word", hosts->size()));
    }

    void signed_settings()
    {
        const auto held = load_signed_settings(settings_, *enrolment_);
        if (!held) return say("signed settings", Grade::fail, held.error().message, "see the message");
        std::error_code unknown;
        if (!held->governed() &&
            std::filesystem::exists(uplink::signed_settings_file(settings_.data_directory), unknown))
            return say("signed settings", Grade::warn,
                       "signed settings were taken here, but no settings key is pinned any more: agent.json alone says "
                       "what is collected",
                       "set settings_key in agent.json, or remove signed-settings.json where none is meant");
        if (!held->governed())
            return say("signed settings", Grade::ok,
                       "no settings key is pinned: agent.json alone says what is collected");
        const auto& document = held->document();
        const Timestamp now = clock_.now();
        if (!document)
            say("signed settings", Grade::warn, "none yet: the least is collected",
                "on the collector: daylight-collector settings publish");
        else if (held->expired(now))
            say("signed settings", Grade::fail,
                fmt::format("{} expired on {}: the least is collected", document->serial,
                            to_rfc3339(document->expires)),
                "sign and publish new ones: daylight-collector settings sign");
        else
            say("signed settings", Grade::ok,
                fmt::format("{} in force until {}", document->serial, to_rfc3339(document->expires)));
        if (!held->why().empty())
            say("refused settings", Grade::warn, fmt::format("{} times, last: {}", held->refused(), held->why()),
                "ask who runs the collector and who holds the settings key");
    }

    void ledger()
    {
        const auto opened = ledger::open_existing_ledger(ledger_file(settings_.data_directory), clock_);
        if (!opened) {
            const bool none = opened.error().kind == Failure::Kind::not_found;
            return say("ledger", none ? Grade::warn : Grade::fail, opened.error().message,
                       none ? "start the agent" : "mend or move the file");
        }
        const auto state = (*opened)->state();
        if (!state) return say("ledger", Grade::fail, state.error().message, "check the disk");
        say("ledger", Grade::ok,
            fmt::format("{} cells in {} KiB, {} unsent", state->cells, state->bytes >> 10, state->unsent));
        const Circumstances now{clock_.now(), running_ && settings_.capture_file.empty(),
                                std::chrono::seconds(settings_.flush_seconds),
                                std::uint64_t{settings_.ledger_limit_mb} << 20U, standing_};
        for (Finding& finding : examine_ledger(*state, now))
            findings_.push_back(std::move(finding));
        const auto disk_trouble = (*opened)->note(disk_trouble_note);
        if (disk_trouble && !disk_trouble->empty())
            say("disk", Grade::warn, "the ledger could not be written from " + *disk_trouble, "keep room on that disk");
        if (const auto kept = ledger::damaged_kept(ledger_file(settings_.data_directory)); !kept.empty())
            say("damaged ledger", Grade::warn,
                fmt::format(
                    "{} was damaged and set aside, a new ledger was begun: what was not acknowledged by then is "
                    "lost",
                    kept.back().filename().string()),
                "check the disk; remove the file (with -wal and -shm) when nobody wants to look into it");
        const auto absence = (*opened)->note(absence_note);
        if (absence && !absence->empty())
            say("interface", Grade::warn, "the interface was not there from " + *absence,
                "nothing was watched meanwhile, and gap_seconds counts it; see what took it away");
        ReachedLimits reached;
        if (const auto noted = (*opened)->note(reached_limits_note)) reached = parse_reached_limits(*noted);
        if (standing_ && standing_->limits) reached = *standing_->limits;
        for (Finding& finding : examine_limits(reached, clock_.now()))
            findings_.push_back(std::move(finding));
        if (state->counters.cells_dropped > 0)
            say("ledger size", Grade::warn, fmt::format("{} cells were let go unsent", state->counters.cells_dropped),
                "raise ledger_limit_mb, or see why reports don't arrive");
        if (state->set_aside > 0)
            say("cells set aside", Grade::warn,
                fmt::format("{} cells can't be taken by the collector", state->set_aside),
                "upgrade agent and collector to the same version");
        if (state->counters.packets_dropped > 0)
            say("packets", Grade::warn,
                fmt::format("{} of {} were dropped by the kernel", state->counters.packets_dropped,
                            state->counters.packets),
                "give the agent more CPU, or watch one interface");
        const auto denied = (*opened)->note("denied_calls");
        if (denied && !denied->empty())
            say("system calls", Grade::warn, "denied by the filter: " + *denied,
                "harmless where all else is well; report it");
        const auto trouble = (*opened)->note("trouble");
        const auto refused = (*opened)->note("refused");
        past_ = Past{trouble ? *trouble : std::string(), refused && !refused->empty(), state->last_acknowledged};
    }

    /// What became of the reports so far; after the collector was tried, because the next step depends on that.
    void reports()
    {
        if (!past_) return;
        if (past_->refused)
            say("reports", Grade::fail, past_->trouble, "enrol again with a new token: daylight-agent enroll");
        else if (!past_->trouble.empty())
            say("reports", Grade::fail, past_->trouble,
                collector_reached_ ? "the collector can be reached now: see that the agent runs, and ask again"
                                   : "see the line of the collector");
        else if (past_->last_acknowledged)
            say("reports", Grade::ok, "last acknowledged " + to_rfc3339(*past_->last_acknowledged));
        else
            say("reports", Grade::warn, "nothing was acknowledged yet", "wait for the first report");
    }

    void collector()
    {
        const std::string url = settings_.collector.empty() ? enrolment_->collector : settings_.collector;
        const std::string proxy = settings_.proxy.empty() ? enrolment_->proxy : settings_.proxy;
        const auto route = uplink::route_to(url, proxy, uplink::process_environment());
        if (!route) return say("collector", Grade::fail, route.error().message, "mend the address");
        auto context = uplink::enrolled_context(enrolment_->ca_pem, enrolment_->certificate_pem, enrolment_->key_pem);
        if (!context) return say("collector", Grade::fail, context.error().message, "enrol again");
        asio::io_context io(1);
        uplink::Patience patience;
        patience.connect = 5s;
        const auto client = uplink::create_https_client(io.get_executor(), *route, std::move(*context), patience);
        Result<void> reached = unavailable("not tried");
        const auto attempt = [&]() -> asio::awaitable<void> { reached = co_await client->reach(); };
        asio::co_spawn(io, attempt, [](const std::exception_ptr& bug) {
            if (bug) std::rethrow_exception(bug);
        });
        io.run();
        if (!reached)
            return say("collector", Grade::fail, reached.error().message, "check address, proxy and firewall");
        collector_reached_ = true;
        say("collector", Grade::ok, fmt::format("{} answers and is the enrolled one", route->collector.authority()));
    }

    struct Past {
        std::string trouble;
        bool refused = false;    ///< the collector does not take this agent
        std::optional<Timestamp> last_acknowledged;
    };

    const Settings& settings_;
    SystemClock clock_;
    std::optional<uplink::Enrolment> enrolment_;
    bool running_ = false;
    bool collector_reached_ = false;
    std::optional<Standing> standing_;    ///< of the running agent
    std::optional<Past> past_;
    std::vector<Finding> findings_;
};

}    // namespace

std::optional<AbsentPlace> absent_place(const Settings& settings)
{
    const auto& place = settings.network_namespace;
    if (!place.empty()) {
        const auto path = place.has_parent_path() ? place : std::filesystem::path("/run/netns") / place;
        std::error_code error;
        if (std::filesystem::exists(path, error)) return std::nullopt;    // its interfaces are not looked up from here
        return AbsentPlace{fmt::format("network namespace {} is not there", path.string()),
                           "check network_namespace; `ip netns` lists them"};
    }
    const std::string& interface = settings.interface;
    if (interface.empty() || interface == "any" || ::if_nametoindex(interface.c_str()) != 0) return std::nullopt;
    return AbsentPlace{fmt::format("interface {} is not there", interface), "check interface; `ip link` lists them"};
}

const char* to_string(Finding::Grade grade)
{
    switch (grade) {
        case Grade::ok: return "ok";
        case Grade::warn: return "warn";
        case Grade::fail: break;
    }
    return "fail";
}

std::vector<Finding> examine(const Settings& settings) { return Examination(settings).all(); }

}    // namespace dl::agent::service
