#include "agent/dissect/tls.hpp"

#include <algorithm>
#include <cstring>

namespace dl::agent::dissect::tls {
namespace {

constexpr std::uint8_t handshake_record = 22;
constexpr std::uint8_t client_hello_type = 1;
constexpr std::uint8_t server_hello_type = 2;
constexpr std::size_t record_header = 5;
constexpr std::size_t handshake_header = 4;
constexpr std::size_t longest_possible =
    38 + 32 + 3 * 65536UL;    // what the lengths within a ClientHello can add up to

enum Extension : std::uint16_t {
    server_name = 0,
    alpn = 16,
    supported_versions = 43,
    encrypted_client_hello = 0xfe0d,
};

bool is_grease(std::uint16_t value) { return (value & 0x0f0fU) == 0x0a0aU && value >> 8U == (value & 0xffU); }

/// ServerNameList: length 16, then entries of name_type 8 (0: host_name), length 16, name.
void read_server_name(Bytes extension, ClientHello& hello)
{
    Cursor list(extension);
    list.skip(2);
    while (list.left() >= 3) {
        const std::uint8_t type = list.u8();
        const Bytes name = list.take(list.u16());
        if (!list.ok() || type != 0) return;
        hello.server_name = {reinterpret_cast<const char*>(name.data()), name.size()};
        return;
    }
}

void read_versions(Bytes extension, ClientHello& hello)
{
    Cursor list(extension);
    const std::size_t length = list.u8();
    Cursor versions(list.take_at_most(length));
    std::uint16_t highest = 0;
    while (versions.left() >= 2) {
        const std::uint16_t version = versions.u16();
        if (!is_grease(version)) highest = std::max(highest, version);
    }
    if (highest != 0) hello.version = highest;    // RFC 8446 section 4.2.1: then the field before does not count
}

/// legacy_version 16, random 32, session id (length 8), cipher suites (length 16), compression methods (length 8),
/// extensions (length 16): type 16, length 16, data. Where the bytes end too soon, what is whole counts.
ClientHello read_hello(Bytes body, std::size_t declared)
{
    ClientHello hello;
    Cursor cursor(body);
    hello.version = cursor.u16();
    cursor.skip(32);
    cursor.skip(cursor.u8());
    cursor.skip(cursor.u16());
    cursor.skip(cursor.u8());
    if (cursor.left() == 0) {
        hello.whole = cursor.ok() && body.size() == declared;
        return hello;
    }
    const std::size_t length = cursor.u16();
    Cursor extensions(cursor.take_at_most(length));
    while (extensions.left() >= 4) {
        const std::uint16_t type = extensions.u16();
        const Bytes data = extensions.take(extensions.u16());
        if (!extensions.ok()) break;
        switch (type) {
            case server_name: read_server_name(data, hello); break;
            case alpn: hello.protocols = data.size() > 2 ? data.subspan(2) : Bytes{}; break;
            case supported_versions: read_versions(data, hello); break;
            case encrypted_client_hello: hello.ech_outer = !data.empty() && data[0] == 0; break;
            default: break;
        }
    }
    hello.whole = extensions.ok() && body.size() == declared;
    return hello;
}

}    // namespace

Finding look_at_handshake(Bytes message, bool at_end)
{
    Finding finding;
    if (message.size() < handshake_header) {
        if (message.empty() || message[0] == client_hello_type) {
            finding.look = at_end ? Look::no : Look::more;
            finding.needed = handshake_header;
        }
        return finding;
    }
    if (message[0] == server_hello_type) {
        finding.look = Look::other_side;
        return finding;
    }
    const std::size_t length = static_cast<std::size_t>(message[1]) << 16U | u16_at(message, 2);
    if (message[0] != client_hello_type || length < 38 || length > longest_possible) return finding;
    const std::size_t available = message.size() - handshake_header;
    if (available < length && !at_end) {
        finding.look = Look::more;
        finding.needed = handshake_header + length;
        return finding;
    }
    finding.look = Look::client_hello;
    finding.hello = read_hello(message.subspan(handshake_header, std::min(length, available)), length);
    return finding;
}

/// TLSPlaintext (RFC 8446 section 5.1): type 8, legacy version 16, length 16 (at most 2^14), fragment.
Finding look_at_stream(Bytes stream, std::span<std::uint8_t> scratch, bool at_end)
{
    Finding finding;
    std::size_t gathered = 0;
    std::size_t at = 0;
    std::size_t lacking = 0;    // of the message, as far as its length is known
    Bytes message;
    for (;;) {
        const Bytes left = stream.subspan(at);
        const bool type_fits = left.empty() || left[0] == handshake_record;
        const bool version_fits = left.size() < 2 || left[1] == 3;
        const bool minor_fits = left.size() < 3 || left[2] <= 4;
        if (!type_fits || !version_fits || !minor_fits) return finding;
        if (left.size() < record_header) {
            finding.needed = at + record_header + lacking;    // or looking at many small records would take its square
            break;
        }
        const std::size_t length = u16_at(left, 3);
        if (length == 0 || length > 16384 + 256) return finding;
        const Bytes fragment = left.subspan(record_header, std::min(length, left.size() - record_header));
        finding.needed = at + record_header + length;
        if (gathered == 0) {
            message = fragment;
        } else {
            // More than is put together: what is there tells (gathered never exceeds the scratch).
            const std::size_t fits = std::min(fragment.size(), scratch.size() - gathered);
            if (message.data() != scratch.data()) std::memcpy(scratch.data(), message.data(), gathered);
            std::memcpy(scratch.data() + gathered, fragment.data(), fits);
            message = scratch.first(gathered + fits);
            if (fits < fragment.size()) return look_at_handshake(message, true);
        }
        gathered += fragment.size();
        if (gathered > scratch.size()) return finding;
        const Finding inner = look_at_handshake(message, false);
        if (inner.look != Look::more) return inner;
        if (message.size() >= handshake_header) lacking = inner.needed - gathered;
        if (fragment.size() < length) {
            // The message may end inside this record, whose rest carries another message, or go on in another record.
            if (message.size() >= handshake_header)
                finding.needed = at + record_header + fragment.size() + lacking +
                                 (lacking > length - fragment.size() ? record_header : 0);
            break;
        }
        at += record_header + length;
    }
    if (at_end) return gathered == 0 ? finding : look_at_handshake(message, true);
    finding.look = Look::more;
    return finding;
}

}    // namespace dl::agent::dissect::tls
