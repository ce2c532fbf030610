// Which host names belong to somebody's personal life: health, dating, faith, unions, politics, private banking, news …
// Such names never leave the endpoint, nor are they written down on it: they become the one word "personal".
#pragma once

#include "shared/base/failure.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

namespace dl::agent::ledger {

/// What a personal host is folded to.
inline constexpr std::string_view personal = "personal";

/// A set of host suffixes: `example.org` stands for itself and everything below it.
class PersonalHosts {
public:
    PersonalHosts() = default;

    /// False where the text is no host name. Upper case and a trailing dot are accepted.
    bool add(std::string_view suffix);
    /// `host` in lower case without trailing dot.
    [[nodiscard]] bool contains(std::string_view host) const;
    [[nodiscard]] std::size_t size() const { return suffixes_.size(); }

    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    using Suffixes = std::unordered_set<std::string, Hash, std::equal_to<>>;
    [[nodiscard]] const Suffixes& suffixes() const { return suffixes_; }

private:
    Suffixes suffixes_;
};

/// One suffix per line of `text`, which `name` stands for in messages; blank lines and what follows # are skipped. A
/// failure names file and line.
[[nodiscard]] Result<PersonalHosts> parse_personal_hosts(std::string_view text, const std::string& name);
[[nodiscard]] Result<PersonalHosts> load_personal_hosts(const std::filesystem::path& file);

}    // namespace dl::agent::ledger
