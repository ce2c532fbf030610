#include "collector/intake/agent_server.hpp"

#include "collector/intake/agent_session.hpp"
#include "collector/intake/listen_address.hpp"
#include "collector/intake/listening.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <exception>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace dl::collector::intake {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr Listening for_agents{"agents", "agents.listen"};

/// One thread with its own io_context and the connections that live there.
struct Worker {
    std::set<AgentSession*> sessions;    ///< before the context: connections take themselves out when it destroys them
    /// Who showed no certificate when last looked at. Silent: said nothing yet, and has no TLS buffers.
    struct Newcomer {
        tcp::socket* silent = nullptr;
        AgentSession* session = nullptr;
    };
    std::map<std::uint64_t, Newcomer> newcomers;    ///< by arrival
    std::uint64_t arrivals = 0;

    /// On its own thread. Whoever has been here longest without a certificate of ours leaves; true where there was one.
    bool make_room()
    {
        while (!newcomers.empty()) {
            const Newcomer longest = newcomers.begin()->second;
            newcomers.erase(newcomers.begin());
            if (longest.session && longest.session->is_known()) continue;
            if (longest.session)
                longest.session->end();
            else
                hush(*longest.silent);
            return true;
        }
        return false;
    }
    static void hush(tcp::socket& silent)
    {
        boost::system::error_code ignored;
        silent.cancel(ignored);
    }

    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(context);
    std::thread thread;
};

class Server final : public AgentServer {
public:
    Server(unsigned threads, CurrentContext& context, const pki::CertificateAuthority& authority, Endpoints& endpoints,
           ServerLimits limits)
        : context_(context), state_{authority, endpoints, limits}
    {
        for (unsigned i = 0; i < std::max(1U, threads); ++i)
            workers_.push_back(std::make_unique<Worker>());
        acceptor_ = std::make_unique<tcp::acceptor>(workers_.front()->context);
    }
    ~Server() override { stop(); }

    Result<void> bind(const tcp::endpoint& endpoint)
    {
        if (auto listening = listen(*acceptor_, endpoint, for_agents); !listening) return listening.error();
        boost::system::error_code error;
        bound_ = acceptor_->local_endpoint(error);
        return {};
    }

    void start()
    {
        asio::co_spawn(workers_.front()->context, accept_each(*acceptor_, for_agents, reception_),
                       [](std::exception_ptr bug) { log_bug(bug, for_agents, "accepting"); });
        for (auto& worker : workers_)
            worker->thread = std::thread([&context = worker->context] { context.run(); });
    }

    std::string address() const override { return to_text(bound_); }
    std::uint16_t port() const override { return bound_.port(); }

    ServerCounters counters() const override
    {
        return {state_.connections, state_.turned_away, state_.failed_handshakes, state_.requests,
                state_.refused,     state_.broken,      state_.gave_way};
    }

    void stop() override
    {
        if (state_.draining.exchange(true)) return;
        Worker& first = *workers_.front();
        asio::post(first.context, [this] {
            boost::system::error_code ignored;
            acceptor_->close(ignored);
        });
        for (auto& worker : workers_)
            asio::post(worker->context, [&worker = *worker] {
                for (AgentSession* session : worker.sessions)
                    session->end_when_idle();
                for (const auto& [arrival, newcomer] : worker.newcomers)
                    if (!newcomer.session) Worker::hush(*newcomer.silent);
                worker.work.reset();
            });
        const auto deadline = std::chrono::steady_clock::now() + state_.limits.drain;
        while (state_.open_connections > 0 && std::chrono::steady_clock::now() < deadline)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        for (auto& worker : workers_)
            worker->context.stop();
        for (auto& worker : workers_)
            if (worker->thread.joinable()) worker->thread.join();
    }

private:
    /// Connections go round the threads.
    Worker& next_worker() { return *workers_[next_ = (next_ + 1) % workers_.size()]; }

    void take(tcp::socket socket)
    {
        if (state_.draining) return;
        // A crowd of strangers must not lock the agents out: above the limit each newcomer takes the place of one of
        // them.
        const std::size_t open = state_.open_connections.fetch_add(1);
        if (open >= state_.limits.connections + state_.limits.connections / 10) {
            --state_.open_connections;
            ++state_.turned_away;
            return;    // the socket closes
        }
        Worker& worker = *workers_[next_];
        if (open >= state_.limits.connections)
            asio::post(worker.context, [this, &worker] { state_.gave_way += worker.make_room() ? 1 : 0; });
        asio::co_spawn(worker.context, serve(worker, std::move(socket)),
                       [](std::exception_ptr bug) { log_bug(bug, for_agents, "connection"); });
    }

    asio::awaitable<void> serve(Worker& worker, tcp::socket socket)
    {
        struct Registration {
            Server& server;
            Worker& worker;
            std::uint64_t arrival;
            AgentSession* session = nullptr;
            Registration(Server& one, Worker& home, tcp::socket& silent)
                : server(one), worker(home), arrival(++home.arrivals)
            {
                worker.newcomers[arrival].silent = &silent;
            }
            void speaks(AgentSession* one)
            {
                session = one;
                worker.sessions.insert(one);
                const auto newcomer = worker.newcomers.find(arrival);
                if (newcomer != worker.newcomers.end()) newcomer->second.session = one;
            }
            ~Registration()
            {
                worker.newcomers.erase(arrival);
                if (session)
                    worker.sessions.erase(session);
                else
                    --server.state_.open_connections;    // a session counts itself out
            }
        };
        Registration registration(*this, worker, socket);
        const bool speaks = co_await first_octet(worker, socket);
        if (!speaks) co_return;
        boost::system::error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        AgentSession session{std::move(socket), context_.get(), state_};
        registration.speaks(&session);
        co_await session.run();
    }

    /// Until the guest says something; false where it does not in time. TLS costs some 90 KiB a connection: a silent
    /// one gets none.
    asio::awaitable<bool> first_octet(Worker& worker, tcp::socket& socket)
    {
        const auto waiting = std::make_shared<bool>(true);    // the timer's handler may be queued when the wait is over
        asio::steady_timer limit{worker.context};
        limit.expires_after(state_.limits.handshake);
        limit.async_wait([still = std::weak_ptr<bool>(waiting), &socket](const boost::system::error_code& error) {
            if (!error && still.lock()) Worker::hush(socket);
        });
        const auto [error] = co_await socket.async_wait(tcp::socket::wait_read, as_result);
        co_return !error && !state_.draining;
    }

    CurrentContext& context_;
    ServerState state_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::size_t next_ = 0;    ///< the worker that the connection being accepted goes to
    std::unique_ptr<tcp::acceptor> acceptor_;
    const Reception reception_{[this]() -> asio::io_context& { return next_worker().context; },
                               [this](tcp::socket socket) { take(std::move(socket)); }};
    tcp::endpoint bound_;
};

}    // namespace

Result<std::unique_ptr<AgentServer>> start_agent_server(const std::string& address, unsigned threads,
                                                        CurrentContext& context,
                                                        const pki::CertificateAuthority& authority,
                                                        Endpoints& endpoints, ServerLimits limits)
{
    const auto endpoint = parse_listen_address(address);
    if (!endpoint) return endpoint.error();
    auto server = std::make_unique<Server>(threads, context, authority, endpoints, limits);
    if (auto bound = server->bind(*endpoint); !bound) return bound.error();
    server->start();
    return std::unique_ptr<AgentServer>(std::move(server));
}

}    // namespace dl::collector::intake
