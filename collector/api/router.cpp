#include "collector/api/router.hpp"

#include "collector/api/answers.hpp"
#include "collector/api/documents.hpp"
#include "collector/api/sessions.hpp"
#include "collector/api/static_files.hpp"
#include "collector/dialogue/brief.hpp"
#include "collector/insight/audience.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <initializer_list>
#include <map>

namespace dl::collector::api {
namespace {

namespace http = boost::beast::http;
using http::field;
using http::verb;
using insight::Operation;

constexpr std::string_view prefix = "/api/v1";

/// Path and query of a request, percent-decoded.
struct Target {
    std::string path;
    std::map<std::string, std::string> query;

    [[nodiscard]] std::string_view get(const std::string& name) const
    {
        const auto found = query.find(name);
        return found == query.end() ? std::string_view{} : std::string_view(found->second);
    }
};

Result<Target> parse_target(std::string_view text)
{
    const auto url = boost::urls::parse_origin_form(text);
    if (!url) return invalid_input("the request's target is no path; write it as /api/v1/findings");
    Target target;
    target.path = url->path();
    for (const auto& parameter : url->params())
        if (!target.query.emplace(parameter.key, parameter.value).second)
            return invalid_input("a parameter stands there twice; give it once");
    return target;
}

/// The value of one cookie; empty where there is none.
std::string_view cookie(const Request& request, std::string_view name)
{
    std::string_view rest = request[field::cookie];
    while (!rest.empty()) {
        const auto end = rest.find(';');
        auto one = rest.substr(0, end);
        while (!one.empty() && one.front() == ' ')
            one.remove_prefix(1);
        if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=')
            return one.substr(name.size() + 1);
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    }
    return {};
}

class ApiRouter final : public Router {
public:
    explicit ApiRouter(const Sources& sources)
        : sources_(sources), meaning_{sources.catalog, sources.policy, sources.directory}
    {}

    Response handle(const Request& request, bool secure) override
    {
        styles_.clear();
        Response response = [&] {
            try {
                return route(request, secure);
            } catch (const std::exception& bug) {
                spdlog::error("api: {}", bug.what());
                return problem(request, Failure{Failure::Kind::internal, bug.what()});
            }
        }();
        finish(response, request, styles_);
        return response;
    }

private:
    Response route(const Request& request, bool secure)
    {
        const auto target = parse_target(request.target());
        if (!target) return problem(request, target.error());
        const std::string_view path = target->path;
        if (!path.starts_with("/api/")) return page(request, path);
        if (!path.starts_with(prefix) || path.size() == prefix.size() || path[prefix.size()] != '/')
            return problem(request, status::not_found, "no such route; /api/v1/openapi.json lists them");
        const std::string_view name = path.substr(prefix.size());

        if (name == "/session") return session(request, *target, secure);
        if (request.method() != verb::get && request.method() != verb::head) return not_allowed(request, "GET, HEAD");
        if (name == "/openapi.json") return document(request, std::string(openapi_document()), "application/json");
        if (name == "/findings")
            return guarded(request, *target, Operation::findings, {"period", "from", "to", "unit"});
        if (name == "/portfolio")
            return guarded(request, *target, Operation::portfolio, {"period", "from", "to", "unit"});
        if (name == "/coverage") return guarded(request, *target, Operation::coverage, {"period"});
        if (name == "/units") return guarded(request, *target, Operation::units, {});
        if (name.starts_with("/units/") && name.ends_with("/brief") && name.size() > 13)
            return guarded(request, *target, Operation::brief, {"period", "format"},
                           std::string(name.substr(7, name.size() - 13)));
        return problem(request, status::not_found, "no such route; /api/v1/openapi.json lists them");
    }

    static Response not_allowed(const Request& request, std::string_view methods)
    {
        Response response = problem(request, status::method_not_allowed, fmt::format("this route knows {}", methods));
        response.set(field::allow, std::string(methods));
        return response;
    }

    Response page(const Request& request, std::string_view path)
    {
        if (request.method() != verb::get && request.method() != verb::head) return not_allowed(request, "GET, HEAD");
        auto file = read_static_file(sources_.settings.web_directory, path);
        if (!file) return problem(request, file.error());
        Response response = document(request, std::move(file->content), file->type);
        response.erase(field::vary);
        response.set(field::cache_control, file->immutable ? "public, max-age=31536000, immutable" : "no-cache");
        return response;
    }

    // -- who asks ---------------------------------------------------------------------------------------------------

