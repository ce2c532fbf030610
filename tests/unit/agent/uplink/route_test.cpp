#include "agent/uplink/route.hpp"

#include <gtest/gtest.h>

#include <map>

namespace dl::agent::uplink {
namespace {

Environment environment(std::map<std::string, std::string> values)
{
    return [values](const char* name) -> std::optional<std::string> {
        const auto found = values.find(name);
        if (found == values.end()) return std::nullopt;
        return found->second;
    };
}

TEST(Route, ReadsTheCollectorsAddress)
{
    EXPECT_EQ(*parse_collector("https://Collector.Corp.Example:8443"), (Peer{"collector.corp.example", 8443}));
    EXPECT_EQ(*parse_collector("https://collector.example/"), (Peer{"collector.example", 443}));
    EXPECT_EQ(*parse_collector("https://[2001:db8::1]:9"), (Peer{"2001:db8::1", 9}));
    EXPECT_EQ((Peer{"2001:db8::1", 9}).authority(), "[2001:db8::1]:9");
    for (const char* wrong :
         {"", "collector.example", "http://collector.example", "https://collector.example/path",
          "https://u:p@c.example", "https://", "https://c.example?x", "https://c.example:0", "https://c.example:99999"})
        EXPECT_FALSE(parse_collector(wrong)) << wrong;
}

TEST(Route, ReadsProxiesAndNeverRepeatsTheirPassword)
{
    const auto proxy = parse_proxy("http://user:s%3Acret@proxy.example:8080");
    ASSERT_TRUE(proxy);
    EXPECT_EQ(proxy->peer, (Peer{"proxy.example", 8080}));
    EXPECT_EQ(proxy->authorization, "Basic dXNlcjpzOmNyZXQ=");
    EXPECT_EQ(parse_proxy("http://proxy.example")->peer.port, 3128);
    EXPECT_TRUE(parse_proxy("http://proxy.example")->authorization.empty());
    const auto wrong = parse_proxy("socks://user:secret@proxy.example");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().message.find("secret"), std::string::npos);
}

TEST(Route, ExplicitProxyBeatsEnvironmentAndNoProxyExcepts)
{
    const auto with =
        environment({{"HTTPS_PROXY", "http://env.example:1"}, {"NO_PROXY", "localhost, .corp.example,127.0.0.1"}});
    EXPECT_EQ(route_to("https://c.example", "http://own.example:2", with)->proxy->peer.host, "own.example");
    EXPECT_EQ(route_to("https://c.example", "", with)->proxy->peer.host, "env.example");
    EXPECT_FALSE(route_to("https://c.example", "none", with)->proxy);
    EXPECT_FALSE(route_to("https://c.corp.example", "", with)->proxy);
    EXPECT_FALSE(route_to("https://127.0.0.1:8443", "", with)->proxy);
    EXPECT_TRUE(route_to("https://notcorp.example", "", with)->proxy);
    EXPECT_FALSE(route_to("https://c.example", "", environment({}))->proxy);
    EXPECT_FALSE(route_to("https://c.example", "", environment({{"https_proxy", "garbage"}})));
    EXPECT_TRUE(bypasses_proxy("a.example", "*"));
    EXPECT_TRUE(bypasses_proxy("a.example", "*.example"));
    EXPECT_FALSE(bypasses_proxy("a.example", ""));
}

}    // namespace
}    // namespace dl::agent::uplink
