// The heads of the audit chain, one a day, in a file that is only added to: for copying to where the collector can't
// write. The lines are to_line() of audit.hpp.
#pragma once

#include "collector/access/audit.hpp"

#include <filesystem>

namespace dl::collector::access {

/// Adds the chain's head as of `day`, durably, where the file holds none of that day yet. Returns whether it did.
[[nodiscard]] Result<bool> export_head(AuditChain& chain, const std::filesystem::path& file, Day day);
/// The heads in a file; none where there is no file. At most 16 MiB, some 100,000 days.
[[nodiscard]] Result<std::vector<AuditHead>> read_heads(const std::filesystem::path& file);

}    // namespace dl::collector::access
