#include "collector/pki/agent_registry.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dl::collector::pki {
namespace {

constexpr std::string_view agents = "agents";
constexpr std::string_view keys = "agent-keys";    ///< key fingerprint → agent: recognises a repeated enrolment
constexpr int most_attempts = 100;

std::int64_t micros(Timestamp when) { return when.time_since_epoch().count(); }

Timestamp moment(const nlohmann::json& value)
{
    return Timestamp{std::chrono::microseconds(value.get<std::int64_t>())};
}

nlohmann::json to_json(const Agent& agent)
{
    nlohmann::json value{{"device_name", agent.device_name},
                         {"kind", std::string(wire::to_string(agent.kind))},
                         {"group", agent.group},
                         {"token", agent.token},
                         {"key", agent.key_fingerprint},
                         {"version", agent.version},
                         {"enrolled_us", micros(agent.enrolled)},
                         {"serial", agent.serial},
                         {"not_after_us", micros(agent.not_after)},
                         {"revoked_serials", agent.revoked_serials},
                         {"revoked_us", nullptr},
                         {"generation", agent.generation},
                         {"used", agent.used},
                         {"locked_us", nullptr},
                         {"cloned_from", nullptr},
                         {"clones", agent.clones}};
    if (agent.revoked) value["revoked_us"] = micros(*agent.revoked);
    if (agent.locked) value["locked_us"] = micros(*agent.locked);
    if (agent.cloned_from) value["cloned_from"] = agent.cloned_from->hex();
    return value;
}

Result<Agent> from_json(const store::Document& document)
{
    const auto id = AgentId::parse(document.key);
    if (!id)
        return Failure{Failure::Kind::internal, "state store: agent with a broken id; run `daylight-collector verify`"};
    const nlohmann::json& value = document.value;
    Agent agent;
    agent.id = *id;
    agent.device_name = value.at("device_name").get<std::string>();
    agent.kind = wire::parse_observer_kind(value.at("kind").get<std::string>()).value_or(wire::ObserverKind::endpoint);
    agent.group = value.at("group").get<std::string>();
    agent.token = value.at("token").get<std::string>();
    agent.key_fingerprint = value.at("key").get<std::string>();
    agent.version = value.at("version").get<std::string>();
    agent.enrolled = moment(value.at("enrolled_us"));
    agent.serial = value.at("serial").get<std::string>();
    agent.not_after = moment(value.at("not_after_us"));
    agent.revoked_serials = value.at("revoked_serials").get<std::vector<std::string>>();
    if (!value.at("revoked_us").is_null()) agent.revoked = moment(value.at("revoked_us"));
    if (!value.contains("generation")) return agent;    // written before there were generations
    agent.generation = value.at("generation").get<std::uint64_t>();
    agent.used = value.at("used").get<std::uint64_t>();
    agent.clones = value.at("clones").get<std::uint32_t>();
    if (!value.at("locked_us").is_null()) agent.locked = moment(value.at("locked_us"));
    if (const auto& origin = value.at("cloned_from"); !origin.is_null())
        if (const auto parsed = AgentId::parse(origin.get<std::string>())) agent.cloned_from = *parsed;
    return agent;
}

struct Stored {
    std::uint64_t version = 0;
    Agent agent;
};

Result<Stored> load(store::StateStore& state, const AgentId& id)
{
    auto document = state.get(agents, id.hex());
    if (!document) return document.error();
    if (!*document)
        return not_found(fmt::format("no agent has the id {}; `daylight-collector agents list` shows them", id.hex()));
    auto agent = from_json(**document);
    if (!agent) return agent.error();
    return Stored{(*document)->version, std::move(*agent)};
}

/// Applies `change` to the stored agent, again when somebody else changed it meanwhile.
template <class Change>
Result<void> update(store::StateStore& state, const AgentId& id, Change change)
{
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        auto stored = load(state, id);
        if (!stored) return stored.error();
        change(stored->agent);
        const auto put = state.put_if_version(agents, id.hex(), stored->version, to_json(stored->agent));
        if (put) return {};
        if (put.error().kind != Failure::Kind::conflict) return put.error();
    }
    return unavailable(fmt::format("agent {} is being changed by others; try again", id.hex()));
}

}    // namespace

Result<void> AgentRegistry::add(const Agent& agent)
{
    if (auto put = state_.put_if_version(agents, agent.id.hex(), 0, to_json(agent)); !put) return put.error();
    const auto known = state_.get(keys, agent.key_fingerprint);
    if (!known) return known.error();
    const std::uint64_t seen = *known ? (*known)->version : 0;
    const auto put =
        state_.put_if_version(keys, agent.key_fingerprint, seen, {{"agent", agent.id.hex()}, {"token", agent.token}});
    if (!put) return put.error();
    return {};
}

Result<Agent> AgentRegistry::get(const AgentId& id)
{
    auto stored = load(state_, id);
    if (!stored) return stored.error();
    return std::move(stored->agent);
}

Result<std::vector<Agent>> AgentRegistry::list()
{
    auto documents = state_.list(agents);
    if (!documents) return documents.error();
    std::vector<Agent> all;
    all.reserve(documents->size());
    for (const store::Document& document : *documents) {
        auto agent = from_json(document);
        if (!agent) return agent.error();
        all.push_back(std::move(*agent));
    }
    return all;
}

