// The two statements of a settings key: what agents may collect, and which key comes after this one. Both are JSON that
// a person can read and sign; docs/decisions/0008-signed-settings.md says why they are as they are.
#pragma once

#include "shared/base/failure.hpp"
#include "shared/base/id.hpp"
#include "shared/base/time.hpp"
#include "shared/signed/collection.hpp"
#include "shared/signed/statement.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace dl::signing {

/// Whose agents are meant: HMAC-SHA-256 under the organisation key, cut to 16 octets. Agents know it without being
/// told.
using Audience = Id<struct AudienceTag, 16>;
[[nodiscard]] Audience audience_of(std::span<const std::uint8_t> organisation_key);

inline constexpr std::size_t most_groups = 100;
inline constexpr std::chrono::hours longest_validity{24 * 366 * 2};

struct SettingsDocument {
    Audience organisation;
    std::vector<std::string> groups;    ///< of enrolment tokens; empty: every agent
    std::uint64_t serial = 0;           ///< from 1 to 2^53; rises with every document of the organisation
    Timestamp issued{};
    Timestamp expires{};
    Collection collect;

    [[nodiscard]] bool concerns(std::string_view group) const;
    friend bool operator==(const SettingsDocument&, const SettingsDocument&) = default;
};

/// "From now on another key speaks for us", signed by the key before. It does not expire.
struct KeyChange {
    Audience organisation;
    PublicKey next;

    friend bool operator==(const KeyChange&, const KeyChange&) = default;
};

/// A document's text, ready to be sealed.
[[nodiscard]] std::string to_text(const SettingsDocument& document);
[[nodiscard]] std::string to_text(const KeyChange& change);

/// A draft: what a person edits. Serial, issued and expires may be absent (0 and 1970 here): the signing fills them in.
[[nodiscard]] Result<SettingsDocument> read_draft(std::string_view text, const std::string& name);

using Content = std::variant<SettingsDocument, KeyChange>;
/// The text of a statement. A failure names `name`, line and key.
[[nodiscard]] Result<Content> read_content(std::string_view text, const std::string& name);

struct SignedContent {
    Content content;
    PublicKey signer;
};
/// unseal() and read_content() in one.
[[nodiscard]] Result<SignedContent> open_statement(std::string_view sealed, const std::string& name);

}    // namespace dl::signing
