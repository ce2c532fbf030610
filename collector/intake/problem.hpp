// A failure as an HTTP answer: RFC 9457 problem document on one line.
#pragma once

#include "shared/base/failure.hpp"

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <string_view>

namespace dl::collector::intake {

using Response = boost::beast::http::response<boost::beast::http::string_body>;

/// 400 invalid input, 403 denied, 404 not found, 409 conflict, 503 unavailable (with Retry-After), else 500.
[[nodiscard]] boost::beast::http::status status_of(Failure::Kind kind);
[[nodiscard]] Response problem(boost::beast::http::status status, std::string_view detail);
/// Failures of the disk and bugs are logged and not told to the client.
[[nodiscard]] Response problem(const Failure& failure);

}    // namespace dl::collector::intake
