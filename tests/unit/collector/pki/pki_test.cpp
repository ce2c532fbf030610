// Certificates, tokens and the registry on a real state store in a temporary directory.
#include "collector/pki/agent_registry.hpp"
#include "collector/pki/certificate_authority.hpp"
#include "collector/pki/enrolment_tokens.hpp"
#include "collector/pki/secrets.hpp"
#include "tests/unit/collector/store/store_room.hpp"

#include <gtest/gtest.h>
#include <openssl/x509.h>

#include <atomic>
#include <mutex>
#include <set>
#include <sys/stat.h>
#include <thread>

namespace dl::collector::pki {
namespace {

using store::TemporaryDirectory;
using wire::ObserverKind;

const Timestamp now{std::chrono::seconds(1'790'000'000)};
constexpr std::chrono::hours week{24 * 7};

struct Authority {
    TemporaryDirectory folder;
    CertificateAuthority ca;

    Authority() : ca(make(folder)) {}
    static CertificateAuthority make(const TemporaryDirectory& folder)
    {
        CertificateAuthority::create(folder.path(), now).value();
        return std::move(CertificateAuthority::open(folder.path()).value());
    }
};

SubjectKey subject(const std::string& common_name = "whoever")
{
    const tls::Key key = tls::make_key().value();
    return std::move(take_subject_key(tls::make_signing_request(*key, common_name).value()).value());
}

std::unique_ptr<store::StateStore> open_state(const TemporaryDirectory& folder)
{
    return std::move(store::open_sqlite_state_store(folder / "state.sqlite", store::Open::create).value());
}

TEST(CertificateAuthority, names_the_agent_not_what_the_request_asked_for)
{
    const Authority one;
    const AgentId id = AgentId::random();
    const auto issued = one.ca.issue_agent(subject("administrator"), id, 7, now, week);
    ASSERT_TRUE(issued);
    const tls::Certificate certificate = std::move(tls::certificate_from_pem(issued->pem).value());
    const auto holder = one.ca.identify(*certificate);
    ASSERT_TRUE(holder) << holder.error().message;
    EXPECT_EQ(holder->agent, id);
    EXPECT_EQ(holder->serial, issued->serial);
    EXPECT_EQ(holder->serial.size(), 32U);
    EXPECT_EQ(holder->not_after, now + week);
    EXPECT_EQ(holder->generation, 7U);
    EXPECT_LE(holder->not_before, now);
}

TEST(CertificateAuthority, refuses_certificates_of_another_authority_and_of_servers)
{
    const Authority ours;
    const Authority other;
    const auto foreign = other.ca.issue_agent(subject(), AgentId::random(), 1, now, week);
    const tls::Certificate certificate = std::move(tls::certificate_from_pem(foreign->pem).value());
    EXPECT_EQ(ours.ca.identify(*certificate).error().kind, Failure::Kind::denied);

    const tls::Key key = tls::make_key().value();
    const auto server = ours.ca.issue_server(*key, {"localhost", "127.0.0.1", "::1"}, now, week);
    ASSERT_TRUE(server) << server.error().message;
    const tls::Certificate server_certificate = std::move(tls::certificate_from_pem(server->pem).value());
    EXPECT_TRUE(ours.ca.issued(*server_certificate));
    EXPECT_EQ(ours.ca.identify(*server_certificate).error().kind, Failure::Kind::denied);
    const tls::Certificate itself = std::move(tls::certificate_from_pem(ours.ca.pem()).value());
    EXPECT_EQ(ours.ca.identify(*itself).error().kind, Failure::Kind::denied);
}

TEST(CertificateAuthority, keeps_its_pin_and_hides_its_key)
{
    const Authority one;
    EXPECT_EQ(CertificateAuthority::open(one.folder.path())->pin(), one.ca.pin());
    EXPECT_TRUE(tls::parse_pin(one.ca.pin()));
    struct stat status {};
    ASSERT_EQ(::stat((one.folder / "ca.key").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST(CertificateAuthority, refuses_what_is_no_signing_request)
{
    EXPECT_EQ(take_subject_key("").error().kind, Failure::Kind::invalid_input);
    EXPECT_EQ(take_subject_key(std::string(20'000, 'A')).error().kind, Failure::Kind::invalid_input);
    EXPECT_EQ(
        take_subject_key("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n").error().kind,
        Failure::Kind::invalid_input);
}

TEST(EnrolmentTokens, of_clients_that_race_for_one_use_exactly_one_wins)
{
    const TemporaryDirectory folder;
    const auto state = open_state(folder);
    EnrolmentTokens tokens{*state};
    const std::string token = tokens.create({}, now).value();
    std::atomic<int> won{0};
    std::atomic<int> denied_count{0};
    std::vector<std::thread> clients;
    for (int i = 0; i < 8; ++i)
        clients.emplace_back([&] {
            EnrolmentTokens mine{*state};
            const auto redeemed = mine.redeem(token, ObserverKind::endpoint, now);
            if (redeemed)
                ++won;
            else if (redeemed.error().kind == Failure::Kind::denied)
                ++denied_count;
        });
    for (std::thread& client : clients)
        client.join();
    EXPECT_EQ(won, 1);
    EXPECT_EQ(denied_count, 7);
}

TEST(EnrolmentTokens, are_good_for_their_uses_time_and_kind_only)
{
    const TemporaryDirectory folder;
    const auto state = open_state(folder);
    EnrolmentTokens tokens{*state};
    const std::string unseen = tokens.create({}, now).value();
    ASSERT_TRUE(tokens.withdraw(unseen.substr(0, unseen.find('.'))));
    EXPECT_TRUE(tokens.list().value().empty());
    EXPECT_EQ(tokens.redeem(unseen, ObserverKind::endpoint, now).error().kind, Failure::Kind::denied);
    const std::string token = tokens.create({2, std::chrono::hours(1), ObserverKind::sensor, "taps"}, now).value();
    EXPECT_FALSE(tokens.redeem(token, ObserverKind::endpoint, now));
    EXPECT_FALSE(tokens.redeem(token, ObserverKind::sensor, now + std::chrono::hours(1)));
    std::string forged = token;
    forged.back() = forged.back() == '0' ? '1' : '0';
    EXPECT_EQ(tokens.redeem(forged, ObserverKind::sensor, now).error().kind, Failure::Kind::denied);
    EXPECT_FALSE(tokens.redeem("", ObserverKind::sensor, now));
    EXPECT_EQ(tokens.redeem(token, ObserverKind::sensor, now)->remaining, 1U);
    EXPECT_EQ(tokens.redeem(token, ObserverKind::sensor, now)->remaining, 0U);
    EXPECT_FALSE(tokens.redeem(token, ObserverKind::sensor, now));
}

TEST(EnrolmentTokens, revoked_ones_open_nothing_and_no_secret_is_stored)
{
    const TemporaryDirectory folder;
    const auto state = open_state(folder);
    EnrolmentTokens tokens{*state};
    const std::string token = tokens.create({}, now).value();
    const std::string id = token.substr(0, 16);
    const std::string stored = state->get("enrolment-tokens", id).value()->value.dump();
    EXPECT_EQ(stored.find(token.substr(17)), std::string::npos);
    ASSERT_TRUE(tokens.revoke(id));
    EXPECT_FALSE(tokens.redeem(token, ObserverKind::endpoint, now));
    EXPECT_EQ(tokens.revoke("0123456789abcdef").error().kind, Failure::Kind::not_found);
}

TEST(AgentRegistry, admits_by_time_agent_and_certificate)
{
    const TemporaryDirectory folder;
    const auto state = open_state(folder);
    AgentRegistry registry{*state};
    Agent agent;
    agent.id = AgentId::random();
    agent.device_name = "laptop-1";
    agent.key_fingerprint = "f00d";
    agent.token = "t";
    agent.serial = "01";
    agent.not_after = now + week;
    ASSERT_TRUE(registry.add(agent));
    EXPECT_EQ(registry.enrolled_before("f00d", "t").value()->id, agent.id);
    EXPECT_FALSE(registry.enrolled_before("f00d", "another").value());

    const Holder holder{agent.id, "01", now - week, now + week};
    EXPECT_TRUE(registry.admit(holder, now));
    EXPECT_FALSE(registry.admit(holder, now + week));
    EXPECT_FALSE(registry.admit({AgentId::random(), "01", now - week, now + week}, now));

    EXPECT_EQ(registry.revoke_serial("01").value(), agent.id);
    EXPECT_FALSE(registry.admit(holder, now));
    EXPECT_TRUE(registry.admit({agent.id, "02", now - week, now + week}, now));
    ASSERT_TRUE(registry.revoke(agent.id, now));
    EXPECT_FALSE(registry.admit({agent.id, "02", now - week, now + week}, now));
}

/// An agent with some certificates, as the collector gave them.
struct Renewing {
    TemporaryDirectory folder;
    std::unique_ptr<store::StateStore> state = open_state(folder);
    AgentRegistry registry{*state};
    AgentId id = AgentId::random();

    Renewing()
    {
        Agent agent;
        agent.id = id;
        agent.generation = 1;
        agent.not_after = now + week;
        EXPECT_TRUE(registry.add(agent));
    }
    Holder shown(std::uint64_t generation) const
    {
        return {id, "serial " + std::to_string(generation), now - week, now + week, generation};
    }
    bool admits(std::uint64_t generation) { return registry.admit(shown(generation), now).has_value(); }
};

TEST(Generations, the_one_before_is_good_until_the_next_is_first_used)
{
    Renewing agent;
    EXPECT_TRUE(agent.admits(1));
    EXPECT_EQ(agent.registry.next_generation(agent.id).value(), 2U);    // its reply gets lost
    EXPECT_TRUE(agent.admits(1));
    EXPECT_EQ(agent.registry.next_generation(agent.id).value(), 3U);
    EXPECT_TRUE(agent.admits(1));
    EXPECT_TRUE(agent.admits(3));
    EXPECT_TRUE(agent.admits(3));
    EXPECT_FALSE(agent.registry.get(agent.id)->locked);
}

TEST(Generations, an_older_one_after_a_newer_was_used_locks_that_agent_alone)
{
    Renewing agent;
    Agent other;
    other.id = AgentId::random();
    other.generation = 1;
    ASSERT_TRUE(agent.registry.add(other));
    EXPECT_TRUE(agent.admits(1));
    ASSERT_TRUE(agent.registry.next_generation(agent.id));
    EXPECT_TRUE(agent.admits(2));
    const auto first = agent.registry.admit(agent.shown(1), now);
    EXPECT_EQ(first.error().kind, Failure::Kind::conflict) << "this one is to be told to security";
    EXPECT_NE(first.error().message.find("key was copied"), std::string::npos);
    EXPECT_EQ(agent.registry.admit(agent.shown(1), now).error().kind, Failure::Kind::denied) << "once";
    EXPECT_FALSE(agent.admits(2)) << "which of the two is the copy can't be known";
    EXPECT_EQ(agent.registry.get(agent.id)->locked, now);
    EXPECT_FALSE(agent.registry.admit(agent.shown(2), now, Purpose::renew));
    EXPECT_FALSE(agent.registry.admit(agent.shown(2), now, Purpose::clone));
    EXPECT_TRUE(agent.registry.admit({other.id, "s", now - week, now + week, 1}, now));
}

TEST(Generations, of_a_copy_that_renews_first_the_original_notices)
{
    Renewing agent;
    ASSERT_TRUE(agent.admits(1));
    ASSERT_TRUE(agent.registry.next_generation(agent.id));    // the copy's
    EXPECT_TRUE(agent.admits(2));
    EXPECT_FALSE(agent.admits(1)) << "the original";
    EXPECT_FALSE(agent.admits(2));
}

TEST(Generations, beyond_what_a_restored_store_knows_are_taken_up)
{
    Renewing agent;
    EXPECT_TRUE(agent.admits(9));
    EXPECT_EQ(agent.registry.next_generation(agent.id).value(), 10U);
    EXPECT_FALSE(agent.admits(8));
}

TEST(Generations, are_not_asked_of_certificates_that_tell_none_until_the_first_does)
{
    Renewing agent;
    EXPECT_TRUE(agent.admits(0));
    EXPECT_TRUE(agent.admits(0));
    EXPECT_TRUE(agent.admits(2));
    EXPECT_FALSE(agent.admits(0));
}

TEST(Generations, given_at_once_are_all_different)
{
    Renewing agent;
    std::mutex mutex;
    std::set<std::uint64_t> given;
    std::vector<std::thread> clients;
    for (int i = 0; i < 8; ++i)
        clients.emplace_back([&] {
            const auto next = AgentRegistry{*agent.state}.next_generation(agent.id).value();
            const std::lock_guard lock{mutex};
            EXPECT_TRUE(given.insert(next).second);
        });
    for (std::thread& client : clients)
        client.join();
    EXPECT_EQ(*given.rbegin(), 9U);
}

TEST(AgentRegistry, lets_an_agent_that_slept_only_renew)
{
    Renewing agent;
    const Timestamp late = now + week + std::chrono::hours(24);
    const auto report = agent.registry.admit(agent.shown(1), late);
    EXPECT_NE(report.error().message.find("renew it"), std::string::npos);
    EXPECT_TRUE(agent.registry.admit(agent.shown(1), late, Purpose::renew));
    const Timestamp too_late = now + week + renewal_grace;
    EXPECT_TRUE(agent.registry.admit(agent.shown(1), too_late - std::chrono::seconds(1), Purpose::renew));
    EXPECT_FALSE(agent.registry.admit(agent.shown(1), too_late, Purpose::renew));
}

TEST(AgentRegistry, reads_what_was_written_before_there_were_generations)
{
    Renewing agent;
    auto document = **agent.state->get("agents", agent.id.hex());
    for (const char* key : {"generation", "used", "locked_us", "cloned_from", "clones"})
        document.value.erase(key);
    ASSERT_TRUE(agent.state->put_if_version("agents", agent.id.hex(), document.version, document.value));
    EXPECT_TRUE(agent.admits(0));
    EXPECT_EQ(agent.registry.next_generation(agent.id).value(), 1U);
    EXPECT_TRUE(agent.admits(0));
    EXPECT_TRUE(agent.admits(1));
    EXPECT_FALSE(agent.admits(0));
}

}    // namespace
}    // namespace dl::collector::pki