Result<std::optional<Agent>> AgentRegistry::enrolled_before(std::string_view key_fingerprint, std::string_view token)
{
    auto document = state_.get(keys, key_fingerprint);
    if (!document) return document.error();
    if (!*document || (*document)->value.at("token") != token) return std::optional<Agent>{};
    const auto id = AgentId::parse((*document)->value.at("agent").get<std::string>());
    if (!id) return id.error();
    auto agent = get(*id);
    if (!agent) return agent.error();
    return std::optional<Agent>{std::move(*agent)};
}

Result<std::uint64_t> AgentRegistry::next_generation(const AgentId& id)
{
    std::uint64_t next = 0;
    const auto updated = update(state_, id, [&](Agent& agent) { next = ++agent.generation; });
    if (!updated) return updated.error();
    return next;
}

Result<void> AgentRegistry::count_clone(const AgentId& id)
{
    bool full = false;
    const auto updated = update(state_, id, [&](Agent& agent) {
        full = agent.clones >= most_clones;
        if (!full) ++agent.clones;
    });
    if (!updated) return updated;
    if (full) return denied(fmt::format("agent {} has {} clones already; enrol with a token", id.hex(), most_clones));
    return {};
}

Result<void> AgentRegistry::renewed(const AgentId& id, const IssuedCertificate& certificate)
{
    return update(state_, id, [&](Agent& agent) {
        agent.serial = certificate.serial;
        agent.not_after = certificate.not_after;
    });
}

Result<void> AgentRegistry::revoke(const AgentId& id, Timestamp now)
{
    return update(state_, id, [&](Agent& agent) {
        if (!agent.revoked) agent.revoked = now;
    });
}

Result<AgentId> AgentRegistry::revoke_serial(std::string_view serial)
{
    auto all = list();
    if (!all) return all.error();
    const auto holder =
        std::find_if(all->begin(), all->end(), [&](const Agent& agent) { return agent.serial == serial; });
    if (holder == all->end())
        return not_found(
            fmt::format("no agent's newest certificate has the serial '{}'; revoke the agent instead", serial));
    auto updated = update(state_, holder->id, [&](Agent& agent) {
        auto& revoked = agent.revoked_serials;
        if (std::find(revoked.begin(), revoked.end(), serial) == revoked.end()) revoked.emplace_back(serial);
    });
    if (!updated) return updated.error();
    return holder->id;
}

Result<Agent> AgentRegistry::admit(const Holder& holder, Timestamp now, Purpose purpose)
{
    if (now < holder.not_before)
        return denied(
            fmt::format("the client certificate is not valid before {}; set the clock", to_rfc3339(holder.not_before)));
    const bool within_grace = now < holder.not_after + renewal_grace;
    if (now >= holder.not_after && (purpose == Purpose::report || !within_grace))
        return denied(fmt::format("the client certificate expired at {}; {}", to_rfc3339(holder.not_after),
                                  within_grace ? "renew it" : "enrol with a new token"));
    auto stored = load(state_, holder.agent);
    if (!stored && stored.error().kind == Failure::Kind::not_found)
        return denied(fmt::format("agent {} is not known to this collector; enrol with a token", holder.agent.hex()));
    if (!stored) return stored.error();
    const Agent& agent = stored->agent;
    if (agent.revoked)
        return denied(fmt::format("agent {} was revoked at {}", agent.id.hex(), to_rfc3339(*agent.revoked)));
    const auto& revoked = agent.revoked_serials;
    if (std::find(revoked.begin(), revoked.end(), holder.serial) != revoked.end())
        return denied(fmt::format("certificate {} was revoked; enrol with a new token", holder.serial));
    if (agent.locked)
        return denied(fmt::format("agent {} was locked at {}, its key was copied; enrol with a new token",
                                  agent.id.hex(), to_rfc3339(*agent.locked)));
    if (purpose == Purpose::clone || holder.generation == agent.used) return std::move(stored->agent);
    return take_generation(holder, now);
}

Result<Agent> AgentRegistry::take_generation(const Holder& holder, Timestamp now)
{
    std::uint64_t newer = 0;
    bool locked_here = false;
    Agent agent;
    const auto updated = update(state_, holder.agent, [&](Agent& stored) {
        newer = stored.used;
        locked_here = holder.generation < stored.used && !stored.locked;
        if (locked_here) stored.locked = now;
        // A higher one than was ever given: the state store is older than the certificate, it was restored.
        stored.used = std::max(stored.used, holder.generation);
        stored.generation = std::max(stored.generation, holder.generation);
        agent = stored;
    });
    if (!updated) return updated.error();
    if (!agent.locked) return agent;
    std::string what = fmt::format("agent {} is locked: its certificate of generation {} was shown after {} had been "
                                   "used, so its key was copied; enrol with a new token",
                                   holder.agent.hex(), holder.generation, newer);
    return locked_here ? conflict(std::move(what)) : denied(std::move(what));
}

}    // namespace dl::collector::pki
