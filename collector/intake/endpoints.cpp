#include "collector/intake/endpoints.hpp"

#include "shared/wire/encoding.hpp"
#include "shared/wire/json.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/string.hpp>
#include <fmt/format.h>

#include <string_view>

namespace dl::collector::intake {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view json_type = "application/json";

struct Route {
    std::string_view path;
    Action action;
};
constexpr Route routes[] = {
    {"/agent/v1/enroll", Action::enroll},
    {"/agent/v1/renew", Action::renew},
    {"/agent/v1/report", Action::report},
    {"/agent/v1/settings", Action::settings},
};

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

/// The media type without its parameters (RFC 9110 section 8.3.1).
std::string_view media_type(std::string_view content_type)
{
    std::string_view type = content_type.substr(0, content_type.find(';'));
    while (!type.empty() && (type.back() == ' ' || type.back() == '\t'))
        type.remove_suffix(1);
    return type;
}

bool is(std::string_view type, std::string_view expected) { return boost::beast::iequals(type, expected); }

template <class Body>
Response ok(const Body& body)
{
    Response response{http::status::ok, 11};
    response.set(http::field::content_type, json_type);
    response.set(http::field::cache_control, "no-store");
    response.body() = wire::encode_json(body);
    response.prepare_payload();
    return response;
}

}    // namespace

std::variant<Opening, Response> Endpoints::open(const RequestHead& head, const Result<pki::Holder>& holder,
                                                std::optional<std::uint64_t> body_size)
{
    const std::string_view target = head.target();
    const std::string_view path = path_of(target);
    const auto route =
        std::find_if(std::begin(routes), std::end(routes), [&](const Route& one) { return one.path == path; });
    if (route == std::end(routes))
        return problem(http::status::not_found,
                       "agents ask /agent/v1/enroll, /agent/v1/renew, /agent/v1/report or /agent/v1/settings");
    if (head.method() != http::verb::post) {
        Response refusal = problem(http::status::method_not_allowed, fmt::format("{} takes POST only", path));
        refusal.set(http::field::allow, "POST");
        return refusal;
    }

    Opening opening;
    opening.action = route->action;
    opening.content_type = std::string(head[http::field::content_type]);
    opening.body_limit = opening.action == Action::report ? report_limit : enrolment_limit;
    if (opening.action != Action::enroll) {
        if (!holder) return problem(holder.error());
        const auto purpose = opening.action == Action::renew ? pki::Purpose::renew : pki::Purpose::report;
        const auto agent = admission_.admit(*holder, purpose);
        if (!agent) return problem(agent.error());
        opening.agent = agent->id;
        opening.kind = agent->kind;
        opening.group = agent->group;
    } else if (holder) {
        opening.holder = *holder;
    }
    const std::string_view type = media_type(opening.content_type);
    const bool json = is(type, json_type);
    const bool report = json || is(type, wire::json_media_type) || is(type, wire::columns_media_type);
    if (opening.action == Action::report ? !report : !json) {
        return problem(http::status::unsupported_media_type,
                       opening.action == Action::report
                           ? fmt::format("a report is {} or {}", wire::columns_media_type, wire::json_media_type)
                           : fmt::format("{} takes {}", path, json_type));
    }
    if (head.count(http::field::content_encoding) != 0)
        return problem(http::status::unsupported_media_type,
                       "Content-Encoding is not taken; the columns format is compressed");
    if (body_size && *body_size > opening.body_limit)
        return problem(http::status::payload_too_large,
                       fmt::format("the body has {} bytes, {} takes {}; send less at a time", *body_size, path,
                                   opening.body_limit));
    return opening;
}

boost::asio::awaitable<Response> Endpoints::answer(Opening opening, std::string body)
{
    if (opening.action == Action::enroll) co_return enroll(opening.holder, body);
    if (opening.action == Action::renew) co_return renew(*opening.agent, body);
    if (opening.action == Action::settings) co_return settings(opening, body);
    auto taken = take_report(opening, body);
    if (Response* refusal = std::get_if<Response>(&taken)) co_return std::move(*refusal);
    std::shared_ptr<Folded> folded = std::get<std::shared_ptr<Folded>>(taken);
    body = {};
    const std::shared_ptr<Result<wire::Reply>> reply =
        co_await async_commit(committer_, folded, boost::asio::use_awaitable);
    if (!*reply) co_return problem(reply->error());
    (*reply)->settings = settings_.offer_for(opening.group);
    co_return ok(**reply);
}

Response Endpoints::enroll(const std::optional<pki::Holder>& holder, const std::string& body)
{
    const auto request = wire::decode_json<wire::EnrollRequest>(body);
    if (!request) return problem(request.error());
    // Whoever has a token enrols by it, whatever certificate is shown besides.
    const bool clone = request->token.empty() && holder;
    const auto reply = clone ? admission_.enroll_clone(*holder, *request) : admission_.enroll(*request);
    return reply ? ok(*reply) : problem(reply.error());
}

Response Endpoints::renew(const AgentId& agent, const std::string& body)
{
    const auto request = wire::decode_json<wire::RenewRequest>(body);
    if (!request) return problem(request.error());
    const auto reply = admission_.renew(agent, *request);
    return reply ? ok(*reply) : problem(reply.error());
}

Response Endpoints::settings(const Opening& opening, const std::string& body)
{
    const auto request = wire::decode_json<wire::SettingsRequest>(body);
    if (!request) return problem(request.error());
    const auto reply = settings_.answer(*opening.agent, opening.group, *request);
    return reply ? ok(*reply) : problem(reply.error());
}

std::variant<std::shared_ptr<Folded>, Response> Endpoints::take_report(const Opening& opening, const std::string& body)
{
    const auto report = wire::decode_report(opening.content_type, body);
    if (!report) return problem(report.error());
    if (report->agent != *opening.agent)
        return problem(
            denied(fmt::format("the report is of agent {}, the certificate of agent {}; report under the own id",
                               report->agent.hex(), opening.agent->hex())));
    if (report->observer != opening.kind)
        return problem(
            denied(fmt::format("the report is of an observer of kind {}, this agent enrolled as {}; enrol it anew",
                               wire::to_string(report->observer), wire::to_string(opening.kind))));
    return std::make_shared<Folded>(fold(*report, rules_, clock_.now()));
}

}    // namespace dl::collector::intake
