#include "agent/ledger/personal_hosts.hpp"

#include "shared/config/plain_text.hpp"

#include "shared/names/host_name.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

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

Result<PersonalHosts> parse_personal_hosts(std::string_view text, const std::string& name)
{
    if (const auto sound = config::check_utf8(text, name); !sound) return sound.error();
    PersonalHosts hosts;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        line = line.substr(0, line.find('#'));
        const auto first = line.find_first_not_of(" \t\r");
        if (first == std::string_view::npos) continue;
        line = line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
        if (!hosts.add(line))
            return invalid_input(
                fmt::format("{}:{}: '{}' is no host name; write one suffix a line", name, number, line));
    }
    return hosts;
}

Result<PersonalHosts> load_personal_hosts(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    if (!in)
        return not_found(
            fmt::format("{}: can't be read; set personal_list to the list of personal hosts", file.string()));
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (in.bad()) return io_failure(fmt::format("{}: reading stopped in the middle; check the disk", file.string()));
    return parse_personal_hosts(text, file.string());
}

}    // namespace dl::agent::ledger
