#include "agent/service/reporter.hpp"

#include "agent/service/health.hpp"

#include "agent/platform/platform.hpp"
#include "agent/uplink/compose_report.hpp"
#include "shared/wire/columns.hpp"
#include "shared/wire/encoding.hpp"
#include "shared/wire/json.hpp"

#include "generated/version.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

namespace dl::agent::service {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto longest_sleep = 60s;    // a suspended laptop wakes up to a changed clock
constexpr auto prune_every = 10min;

class ThreadReporter final : public Reporter {
public:
    ThreadReporter(ReporterPlan plan, uplink::Validity validity, uplink::TlsContext context, ledger::Ledger& ledger,
                   const Clock& clock, WhenFinished finished)
        : plan_(std::move(plan)),
          validity_(validity),
          ledger_(ledger),
          clock_(clock),
          finished_(std::move(finished)),
          io_(1),
          timer_(io_),
          client_(uplink::create_https_client(io_.get_executor(), plan_.route, std::move(context), {}, plan_.own)),
          reporting_(plan_.pace, [this] { return std::uniform_real_distribution<double>(0.0, 1.0)(random_); })
    {
        asio::co_spawn(io_, converse(), [this](const std::exception_ptr& bug) {
            if (!bug) return;
            try {
                std::rethrow_exception(bug);
            } catch (const std::exception& what) {
                spdlog::critical("reporting ended: {}", what.what());
            }
            finished_(false, "reporting ended by a bug");
        });
        thread_ = std::thread([this] { io_.run(); });
    }
    ~ThreadReporter() override { stop(); }

    void poke() override
    {
        asio::post(io_, [this] { timer_.cancel(); });
    }

    void aim(uplink::Until until) override
    {
        asio::post(io_, [this, until] {
            reporting_.aim(until);
            timer_.cancel();
        });
    }

    void stop() override
    {
        io_.stop();
        if (thread_.joinable()) thread_.join();
    }

private:
    asio::awaitable<void> converse()
    {
        while (true) {
            keep_house();
            said(plan_.collecting->apply(clock_.now()));    // they may have come to their end
            reporting_.set_interval(plan_.collecting->report_every());
            const auto first = ledger_.unsent(1);
            if (!first) spdlog::error("{}", first.error().message);
            // An earlier epoch without cells has counters to tell.
            uplink::Unsent unsent;
            if (first) {
                unsent.anything = !first->cells.empty() || !first->current;
                unsent.epoch = first->epoch;
                unsent.revision = first->revision_to;
                unsent.current = first->current;
            }
            const uplink::Action action = reporting_.next(clock_.now(), unsent, validity_);
            if (const auto* wait = std::get_if<uplink::Wait>(&action)) {
                client_->close();
                co_await sleep_until(wait->until);
            } else if (const auto* send = std::get_if<uplink::SendReport>(&action)) {
                co_await report(*send);
            } else if (std::holds_alternative<uplink::RenewCertificate>(action)) {
                co_await renew();
            } else {
                client_->close();
                finished_(std::get<uplink::Finished>(action).all_acknowledged, trouble_.value_or(""));
                co_return;
            }
        }
    }

    asio::awaitable<void> sleep_until(Timestamp until)
    {
        const auto span = std::min<std::chrono::microseconds>(until - clock_.now(), longest_sleep);
        timer_.expires_after(std::max<std::chrono::microseconds>(span, 1ms));
        constexpr auto outcome = asio::as_tuple(asio::use_awaitable);
        co_await timer_.async_wait(outcome);
    }

    /// The next cells of the round. What was booked since it began is not among them.
    Result<ledger::Batch> next_batch(const uplink::SendReport& send)
    {
        if (send.begins_round) {
            const auto state = ledger_.state();
            if (!state) return state.error();
            reporting_.freeze(state->epoch, state->revision);
        }
        Result<ledger::Batch> batch = ledger_.unsent(send.most_cells);
        if (!batch) return batch;
        const auto last = reporting_.last_of(batch->epoch);
        const auto is_later = [&](const ledger::SentCell& cell) { return last && cell.revision > *last; };
        while (batch && !batch->cells.empty() && is_later(batch->cells.back())) {
            // Asked for anew, as a batch is whole: each time fewer, as its last one at least is left out.
            const auto later = std::count_if(batch->cells.begin(), batch->cells.end(), is_later);
            batch = ledger_.unsent(batch->cells.size() - static_cast<std::size_t>(later));
        }
        return batch;
    }

