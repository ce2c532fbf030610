#include "agent/commands/observed_rows.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

namespace dl::agent::commands {
namespace {

/// Who it is depends on the client alone; a host of its own per user.
class ByClient final : public identity::Attributor {
public:
    void start() override {}
    identity::Identity identify(const flow::Connection& connection) override
    {
        identity::Identity identity;
        if (connection.client.address.bytes[3] % 2 == 0) identity.user = "user" + std::to_string(connection.id % 3);
        return identity;
    }
};

flow::Connection connection(unsigned number)
{
    flow::Connection connection;
    connection.id = number;
    connection.client = {*Address::parse("192.0.2." + std::to_string(number % 7)), 40000};
    connection.server = {*Address::parse(number % 5 == 0 ? "2001:db8::1" : "198.51.100.1"), 443};
    return connection;
}

/// Every key comes again long after it first did; names with an octet of zero among them.
void use(ObservedRows& rows)
{
    for (unsigned i = 0; i < 400; ++i) {
        const flow::Connection each = connection(i % 50);
        const std::string name = i % 4 == 0 ? std::string() : std::string("h\0st", 4) + std::to_string(i % 11);
        flow::Usage usage;
        usage.name = name;
        usage.evidence = i % 2 == 0 ? wire::Evidence::tls_sni : wire::Evidence::dns_query;
        usage.connections = i % 2;
        usage.bytes_up = i;
        usage.bytes_down = 3ULL << 40U;
        usage.first_seen = Timestamp{std::chrono::seconds(1'700'000'000 + i)};
        usage.last_seen = usage.first_seen + std::chrono::seconds(5);
        rows.opened(each);
        rows.used(each, usage);
        if (i % 3 == 0) rows.closed(each);
    }
}

std::string written(ObservedRows& rows, rows::Format format)
{
    std::ostringstream out;
    const auto writer = rows::create_row_writer(format, ObservedRows::columns(), out, 120);
    EXPECT_TRUE(rows.write(*writer));
    EXPECT_TRUE(writer->finish());
    return out.str();
}

TEST(ObservedRows, AreTheSameWithAndWithoutATemporaryFile)
{
    ByClient attributor;
    for (const rows::Format format : {rows::Format::jsonl, rows::Format::table}) {
        ObservedRows in_memory(&attributor);
        use(in_memory);
        const std::string expected = written(in_memory, format);
        EXPECT_EQ(in_memory.rows_spilled(), 0U);
        for (const std::size_t most : {1U, 7U, 60U}) {
            ObservedRows spilling(&attributor, most);
            use(spilling);
            EXPECT_EQ(written(spilling, format), expected) << most;
            EXPECT_GT(spilling.rows_spilled(), 0U);
        }
    }
}

TEST(ObservedRows, WithoutAKeyTwice)
{
    ObservedRows spilling(nullptr, 2);
    use(spilling);
    std::istringstream lines(written(spilling, rows::Format::tsv));
    std::unordered_set<std::string> keys;
    for (std::string line; std::getline(lines, line);) {
        std::size_t at = 0;
        for (int column = 0; column < 8; ++column)
            at = line.find('\t', at) + 1;
        EXPECT_TRUE(keys.insert(line.substr(0, at)).second) << line;
    }
    EXPECT_GT(keys.size(), 20U);
}

}    // namespace
}    // namespace dl::agent::commands
