#include "shared/names/host_name.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace dl::names {
namespace {

TEST(NormaliseHost, LowersAndDropsTheTrailingDot)
{
    EXPECT_EQ(normalise_host("WWW.Example.COM."), "www.example.com");
    EXPECT_EQ(normalise_host("localhost"), "localhost");
    EXPECT_EQ(normalise_host("_dmarc.example.com"), "_dmarc.example.com");
    EXPECT_EQ(normalise_host("my_host.example.com"), "my_host.example.com");
    EXPECT_EQ(normalise_host("xn--bcher-kva.example"), "xn--bcher-kva.example");
    EXPECT_EQ(normalise_host("3com.com"), "3com.com");
    EXPECT_EQ(normalise_host("r3---sn-4g5e6n7s.example.com"), "r3---sn-4g5e6n7s.example.com");
}

TEST(HostIn, FindsTheHostInWhatPeopleAndLogsWrite)
{
    for (const auto& [text, host] : std::initializer_list<std::pair<const char*, const char*>>{
             {"www.example.com", "www.example.com"},
             {"  www.example.com \r", "www.example.com"},
             {"www.example.com.", "www.example.com"},
             {"www.example.com:8443", "www.example.com"},
             {"www.example.com.:8443", "www.example.com"},
             {"www.example.com/path", "www.example.com"},
             {"https://www.example.com", "www.example.com"},
             {"https://a:b@www.example.com:8443/p?q=http://x#f", "www.example.com"},
             {"//www.example.com/p", "www.example.com"},
             {"www.example.com?q=//x", "www.example.com"},
             {"192.0.2.1:80", "192.0.2.1"},
             {"[2001:db8::1]", "2001:db8::1"},
             {"[2001:db8::1]:443", "2001:db8::1"},
             {"http://[2001:db8::1]:443/", "2001:db8::1"},
             {"2001:db8::1", "2001:db8::1"},
             {"", ""},
             {" \t", ""},
             {".", "."},
             {"[2001:db8::1", "[2001:db8::1"},
             {"[]:443", "[]:443"},
             {"[2001:db8::1]x", "[2001:db8::1]x"},
             {"a:b:c", "a:b:c"},
             {"www.example.com:port", "www.example.com:port"},
             {"anna@corp.example", "anna@corp.example"},
             {"not a host", "not a host"},
         })
        EXPECT_EQ(host_in(text), host) << text;
}

TEST(NormaliseHost, RefusesWhatIsNoHostName)
{
    using namespace std::string_literals;
    const std::string cases[] = {"",
                                 ".",
                                 "..",
                                 "a..b",
                                 ".example.com",
                                 "example.com..",
                                 "-a.com",
                                 "a-.com",
                                 "a b.com",
                                 "exa\"mple.com",
                                 "b\xc3\xbc"
                                 "cher.example",
                                 "1.2.3.4",
                                 "1.2.3",
                                 "2130706433",
                                 "0x7f000001",
                                 "a.0x1",
                                 "[::1]",
                                 "::1",
                                 "example.com:443",
                                 "a\0b.com"s,
                                 std::string(64, 'a') + ".com",
                                 "*.example.com"};
    for (const std::string& text : cases)
        EXPECT_EQ(normalise_host(text), std::nullopt) << text;
}

TEST(NormaliseHost, TakesTheLongestNameAndNoLonger)
{
    const std::string label(63, 'a');
    const std::string longest = label + '.' + label + '.' + label + '.' + std::string(61, 'a');
    ASSERT_EQ(longest.size(), 253u);
    EXPECT_EQ(normalise_host(longest), longest);
    EXPECT_EQ(normalise_host(longest + '.'), longest);
    EXPECT_EQ(normalise_host(longest + 'a'), std::nullopt);
}

TEST(AddressLiteral, KnowsBothFamilies)
{
    for (const char* text :
         {"192.0.2.1", "::1", "[2001:db8::1]", "fe80::1%eth0", "[fe80::1%25eth0]", "::ffff:192.0.2.1"})
        EXPECT_TRUE(is_address_literal(text)) << text;
    for (const char* text :
         {"", "example.com", "192.0.2", "192.0.2.256", "[192.0.2.1]", "192.0.2.1:80", "[::1", "12345"})
        EXPECT_FALSE(is_address_literal(text)) << text;
}

TEST(RegistrableDomain, FollowsThePublicSuffixList)
{
    const struct {
        const char* host;
        const char* domain;
    } cases[] = {
        {"www.example.com", "example.com"},
        {"example.com", "example.com"},
        {"a.b.c.example.co.uk", "example.co.uk"},
        // A wildcard rule (*.kawasaki.jp) and its exception (!city.kawasaki.jp).
        {"a.b.c.kawasaki.jp", "b.c.kawasaki.jp"},
        {"www.city.kawasaki.jp", "city.kawasaki.jp"},
        {"b.test.ck", "b.test.ck"},
        {"www.www.ck", "www.ck"},
        // Private suffixes are tenants: each has a registrable domain of its own.
        {"www.tenant.github.io", "tenant.github.io"},
        {"tenant.github.io", "tenant.github.io"},
        {"bucket.s3.amazonaws.com", "bucket.s3.amazonaws.com"},
        {"x.tenant.blogspot.com", "tenant.blogspot.com"},
        // A-labels: the list holds this rule as a U-label.
        {"www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"},
        {"shishi.xn--fiqs8s", "shishi.xn--fiqs8s"},
        // No rule matches: the implicit rule * makes the last label the suffix.
        {"printer.floor2.corp-internal", "floor2.corp-internal"},
        {"_dmarc.mail.example.org", "example.org"},
        // Nothing registrable: the host itself.
        {"com", "com"},
        {"co.uk", "co.uk"},
        {"github.io", "github.io"},
        {"c.kawasaki.jp", "c.kawasaki.jp"},
        {"localhost", "localhost"},
        {"", ""},
    };
    for (int round = 0; round < 2; ++round)    // the second round is answered from memory
        for (const auto& c : cases)
            EXPECT_EQ(registrable_domain(c.host), c.domain) << c.host;
}

TEST(RegistrableDomain, IsAViewIntoItsArgument)
{
    const std::string host = "www.example.com";
    EXPECT_EQ(registrable_domain(host).data(), host.data() + 4);
    const std::string again = host;
    EXPECT_EQ(registrable_domain(again).data(), again.data() + 4);
}

TEST(RegistrableDomain, SurvivesHostsThatAreNotNormalised)
{
    EXPECT_EQ(registrable_domain(std::string(1000, 'a')), std::string(1000, 'a'));
    for (const char* text : {".", "..", "a.", ".com", "a..com", "\xff.\xfe"})
        EXPECT_LE(registrable_domain(text).size(), std::string_view(text).size());
}

TEST(RegistrableDomain, AnswersManyThreads)
{
    std::vector<std::thread> threads;
    std::array<int, 4> wrong{};
    for (std::size_t t = 0; t < wrong.size(); ++t)
        threads.emplace_back([&wrong, t] {
            for (int i = 0; i < 3000; ++i) {
                const std::string apex = "d" + std::to_string(i * 7 % 2000) + ".co.uk";
                wrong[t] += registrable_domain("www." + apex) != apex;
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(wrong, (std::array<int, 4>{}));
}

}    // namespace
}    // namespace dl::names
