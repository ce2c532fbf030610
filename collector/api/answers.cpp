#include "collector/api/answers.hpp"

#include "shared/base/digest.hpp"

#include <fmt/format.h>

namespace dl::collector::api {
namespace {

namespace http = boost::beast::http;
using http::field;

bool matches(std::string_view if_none_match, std::string_view etag)
{
    if (if_none_match == "*") return true;
    while (!if_none_match.empty()) {
        const auto comma = if_none_match.find(',');
        auto one = if_none_match.substr(0, comma);
        while (!one.empty() && one.front() == ' ')
            one.remove_prefix(1);
        while (!one.empty() && one.back() == ' ')
            one.remove_suffix(1);
        if (one.starts_with("W/")) one.remove_prefix(2);
        if (one == etag) return true;
        if_none_match = comma == std::string_view::npos ? std::string_view{} : if_none_match.substr(comma + 1);
    }
    return false;
}

}    // namespace

Response problem(const Request& request, status code, std::string_view detail)
{
    Response response{code, request.version() == 10 ? 10u : 11u};
    response.set(field::content_type, "application/problem+json");
    response.set(field::cache_control, "no-store");
    if (code == status::unauthorized) response.set(field::www_authenticate, "Bearer");
    const nlohmann::json body{{"type", "about:blank"},
                              {"title", std::string(http::obsolete_reason(code))},
                              {"status", static_cast<unsigned>(code)},
                              {"detail", detail}};
    // What a request said may be no UTF-8.
    response.body() = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return response;
}

Response problem(const Request& request, const Failure& failure)
{
    switch (failure.kind) {
        case Failure::Kind::invalid_input: return problem(request, status::bad_request, failure.message);
        case Failure::Kind::not_found: return problem(request, status::not_found, failure.message);
        case Failure::Kind::denied: return problem(request, status::forbidden, failure.message);
        case Failure::Kind::conflict:
        case Failure::Kind::unavailable:
        case Failure::Kind::io:
            return problem(request, status::service_unavailable, "the store can't be read now; try again");
        case Failure::Kind::internal: break;
    }
    return problem(request, status::internal_server_error, "a fault of ours; the collector's log says more");
}

Response document(const Request& request, std::string body, std::string_view type)
{
    const std::string etag = '"' + to_hex(sha256(body)).substr(0, 32) + '"';
    const bool known = matches(request[field::if_none_match], etag);
    Response response{known ? status::not_modified : status::ok, request.version() == 10 ? 10u : 11u};
    response.set(field::etag, etag);
    response.set(field::cache_control, "private, no-cache");
    response.set(field::vary, "Authorization, Cookie");
    if (!known) {
        response.set(field::content_type, std::string(type));
        response.body() = std::move(body);
    }
    return response;
}

Response document(const Request& request, const nlohmann::json& value)
{
    return document(request, value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), "application/json");
}

Response empty(const Request& request, status code)
{
    Response response{code, request.version() == 10 ? 10u : 11u};
    response.set(field::cache_control, "no-store");
    return response;
}

void finish(Response& response, const Request& request, std::string_view styles)
{
    response.set(
        "Content-Security-Policy",
        fmt::format("default-src 'self'; style-src 'self'{}{}; object-src 'none'; base-uri 'none'; form-action 'self'; "
                    "frame-ancestors 'none'",
                    styles.empty() ? "" : " ", styles));
    response.set("X-Content-Type-Options", "nosniff");
    response.set("Referrer-Policy", "no-referrer");
    response.set("Cross-Origin-Opener-Policy", "same-origin");
    response.set("Cross-Origin-Resource-Policy", "same-origin");
    response.set("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
    response.keep_alive(request.keep_alive());
    response.prepare_payload();
    if (request.method() == http::verb::head) {
        const auto length = response.body().size();
        response.body().clear();
        response.content_length(length);
    }
}

}    // namespace dl::collector::api
