#include "collector/intake/agent_server.hpp"

#include "collector/intake/agent_session.hpp"
#include "collector/intake/listen_address.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <exception>
#include <set>
#include <thread>
#include <vector>

namespace dl::collector::intake {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds accept_pause{200};    ///< when descriptors ran out

/// One thread with its own io_context and the connections that live there.
struct Worker {
    std::set<AgentSession*> sessions;    ///< before the context: connections take themselves out when it destroys them
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

    Result<void> bind(const std::string& address, const tcp::endpoint& endpoint)
    {
        boost::system::error_code error;
        acceptor_->open(endpoint.protocol(), error);
        if (!error) acceptor_->set_option(tcp::acceptor::reuse_address(true), error);
        if (!error) acceptor_->bind(endpoint, error);
        if (!error) acceptor_->listen(4096, error);
        if (error)
            return unavailable(
                fmt::format("can't listen on {} for agents: {}; stop what uses it or change agents_listen", address,
                            error.message()));
        bound_ = acceptor_->local_endpoint(error);
        return {};
    }

    void start()
    {
        asio::co_spawn(workers_.front()->context, accept(), [](std::exception_ptr bug) { report(bug, "accepting"); });
        for (auto& worker : workers_)
            worker->thread = std::thread([&context = worker->context] { context.run(); });
    }

    std::string address() const override { return to_text(bound_); }
    std::uint16_t port() const override { return bound_.port(); }

    ServerCounters counters() const override
    {
        return {state_.connections, state_.turned_away, state_.failed_handshakes,
                state_.requests,    state_.refused,     state_.broken};
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
    static void report(const std::exception_ptr& bug, const char* where)
    {
        if (!bug) return;
        try {
            std::rethrow_exception(bug);
        } catch (const std::exception& error) {
            spdlog::error("agents: {}: {}", where, error.what());
        }
    }

    asio::awaitable<void> accept()
    {
        for (std::size_t next = 0; !state_.draining; next = (next + 1) % workers_.size()) {
            Worker& worker = *workers_[next];
            auto [error, socket] = co_await acceptor_->async_accept(worker.context, as_result);
            if (error == asio::error::operation_aborted || state_.draining) co_return;
            if (error) {
                spdlog::warn("agents: can't accept: {}", error.message());
                asio::steady_timer pause{workers_.front()->context};
                pause.expires_after(accept_pause);
                [[maybe_unused]] const auto [woken] = co_await pause.async_wait(as_result);
                continue;
            }
            if (state_.open_connections.fetch_add(1) >= state_.limits.connections) {
                --state_.open_connections;
                ++state_.turned_away;
                continue;    // the socket closes
            }
            asio::co_spawn(worker.context, serve(worker, std::move(socket)),
                           [](std::exception_ptr bug) { report(bug, "connection"); });
        }
    }

    asio::awaitable<void> serve(Worker& worker, tcp::socket socket)
    {
        boost::system::error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        AgentSession session{std::move(socket), context_.get(), state_};
        struct Registration {
            std::set<AgentSession*>& sessions;
            AgentSession* session;
            Registration(std::set<AgentSession*>& all, AgentSession* one) : sessions(all), session(one)
            {
                sessions.insert(session);
            }
            ~Registration() { sessions.erase(session); }
        };
        const Registration registration{worker.sessions, &session};
        co_await session.run();
    }

    CurrentContext& context_;
    ServerState state_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::unique_ptr<tcp::acceptor> acceptor_;
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
    if (auto bound = server->bind(address, *endpoint); !bound) return bound.error();
    server->start();
    return std::unique_ptr<AgentServer>(std::move(server));
}

}    // namespace dl::collector::intake
