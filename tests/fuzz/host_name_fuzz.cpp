// Host names: what is normalised stays so, and a registrable domain is an end of its host.
#include "shared/names/host_name.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace dl::names;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::string_view raw = registrable_domain(text);
    if (!text.ends_with(raw)) std::abort();
    const std::string_view inside = host_in(text);
    if (!inside.empty() && text.find(inside) == std::string_view::npos) std::abort();
    const std::optional<std::string> host = normalise_host(text);
    if (!host) return 0;
    if (is_address_literal(*host)) std::abort();
    if (normalise_host(*host) != host) std::abort();
    const std::string url = "https://" + *host + ":443/path";
    if (host_in(*host) != *host || host_in(url) != *host) std::abort();
    const std::string_view domain = registrable_domain(*host);
    if (domain.empty() || !host->ends_with(domain) || registrable_domain(domain) != domain) std::abort();
    return 0;
}
