// Lets agents in: enrolment by token, renewal by certificate. No socket here; every step is audited.
#pragma once

#include "collector/access/audit.hpp"
#include "collector/pki/agent_registry.hpp"
#include "collector/pki/certificate_authority.hpp"
#include "collector/pki/enrolment_tokens.hpp"
#include "shared/base/failure.hpp"
#include "shared/base/time.hpp"
#include "shared/wire/report.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace dl::collector::intake {

struct AdmissionTerms {
    std::array<std::uint8_t, 32> organisation_key{};    ///< handed to every agent that enrols
    std::chrono::seconds certificate_lifetime = std::chrono::hours(24 * 7);
};

/// Thread-safe, as the state store is.
class Admission {
public:
    Admission(const pki::CertificateAuthority& authority, store::StateStore& state, const Clock& clock,
              AdmissionTerms terms)
        : authority_(authority), state_(state), clock_(clock), terms_(terms)
    {}

    /// Invalid input where the CSR is none, denied where the token gives no right. An agent that lost the reply and
    /// repeats the request with the same key gets its id again, without a second use of the token.
    [[nodiscard]] Result<wire::EnrollReply> enroll(const wire::EnrollRequest& request);
    /// The same for a clone of an enrolled disk image: not by a token but by the certificate of the agent that it was
    /// copied from, which goes on untouched.
    [[nodiscard]] Result<wire::EnrollReply> enroll_clone(const pki::Holder& holder, const wire::EnrollRequest& request);
    [[nodiscard]] Result<wire::RenewReply> renew(const AgentId& agent, const wire::RenewRequest& request);
    /// Whose certificate this is, when it may be used now: checked on every request.
    /// An agent that is locked by it is told to the audit chain and the log.
    [[nodiscard]] Result<pki::Agent> admit(const pki::Holder& holder, pki::Purpose purpose);

private:
    /// What enrolments share: who the new agent is is known, its right to be one too.
    [[nodiscard]] Result<wire::EnrollReply> let_in(pki::Agent agent, const pki::SubjectKey& subject,
                                                   std::string_view by, const wire::EnrollRequest& request);
    [[nodiscard]] Result<wire::EnrollReply> let_in_again(const pki::Agent& known, const pki::SubjectKey& subject,
                                                         std::string_view by, const wire::EnrollRequest& request);
    [[nodiscard]] Result<wire::EnrollReply> reply_of(const AgentId& id, const pki::IssuedCertificate& issued,
                                                     std::string_view by, const wire::EnrollRequest& request);

    const pki::CertificateAuthority& authority_;
    store::StateStore& state_;
    const Clock& clock_;
    const AdmissionTerms terms_;
};

}    // namespace dl::collector::intake
