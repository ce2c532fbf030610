// What an agent says to a collector and what it hears back: the values, apart from their bytes.
//
// Two encodings of this one schema stand beside this file: JSON for people (json.hpp) and CBOR columns with zstd for
// agents (columns.hpp). FORMAT.md specifies both. Nothing here trusts its sender: a decoded report is within the
// bounds of FORMAT.md, every index points into its table, and that is all that is promised.
#pragma once

#include "shared/base/address.hpp"
#include "shared/base/id.hpp"
#include "shared/base/time.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dl::wire {

inline constexpr std::uint16_t format_version = 1;

/// How the name of a destination was learned. The numbers are on the wire and in stores: never reuse one.
enum class Evidence : std::uint8_t {
    tls_sni = 1,         ///< server_name of a TLS ClientHello over TCP (RFC 6066 section 3)
    quic_sni = 2,        ///< the same in a QUIC Initial (RFC 9001)
    http_host = 3,       ///< Host of an HTTP/1 request (RFC 9110 section 7.2)
    http_connect = 4,    ///< target of an HTTP CONNECT (RFC 9110 section 9.3.6)
    dns_answer = 5,      ///< the address matched exactly one recent DNS answer
    ambiguous = 6,       ///< the address matched several
    dns_query = 7,       ///< asked, no connection seen
    ech_outer = 8,       ///< public name of an Encrypted ClientHello: the true name is encrypted
    address_only = 9,    ///< no name was visible: host is the address
    imported = 10,       ///< another product's log
    hidden_road = 11,    ///< DoH, DoT, DoQ, VPN or proxy: names behind it can't be seen
};
[[nodiscard]] std::string_view to_string(Evidence evidence);
[[nodiscard]] std::optional<Evidence> parse_evidence(std::string_view text);
/// Lower is stronger: SNI over Host over CONNECT over DNS over the rest.
[[nodiscard]] int rank(Evidence evidence);

/// What kind of observer writes the cells.
enum class ObserverKind : std::uint8_t { endpoint = 1, sensor = 2, import = 3 };
[[nodiscard]] std::string_view to_string(ObserverKind kind);
[[nodiscard]] std::optional<ObserverKind> parse_observer_kind(std::string_view text);

struct Destination {
    std::string host;         ///< normalised host name (shared/names), or an address in text, or the word "personal"
    std::string canonical;    ///< the last CNAME of the answer that led there; empty where unknown
    Transport transport = Transport::tcp;
    std::uint16_t port = 0;

    friend auto operator<=>(const Destination&, const Destination&) = default;
};

/// The highest version of TLS that a ClientHello offers. The numbers are those of the protocol (RFC 8446 section 4.1.2)
/// and on the wire; what is older than SSL 3 counts as it, what is newer than TLS 1.3 as that.
enum class TlsVersion : std::uint16_t {
    ssl_3 = 0x0300,
    tls_1_0 = 0x0301,
    tls_1_1 = 0x0302,
    tls_1_2 = 0x0303,
    tls_1_3 = 0x0304,
};
[[nodiscard]] std::string_view to_string(TlsVersion version);
[[nodiscard]] std::optional<TlsVersion> parse_tls_version(std::string_view text);

