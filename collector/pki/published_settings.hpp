// The signed settings that this collector hands to its agents, and what each agent said of them. The collector checks
// what it is given so that a mistake shows at once; agents believe only their settings key.
#pragma once

#include "collector/store/state_store.hpp"
#include "shared/base/failure.hpp"
#include "shared/base/id.hpp"
#include "shared/base/time.hpp"
#include "shared/signed/settings_document.hpp"
#include "shared/wire/report.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dl::collector::pki {

struct PublishedDocument {
    std::string sealed;
    signing::SettingsDocument document;
    signing::PublicKey signer;
};
struct PublishedKeyChange {
    std::string sealed;
    signing::KeyChange change;
    signing::PublicKey signer;
};
struct Published {
    std::vector<PublishedKeyChange> changes;     ///< in the order in which they were made
    std::vector<PublishedDocument> documents;    ///< by serial, the highest last

    /// The key that speaks now; none before anything was published.
    [[nodiscard]] std::optional<signing::PublicKey> key() const;
    /// The document with the highest serial that concerns the group; null where there is none.
    [[nodiscard]] const PublishedDocument* of(std::string_view group) const;
};

/// What an agent told of its signed settings.
struct Standing {
    std::string key;    ///< that it trusts; empty: none
    std::uint64_t serial = 0;
    std::uint64_t refused = 0;
    std::string why;
    Timestamp told{};
};

inline constexpr std::size_t most_key_changes = 16;
inline constexpr std::size_t most_documents = 200;    ///< those below are let go

[[nodiscard]] Result<Published> published_settings(store::StateStore& state);
/// Adds a statement for the agents of `organisation`. The first document's signer becomes the published key; later
/// ones, and changes of key, must be signed by the key that speaks then. A document's serial must be above all before,
/// and it must not have expired. Says in one line what was published.
[[nodiscard]] Result<std::string> publish(store::StateStore& state, const std::string& sealed, const std::string& name,
                                          const signing::Audience& organisation, Timestamp now);

[[nodiscard]] Result<std::map<AgentId, Standing>> standings(store::StateStore& state);

/// What agents are offered, looked up again every few seconds, so that a report costs no look into the store.
/// Thread-safe.
class SettingsDesk {
public:
    SettingsDesk(store::StateStore& state, const Clock& clock) : state_(state), clock_(clock) {}

    /// None where nothing was published for the group, or the store can't be read.
    [[nodiscard]] std::optional<wire::SettingsOffer> offer_for(std::string_view group);
    /// Answers an agent and keeps what it said.
    [[nodiscard]] Result<wire::SettingsReply> answer(const AgentId& agent, std::string_view group,
                                                     const wire::SettingsRequest& request);

private:
    struct Bundle {
        wire::SettingsOffer offer;
        std::vector<std::string> statements;
    };
    [[nodiscard]] std::shared_ptr<const Bundle> bundle_for(std::string_view group);

    store::StateStore& state_;
    const Clock& clock_;
    std::mutex mutex_;
    std::optional<Timestamp> looked_at_;
    Published published_;
    std::map<std::string, std::shared_ptr<const Bundle>, std::less<>> bundles_;
};

}    // namespace dl::collector::pki