    asio::awaitable<void> report(uplink::SendReport send)
    {
        const Result<ledger::Batch> batch = next_batch(send);
        if (!batch) {
            fail(batch.error().message);
            co_return;
        }
        uplink::Sender sender;
        sender.agent = plan_.enrolment.agent;
        sender.observer = plan_.enrolment.observer;
        sender.version = dl::version;
        const wire::Report report = uplink::compose_report(*batch, sender, clock_.now());
        Result<std::string> body = wire::encode_columns(report);
        if (!body) {
            spdlog::error("{}", body.error().message);
            apply(reporting_.refused(clock_.now(), 400, batch->cells.size(), std::nullopt), *batch, nullptr);
            co_return;
        }
        uplink::Request request;
        request.path = "/agent/v1/report";
        request.content_type = std::string(wire::columns_media_type);
        request.body = std::move(*body);
        const std::size_t octets = request.body.size();
        const Result<uplink::Response> response = co_await client_->post(std::move(request));
        if (!response) {
            fail(response.error().message);
            co_return;
        }
        if (response->status < 200 || response->status > 299) {
            note_trouble(uplink::told_by(*response), response->status == 401 || response->status == 403);
            apply(reporting_.refused(clock_.now(), response->status, batch->cells.size(), response->retry_after),
                  *batch, nullptr);
            co_return;
        }
        const Result<wire::Reply> reply = wire::decode_json<wire::Reply>(response->body);
        if (!reply) {
            fail(fmt::format("{}: {}", plan_.route.collector.authority(), reply.error().message));
            co_return;
        }
        if (trouble_ && !trouble_->empty())
            spdlog::info("{}: reports are taken again", plan_.route.collector.authority());
        note_trouble({});
        spdlog::debug("{} cells in {} octets acknowledged up to revision {}", batch->cells.size(), octets,
                      batch->revision_to);
        for (const wire::RejectedCell& cell : reply->rejected)
            spdlog::warn("the collector did not take cell {} of a report: {}", cell.index, cell.reason);
        apply(reporting_.replied(clock_.now(), *reply, batch->current), *batch, &*reply);
        if (!reply->settings || !plan_.collecting->settings().wants(*reply->settings, clock_.now())) co_return;
        const wire::SettingsOffer offer = *reply->settings;
        co_await exchange_settings(offer);
    }

    /// Asks for what the collector offers, takes or refuses it, and tells how that went. What fails is tried again with
    /// the next report.
    asio::awaitable<void> exchange_settings(wire::SettingsOffer offer)
    {
        uplink::SignedSettings& settings = plan_.collecting->settings();
        const wire::SettingsRequest before = settings.request();
        const Result<wire::SettingsReply> got = co_await ask_for_settings(before);
        if (!got) {
            spdlog::warn("settings: {}", got.error().message);
            co_return;
        }
        const auto outcome = settings.take(*got, clock_.now());
        if (!outcome) {
            spdlog::error("settings: {}; what was in force stays", outcome.error().message);
            co_return;
        }
        using Outcome = uplink::SignedSettings::Outcome;
        if (*outcome == Outcome::refused) spdlog::warn("refused: {}; what was in force stays", settings.why());
        if (*outcome == Outcome::taken) said(plan_.collecting->apply(clock_.now()));
        if (*outcome != Outcome::nothing_new) {
            const wire::SettingsRequest after = settings.request();
            const Result<wire::SettingsReply> told = co_await ask_for_settings(after);
            if (!told) co_return;
        }
        settings.told(offer);
    }

    asio::awaitable<Result<wire::SettingsReply>> ask_for_settings(const wire::SettingsRequest& about)
    {
        uplink::Request request;
        request.path = "/agent/v1/settings";
        request.content_type = "application/json";
        request.body = wire::encode_json(about);
        const Result<uplink::Response> response = co_await client_->post(std::move(request));
        if (!response) co_return response.error();
        if (response->status < 200 || response->status > 299) co_return denied(uplink::told_by(*response));
        co_return wire::decode_json<wire::SettingsReply>(response->body);
    }