/// What a ClientHello offers to speak (ALPN, RFC 7301), as a sum. The numbers are on the wire.
enum class Protocols : std::uint8_t {
    none = 0,
    http_1 = 1,    ///< http/0.9, http/1.0, http/1.1
    http_2 = 2,
    http_3 = 4,           ///< and its drafts
    encrypted_dns = 8,    ///< dot, doq and its drafts
    other = 16,
};
inline constexpr std::uint8_t all_protocols = 31;
[[nodiscard]] constexpr Protocols operator|(Protocols a, Protocols b)
{
    return static_cast<Protocols>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
[[nodiscard]] constexpr bool offers(Protocols all, Protocols one)
{
    return (static_cast<std::uint8_t>(all) & static_cast<std::uint8_t>(one)) != 0;
}
/// Each protocol of the sum, in the order of the numbers: "http/1", "h2", "h3", "dns", "other".
[[nodiscard]] std::vector<std::string_view> words_of(Protocols protocols);
[[nodiscard]] std::optional<Protocols> parse_protocol(std::string_view text);

/// An attribute of an application, of nobody's use of it: ClientHellos with this highest version were sent, the last of
/// them on `last_day`, and offered these protocols between them. Of one (application, version) there is one; versions
/// of it merge by the later day and the union of protocols.
struct Offer {
    std::uint32_t application = 0;    ///< into Report::applications
    TlsVersion version = TlsVersion::tls_1_3;
    Protocols protocols = Protocols::none;
    Day last_day{};

    friend bool operator==(const Offer&, const Offer&) = default;
};

/// Index into one of a report's tables that may be unknown.
inline constexpr std::uint32_t unknown = std::numeric_limits<std::uint32_t>::max();

/// The use of one (device, person, application, destination, evidence) on one day. Values only rise; merging two
/// versions of a cell is the component-wise maximum (first_seen: minimum).
struct Cell {
    Day day{};
    std::uint32_t device = 0;               ///< into Report::devices
    std::uint32_t person = unknown;         ///< into Report::persons, or unknown
    std::uint32_t application = unknown;    ///< into Report::applications, or unknown
    std::uint32_t destination = 0;          ///< into Report::destinations
    Evidence evidence = Evidence::address_only;
    std::uint64_t connections = 0;
    std::uint64_t bytes_up = 0;    ///< unique payload octets from the client
    std::uint64_t bytes_down = 0;
    Timestamp first_seen{};
    Timestamp last_seen{};
    std::uint64_t revision = 0;    ///< of the agent's ledger when this cell last changed

    friend bool operator==(const Cell&, const Cell&) = default;
};

/// What the agent itself counted since its epoch began: monotonic, reported whole each time.
struct Counters {
    std::uint64_t packets = 0;            ///< seen by the capture
    std::uint64_t packets_dropped = 0;    ///< lost by the kernel or the interface
    std::uint64_t connections = 0;
    std::uint64_t connections_unattributed = 0;    ///< no user was found
    std::uint64_t cells_dropped = 0;               ///< let go because the ledger reached its size limit
    std::uint64_t gap_seconds = 0;                 ///< time in which the agent did not watch though it should have
    std::uint64_t bytes_hidden_road = 0;           ///< payload that went to DoH, VPN or proxy addresses
    std::uint64_t connections_with_program =
        0;    ///< which program it was is known; an agent that does not count it tells 0

    friend bool operator==(const Counters&, const Counters&) = default;
};

struct Report {
    AgentId agent;    ///< must equal the id in the client certificate
    ObserverKind observer = ObserverKind::endpoint;
    Epoch epoch;
    std::uint64_t revision_from = 0;        ///< cells changed after this revision are in the report …
    std::uint64_t revision_to = 0;          ///< … up to and including this one
    std::optional<Receipt> last_receipt;    ///< echo of the last reply, so that a rolled-back disk is noticed
    std::optional<StoreIncarnation> last_store;
    Timestamp sent_at{};    ///< by the agent's clock: the collector learns its offset
    std::string agent_version;
    Counters counters;

    std::vector<Pseudonym> devices;
    std::vector<Pseudonym> persons;
    std::vector<std::string> applications;
    std::vector<Destination> destinations;
    std::vector<Cell> cells;
    std::vector<Offer> offers;    ///< of applications of the report

    friend bool operator==(const Report&, const Report&) = default;
};

/// A cell of an otherwise good report that was not taken.
struct RejectedCell {
    std::uint32_t index = 0;    ///< into Report::cells
    std::string reason;

    friend bool operator==(const RejectedCell&, const RejectedCell&) = default;
};

/// What the collector asks the agent to do.
enum class Order : std::uint8_t {
    none = 0,
    new_epoch = 1,    ///< continuity is in doubt: start a new epoch
    resend = 2,       ///< the store holds less than was acknowledged (it was restored): resend from `revision`
};
[[nodiscard]] std::string_view to_string(Order order);
[[nodiscard]] std::optional<Order> parse_order(std::string_view text);

/// Names what signed settings a collector holds for an agent: another whenever they are others.
using SettingsOffer = Id<struct SettingsOfferTag, 32>;

/// The answer to a report, sent only when the report can't be lost.
struct Reply {
    StoreIncarnation store;
    Receipt receipt;
    std::uint64_t revision = 0;       ///< the store holds this (agent, epoch) up to here
    std::uint32_t accepted = 0;       ///< cells taken
    std::uint32_t too_old = 0;        ///< cells of days beyond retention: acknowledged, counted, not folded
    std::uint32_t quarantined = 0;    ///< cells of implausible days
    std::vector<RejectedCell> rejected;
    Order order = Order::none;
    Timestamp collector_time{};
    std::optional<SettingsOffer> settings;    ///< none: no signed settings were published

    friend bool operator==(const Reply&, const Reply&) = default;
};

/// POST /agent/v1/enroll, JSON, no client certificate: the token is the proof.
struct EnrollRequest {
    std::string token;
    std::string csr_pem;        ///< PKCS#10, key made on the endpoint
    std::string device_name;    ///< host name, so that operations recognise the agent
    std::string agent_version;
    ObserverKind observer = ObserverKind::endpoint;

    friend bool operator==(const EnrollRequest&, const EnrollRequest&) = default;
};
struct EnrollReply {
    AgentId agent;
    std::string certificate_pem;
    std::string ca_pem;
    std::string organisation_key;    ///< hex, 32 bytes: the key of the endpoint pseudonyms
    std::string collector_version;
    std::string group;    ///< of the token; empty: none. Optional on the wire

    friend bool operator==(const EnrollReply&, const EnrollReply&) = default;
};

/// POST /agent/v1/renew, JSON, with the current client certificate.
struct RenewRequest {
    std::string csr_pem;

    friend bool operator==(const RenewRequest&, const RenewRequest&) = default;
};
struct RenewReply {
    std::string certificate_pem;
    std::string ca_pem;

    friend bool operator==(const RenewReply&, const RenewReply&) = default;
};

/// POST /agent/v1/settings, JSON: what signed settings the agent holds, and whether it refused any.
struct SettingsRequest {
    std::string key;                      ///< the settings key that it trusts; empty: none, it takes no signed settings
    std::uint64_t serial = 0;             ///< of the document in force; 0: none
    std::optional<SettingsOffer> held;    ///< the offer that it took last; null: none
    std::uint64_t refused = 0;            ///< offers that it refused, since its enrolment
    std::string why;                      ///< the last refusal; empty: none since the last that was taken

    friend bool operator==(const SettingsRequest&, const SettingsRequest&) = default;
};
/// Statements of the settings key, to be taken in this order; none where the agent holds the offer already.
struct SettingsReply {
    SettingsOffer offer;
    std::vector<std::string> statements;

    friend bool operator==(const SettingsReply&, const SettingsReply&) = default;
};

}    // namespace dl::wire
