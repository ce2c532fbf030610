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

    const std::string by = "token " + token->id;
    if (*known) return let_in_again(**known, *subject, by, request);
    pki::Agent agent;
    agent.id = AgentId::random();
    agent.kind = request.observer;
    agent.group = token->terms.group;
    agent.token = token->id;
    return let_in(std::move(agent), *subject, by, request);
}

Result<wire::EnrollReply> Admission::enroll_clone(const pki::Holder& holder, const wire::EnrollRequest& request)
{
    const auto subject = pki::take_subject_key(request.csr_pem);
    if (!subject) return subject.error();
    const auto origin = admit(holder, pki::Purpose::clone);
    if (!origin) return origin.error();
    if (origin->kind != request.observer)
        return denied(fmt::format("agent {} is an observer of kind {}, so are its clones; enrol with a token",
                                  origin->id.hex(), wire::to_string(origin->kind)));
    pki::AgentRegistry agents{state_};
    const std::string token = "clone:" + origin->id.hex();
    const std::string by = "clone of agent " + origin->id.hex();
    const auto known = agents.enrolled_before(subject->fingerprint, token);
    if (!known) return known.error();
    if (*known && (*known)->revoked) return denied(fmt::format("agent {} was revoked", (*known)->id.hex()));
    if (*known) return let_in_again(**known, *subject, by, request);
    if (auto counted = agents.count_clone(origin->id); !counted) return counted.error();
    pki::Agent agent;
    agent.id = AgentId::random();
    agent.kind = origin->kind;
    agent.group = origin->group;
    agent.token = token;
    agent.cloned_from = origin->id;
    return let_in(std::move(agent), *subject, by, request);
}

Result<wire::EnrollReply> Admission::let_in(pki::Agent agent, const pki::SubjectKey& subject, std::string_view by,
                                            const wire::EnrollRequest& request)
{
    const Timestamp now = clock_.now();
    const auto issued = authority_.issue_agent(subject, agent.id, 1, now, terms_.certificate_lifetime);
    if (!issued) return issued.error();
    agent.generation = 1;
    agent.device_name = printable(request.device_name);
    agent.key_fingerprint = subject.fingerprint;
    agent.version = printable(request.agent_version);
    agent.enrolled = now;
    agent.serial = issued->serial;
    agent.not_after = issued->not_after;
    pki::AgentRegistry agents{state_};
    if (auto added = agents.add(agent); !added) return added.error();
    return reply_of(agent.id, *issued, by, request);
}

Result<wire::EnrollReply> Admission::let_in_again(const pki::Agent& known, const pki::SubjectKey& subject,
                                                  std::string_view by, const wire::EnrollRequest& request)
{
    pki::AgentRegistry agents{state_};
    const auto generation = agents.next_generation(known.id);
    if (!generation) return generation.error();
    const auto issued =
        authority_.issue_agent(subject, known.id, *generation, clock_.now(), terms_.certificate_lifetime);
    if (!issued) return issued.error();
    if (auto renewed = agents.renewed(known.id, *issued); !renewed) return renewed.error();
    return reply_of(known.id, *issued, by, request);
}

Result<wire::EnrollReply> Admission::reply_of(const AgentId& id, const pki::IssuedCertificate& issued,
                                              std::string_view by, const wire::EnrollRequest& request)
{
    const std::string device = printable(request.device_name);
    access::AuditChain audit{state_};
    auto recorded = audit.append(clock_.now(), "agent:" + id.hex(), "agent.enroll", device,
                                 fmt::format("{}, certificate {}", by, issued.serial));
    if (!recorded) return recorded.error();
    spdlog::info("agent {} enrolled as {} with {}", id.hex(), device, by);
    pki::AgentRegistry agents{state_};
    const auto agent = agents.get(id);
    if (!agent) return agent.error();
    // Printable, as the wire has it; a token of an older version may name its group otherwise.
    const std::string group = agent->group == printable(agent->group) ? agent->group : std::string();
    return wire::EnrollReply{id, issued.pem, authority_.pem(), to_hex(terms_.organisation_key), version, group};
}

Result<wire::RenewReply> Admission::renew(const AgentId& agent, const wire::RenewRequest& request)
{
    const auto subject = pki::take_subject_key(request.csr_pem);
    if (!subject) return subject.error();
    pki::AgentRegistry agents{state_};
    const auto generation = agents.next_generation(agent);
    if (!generation) return generation.error();
    const auto issued = authority_.issue_agent(*subject, agent, *generation, clock_.now(), terms_.certificate_lifetime);
    if (!issued) return issued.error();
    if (auto renewed = agents.renewed(agent, *issued); !renewed) return renewed.error();
    return wire::RenewReply{issued->pem, authority_.pem()};
}

Result<pki::Agent> Admission::admit(const pki::Holder& holder, pki::Purpose purpose)
{
    pki::AgentRegistry agents{state_};
    auto agent = agents.admit(holder, clock_.now(), purpose);
    if (agent || agent.error().kind != Failure::Kind::conflict) return agent;
    spdlog::warn("{}", agent.error().message);
    access::AuditChain audit{state_};
    const auto recorded = audit.append(
        clock_.now(), "collector", "agent.lock", holder.agent.hex(),
        fmt::format("certificate {} of generation {}, after a newer one was used", holder.serial, holder.generation));
    if (!recorded) spdlog::error("audit: {}", recorded.error().message);
    return denied(agent.error().message);
}

}    // namespace dl::collector::intake
