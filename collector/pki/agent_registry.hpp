// Every agent that was let in: what operations recognise it by, which certificate it holds, whether it still may
// report.
#pragma once

#include "collector/pki/certificate_authority.hpp"
#include "collector/store/state_store.hpp"
#include "shared/base/failure.hpp"
#include "shared/base/id.hpp"
#include "shared/base/time.hpp"
#include "shared/wire/report.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::pki {

struct Agent {
    AgentId id;
    std::string device_name;    ///< as it named itself; at most 255 printable bytes
    wire::ObserverKind kind = wire::ObserverKind::endpoint;
    std::string group;
    std::string token;    ///< id of the token it came with
    std::string key_fingerprint;
    std::string version;    ///< of the agent's program at enrolment
    Timestamp enrolled{};
    std::string serial;       ///< of the newest certificate
    Timestamp not_after{};    ///< of the newest certificate
    std::vector<std::string> revoked_serials;
    std::optional<Timestamp> revoked;    ///< the agent as a whole
};

class AgentRegistry {
public:
    explicit AgentRegistry(store::StateStore& state) : state_(state) {}

    [[nodiscard]] Result<void> add(const Agent& agent);
    [[nodiscard]] Result<Agent> get(const AgentId& id);
    [[nodiscard]] Result<std::vector<Agent>> list();
    /// The agent that enrolled with this key and token before: its reply got lost, and it asks again.
    [[nodiscard]] Result<std::optional<Agent>> enrolled_before(std::string_view key_fingerprint,
                                                               std::string_view token);
    [[nodiscard]] Result<void> renewed(const AgentId& id, const IssuedCertificate& certificate);
    /// From now on every request of this agent is refused, whatever certificate it shows.
    [[nodiscard]] Result<void> revoke(const AgentId& id, Timestamp now);
    /// Refuses one certificate; the agent's others stay good. Returns whose it was. Not found where no agent's newest
    /// certificate has this serial.
    [[nodiscard]] Result<AgentId> revoke_serial(std::string_view serial);

    /// May the holder of this certificate speak now? Asked on every request. The agent, or denied with the reason.
    [[nodiscard]] Result<Agent> admit(const Holder& holder, Timestamp now);

private:
    store::StateStore& state_;
};

}    // namespace dl::collector::pki