    /// By bearer token, else by cookie. An account that was disabled since loses its sessions.
    /// Where there is none, `refusal` is what to answer.
    std::optional<Session> caller(const Request& request, Response& refusal)
    {
        refusal = log_in_first(request);
        const auto now = sources_.clock.now();
        const std::string_view authorization = request[field::authorization];
        if (authorization.starts_with("Bearer ")) {
            auto account = sources_.accounts.authenticate(authorization.substr(7));
            if (account) return Session{std::move(*account), now + session_life};
            if (account.error().kind != Failure::Kind::denied)
                refusal = problem(request, account.error());
            else if (!sessions_.note_wrong(now))
                refusal = too_many_wrong(request);
            return std::nullopt;
        }
        const auto id = cookie(request, session_cookie);
        auto session = sessions_.find(id, now);
        if (!session) return std::nullopt;
        const auto accounts = sources_.accounts.list();
        if (!accounts) return std::nullopt;
        const auto current = std::find_if(accounts->begin(), accounts->end(),
                                          [&](const auto& account) { return account.id == session->account.id; });
        if (current == accounts->end() || current->disabled) {
            sessions_.close(id);
            return std::nullopt;
        }
        session->account = *current;    // its role or units may have changed
        return session;
    }

    static nlohmann::json session_json(const Session& session)
    {
        const bool exact = session.account.role == access::Role::security;
        return {{"account", session.account.id},
                {"role", access::to_string(session.account.role)},
                {"units", session.account.units},
                {"view", exact ? "security" : "released"},
                {"expires", to_rfc3339(session.expires)}};
    }

    static std::string cookie_text(std::string_view id, std::int64_t seconds, bool secure)
    {
        return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}", session_cookie, id, seconds,
                           secure ? "; Secure" : "");
    }

    Response session(const Request& request, const Target& target, bool secure)
    {
        if (!target.query.empty()) return problem(request, status::bad_request, "this route takes no parameters");
        switch (request.method()) {
            case verb::get:
            case verb::head: {
                Response refusal;
                const auto session = caller(request, refusal);
                return session ? document(request, session_json(*session)) : refusal;
            }
            case verb::post: return log_in(request, secure);
            case verb::delete_: {
                sessions_.close(cookie(request, session_cookie));
                Response response = empty(request, status::no_content);
                response.set(field::set_cookie, cookie_text("", 0, secure));
                return response;
            }
            default: return not_allowed(request, "GET, HEAD, POST, DELETE");
        }
    }

    Response log_in(const Request& request, bool secure)
    {
        const auto now = sources_.clock.now();
        // A form of another site can't send this type without asking first.
        if (!std::string_view(request[field::content_type]).starts_with("application/json"))
            return problem(request, status::unsupported_media_type, "send application/json: {\"token\": \"…\"}");
        if (request.body().size() > largest_body)
            return problem(request, status::payload_too_large, "larger than 16 KiB");
        const auto body = nlohmann::json::parse(request.body(), nullptr, false);
        const bool well_formed =
            body.is_object() && body.size() == 1 && body.contains("token") && body["token"].is_string();
        if (!well_formed)
            return problem(request, status::bad_request, "the body must be {\"token\": \"…\"} and nothing else");
        auto account = sources_.accounts.authenticate(body["token"].get<std::string>());
        if (!account) {
            if (account.error().kind != Failure::Kind::denied) return problem(request, account.error());
            if (!sessions_.note_wrong(now)) return too_many_wrong(request);
            return problem(request, status::unauthorized,
                           "this token is not known; ask an administrator for a new one");
        }
        const Session session{*account, now + session_life};
        Response response = empty(request, status::ok);
        response.set(field::content_type, "application/json");
        response.body() = session_json(session).dump();
        response.set(field::set_cookie,
                     cookie_text(sessions_.open(std::move(*account), now),
                                 std::chrono::duration_cast<std::chrono::seconds>(session_life).count(), secure));
        return response;
    }

    static Response too_many_wrong(const Request& request)
    {
        return problem(request, status::too_many_requests, "too many wrong tokens; wait a minute, or send a right one");
    }

    static Response log_in_first(const Request& request)
    {
        return problem(request, status::unauthorized,
                       "no session; POST /api/v1/session with a token, or send Authorization: Bearer");
    }

    // -- what is answered -------------------------------------------------------------------------------------------

    Response guarded(const Request& request, const Target& target, Operation operation,
                     std::initializer_list<std::string_view> parameters, const std::string& unit = {})
    {
        Response refusal;
        const auto session = caller(request, refusal);
        if (!session) return refusal;
        if (!insight::may(session->account.role, operation))
            return problem(request, status::forbidden,
                           fmt::format("the role {} does not read this", access::to_string(session->account.role)));
        for (const auto& [name, value] : target.query)
            if (std::find(parameters.begin(), parameters.end(), name) == parameters.end())
                return problem(request, status::bad_request, fmt::format("unknown parameter '{}'", name.substr(0, 64)));
        const auto audience = insight::audience_of(session->account, sources_.settings);
        const Timestamp now = sources_.clock.now();
        switch (operation) {
            case Operation::findings:
            case Operation::portfolio: return figures(request, target, operation, audience, now);
            case Operation::coverage: return coverage(request, target, audience, now);
            case Operation::units: return units(request, audience, now);
            case Operation::brief: return brief(request, target, audience, unit, now);
        }
        return problem(request, status::not_found, "no such route");
    }

