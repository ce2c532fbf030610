// Which settings key stays pinned when a host enrols again.
#pragma once

#include "shared/base/failure.hpp"

#include <filesystem>
#include <string>

namespace dl::agent::uplink {

struct PinWish {
    std::string asked{};          ///< ed25519:HEX of `enroll --settings-key`; empty: not given
    std::string in_settings{};    ///< settings_key of agent.json, which goes before what enrolment stores; empty: none
    bool replace = false;         ///< another key than the pinned one is meant
};

/// What to store with the new enrolment; empty: no key was ever pinned. The pin that is there stays where none is asked
/// for; the key that followed it by signed changes is as good. Denied, with the next step, where another one is asked
/// for that is not meant to replace it, or where the pin of settings that were taken here is lost.
[[nodiscard]] Result<std::string> pin_to_store(const std::filesystem::path& data_directory, const PinWish& wish);

}    // namespace dl::agent::uplink
