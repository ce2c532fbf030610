// What an agent is after its enrolment, kept in one file of the data directory (mode 0600, replaced as a whole, so that
// key and certificate always belong together); and how it gets there.
#pragma once

#include "agent/uplink/https_client.hpp"
#include "agent/uplink/reporting.hpp"
#include "shared/base/failure.hpp"
#include "shared/base/id.hpp"
#include "shared/wire/report.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>

namespace dl::agent::uplink {

struct Enrolment {
    AgentId agent;
    std::string collector;    ///< URL
    std::string proxy;        ///< URL, "none" or empty
    wire::ObserverKind observer = wire::ObserverKind::endpoint;
    std::array<std::uint8_t, 32> organisation_key{};
    std::string ca_pem;
    std::string certificate_pem;
    std::string key_pem;
    std::string host;            ///< platform::host_mark() where it was enrolled; empty: not known
    std::string settings_key;    ///< ed25519:HEX, given by hand at enrolment, never by the collector; empty: none
    std::string group;           ///< of the token; empty: none, or of an older collector
};

[[nodiscard]] std::filesystem::path enrolment_file(const std::filesystem::path& data_directory);
/// not_found with the next step where this host is not enrolled.
[[nodiscard]] Result<Enrolment> load_enrolment(const std::filesystem::path& data_directory);
[[nodiscard]] Result<void> save_enrolment(const std::filesystem::path& data_directory, const Enrolment& enrolment);
[[nodiscard]] Result<Validity> validity_of(const Enrolment& enrolment);

struct EnrolmentWish {
    std::string collector;
    std::string token;
    std::string ca_pin;    ///< sha256:HEX
    std::string proxy;
    std::string device_name;
    wire::ObserverKind observer = wire::ObserverKind::endpoint;
    std::filesystem::path data_directory;    ///< exists
    std::string host;
    std::string settings_key;
};
/// Makes a key (or takes the one that an interrupted attempt left), verifies the pin before the token is sent, and
/// stores the result. Blocks.
[[nodiscard]] Result<Enrolment> enrol(const EnrolmentWish& wish, const Environment& environment);

/// Makes an agent of its own of a copy of an enrolled host (a disk image): with a new key, by the certificate that it
/// was copied with, of `original`, which goes on untouched elsewhere. Of the wish, name, directory and host count.
/// Stores the result. Blocks.
[[nodiscard]] Result<Enrolment> enrol_clone(const Enrolment& original, EnrolmentWish wish,
                                            const Environment& environment);

/// A certificate for a new key, asked over the present one. The caller stores the result.
[[nodiscard]] boost::asio::awaitable<Result<Enrolment>> renew(HttpsClient& client, Enrolment present);

/// What the collector said in an answer that is not 2xx, cut to one short line.
[[nodiscard]] std::string told_by(const Response& response);

}    // namespace dl::agent::uplink
