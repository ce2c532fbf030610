#include "shared/wire/report.hpp"

#include <array>
#include <utility>

namespace dl::wire {
namespace {

template <class Value, std::size_t N>
std::string_view text_of(const std::array<std::pair<Value, std::string_view>, N>& names, Value value)
{
    for (const auto& [known, text] : names)
        if (known == value) return text;
    return "unknown";
}

template <class Value, std::size_t N>
std::optional<Value> value_of(const std::array<std::pair<Value, std::string_view>, N>& names, std::string_view text)
{
    for (const auto& [value, known] : names)
        if (known == text) return value;
    return std::nullopt;
}

constexpr std::array<std::pair<Evidence, std::string_view>, 11> evidences{{
    {Evidence::tls_sni, "tls_sni"},
    {Evidence::quic_sni, "quic_sni"},
    {Evidence::http_host, "http_host"},
    {Evidence::http_connect, "http_connect"},
    {Evidence::dns_answer, "dns_answer"},
    {Evidence::ambiguous, "ambiguous"},
    {Evidence::dns_query, "dns_query"},
    {Evidence::ech_outer, "ech_outer"},
    {Evidence::address_only, "address_only"},
    {Evidence::imported, "imported"},
    {Evidence::hidden_road, "hidden_road"},
}};

constexpr std::array<std::pair<TlsVersion, std::string_view>, 5> tls_versions{{
    {TlsVersion::ssl_3, "ssl3"},
    {TlsVersion::tls_1_0, "tls1.0"},
    {TlsVersion::tls_1_1, "tls1.1"},
    {TlsVersion::tls_1_2, "tls1.2"},
    {TlsVersion::tls_1_3, "tls1.3"},
}};

constexpr std::array<std::pair<Protocols, std::string_view>, 5> protocol_words{{
    {Protocols::http_1, "http/1"},
    {Protocols::http_2, "h2"},
    {Protocols::http_3, "h3"},
    {Protocols::encrypted_dns, "dns"},
    {Protocols::other, "other"},
}};

constexpr std::array<std::pair<ObserverKind, std::string_view>, 3> observer_kinds{{
    {ObserverKind::endpoint, "endpoint"},
    {ObserverKind::sensor, "sensor"},
    {ObserverKind::import, "import"},
}};

constexpr std::array<std::pair<Order, std::string_view>, 3> orders{{
    {Order::none, "none"},
    {Order::new_epoch, "new_epoch"},
    {Order::resend, "resend"},
}};

}    // namespace

std::string_view to_string(Evidence evidence) { return text_of(evidences, evidence); }

std::optional<Evidence> parse_evidence(std::string_view text) { return value_of(evidences, text); }

int rank(Evidence evidence)
{
    switch (evidence) {
        case Evidence::tls_sni:
        case Evidence::quic_sni: return 0;
        case Evidence::http_host: return 1;
        case Evidence::http_connect: return 2;
        case Evidence::dns_answer: return 3;
        case Evidence::imported: return 4;
        case Evidence::ambiguous: return 5;
        case Evidence::ech_outer: return 6;
        case Evidence::hidden_road: return 7;
        case Evidence::address_only: return 8;
        case Evidence::dns_query: return 9;
    }
    return 10;
}

std::string_view to_string(TlsVersion version) { return text_of(tls_versions, version); }

std::optional<TlsVersion> parse_tls_version(std::string_view text) { return value_of(tls_versions, text); }

std::vector<std::string_view> words_of(Protocols protocols)
{
    std::vector<std::string_view> words;
    for (const auto& [protocol, word] : protocol_words)
        if (offers(protocols, protocol)) words.push_back(word);
    return words;
}

std::optional<Protocols> parse_protocol(std::string_view text) { return value_of(protocol_words, text); }

std::string_view to_string(ObserverKind kind) { return text_of(observer_kinds, kind); }

std::optional<ObserverKind> parse_observer_kind(std::string_view text) { return value_of(observer_kinds, text); }

std::string_view to_string(Order order) { return text_of(orders, order); }

std::optional<Order> parse_order(std::string_view text) { return value_of(orders, text); }

}    // namespace dl::wire
