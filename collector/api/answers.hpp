// How answers are put: JSON with an ETag, problem documents (RFC 9457), and on every answer the headers that keep a
// browser safe.
#pragma once

#include "collector/api/router.hpp"
#include "shared/base/failure.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace dl::collector::api {

using boost::beast::http::status;

[[nodiscard]] Response problem(const Request& request, status code, std::string_view detail);
/// 400, 403, 404, 503 or 500 by the kind of failure.
[[nodiscard]] Response problem(const Request& request, const Failure& failure);
/// 200, or 304 when If-None-Match names its ETag (RFC 9110 section 13.1.2). Private to the session.
[[nodiscard]] Response document(const Request& request, std::string body, std::string_view type);
[[nodiscard]] Response document(const Request& request, const nlohmann::json& value);
[[nodiscard]] Response empty(const Request& request, status code);
/// Adds the security headers, the length, and for HEAD takes the body away. `styles`: what Content-Security-Policy says
/// of styles besides 'self', for instance 'sha256-…'.
void finish(Response& response, const Request& request, std::string_view styles = {});

}    // namespace dl::collector::api
