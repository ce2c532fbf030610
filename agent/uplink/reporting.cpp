#include "agent/uplink/reporting.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace dl::agent::uplink {
namespace {

constexpr unsigned bad_request = 400;
constexpr unsigned unauthorized = 401;
constexpr unsigned forbidden = 403;
constexpr unsigned too_large = 413;
constexpr unsigned unprocessable = 422;
constexpr double renewal_share = 2.0 / 3.0;    // of the certificate's life …
constexpr double renewal_spread = 0.1;         // … and up to so much more, so that a fleet does not renew at once

std::chrono::microseconds part(std::chrono::microseconds whole, double share)
{
    return std::chrono::microseconds(static_cast<std::int64_t>(static_cast<double>(whole.count()) * share));
}

std::chrono::microseconds doubled(std::chrono::microseconds first, std::uint32_t times, std::chrono::microseconds most)
{
    return times >= 30 ? most : std::min(first * (std::int64_t{1} << times), most);
}

/// Halving down to one cell, and as often again, as the limit doubles with what is taken in between.
std::uint32_t free_refusals(std::size_t most_cells)
{
    return 2 * static_cast<std::uint32_t>(std::bit_width(most_cells));
}

}    // namespace

Reporting::Reporting(Pace pace, std::function<double()> chance)
    : pace_(pace), chance_(std::move(chance)), limit_(pace.most_cells), renewal_chance_(chance_())
{}

Action Reporting::next(Timestamp now, const Unsent& unsent, const Validity& certificate)
{
    if (now < asked_) {    // the clock was set back: old appointments mean nothing
        report_at_.reset();
        not_before_.reset();
        renew_at_.reset();
        last_answer_.reset();
    }
    asked_ = now;

    if ((until_ == Until::one_attempt && failed_) || (until_ != Until::stopped && denied_)) return Finished{false};
    if (until_ != Until::stopped && !unsent.anything && last_answer_) return Finished{true};
    if (until_ != Until::one_attempt && not_before_ && now < *not_before_) return Wait{*not_before_};

    const auto life = certificate.to - certificate.from;
    const Timestamp renew = certificate.from + part(life, renewal_share + renewal_spread * renewal_chance_);
    if (until_ != Until::one_attempt && now >= renew && (!renew_at_ || now >= *renew_at_)) return RenewCertificate{};

    const bool due = begin_anew_ || !report_at_ || now >= *report_at_;
    if (until_ != Until::stopped) {
        if (due) return begin(now, unsent);
        if (round_.may_tell(unsent)) return go_on(unsent);
        if (until_ == Until::one_attempt) return Finished{false};
        return Wait{*report_at_};
    }
    if (!due) {
        if (retrying_) return go_on(unsent);
        if (draining_ && unsent.anything && round_.holds(unsent) && round_.may_tell(unsent)) return go_on(unsent);
        draining_ = false;
        return Wait{*report_at_};
    }
    if (!report_at_ || unsent.anything || !last_answer_ || now - *last_answer_ >= pace_.heartbeat_every)
        return begin(now, unsent);
    report_at_ = now + spread(pace_.report_every);
    return Wait{*report_at_};
}

Action Reporting::begin(Timestamp now, const Unsent& unsent)
{
    round_ = Round();
    round_.sending(unsent);
    begin_anew_ = false;
    report_at_ = now + spread(pace_.report_every);    // however this one is answered
    return SendReport{limit_, true};
}

Action Reporting::go_on(const Unsent& unsent)
{
    round_.sending(unsent);
    return SendReport{limit_, false};
}

Consequence Reporting::replied(Timestamp now, const wire::Reply& reply, bool current)
{
    failures_ = 0;
    failed_ = denied_ = false;
    not_before_.reset();
    if (current) last_answer_ = now;    // an earlier epoch's report tells nothing of the present one's counters
    limit_ = std::min(pace_.most_cells, limit_ * 2);
    draining_ = true;
    retrying_ = false;
    round_.answered();
    report_at_ = now + spread(pace_.report_every);
    if (reply.order == wire::Order::resend) return Consequence::rewind;
    if (reply.order == wire::Order::new_epoch && current) return Consequence::acknowledge_and_new_epoch;
    return Consequence::acknowledge;
}

Consequence Reporting::refused(Timestamp now, unsigned status, std::size_t cells,
                               std::optional<std::chrono::seconds> retry_after)
{
    denied_ = status == unauthorized || status == forbidden;
    const bool about_the_cells = status == bad_request || status == too_large || status == unprocessable;
    if (!about_the_cells || cells == 0) {
        pause(now, retry_after);
        return Consequence::none;
    }
    draining_ = true;
    retrying_ = false;
    // So much is needed to find one bad cell. Who refuses more in a round is not looking for one.
    if (const auto times = round_.refused(); times > free_refusals(pace_.most_cells)) {
        failures_ = std::max(failures_, times - free_refusals(pace_.most_cells) - 1);
        pause(now, retry_after);
    }
    if (cells == 1) {
        limit_ = pace_.most_cells;
        return Consequence::set_aside;
    }
    limit_ = std::max<std::size_t>(1, cells / 2);
    return Consequence::none;
}

void Reporting::set_interval(std::chrono::microseconds report_every)
{
    const bool shorter = report_every < pace_.report_every;
    pace_.report_every = report_every;
    if (shorter && report_at_) report_at_ = std::min(*report_at_, asked_ + spread(report_every));
}

void Reporting::unanswered(Timestamp now) { pause(now, std::nullopt); }

/// By a clock that is far ahead a certificate is due as it comes: another is not asked for at once.
void Reporting::renewed(Timestamp now)
{
    constexpr std::chrono::hours between_renewals{1};
    renewal_failures_ = 0;
    renew_at_ = now + between_renewals;
    renewal_chance_ = chance_();
}

void Reporting::renewal_failed(Timestamp now)
{
    const auto wait = doubled(pace_.first_pause, renewal_failures_++, pace_.longest_pause);
    renew_at_ = now + wait + part(wait, chance_());
}

void Reporting::pause(Timestamp now, std::optional<std::chrono::seconds> at_least)
{
    failed_ = true;
    draining_ = retrying_ = true;    // what was not sent goes first when the pause is over
    auto wait = doubled(pace_.first_pause, failures_++, pace_.longest_pause);
    wait = part(wait, 0.5) + part(wait, 0.5 * chance_());
    if (at_least) {
        // Never earlier than asked, and spread: a fleet that was turned away at once does not come back at once.
        const auto asked = std::min<std::chrono::microseconds>(*at_least, pace_.longest_pause);
        wait = std::max<std::chrono::microseconds>(wait, asked + part(asked, pace_.retry_spread * chance_()));
    }
    not_before_ = now + wait;
}

std::chrono::microseconds Reporting::spread(std::chrono::microseconds span)
{
    return part(span, 1.0 - pace_.jitter + 2.0 * pace_.jitter * chance_());
}

}    // namespace dl::agent::uplink
