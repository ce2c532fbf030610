// What agents may ask: POST /agent/v1/enroll, /renew, /report and /settings. Bytes in, bytes out; the connection is
// somebody else's.
#pragma once

#include "collector/intake/admission.hpp"
#include "collector/intake/committer.hpp"
#include "collector/intake/fold.hpp"
#include "collector/intake/problem.hpp"
#include "collector/pki/certificate_authority.hpp"
#include "collector/pki/published_settings.hpp"
#include "shared/base/failure.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace dl::collector::intake {

using RequestHead = boost::beast::http::request_header<>;

enum class Action { enroll, renew, report, settings };

/// A request whose head was good: what to do with the body, and how large it may be.
struct Opening {
    Action action = Action::report;
    std::string content_type;
    std::size_t body_limit = 0;
    std::optional<AgentId> agent;                              ///< proven by the certificate; none for enroll
    wire::ObserverKind kind = wire::ObserverKind::endpoint;    ///< that agent enrolled as
    std::string group;                                         ///< of that agent
    std::optional<pki::Holder> holder;                         ///< for enroll: who is cloned, where one is shown
};

inline constexpr std::size_t report_limit = 8 * 1024 * 1024;
inline constexpr std::size_t enrolment_limit = 64 * 1024;

/// Thread-safe: shared by the connections of all threads.
class Endpoints {
public:
    Endpoints(Admission& admission, Committer& committer, pki::SettingsDesk& settings, const Clock& clock,
              FoldRules rules)
        : admission_(admission), committer_(committer), settings_(settings), clock_(clock), rules_(rules)
    {}

    /// Judges the head before a byte of the body is read. `holder`: what the client's certificate says. `body_size`:
    /// the announced length, where there is one.
    [[nodiscard]] std::variant<Opening, Response> open(const RequestHead& head, const Result<pki::Holder>& holder,
                                                       std::optional<std::uint64_t> body_size);
    /// Answers; for a report when it is durable.
    [[nodiscard]] boost::asio::awaitable<Response> answer(Opening opening, std::string body);

private:
    [[nodiscard]] Response enroll(const std::optional<pki::Holder>& holder, const std::string& body);
    [[nodiscard]] Response renew(const AgentId& agent, const std::string& body);
    [[nodiscard]] Response settings(const Opening& opening, const std::string& body);
    [[nodiscard]] std::variant<std::shared_ptr<Folded>, Response> take_report(const Opening& opening,
                                                                              const std::string& body);

    Admission& admission_;
    Committer& committer_;
    pki::SettingsDesk& settings_;
    const Clock& clock_;
    const FoldRules rules_;
};

}    // namespace dl::collector::intake
