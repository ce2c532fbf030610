#include "agent/flow/flow.hpp"

#include <algorithm>

namespace dl::agent::flow {
namespace {

/// Registered ports (IANA) above 1023 that servers commonly have.
constexpr std::array<std::uint16_t, 24> server_ports{1080, 1194, 1433, 1521, 1883, 1935, 3128, 3306,
                                                     3389, 3478, 4433, 5060, 5222, 5223, 5228, 5353,
                                                     5355, 5432, 5671, 6379, 8000, 8080, 8443, 8883};

int likelihood_of_server(const Endpoint& end)
{
    const auto& bytes = end.address.bytes;
    const bool group = end.address.family == Address::Family::v4 ? bytes[0] >= 224 : bytes[0] == 0xff;
    if (group) return 4;
    if (end.port < 1024) return 3;
    if (std::find(server_ports.begin(), server_ports.end(), end.port) != server_ports.end()) return 2;
    return end.port < 32768 ? 1 : 0;
}

}    // namespace

Side guess_client(const std::array<Endpoint, 2>& ends)
{
    const int first = likelihood_of_server(ends[0]);
    const int second = likelihood_of_server(ends[1]);
    if (first == second) return first > 0 && first < 4 && ends[0].port < ends[1].port ? 1 : 0;
    return first > second ? 1 : 0;
}

bool is_ech_public_name(std::string_view name)
{
    return name == "cloudflare-ech.com" || name == "public.tls-ech.dev" || name == "cover.defo.ie";
}

}    // namespace dl::agent::flow