    asio::awaitable<void> renew()
    {
        const Result<uplink::Enrolment> renewed = co_await uplink::renew(*client_, plan_.enrolment);
        const Result<void> done = renewed ? take_up(*renewed) : Result<void>(renewed.error());
        if (done) {
            spdlog::info("the certificate was renewed; it is good until {}", to_rfc3339(validity_.to));
            reporting_.renewed(clock_.now());
        } else {
            reporting_.renewal_failed(clock_.now());
            const bool over = clock_.now() > validity_.to + renewal_grace;
            const char* next = over ? "it expired too long ago: enrol again" : "it is tried again";
            spdlog::warn("the certificate (good until {}) can't be renewed: {}; {}", to_rfc3339(validity_.to),
                         done.error().message, next);
        }
    }

    Result<void> take_up(const uplink::Enrolment& enrolment)
    {
        auto context = uplink::enrolled_context(enrolment.ca_pem, enrolment.certificate_pem, enrolment.key_pem);
        if (!context) return context.error();
        const auto validity = uplink::validity_of(enrolment);
        if (!validity) return validity.error();
        const auto saved = uplink::save_enrolment(plan_.data_directory, enrolment);
        if (!saved) return saved.error();
        plan_.enrolment = enrolment;
        validity_ = *validity;
        client_->use(std::move(*context));
        return {};
    }

    void fail(const std::string& why)
    {
        note_trouble(why);
        client_->close();
        reporting_.unanswered(clock_.now());
    }

    /// Said once, not at every attempt; `status` shows it.
    void note_trouble(const std::string& why, bool refused = false)
    {
        if (trouble_ && why == *trouble_) return;
        trouble_ = why;
        if (!why.empty()) spdlog::warn("{}", why);
        said(ledger_.set_note("trouble", why));
        said(ledger_.set_note("refused", refused ? "1" : ""));    // this agent is: enrolling again is what helps
    }

    void apply(uplink::Consequence consequence, const ledger::Batch& batch, const wire::Reply* reply)
    {
        using uplink::Consequence;
        if (consequence == Consequence::set_aside) {
            spdlog::warn("one cell can't be taken by the collector; it is set aside");
            said(ledger_.set_aside(batch));
        }
        if (!reply) return;
        if (consequence == Consequence::rewind) {
            spdlog::warn("the collector's store holds less than it acknowledged; sending again from revision {}",
                         reply->revision);
            said(ledger_.rewind(batch.epoch, reply->revision));
        }
        if (consequence == Consequence::acknowledge || consequence == Consequence::acknowledge_and_new_epoch)
            said(ledger_.acknowledge(batch, reply->receipt, reply->store));
        if (consequence == Consequence::acknowledge_and_new_epoch) {
            spdlog::warn("the collector doubts that this ledger is the one it knows; a new epoch begins");
            said(ledger_.start_epoch("ordered by the collector"));
        }
    }

    void keep_house()
    {
        const Timestamp now = clock_.now();
        if (pruned_at_ && now >= *pruned_at_ && now - *pruned_at_ < prune_every) return;
        pruned_at_ = now;
        said(ledger_.prune());
        std::string denied;
        for (const auto& [call, times] : platform::denied_calls())
            denied += fmt::format("{}{} ({}×)", denied.empty() ? "" : ", ", call, times);
        said(ledger_.set_note("denied_calls", denied));
    }

    static void said(const Result<void>& done)
    {
        if (!done) spdlog::error("{}", done.error().message);
    }

    ReporterPlan plan_;
    uplink::Validity validity_;
    ledger::Ledger& ledger_;
    const Clock& clock_;
    WhenFinished finished_;
    std::mt19937_64 random_{std::random_device{}()};
    asio::io_context io_;
    asio::steady_timer timer_;
    std::unique_ptr<uplink::HttpsClient> client_;
    uplink::Reporting reporting_;
    std::optional<Timestamp> pruned_at_;
    std::optional<std::string> trouble_;    ///< not known yet: an earlier process may have noted some
    std::thread thread_;
};

}    // namespace

Result<std::unique_ptr<Reporter>> start_reporter(ReporterPlan plan, ledger::Ledger& ledger, const Clock& clock,
                                                 WhenFinished finished)
{
    auto context =
        uplink::enrolled_context(plan.enrolment.ca_pem, plan.enrolment.certificate_pem, plan.enrolment.key_pem);
    if (!context) return context.error();
    const auto validity = uplink::validity_of(plan.enrolment);
    if (!validity) return validity.error();
    return std::unique_ptr<Reporter>(std::make_unique<ThreadReporter>(std::move(plan), *validity, std::move(*context),
                                                                      ledger, clock, std::move(finished)));
}

}    // namespace dl::agent::service
