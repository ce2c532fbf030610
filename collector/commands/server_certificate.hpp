// The certificate that the agents' listener shows: made at init, renewed by serve in good time or when the names
// change.
#pragma once

#include "collector/commands/data_directory.hpp"
#include "collector/intake/tls_context.hpp"
#include "collector/pki/certificate_authority.hpp"

#include <string>
#include <vector>

namespace dl::collector::commands {

inline constexpr std::chrono::days server_lifetime{90};
inline constexpr std::chrono::days server_renewal{30};    ///< so long before its end it is replaced

/// agents.names with the loopback names and addresses, each once, in a stable order.
[[nodiscard]] std::vector<std::string> server_names(const std::vector<std::string>& configured);

/// What is in the data directory when it is good for these names for long enough; else a new one, with a new key,
/// written there first.
[[nodiscard]] Result<intake::ServerIdentity> current_server_identity(const DataDirectory& data,
                                                                     const pki::CertificateAuthority& authority,
                                                                     const std::vector<std::string>& configured,
                                                                     Timestamp now);

}    // namespace dl::collector::commands
