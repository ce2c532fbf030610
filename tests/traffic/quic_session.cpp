#include "tests/traffic/quic_session.hpp"

#include <fmt/format.h>
#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>

namespace dl::traffic {
namespace {

constexpr const char* priorities =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:"
    "%DISABLE_TLS13_COMPAT_MODE";
constexpr std::size_t id_size = 16;
constexpr int padding_extension = 0xff77;    // RFC 8447 section 7: 0xff00–0xffff are for private use
constexpr std::uint64_t window = 64 << 20;

ngtcp2_tstamp now()
{
    return static_cast<ngtcp2_tstamp>(std::chrono::steady_clock::now().time_since_epoch() /
                                      std::chrono::nanoseconds{1});
}

void random_octets(std::uint8_t* out, std::size_t size, const ngtcp2_rand_ctx*)
{
    if (gnutls_rnd(GNUTLS_RND_NONCE, out, size) != 0) throw std::runtime_error("no random octets");
}

int new_connection_id(ngtcp2_conn*, ngtcp2_cid* id, std::uint8_t* token, std::size_t size, void*)
{
    random_octets(id->data, size, nullptr);
    id->datalen = size;
    random_octets(token, NGTCP2_STATELESS_RESET_TOKENLEN, nullptr);
    return 0;
}

ngtcp2_cid random_id()
{
    ngtcp2_cid id{};
    random_octets(id.data, id_size, nullptr);
    id.datalen = id_size;
    return id;
}

void check(int result, const char* what)
{
    if (result != 0) throw std::runtime_error(fmt::format("{}: {}", what, ngtcp2_strerror(result)));
}

ngtcp2_callbacks callbacks_of(ngtcp2_recv_stream_data on_stream_data)
{
    ngtcp2_callbacks callbacks{};
    callbacks.client_initial = ngtcp2_crypto_client_initial_cb;
    callbacks.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
    callbacks.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb;
    callbacks.encrypt = ngtcp2_crypto_encrypt_cb;
    callbacks.decrypt = ngtcp2_crypto_decrypt_cb;
    callbacks.hp_mask = ngtcp2_crypto_hp_mask_cb;
    callbacks.recv_retry = ngtcp2_crypto_recv_retry_cb;
    callbacks.rand = random_octets;
    callbacks.get_new_connection_id = new_connection_id;
    callbacks.update_key = ngtcp2_crypto_update_key_cb;
    callbacks.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
    callbacks.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
    callbacks.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb;
    callbacks.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
    callbacks.recv_stream_data = on_stream_data;
    return callbacks;
}

ngtcp2_settings make_settings()
{
    ngtcp2_settings settings;
    ngtcp2_settings_default(&settings);
    settings.initial_ts = now();
    settings.handshake_timeout = 20 * NGTCP2_SECONDS;
    return settings;
}

ngtcp2_transport_params make_parameters()
{
    ngtcp2_transport_params parameters;
    ngtcp2_transport_params_default(&parameters);
    parameters.initial_max_stream_data_bidi_local = window;
    parameters.initial_max_stream_data_bidi_remote = window;
    parameters.initial_max_data = window;
    parameters.initial_max_streams_bidi = 4;
    parameters.max_idle_timeout = 30 * NGTCP2_SECONDS;
    return parameters;
}

ngtcp2_path path_of(sockaddr_in& local, sockaddr_in& remote)
{
    ngtcp2_path path{};
    path.local = {reinterpret_cast<ngtcp2_sockaddr*>(&local), sizeof local};
    path.remote = {reinterpret_cast<ngtcp2_sockaddr*>(&remote), sizeof remote};
    return path;
}

int send_padding(gnutls_session_t session, gnutls_buffer_t out)
{
    const auto size = *static_cast<const std::uint32_t*>(gnutls_db_get_ptr(session));
    return gnutls_buffer_append_data(out, zeros(), size) == 0 ? static_cast<int>(size) : GNUTLS_E_MEMORY_ERROR;
}

int ignore_padding(gnutls_session_t, const unsigned char*, std::size_t) { return 0; }

}    // namespace

QuicCredentials::QuicCredentials(End end)
{
    gnutls_certificate_allocate_credentials(&credentials_);
    if (end == End::client) return;
    Certificate made = make_certificate();
    const auto datum = [](std::string& text) {
        return gnutls_datum_t{reinterpret_cast<unsigned char*>(text.data()), static_cast<unsigned>(text.size())};
    };
    const gnutls_datum_t certificate = datum(made.certificate);
    const gnutls_datum_t key = datum(made.key);
    if (gnutls_certificate_set_x509_key_mem(credentials_, &certificate, &key, GNUTLS_X509_FMT_PEM) < 0) {
        throw std::runtime_error("GnuTLS does not take the certificate");
    }
}

QuicCredentials::~QuicCredentials() { gnutls_certificate_free_credentials(credentials_); }

void QuicSession::set_up_tls(const QuicCredentials& credentials, unsigned flags)
{
    gnutls_init(&tls_, flags);
    const int configured = client_ ? ngtcp2_crypto_gnutls_configure_client_session(tls_)
                                   : ngtcp2_crypto_gnutls_configure_server_session(tls_);
    if (configured != 0 || gnutls_priority_set_direct(tls_, priorities, nullptr) != 0 ||
        gnutls_credentials_set(tls_, GNUTLS_CRD_CERTIFICATE, credentials.get()) != 0) {
        throw std::runtime_error("GnuTLS session for QUIC");
    }
    unsigned char protocol[] = {'h', '3'};
    const gnutls_datum_t alpn{protocol, sizeof protocol};
    gnutls_alpn_set_protocols(tls_, &alpn, 1, GNUTLS_ALPN_MANDATORY);
    reference_.user_data = this;
    reference_.get_conn = [](ngtcp2_crypto_conn_ref* reference) {
        return static_cast<QuicSession*>(reference->user_data)->connection_;
    };
    gnutls_session_set_ptr(tls_, &reference_);
    ngtcp2_conn_set_tls_native_handle(connection_, tls_);
}

QuicSession::QuicSession(const QuicCredentials& credentials, const sockaddr_in& local, const sockaddr_in& remote,
                         const std::string& host, const Order& order, std::uint32_t hello_padding, Send send)
    : send_(std::move(send)),
      client_(true),
      local_(local),
      remote_(remote),
      hello_padding_(hello_padding),
      order_(order)
{
    order_.write(head_.data());
    const ngtcp2_cid server_id = random_id();
    const ngtcp2_cid client_id = random_id();
    const ngtcp2_path path = path_of(local_, remote_);
    const ngtcp2_callbacks callbacks = callbacks_of(on_stream_data);
    const ngtcp2_settings settings = make_settings();
    const ngtcp2_transport_params parameters = make_parameters();
    check(ngtcp2_conn_client_new(&connection_, &server_id, &client_id, &path, NGTCP2_PROTO_VER_V1, &callbacks,
                                 &settings, &parameters, nullptr, this),
          "QUIC client");
    set_up_tls(credentials, GNUTLS_CLIENT | GNUTLS_NO_END_OF_EARLY_DATA);
    gnutls_server_name_set(tls_, GNUTLS_NAME_DNS, host.data(), host.size());
    if (hello_padding_ > 0) {
        gnutls_db_set_ptr(tls_, &hello_padding_);
        gnutls_session_ext_register(tls_, "padding", padding_extension, GNUTLS_EXT_TLS, ignore_padding, send_padding,
                                    nullptr, nullptr, nullptr, GNUTLS_EXT_FLAG_CLIENT_HELLO | GNUTLS_EXT_FLAG_TLS);
    }
}

QuicSession::QuicSession(const QuicCredentials& credentials, const sockaddr_in& local, const sockaddr_in& remote,
                         const ngtcp2_pkt_hd& initial, Send send)
    : send_(std::move(send)), local_(local), remote_(remote)
{
    const ngtcp2_cid own_id = random_id();
    const ngtcp2_path path = path_of(local_, remote_);
    const ngtcp2_callbacks callbacks = callbacks_of(on_stream_data);
    const ngtcp2_settings settings = make_settings();
    ngtcp2_transport_params parameters = make_parameters();
    parameters.original_dcid = initial.dcid;
    check(ngtcp2_conn_server_new(&connection_, &initial.scid, &own_id, &path, initial.version, &callbacks, &settings,
                                 &parameters, nullptr, this),
          "QUIC server");
    set_up_tls(credentials, GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET | GNUTLS_NO_END_OF_EARLY_DATA);
}

QuicSession::~QuicSession()
{
    if (connection_ != nullptr) ngtcp2_conn_del(connection_);
    if (tls_ != nullptr) gnutls_deinit(tls_);
}

int QuicSession::on_stream_data(ngtcp2_conn* connection, std::uint32_t, std::int64_t stream, std::uint64_t,
                                const std::uint8_t* data, std::size_t size, void* user, void*)
{
    auto* self = static_cast<QuicSession*>(user);
    if (!self->client_) self->stream_ = stream;
    self->received({data, size});
    ngtcp2_conn_extend_max_stream_offset(connection, stream, size);
    ngtcp2_conn_extend_max_offset(connection, size);
    return 0;
}

// In order, as QUIC streams are. The server's first octets are the order.
void QuicSession::received(std::span<const std::uint8_t> data)
{
    if (!client_ && received_ < head_.size()) {
        const std::size_t part = std::min<std::size_t>(head_.size() - received_, data.size());
        std::memcpy(head_.data() + received_, data.data(), part);
        if (received_ + part == head_.size()) order_ = Order::read(head_.data());
    }
    received_ += data.size();
}

bool QuicSession::read(std::span<const std::uint8_t> datagram)
{
    const ngtcp2_path path = path_of(local_, remote_);
    const ngtcp2_pkt_info info{};
    return ngtcp2_conn_read_pkt(connection_, &path, &info, datagram.data(), datagram.size(), now()) == 0;
}

bool QuicSession::write()
{
    const bool ready = ngtcp2_conn_get_handshake_completed(connection_) != 0;
    if (client_ && ready && stream_ < 0 && ngtcp2_conn_open_bidi_stream(connection_, &stream_, nullptr) != 0)
        stream_ = -1;
    const std::uint64_t whole = client_ ? order_.up : order_.down;
    const bool may_send = stream_ >= 0 && (client_ || (order_.up > 0 && received_ >= order_.up));
    for (;;) {
        ngtcp2_vec part{};
        if (may_send && sent_ < whole) {
            if (client_ && sent_ < head_.size()) {
                part = {head_.data() + sent_, head_.size() - static_cast<std::size_t>(sent_)};
            } else {
                part = {const_cast<std::uint8_t*>(zeros()), std::min<std::size_t>(whole - sent_, zeros_size)};
            }
        }
        const bool last = may_send && sent_ + part.len == whole;
        const bool offer = may_send && !stream_finished_;
        std::array<std::uint8_t, 1452> packet;
        ngtcp2_path_storage path;
        ngtcp2_path_storage_zero(&path);
        ngtcp2_pkt_info info{};
        ngtcp2_ssize taken = -1;
        const ngtcp2_ssize size =
            ngtcp2_conn_writev_stream(connection_, &path.path, &info, packet.data(), packet.size(), &taken,
                                      offer && last ? NGTCP2_WRITE_STREAM_FLAG_FIN : NGTCP2_WRITE_STREAM_FLAG_NONE,
                                      offer ? stream_ : -1, &part, offer && part.len > 0 ? 1 : 0, now());
        if (size < 0) return false;
        if (taken >= 0) {
            sent_ += static_cast<std::uint64_t>(taken);
            if (last && sent_ == whole) stream_finished_ = true;
        }
        if (size == 0) break;
        send_({packet.data(), static_cast<std::size_t>(size)});
    }
    ngtcp2_conn_update_pkt_tx_time(connection_, now());
    return true;
}

int QuicSession::wait_ms(int limit) const
{
    const ngtcp2_tstamp expiry = ngtcp2_conn_get_expiry(connection_);
    const ngtcp2_tstamp moment = now();
    if (expiry <= moment) return 0;
    return static_cast<int>(
        std::min<std::uint64_t>((expiry - moment) / NGTCP2_MILLISECONDS + 1, static_cast<std::uint64_t>(limit)));
}

bool QuicSession::on_timer()
{
    if (ngtcp2_conn_get_expiry(connection_) > now()) return true;
    return ngtcp2_conn_handle_expiry(connection_, now()) == 0;
}

void QuicSession::close()
{
    std::array<std::uint8_t, 1452> packet;
    ngtcp2_path_storage path;
    ngtcp2_path_storage_zero(&path);
    ngtcp2_pkt_info info{};
    ngtcp2_connection_close_error reason;
    ngtcp2_connection_close_error_default(&reason);
    const ngtcp2_ssize size = ngtcp2_conn_write_connection_close(connection_, &path.path, &info, packet.data(),
                                                                 packet.size(), &reason, now());
    if (size > 0) send_({packet.data(), static_cast<std::size_t>(size)});
}

}    // namespace dl::traffic
