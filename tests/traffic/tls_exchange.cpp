// TLS 1.3 (RFC 8446) by OpenSSL over real sockets. A padded ClientHello carries an extension of private use, and its
// connection has small segments, so that the server name arrives in the second segment or later.
#include "tests/traffic/exchange.hpp"
#include "tests/traffic/sockets.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <thread>

namespace dl::traffic {
namespace {

constexpr unsigned padding_extension = 0xff77;    // RFC 8447 section 7: 0xff00–0xffff are for private use
constexpr int small_segment = 536;                // RFC 9293 section 3.7.1: the default MSS

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using Session = std::unique_ptr<SSL, decltype(&SSL_free)>;

[[noreturn]] void fail_tls(const std::string& what)
{
    std::array<char, 256> text{};
    ERR_error_string_n(ERR_get_error(), text.data(), text.size());
    throw std::runtime_error(fmt::format("{}: {}", what, text.data()));
}

int add_padding(SSL*, unsigned, unsigned, const unsigned char** out, std::size_t* size, X509*, std::size_t, int*,
                void* argument)
{
    *out = zeros();
    *size = *static_cast<const std::uint32_t*>(argument);
    return 1;
}

Context client_context(const std::uint32_t* padding)
{
    Context context{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    if (*padding > 0 && SSL_CTX_add_custom_ext(context.get(), padding_extension, SSL_EXT_CLIENT_HELLO, add_padding,
                                               nullptr, const_cast<std::uint32_t*>(padding), nullptr, nullptr) != 1) {
        fail_tls("padding extension");
    }
    return context;
}

Context server_context()
{
    Context context{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    const Certificate made = make_certificate();
    const auto read_pem = [](const std::string& text) {
        return std::unique_ptr<BIO, decltype(&BIO_free_all)>{
            BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free_all};
    };
    const auto certificate_bio = read_pem(made.certificate);
    const auto key_bio = read_pem(made.key);
    X509* certificate = PEM_read_bio_X509(certificate_bio.get(), nullptr, nullptr, nullptr);
    EVP_PKEY* key = PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr);
    const bool good =
        SSL_CTX_use_certificate(context.get(), certificate) == 1 && SSL_CTX_use_PrivateKey(context.get(), key) == 1;
    X509_free(certificate);
    EVP_PKEY_free(key);
    if (!good) fail_tls("server certificate");
    return context;
}

void write_tls(SSL* session, const std::uint8_t* bytes, std::size_t size)
{
    std::size_t sent = 0;
    if (SSL_write_ex(session, bytes, size, &sent) != 1 || sent != size) fail_tls("SSL_write");
}

void write_zeros(SSL* session, std::size_t size)
{
    while (size > 0) {
        const std::size_t part = std::min<std::size_t>(size, 16384);
        write_tls(session, zeros(), part);
        size -= part;
    }
}

void read_away(SSL* session, std::size_t size)
{
    std::array<std::uint8_t, 16384> buffer;
    while (size > 0) {
        std::size_t got = 0;
        if (SSL_read_ex(session, buffer.data(), std::min(size, buffer.size()), &got) != 1) fail_tls("SSL_read");
        size -= got;
    }
}

// After our close_notify: take what still comes (the peer's close_notify) until the end of the stream.
std::uint64_t drain(int fd)
{
    std::array<char, 4096> buffer;
    std::uint64_t drained = 0;
    for (;;) {
        const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
        if (got < 0) fail("recv after the end");
        if (got == 0) return drained;
        drained += static_cast<std::uint64_t>(got);
    }
}

void serve_one(SSL_CTX* context, const Socket& socket)
{
    const Session session{SSL_new(context), SSL_free};
    SSL_set_fd(session.get(), socket.fd());
    if (SSL_accept(session.get()) != 1) fail_tls("SSL_accept");
    std::array<std::uint8_t, Order::size> bytes;
    std::size_t first = 0;
    if (SSL_read_ex(session.get(), bytes.data(), bytes.size(), &first) != 1 || first != bytes.size()) fail_tls("order");
    const Order order = Order::read(bytes.data());
    read_away(session.get(), order.up - bytes.size());
    write_zeros(session.get(), order.down);
    std::uint8_t more = 0;
    std::size_t got = 0;
    static_cast<void>(SSL_read_ex(session.get(), &more, 1, &got));    // waits for the client's close_notify
    SSL_shutdown(session.get());
    shutdown(socket.fd(), SHUT_WR);
    static_cast<void>(drain(socket.fd()));
}

}    // namespace

Counted exchange_tls(const Exchange& exchange)
{
    const Visit& visit = exchange.visit;
    const std::uint32_t padding = visit.hello_padding;
    const Context context = client_context(&padding);
    const Socket socket = connect_tcp(exchange.client, exchange.server, visit.port, padding > 0 ? small_segment : 0);
    const Session session{SSL_new(context.get()), SSL_free};
    SSL_set_fd(session.get(), socket.fd());
    // SSL_set_tlsext_host_name without its old-style cast.
    SSL_ctrl(session.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(visit.host.c_str()));
    if (SSL_connect(session.get()) != 1) fail_tls(fmt::format("handshake with {}", visit.host));

    std::array<std::uint8_t, Order::size> order;
    Order{visit.up, visit.down}.write(order.data());
    write_tls(session.get(), order.data(), order.size());    // a record of its own
    write_zeros(session.get(), visit.up - order.size());
    read_away(session.get(), visit.down);
    std::this_thread::sleep_for(exchange.hold);

    SSL_shutdown(session.get());
    shutdown(socket.fd(), SHUT_WR);
    const std::uint64_t last = drain(socket.fd());
    return {local_port(socket),
            BIO_number_written(SSL_get_wbio(session.get())),
            BIO_number_read(SSL_get_rbio(session.get())) + last,
            {}};
}

void serve_tls(std::uint16_t port)
{
    static const Context context = server_context();
    const Socket listener = listen_tcp(port);
    for (;;) {
        const int fd = accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) continue;
        std::thread([fd] {
            const Socket socket{fd};
            try {
                serve_one(context.get(), socket);
            } catch (const std::exception& problem) {
                fmt::print(stderr, "daylight-traffic internet: {}\n", problem.what());
            }
        }).detach();
    }
}

}    // namespace dl::traffic
