// The page and the API: a request in, a response out, no socket. The document of every route is openapi.json beside
// this file.
#pragma once

#include "collector/access/accounts.hpp"
#include "collector/catalog/catalog.hpp"
#include "collector/directory/directory.hpp"
#include "collector/policy/policy.hpp"
#include "collector/settings.hpp"
#include "collector/store/state_store.hpp"
#include "collector/store/usage_store.hpp"
#include "shared/base/time.hpp"

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <memory>
#include <string_view>

namespace dl::collector::api {

using Request = boost::beast::http::request<boost::beast::http::string_body>;
using Response = boost::beast::http::response<boost::beast::http::string_body>;

/// What the router answers from. All of it must outlive the router.
struct Sources {
    const Settings& settings;
    const catalog::Catalog& catalog;
    const policy::Policy& policy;
    const directory::Directory& directory;
    store::UsageStore& usage;
    store::StateStore& state;    ///< where releases are frozen
    access::Accounts& accounts;
    const Clock& clock;
};

/// The largest request body the listener needs to accept, bytes.
inline constexpr std::size_t largest_body = 16 * 1024;

/// Not thread-safe: one router per thread, with stores of its own. Sessions live in the router that made them.
/// Never throws for a request, however malformed; a route or method that is not listed is denied.
class Router {
public:
    virtual ~Router() = default;
    /// `secure`: the connection is TLS, so the session cookie is marked Secure.
    [[nodiscard]] virtual Response handle(const Request& request, bool secure = false) = 0;
};

[[nodiscard]] std::unique_ptr<Router> create_router(const Sources& sources);

/// The OpenAPI document, as it is served.
[[nodiscard]] std::string_view openapi_document();

}    // namespace dl::collector::api
