#include "shared/wire/json.hpp"

#include "shared/wire/json_reader.hpp"
#include "shared/wire/limits.hpp"
#include "tests/unit/shared/wire/random_report.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace dl::wire {
namespace {

Report small_report()
{
    std::mt19937_64 random(7);
    return tests::ordinary_report(random, 2);
}

std::string error_of(const std::string& body)
{
    const Result<Report> report = decode_json<Report>(body);
    if (report) return "(no error)";
    EXPECT_EQ(report.error().kind, Failure::Kind::invalid_input);
    EXPECT_EQ(report.error().message.find('\n'), std::string::npos) << report.error().message;
    EXPECT_LT(report.error().message.size(), 400u) << report.error().message;
    return report.error().message;
}

/// The small report with one member changed, "" removing it.
std::string with(const char* pointer, const nlohmann::json& value)
{
    nlohmann::json json = nlohmann::json::parse(encode_json(small_report()));
    json[nlohmann::json::json_pointer(pointer)] = value;
    return json.dump();
}

TEST(WireJson, IsWhatFormatSays)
{
    const nlohmann::json json = nlohmann::json::parse(encode_json(small_report()));
    EXPECT_EQ(json["format"], "daylight-report");
    EXPECT_EQ(json["version"], 1);
    EXPECT_EQ(json["cells"][0]["day"], "2024-10-04");
    EXPECT_EQ(json["cells"][0]["person"], 0);
    EXPECT_EQ(json["destinations"][0]["port"], 443);
    EXPECT_EQ(decode_json<Report>(json.dump()).value(), small_report());
    EXPECT_EQ(decode_json<Report>(json.dump(4)).value(), small_report());
}

TEST(WireJson, WrongTypesNameTheirPath)
{
    EXPECT_EQ(error_of(with("/cells/1/bytes_up", "12")),
              "report: cells[1].bytes_up: must be a whole number, not negative, but is text");
    EXPECT_EQ(error_of(with("/cells/0/bytes_up", -1)),
              "report: cells[0].bytes_up: must be a whole number, not negative, but is a negative number");
    EXPECT_EQ(error_of(with("/cells/0/bytes_up", 1.5)),
              "report: cells[0].bytes_up: must be a whole number without leading zero, fraction or exponent");
    EXPECT_EQ(error_of(with("/cells/0/connections", 9223372036854775808ULL)),
              "report: cells[0].connections: is larger than 9223372036854775807; check the number");
    EXPECT_EQ(error_of(with("/cells/0/day", "2026-02-30")), "report: cells[0].day: must be a day such as 2026-03-01");
    EXPECT_EQ(error_of(with("/cells/0/evidence", "guess")),
              "report: cells[0].evidence: is no word that version 1 knows; FORMAT.md lists them");
    EXPECT_EQ(error_of(with("/cells/0/device", 1)), "report: cells[0].device: points outside the table of devices");
    EXPECT_EQ(error_of(with("/destinations/1/port", 65536)),
              "report: destinations[1].port: is larger than 65535; check the number");
    EXPECT_EQ(error_of(with("/agent", "12")), "report: agent: must be 32 hex digits");
    EXPECT_EQ(error_of(with("/counters", nullptr)), "report: counters: must be an object, but is null");
    EXPECT_EQ(error_of(with("/cells", "none")), "report: cells: must be a list, but is text");
    EXPECT_EQ(error_of(with("/version", 2)),
              "report: version: is 2, but this program speaks version 1; upgrade the older side");
    EXPECT_EQ(error_of(with("/format", "x")), "report: format: must be \"daylight-report\"; is this another document?");
    EXPECT_EQ(error_of(with("/destinations/0/host", std::string(256, 'a'))),
              "report: destinations[0].host: is longer than 255 octets; shorten it");
    EXPECT_EQ(error_of(with("/destinations/0/host", "a\tb")),
              "report: destinations[0].host: holds a control character; remove it");
    EXPECT_EQ(error_of("[]"), "report: must be an object, but is a list");
    EXPECT_EQ(error_of(""), "report: must be an object, but is the end of the text");
}

TEST(WireJson, WhatEarlierAgentsDoNotTellMayBeAbsent)
{
    Report report = small_report();
    report.applications.push_back("firefox");
    report.offers.push_back(
        {0, TlsVersion::tls_1_2, Protocols::http_1 | Protocols::http_2, Day{std::chrono::days(20'000)}});
    report.counters.connections_with_program = 3;
    nlohmann::json json = nlohmann::json::parse(encode_json(report));
    EXPECT_EQ(json["offers"][0].dump(),
              R"({"application":0,"last_day":"2024-10-04","protocols":["http/1","h2"],"version":"tls1.2"})");
    EXPECT_EQ(decode_json<Report>(json.dump()).value(), report);
    nlohmann::json wrong = json;
    wrong["offers"][0]["version"] = "tls9";
    EXPECT_EQ(error_of(wrong.dump()),
              "report: offers[0].version: is no word that version 1 knows; FORMAT.md lists them");
    wrong = json;
    wrong["offers"][0]["application"] = 99;
    EXPECT_EQ(error_of(wrong.dump()), "report: offers[0].application: points outside the table of applications");
    json.erase("offers");
    json["counters"].erase("connections_with_program");
    report.offers.clear();
    report.counters.connections_with_program = 0;
    EXPECT_EQ(decode_json<Report>(json.dump()).value(), report);
}

TEST(WireJson, MissingAndRepeatedKeysAreMistakes)
{
    nlohmann::json json = nlohmann::json::parse(encode_json(small_report()));
    for (const char* key :
         {"format", "version", "agent", "observer", "epoch", "revision_from", "revision_to", "sent_at", "agent_version",
          "counters", "devices", "persons", "applications", "destinations", "cells"}) {
        nlohmann::json without = json;
        without.erase(key);
        EXPECT_EQ(error_of(without.dump()), "report: '" + std::string(key) + "' is missing; add it");
    }
    json["cells"][1].erase("revision");
    EXPECT_EQ(error_of(json.dump()), "report: cells[1]: 'revision' is missing; add it");
    std::string twice = encode_json(small_report());
    twice.replace(twice.find("{"), 1, R"({"version": 1,)");
    EXPECT_EQ(error_of(twice), "report: version: occurs twice; send it once");
}

TEST(WireJson, UnknownKeysAreIgnored)
{
    EXPECT_EQ(error_of(with("/cells/0/later",
                            {{"a", {1, -2.5e3, nullptr, "x\"\\", {{"b", false}}}}, {"c", nlohmann::json::array()}})),
              "(no error)");
    EXPECT_EQ(error_of(with("/later", std::string(100'000, 'x'))), "(no error)");
}

TEST(WireJson, CutAnywhereIsAFailure)
{
    const std::string body = encode_json(small_report());
    for (std::size_t size = 0; size + 2 < body.size(); ++size)
        ASSERT_NE(error_of(body.substr(0, size)), "(no error)") << size;
    EXPECT_NE(error_of(body + "{}"), "(no error)");
}

TEST(WireJson, FlippedBitsNeverHarm)
{
    const std::string body = encode_json(small_report());
    for (std::size_t bit = 0; bit < body.size() * 8; bit += 7) {    // each octet, in turn another of its bits
        std::string flipped = body;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
        (void)error_of(flipped);
    }
}

TEST(WireJson, SizesAreBounded)
{
    EXPECT_NE(error_of(std::string(limits::body + 1, ' ')), "(no error)");
    EXPECT_NE(error_of(R"({"later": )" + std::string(100'000, '[')), "(no error)");
    std::string devices = "[";
    for (std::size_t i = 0; i <= limits::devices; ++i)
        devices += (i ? ",\"" : "\"") + std::string(64, '0') + '"';
    EXPECT_EQ(error_of(R"({"devices": )" + devices + "]}"), "report: devices: has more than 20000 items; split it");
}

TEST(WireJson, RepliesAndEnrolmentSurvive)
{
    Reply reply;
    reply.store = StoreIncarnation::random();
    reply.receipt = Receipt::random();
    reply.revision = 12;
    reply.accepted = 3;
    reply.too_old = 1;
    reply.quarantined = 2;
    reply.rejected = {{4, "day: \"too\" far"}, {5, "é"}};
    reply.order = Order::resend;
    reply.collector_time = Timestamp{std::chrono::microseconds(1'700'000'000'000'001)};
    EXPECT_EQ(decode_json<Reply>(encode_json(reply)).value(), reply);
    reply.settings = SettingsOffer::random();
    EXPECT_EQ(decode_json<Reply>(encode_json(reply)).value(), reply);
    EXPECT_FALSE(decode_json<Reply>("{}"));

    const std::string pem = "-----BEGIN X-----\nAAAA\r\n-----END X-----\n";
    const EnrollRequest enroll{"t-123", pem, "laptop-07", "0.1.0", ObserverKind::sensor};
    EXPECT_EQ(decode_json<EnrollRequest>(encode_json(enroll)).value(), enroll);
    EnrollReply enrolled{AgentId::random(), pem, pem + pem, std::string(64, 'a'), "0.1.0", ""};
    EXPECT_EQ(decode_json<EnrollReply>(encode_json(enrolled)).value(), enrolled);
    enrolled.group = "labs";
    EXPECT_EQ(decode_json<EnrollReply>(encode_json(enrolled)).value(), enrolled);
    SettingsRequest about{"ed25519:00", 7, std::nullopt, 2, "its end"};
    EXPECT_EQ(decode_json<SettingsRequest>(encode_json(about)).value(), about);
    about.held = SettingsOffer::random();
    EXPECT_EQ(decode_json<SettingsRequest>(encode_json(about)).value(), about);
    SettingsReply offered{SettingsOffer::random(), {}};
    EXPECT_EQ(decode_json<SettingsReply>(encode_json(offered)).value(), offered);
    offered.statements.assign(limits::statements, "{\n}\n");
    EXPECT_EQ(decode_json<SettingsReply>(encode_json(offered)).value(), offered);
    offered.statements.push_back("{}\n");
    EXPECT_FALSE(decode_json<SettingsReply>(encode_json(offered)));
    EXPECT_EQ(decode_json<RenewRequest>(encode_json(RenewRequest{pem})).value(), RenewRequest{pem});
    const RenewReply renewed{pem, pem};
    EXPECT_EQ(decode_json<RenewReply>(encode_json(renewed)).value(), renewed);
    EXPECT_EQ(decode_json<RenewRequest>(R"({"csr_pem": 5})").error().message,
              "renewal: csr_pem: must be text, but is a number");
    EXPECT_EQ(decode_json<EnrollRequest>(R"({"token": ")" + std::string(300, 't') + "\"}").error().message,
              "enrolment: token: is longer than 255 octets; shorten it");
}

TEST(WireJson, TextIsDecodedAsTheRfcSays)
{
    const auto text = [](std::string_view json) {
        JsonReader in(json, "t");
        const std::string value = in.text(100);
        in.finish();
        return in.ok() ? value : in.failure().message;
    };
    EXPECT_EQ(text(R"("\u0041\u00e9\u65E5\ud83d\ude42\/\\\"")"), "Aé日🙂/\\\"");
    EXPECT_EQ(text(R"("\ud83d")"), "t: holds half a surrogate pair; encode the character whole");
    EXPECT_EQ(text(R"("\ude42")"), "t: holds half a surrogate pair; encode the character whole");
    EXPECT_EQ(text(R"("\ud83d\u0041")"), "t: holds half a surrogate pair; encode the character whole");
    EXPECT_EQ(text(R"("\u0000")"), "t: holds a control character; remove it");
    EXPECT_EQ(text(R"("\x")"), "t: is no JSON: unknown escape in text; mend it");
    EXPECT_EQ(text(R"("\u12")"), "t: is no JSON: \\u needs four hex digits; mend it");
    for (const char* bad : {"\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\""})
        EXPECT_EQ(text(bad), "t: is not UTF-8; encode it") << bad;
}

TEST(WireJson, WhatIsSkippedMustBeJsonToo)
{
    for (const char* good : {"1", "-0.5e+10", "[]", "{}", "[1,[2,{\"a\":[]}],\"x\"]", "null", "true", " false "}) {
        JsonReader in(good, "t");
        in.skip();
        in.finish();
        EXPECT_TRUE(in.ok()) << good;
    }
    for (const char* bad : {"", "01", "1.", "-", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{1:2}", "[1 2]", "nul", "tru",
                            "\"", "[", "]", "{\"a\":1,}", "1e", "+1"}) {
        JsonReader in(bad, "t");
        in.skip();
        in.finish();
        EXPECT_FALSE(in.ok()) << bad;
    }
}

}    // namespace
}    // namespace dl::wire
