#include "collector/intake/admission.hpp"

#include "generated/version.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace dl::collector::intake {
namespace {

constexpr std::size_t most_name_bytes = 255;

/// A name for lists and logs: printable ASCII only, so that no terminal takes orders from a stranger.
std::string printable(std::string_view text)
{
    std::string out{text.substr(0, most_name_bytes)};
    for (char& c : out)
        if (c < ' ' || c > '~') c = '?';
    return out;
}

}    // namespace

Result<wire::EnrollReply> Admission::enroll(const wire::EnrollRequest& request)
{
    const Timestamp now = clock_.now();
    // The CSR first: a broken one must not cost a use of the token.
    const auto subject = pki::take_subject_key(request.csr_pem);
    if (!subject) return subject.error();
    pki::EnrolmentTokens tokens{state_};
    auto token = tokens.inspect(request.token, request.observer, now);
    if (!token) return token.error();

    pki::AgentRegistry agents{state_};
    auto known = agents.enrolled_before(subject->fingerprint, token->id);
    if (!known) return known.error();
    if (*known && (*known)->revoked) return denied(fmt::format("agent {} was revoked", (*known)->id.hex()));
    if (!*known) {
        token = tokens.redeem(request.token, request.observer, now);
        if (!token) return token.error();
    }

    const AgentId id = *known ? (*known)->id : AgentId::random();
    const auto issued = authority_.issue_agent(*subject, id, now, terms_.certificate_lifetime);
    if (!issued) return issued.error();
    if (*known) {
        if (auto renewed = agents.renewed(id, *issued); !renewed) return renewed.error();
    } else {
        pki::Agent agent;
        agent.id = id;
        agent.device_name = printable(request.device_name);
        agent.kind = request.observer;
        agent.group = token->terms.group;
        agent.token = token->id;
        agent.key_fingerprint = subject->fingerprint;
        agent.version = printable(request.agent_version);
        agent.enrolled = now;
        agent.serial = issued->serial;
        agent.not_after = issued->not_after;
        if (auto added = agents.add(agent); !added) return added.error();
    }
    access::AuditChain audit{state_};
    auto recorded = audit.append(now, "agent:" + id.hex(), "agent.enroll", printable(request.device_name),
                                 fmt::format("token {}, certificate {}", token->id, issued->serial));
    if (!recorded) return recorded.error();
    spdlog::info("agent {} enrolled as {} with token {}", id.hex(), printable(request.device_name), token->id);
    return wire::EnrollReply{id, issued->pem, authority_.pem(), to_hex(terms_.organisation_key), version};
}

Result<wire::RenewReply> Admission::renew(const AgentId& agent, const wire::RenewRequest& request)
{
    const auto subject = pki::take_subject_key(request.csr_pem);
    if (!subject) return subject.error();
    const auto issued = authority_.issue_agent(*subject, agent, clock_.now(), terms_.certificate_lifetime);
    if (!issued) return issued.error();
    pki::AgentRegistry agents{state_};
    if (auto renewed = agents.renewed(agent, *issued); !renewed) return renewed.error();
    return wire::RenewReply{issued->pem, authority_.pem()};
}

Result<pki::Agent> Admission::admit(const pki::Holder& holder)
{
    pki::AgentRegistry agents{state_};
    return agents.admit(holder, clock_.now());
}

}    // namespace dl::collector::intake
