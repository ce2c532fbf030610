#include "collector/intake/problem.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace dl::collector::intake {
namespace {

namespace http = boost::beast::http;

constexpr const char* retry_after_seconds = "10";

}    // namespace

http::status status_of(Failure::Kind kind)
{
    switch (kind) {
        case Failure::Kind::invalid_input: return http::status::bad_request;
        case Failure::Kind::denied: return http::status::forbidden;
        case Failure::Kind::not_found: return http::status::not_found;
        case Failure::Kind::conflict: return http::status::conflict;
        case Failure::Kind::unavailable: return http::status::service_unavailable;
        case Failure::Kind::io:
        case Failure::Kind::internal: break;
    }
    return http::status::internal_server_error;
}

Response problem(http::status status, std::string_view detail)
{
    Response response{status, 11};
    response.set(http::field::content_type, "application/problem+json");
    if (status == http::status::service_unavailable) response.set(http::field::retry_after, retry_after_seconds);
    const nlohmann::json document{{"type", "about:blank"},
                                  {"title", std::string(http::obsolete_reason(status))},
                                  {"status", static_cast<unsigned>(status)},
                                  {"detail", std::string(detail)}};
    response.body() = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    response.prepare_payload();
    return response;
}

Response problem(const Failure& failure)
{
    const http::status status = status_of(failure.kind);
    if (status != http::status::internal_server_error) return problem(status, failure.message);
    spdlog::error("{}", failure.message);
    return problem(status, "the collector failed; its log says why");
}

}    // namespace dl::collector::intake
