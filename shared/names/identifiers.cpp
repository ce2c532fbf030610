#include "shared/names/identifiers.hpp"

namespace dl::names {
namespace {

std::string lower_trimmed(std::string_view text)
{
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    std::string out{text};
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

}    // namespace

std::string canonical_person(std::string_view name)
{
    std::string person = lower_trimmed(name);
    if (const auto domain = person.rfind('\\'); domain != std::string::npos) person.erase(0, domain + 1);
    if (const auto host = person.find('@'); host != std::string::npos && host > 0) person.erase(host);
    return person;
}

std::string canonical_device(std::string_view name)
{
    std::string device = lower_trimmed(name);
    if (const auto label = device.find('.'); label != std::string::npos) device.erase(label);
    return device;
}

Pseudonym person_pseudonym(std::span<const std::uint8_t, 32> organisation_key, std::string_view name)
{
    return Pseudonym{hmac_sha256(organisation_key, "person:" + canonical_person(name))};
}

Pseudonym device_pseudonym(std::span<const std::uint8_t, 32> organisation_key, std::string_view name)
{
    return Pseudonym{hmac_sha256(organisation_key, "device:" + canonical_device(name))};
}

Pseudonym rekey(std::span<const std::uint8_t, 32> collector_key, const Pseudonym& endpoint_pseudonym)
{
    return Pseudonym{hmac_sha256(collector_key, endpoint_pseudonym.bytes)};
}

}    // namespace dl::names
