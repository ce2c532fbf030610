#include "agent/ledger/personal_hosts.hpp"

#include "shared/names/host_name.hpp"

#include <fmt/format.h>

#include <fstream>

namespace dl::agent::ledger {

bool PersonalHosts::add(std::string_view suffix)
{
    auto host = names::normalise_host(suffix);
    if (!host) return false;
    suffixes_.insert(std::move(*host));
    return true;
}

bool PersonalHosts::contains(std::string_view host) const
{
    if (suffixes_.empty()) return false;
    while (true) {
        if (suffixes_.contains(host)) return true;
        const auto dot = host.find('.');
        if (dot == std::string_view::npos) return false;
        host.remove_prefix(dot + 1);
    }
}

Result<PersonalHosts> load_personal_hosts(const std::filesystem::path& file)
{
    std::ifstream in(file);
    if (!in)
        return not_found(
            fmt::format("{}: can't be read; set personal_hosts_file to the list of personal hosts", file.string()));
    PersonalHosts hosts;
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
        std::string_view text = line;
        text = text.substr(0, text.find('#'));
        const auto first = text.find_first_not_of(" \t\r");
        if (first == std::string_view::npos) continue;
        text = text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
        if (!hosts.add(text))
            return invalid_input(
                fmt::format("{}:{}: '{}' is no host name; write one suffix a line", file.string(), number, text));
    }
    if (in.bad()) return io_failure(fmt::format("{}: reading stopped in the middle; check the disk", file.string()));
    return hosts;
}

}    // namespace dl::agent::ledger