    release::Press press() const
    {
        return insight::press_of(sources_.usage, sources_.state, sources_.catalog, sources_.directory,
                                 sources_.settings);
    }
    Day settled(Timestamp now) const { return day_of(now) - std::chrono::days(sources_.settings.grace_days); }

    std::vector<std::string> readable_units(const insight::Audience& audience) const
    {
        std::vector<std::string> ids;
        for (const auto& unit : sources_.directory.units())
            if (audience.reads(unit.id)) ids.push_back(unit.id);
        return ids;
    }

    Response figures(const Request& request, const Target& target, Operation operation,
                     const insight::Audience& audience, Timestamp now)
    {
        const Day today = day_of(now);
        const auto period =
            insight::choose_period(target.get("period"), target.get("from"), target.get("to"), today, settled(now));
        if (!period) return problem(request, period.error());
        const std::string unit{target.get("unit")};
        const bool exists = unit.empty() || unit == store::unassigned || sources_.directory.unit(unit) != nullptr;
        if (!exists && audience.reads(unit))
            return problem(request, status::not_found,
                           fmt::format("no unit '{}'; /api/v1/units lists them", unit.substr(0, 64)));
        const auto made = insight::figures_for(audience, press(), *period, now, sources_.directory, unit);
        if (!made) return problem(request, made.error());
        const auto findings = insight::find(*made, meaning_);
        if (operation == Operation::findings) return document(request, findings_json(*made, findings, meaning_, today));

        const auto portfolio = insight::portfolio_of(*made, findings, meaning_, sources_.settings.use_threshold_people);
        std::vector<std::string> rows;
        for (const auto& id : portfolio.units)
            if (audience.reads(id) && (unit.empty() || id == unit)) rows.push_back(id);
        return document(request, portfolio_json(*made, portfolio, rows, meaning_, today));
    }

    Response coverage(const Request& request, const Target& target, const insight::Audience& audience, Timestamp now)
    {
        const Day today = day_of(now);
        const auto period = insight::choose_period(target.get("period"), "", "", today, settled(now));
        if (!period) return problem(request, period.error());
        const auto made = insight::coverage_for(audience, press(), sources_.directory, *period, now);
        if (!made) return problem(request, made.error());
        const auto silent = audience.sees_agents ? SilentAgents::named : SilentAgents::counted;
        return document(request, coverage_json(*made, readable_units(audience), silent, today));
    }

    Response units(const Request& request, const insight::Audience& audience, Timestamp now)
    {
        const Day today = day_of(now);
        const auto choices = insight::choices_for(audience, sources_.usage, today, settled(now));
        if (!choices) return problem(request, choices.error());
        return document(request, units_json(readable_units(audience), *choices, insight::usual_period(settled(now)),
                                            sources_.directory, today));
    }

    Response brief(const Request& request, const Target& target, const insight::Audience& audience,
                   const std::string& unit, Timestamp now)
    {
        const auto period = insight::choose_period(target.get("period"), "", "", day_of(now), settled(now));
        if (!period) return problem(request, period.error());
        const auto wanted = target.get("format");
        const auto format = wanted.empty() ? dialogue::BriefFormat::json : dialogue::parse_brief_format(wanted);
        if (!format) return problem(request, status::bad_request, "format is one of json, html, markdown and text");
        if (sources_.directory.unit(unit) && !audience.reads(unit))
            return problem(request, status::forbidden, "your account does not read this unit; ask an administrator");
        const auto figures = insight::released_for(audience, press(), *period, now);
        if (!figures) return problem(request, figures.error());
        const auto coverage =
            insight::published_coverage(press(), sources_.directory, *period, sources_.settings.small_group, now);
        if (!coverage) return problem(request, coverage.error());
        const auto made = dialogue::make_brief(unit, *figures, *coverage, meaning_, day_of(now));
        if (!made) return problem(request, made.error());
        if (*format == dialogue::BriefFormat::json) return document(request, dialogue::to_json(*made));
        static constexpr std::string_view types[] = {"text/plain; charset=utf-8", "text/markdown; charset=utf-8",
                                                     "text/html; charset=utf-8"};
        if (*format == dialogue::BriefFormat::html) styles_ = dialogue::html_style_source();
        return document(request, dialogue::render(*made, *format), types[static_cast<std::size_t>(*format)]);
    }

    const Sources sources_;
    const insight::Meaning meaning_;
    Sessions sessions_;
    std::string styles_;    ///< of the answer in the making
};

}    // namespace

std::unique_ptr<Router> create_router(const Sources& sources) { return std::make_unique<ApiRouter>(sources); }

}    // namespace dl::collector::api
