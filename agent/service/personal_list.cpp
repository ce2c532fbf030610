#include "agent/service/personal_list.hpp"

#include "generated/personal_hosts.hpp"

namespace dl::agent::service {

Result<ledger::PersonalHosts> personal_hosts_from(const std::filesystem::path& file)
{
    if (!file.empty()) return ledger::load_personal_hosts(file);
    return ledger::parse_personal_hosts(built_in_personal_hosts, "built-in personal-hosts.txt");
}

}    // namespace dl::agent::service
