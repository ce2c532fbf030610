// The signed settings that this agent holds: judged by the settings key that it trusts, never by who handed them over,
// and kept in one file of the data directory (mode 0600, replaced as a whole). docs/decisions/0008-signed-settings.md
// tells why.
//
// Rules: a document must be signed by the trusted key, be of our organisation and group, have a serial above every one
// taken before, be issued (a day of clock difference is forgiven) and not expired. What breaks one is refused, what is
// in force stays. A change of key counts where the trusted key signed it. Without any document, and behind the end of
// the last, the least is collected (signing::Collection{}); what a document had folded or left out stays so.
#pragma once

#include "shared/base/failure.hpp"
#include "shared/base/time.hpp"
#include "shared/signed/settings_document.hpp"
#include "shared/wire/report.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace dl::agent::uplink {

[[nodiscard]] std::filesystem::path signed_settings_file(const std::filesystem::path& data_directory);

/// For whom documents must be.
struct SettingsAddressee {
    std::optional<signing::PublicKey> key;    ///< pinned on this host; none: no signed settings are taken
    signing::Audience organisation;
    std::string group;
};

class SignedSettings {
public:
    /// What was kept, or nothing yet. A kept key counts while it descends from the pinned one; another pin begins anew.
    /// A failure names the file.
    [[nodiscard]] static Result<SignedSettings> load(const std::filesystem::path& data_directory,
                                                     SettingsAddressee addressee);

    [[nodiscard]] bool governed() const { return addressee_.key.has_value(); }
    /// The key that speaks now; none where this host pinned none.
    [[nodiscard]] const std::optional<signing::PublicKey>& trusted() const { return trusted_; }
    [[nodiscard]] const std::optional<signing::SettingsDocument>& document() const { return document_; }
    [[nodiscard]] bool expired(Timestamp now) const { return document_ && now >= document_->expires; }
    /// The most that may be collected now.
    [[nodiscard]] signing::Collection bound(Timestamp now) const;

    /// Is there something to ask the collector for, or to tell it?
    [[nodiscard]] bool wants(const wire::SettingsOffer& offer, Timestamp now) const;
    [[nodiscard]] wire::SettingsRequest request() const;

    enum class Outcome { nothing_new, taken, refused };
    /// Judges what the collector answered and keeps the result; a failure is the disk's, and changes nothing.
    [[nodiscard]] Result<Outcome> take(const wire::SettingsReply& reply, Timestamp now);
    /// request() was answered.
    void told(const wire::SettingsOffer& offer) { told_ = offer; }

    [[nodiscard]] std::uint64_t refused() const { return refused_; }
    /// Why the last offer was refused; empty where the last was taken.
    [[nodiscard]] const std::string& why() const { return why_; }

private:
    SignedSettings(std::filesystem::path file, SettingsAddressee addressee)
        : file_(std::move(file)), addressee_(std::move(addressee)), trusted_(addressee_.key)
    {}
    [[nodiscard]] Result<void> read(const std::string& text);
    [[nodiscard]] Result<void> judge(const std::string& sealed, Timestamp now);
    [[nodiscard]] Result<void> judge(const std::string& sealed, const signing::SettingsDocument& document,
                                     const signing::PublicKey& signer, Timestamp now);
    [[nodiscard]] Result<void> save() const;

    std::filesystem::path file_;
    SettingsAddressee addressee_;
    std::optional<signing::PublicKey> trusted_;
    std::string sealed_;    ///< of document_, as signed
    std::optional<signing::SettingsDocument> document_;
    std::optional<wire::SettingsOffer> held_;    ///< the offer taken last
    std::uint64_t refused_ = 0;
    std::string why_;
    std::optional<Timestamp> retry_at_;          ///< of an offer that was refused: a clock may have been wrong
    std::optional<wire::SettingsOffer> told_;    ///< in this life
};

}    // namespace dl::agent::uplink
