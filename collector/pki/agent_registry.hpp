// Every agent that was let in: what operations recognise it by, which certificate it holds, whether it still may
// report.
#pragma once

#include "collector/pki/certificate_authority.hpp"
#include "collector/store/state_store.hpp"
#include "shared/base/failure.hpp"
#include "shared/base/id.hpp"
#include "shared/base/time.hpp"
#include "shared/wire/report.hpp"

#include <chrono>
#include <cstdint>
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
    std::uint64_t generation = 0;        ///< of the newest certificate: one more with each
    std::uint64_t used = 0;              ///< the highest that was shown with a request
    std::optional<Timestamp> locked;     ///< an older one was shown after a newer had been used: its key was copied
    std::optional<AgentId> cloned_from;
    std::uint32_t clones = 0;    ///< agents that were made from this one
};

/// What a certificate is shown for.
enum class Purpose {
    report,
    renew,    ///< also after its end, for renewal_grace: an agent that slept may only renew
    clone     ///< as renew; also of an older generation, as disk images have
};
inline constexpr std::chrono::hours renewal_grace{24 * 90};
inline constexpr std::uint32_t most_clones = 1000;    ///< of one agent

class AgentRegistry {
public:
    explicit AgentRegistry(store::StateStore& state) : state_(state) {}

    [[nodiscard]] Result<void> add(const Agent& agent);
    [[nodiscard]] Result<Agent> get(const AgentId& id);
    [[nodiscard]] Result<std::vector<Agent>> list();
    /// The agent that enrolled with this key and token before: its reply got lost, and it asks again.
    [[nodiscard]] Result<std::optional<Agent>> enrolled_before(std::string_view key_fingerprint,
                                                               std::string_view token);
    /// The number of this agent's next certificate, given to nobody else.
    [[nodiscard]] Result<std::uint64_t> next_generation(const AgentId& id);
    [[nodiscard]] Result<void> renewed(const AgentId& id, const IssuedCertificate& certificate);
    /// Counts one more agent that is made from this one; denied beyond most_clones.
    [[nodiscard]] Result<void> count_clone(const AgentId& id);
    /// From now on every request of this agent is refused, whatever certificate it shows.
    [[nodiscard]] Result<void> revoke(const AgentId& id, Timestamp now);
    /// Refuses one certificate; the agent's others stay good. Returns whose it was. Not found where no agent's newest
    /// certificate has this serial.
    [[nodiscard]] Result<AgentId> revoke_serial(std::string_view serial);

    /// May the holder of this certificate speak now? Asked on every request. The agent, or denied with the reason.
    ///
    /// Each renewal gives the agent's next generation, and the one before stays good until the next is first used, so
    /// that a reply that got lost locks nobody. A generation that is shown after a later one was used is a copy's, or
    /// the copy is the later one: the agent is locked, and this request alone is told so by `conflict`.
    [[nodiscard]] Result<Agent> admit(const Holder& holder, Timestamp now, Purpose purpose = Purpose::report);

private:
    [[nodiscard]] Result<Agent> take_generation(const Holder& holder, Timestamp now);

    store::StateStore& state_;
};

}    // namespace dl::collector::pki
