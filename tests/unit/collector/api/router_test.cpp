// Every answer of the API is held to openapi.json, and every role to what it may read.
#include "../insight/small_world.hpp"
#include "collector/api/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/beast/http/verb.hpp>
#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include <fstream>
#include <sstream>

namespace dl::collector::api {
namespace {

namespace http = boost::beast::http;
using http::field;
using http::status;
using http::verb;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

json openapi()
{
    static const json document = json::parse(openapi_document());
    return document;
}

/// Schemas refer to each other within the OpenAPI document; a validator wants them as definitions of one schema.
void rename_references(json& value)
{
    if (value.is_object() && value.contains("$ref")) {
        auto text = value["$ref"].get<std::string>();
        value["$ref"] = "#/definitions/" + text.substr(text.rfind('/') + 1);
    }
    if (value.is_structured())
        for (auto& child : value)
            rename_references(child);
}

/// Empty where `value` is as the schema of that name says; else what is wrong.
std::string differences(const std::string& name, const json& value)
{
    json root = openapi()["components"]["schemas"][name];
    root["definitions"] = openapi()["components"]["schemas"];
    rename_references(root);
    valijson::Schema schema;
    valijson::SchemaParser parser;
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(root), schema);
    valijson::Validator validator;
    valijson::ValidationResults results;
    if (validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(value), &results)) return "";
    std::string out = name + ":";
    for (const auto& error : results) {
        for (const auto& part : error.context)
            out += part;
        out += " " + error.description + "\n";
    }
    return out;
}

class RouterTest : public ::testing::Test {
protected:
    static void SetUpTestSuite()
    {
        world = new insight::SmallWorld;
        insight::fill(*world);
        std::filesystem::create_directories(world->folder_ / "web/assets");
        std::ofstream(world->folder_ / "web/index.html") << "<!doctype html>";
        std::ofstream(world->folder_ / "web/assets/app-1a2b.js") << "1";
        std::ofstream(world->folder_ / "web/.secret.html") << "no";
        std::ofstream(world->folder_ / "outside.html") << "no";
        std::filesystem::create_symlink(world->folder_ / "outside.html", world->folder_ / "web/link.html");
        access::Accounts accounts(*world->state);
        using access::Role;
        for (const auto& [id, role, units] :
             std::initializer_list<std::tuple<const char*, Role, std::vector<std::string>>>{
                 {"E1901", Role::relationship_manager, {}},
                 {"E1902", Role::relationship_manager, {"finance"}},
                 {"E1903", Role::security, {}},
                 {"E1904", Role::operations, {}},
                 {"E1905", Role::unit_leader, {"sales"}},
                 {"E1906", Role::administrator, {}},
                 {"E1907", Role::privacy_officer, {}}})
            tokens[id] = accounts.create({id, role, units, false}).value();
    }
    static void TearDownTestSuite()
    {
        delete world;
        world = nullptr;
    }
    RouterTest()
    {
        settings.web_directory = world->folder_ / "web";
        router = create_router({settings, world->catalog, world->policy, *world->directory, *world->usage,
                                *world->state, accounts, clock});
    }

    Response ask(const std::string& target, const std::string& account = "", verb method = verb::get)
    {
        Request request{method, target, 11};
        if (!account.empty()) request.set(field::authorization, "Bearer " + tokens[account]);
        return router->handle(request);
    }
    Response log_in(const std::string& body, const char* type = "application/json")
    {
        Request request{verb::post, "/api/v1/session", 11};
        request.set(field::content_type, type);
        request.body() = body;
        request.prepare_payload();
        return router->handle(request);
    }
    static json parsed(const Response& response) { return json::parse(response.body()); }

    static inline insight::SmallWorld* world = nullptr;
    static inline std::map<std::string, std::string> tokens;
    Settings settings;
    access::Accounts accounts{*world->state};
    FixedClock clock{*parse_rfc3339("2026-11-21T10:00:00.000000Z")};
    std::unique_ptr<Router> router;
};

TEST_F(RouterTest, EveryAnswerIsAsTheOpenApiDocumentSays)
{
    const std::vector<std::pair<std::string, std::string>> routes{{"/findings", "Findings"},
                                                                  {"/findings?period=2026-W45", "Findings"},
                                                                  {"/findings?unit=sales", "Findings"},
                                                                  {"/portfolio", "Portfolio"},
                                                                  {"/portfolio?period=2026-10", "Portfolio"},
                                                                  {"/coverage", "Coverage"},
                                                                  {"/units", "Units"},
                                                                  {"/units/sales/brief", "Brief"},
                                                                  {"/units/finance/brief?period=2026-W45", "Brief"},
                                                                  {"/session", "Session"}};
    for (const char* account : {"E1901", "E1903", "E1907"})
        for (const auto& [route, schema] : routes) {
            const auto response = ask("/api/v1" + route, account);
            ASSERT_EQ(response.result(), status::ok) << route << response.body();
            EXPECT_EQ(response[field::content_type], "application/json");
            EXPECT_EQ(differences(schema, parsed(response)), "") << route << " for " << account;
        }
    const auto window = ask("/api/v1/findings?from=2026-11-02&to=2026-11-22", "E1903");
    EXPECT_EQ(differences("Findings", parsed(window)), "");
    EXPECT_FALSE(parsed(ask("/api/v1/findings", "E1903"))["findings"].empty());
    auto spoiled = parsed(window);
    spoiled["findings"][0].erase("unit");
    EXPECT_NE(differences("Findings", spoiled), "") << "the validator does see what is missing";
}

TEST_F(RouterTest, TheExamplesOfTheDocumentAreAsItsSchemasSay)
{
    for (const auto& [path, methods] : openapi()["paths"].items())
        for (const auto& [method, operation] : methods.items())
            for (const auto& [code, response] : operation["responses"].items()) {
                const auto content =
                    response.value("content", json::object()).value("application/json", json::object());
                if (!content.contains("example")) continue;
                const auto name = content["schema"]["$ref"].get<std::string>();
                EXPECT_EQ(differences(name.substr(name.rfind('/') + 1), content["example"]), "") << path;
            }
    std::ifstream file(std::filesystem::path(DAYLIGHT_SOURCE_DIR) / "collector/api/openapi.json");
    std::stringstream content;
    content << file.rdbuf();
    EXPECT_EQ(content.str(), openapi_document());
    EXPECT_EQ(ask("/api/v1/openapi.json").body(), content.str());
}

TEST_F(RouterTest, UnlistedIsDenied)
{
    // role × route: which may be read
    const std::vector<std::string> routes{"/findings", "/portfolio",         "/coverage",
                                          "/units",    "/units/sales/brief", "/units/finance/brief"};
    const std::map<std::string, std::string> allowed{{"E1901", "111111"}, {"E1902", "111101"}, {"E1903", "111111"},
                                                     {"E1904", "001100"}, {"E1905", "111110"}, {"E1906", "001100"},
                                                     {"E1907", "111111"}};
    for (const auto& [account, bits] : allowed)
        for (std::size_t i = 0; i < routes.size(); ++i) {
            const auto response = ask("/api/v1" + routes[i], account);
            EXPECT_EQ(response.result(), bits[i] == '1' ? status::ok : status::forbidden) << account << routes[i];
            if (response.result() != status::ok) {
                EXPECT_EQ(response[field::content_type], "application/problem+json");
                EXPECT_EQ(differences("Problem", parsed(response)), "");
            }
        }
    for (const auto& route : routes) {
        EXPECT_EQ(ask("/api/v1" + route).result(), status::unauthorized) << route;
        EXPECT_EQ(ask("/api/v1" + route, "E1903", verb::post).result(), status::method_not_allowed) << route;
    }
    EXPECT_EQ(ask("/api/v1/findings?unit=sales", "E1902").result(), status::forbidden);
    EXPECT_THAT(ask("/api/v1/findings", "E1902").body(), Not(HasSubstr("sales/")));
}

TEST_F(RouterTest, OnlySecuritySeesExactFiguresAndAnyDays)
{
    EXPECT_EQ(parsed(ask("/api/v1/findings", "E1901"))["view"], "released");
    EXPECT_EQ(parsed(ask("/api/v1/findings", "E1903"))["view"], "security");
    EXPECT_THAT(ask("/api/v1/findings", "E1903").body(), HasSubstr("sales/dropbox"));
    for (const char* account : {"E1901", "E1905", "E1907"}) {
        const auto body = ask("/api/v1/findings", account).body();
        EXPECT_THAT(body, Not(HasSubstr("sales/dropbox"))) << account;
        EXPECT_THAT(body, Not(HasSubstr("app.hubspot.com"))) << account;
        EXPECT_EQ(ask("/api/v1/findings?from=2026-11-09&to=2026-11-10", account).result(), status::forbidden);
        EXPECT_EQ(ask("/api/v1/findings?period=2026-W47", account).result(), status::forbidden) << "it is not over";
    }
}

TEST_F(RouterTest, WhatAgentsCountIsForSecurityAndOperations)
{
    for (const auto& [account, shown] : std::map<std::string, bool>{{"E1901", false},
                                                                    {"E1903", true},
                                                                    {"E1904", true},
                                                                    {"E1905", false},
                                                                    {"E1906", false},
                                                                    {"E1907", false}}) {
        const auto coverage = parsed(ask("/api/v1/coverage", account));
        EXPECT_EQ(differences("Coverage", coverage), "") << account;
        EXPECT_EQ(coverage["agents"].is_object(), shown) << account;
        EXPECT_EQ(coverage["people_attributed"].is_object(), shown) << account;
        EXPECT_EQ(coverage["readable_names"]["withheld"], !shown) << account;
    }
    const auto before = ask("/api/v1/coverage", "E1901").body();
    world->visit({"www.canva.com", 1001, 1001, {"2026-11-20"}});
    EXPECT_EQ(ask("/api/v1/coverage", "E1901").body(), before) << "somebody's work of today changes nothing";
}

TEST_F(RouterTest, ALeadersOwnAccountAndTheHandedBriefSayTheirFloors)
{
    const auto own = parsed(ask("/api/v1/findings?period=2026-W46", "E1905"));
    EXPECT_EQ(own["small_group"], 10);
    EXPECT_TRUE(own["findings"].empty()) << "nine people are in sales";
    EXPECT_THAT(ask("/api/v1/units/sales/brief?period=2026-W46&format=text", "E1905").body(),
                HasSubstr("fewer than 10 people"));
    EXPECT_THAT(ask("/api/v1/units/sales/brief?period=2026-W46&format=text", "E1901").body(),
                HasSubstr("fewer than 5 people"));
}

TEST_F(RouterTest, ATokenBuysASessionCookie)
{
    const auto in = log_in(json{{"token", tokens["E1901"]}}.dump());
    ASSERT_EQ(in.result(), status::ok) << in.body();
    EXPECT_EQ(differences("Session", parsed(in)), "");
    const std::string cookie{in[field::set_cookie]};
    EXPECT_THAT(cookie, HasSubstr("HttpOnly"));
    EXPECT_THAT(cookie, HasSubstr("SameSite=Strict"));
    EXPECT_THAT(cookie, Not(HasSubstr(tokens["E1901"])));
    const auto with_cookie = [&](verb method, const char* target) {
        Request request{method, target, 11};
        request.set(field::cookie, "other=1; " + cookie.substr(0, cookie.find(';')));
        return router->handle(request);
    };
    EXPECT_EQ(with_cookie(verb::get, "/api/v1/findings").result(), status::ok);
    EXPECT_EQ(with_cookie(verb::delete_, "/api/v1/session").result(), status::no_content);
    EXPECT_EQ(with_cookie(verb::get, "/api/v1/findings").result(), status::unauthorized);

    EXPECT_EQ(log_in("{\"token\":\"wrong\"}").result(), status::unauthorized);
    EXPECT_EQ(log_in("{\"token\":1}").result(), status::bad_request);
    EXPECT_EQ(log_in("nonsense").result(), status::bad_request);
    EXPECT_EQ(log_in("token=x", "application/x-www-form-urlencoded").result(), status::unsupported_media_type);
}

TEST_F(RouterTest, WrongTokensAreThrottledButKeepNobodyOut)
{
    const auto with_bearer = [&](const std::string& token) {
        Request request{verb::get, "/api/v1/findings", 11};
        request.set(field::authorization, "Bearer " + token);
        return router->handle(request).result();
    };
    EXPECT_EQ(with_bearer("wrong"), status::unauthorized);
    for (int i = 0; i < 30; ++i)
        log_in("{\"token\":\"wrong\"}");
    EXPECT_EQ(log_in("{\"token\":\"wrong\"}").result(), status::too_many_requests);
    EXPECT_EQ(with_bearer("wrong"), status::too_many_requests);
    EXPECT_EQ(with_bearer(tokens["E1901"]), status::ok);
    EXPECT_EQ(log_in(json{{"token", tokens["E1901"]}}.dump()).result(), status::ok);
    EXPECT_EQ(ask("/api/v1/findings").result(), status::unauthorized) << "no token is no wrong token";
    clock.advance(std::chrono::minutes(2));
    EXPECT_EQ(with_bearer("wrong"), status::unauthorized);
}

TEST_F(RouterTest, SessionsEnd)
{
    const auto in = log_in(json{{"token", tokens["E1901"]}}.dump());
    Request request{verb::get, "/api/v1/session", 11};
    request.set(field::cookie,
                std::string(in[field::set_cookie]).substr(0, std::string(in[field::set_cookie]).find(';')));
    EXPECT_EQ(router->handle(request).result(), status::ok);
    clock.advance(std::chrono::hours(9));
    EXPECT_EQ(router->handle(request).result(), status::unauthorized);
}

TEST_F(RouterTest, OnlyTheSecurityRoleIsOfferedTheWeekSoFar)
{
    auto first = parsed(ask("/api/v1/units", "E1903"))["periods"][0];
    EXPECT_EQ(first["released"], false);
    first.erase("released");
    EXPECT_EQ(first, (json{{"kind", "window"},
                           {"id", "2026-11-16..2026-11-21"},
                           {"from", "2026-11-16"},
                           {"to", "2026-11-22"},
                           {"closed", false}}));
    for (const char* page : {"/findings", "/portfolio", "/coverage"}) {
        const std::string target = std::string("/api/v1") + page + "?period=" + first["id"].get<std::string>();
        const auto answer = ask(target, "E1903");
        ASSERT_EQ(answer.result(), status::ok) << answer.body();
        EXPECT_EQ(parsed(answer)["period"], first) << page;
        EXPECT_EQ(ask(target, "E1901").result(), status::forbidden) << page;
    }
    EXPECT_EQ(ask("/api/v1/findings?period=2026-11-16..soon", "E1903").result(), status::bad_request);
    EXPECT_EQ(ask("/api/v1/findings?period=2026-11-21..2026-11-16", "E1903").result(), status::bad_request);
    for (const char* account : {"E1901", "E1904", "E1905", "E1907"}) {
        const auto units = parsed(ask("/api/v1/units", account));
        for (const auto& period : units["periods"])
            EXPECT_TRUE(period["closed"] && period["released"]) << account;
    }
}

TEST_F(RouterTest, SecurityChoosesTheWeekThatJustEndedAndNobodyElse)
{
    // Monday: week 47 is over and its last reports are awaited for two days more.
    world->visit({"www.canva.com", 1001, 1008, {"2026-11-18"}});
    clock.advance(std::chrono::hours(48));
    const auto find = [&](const char* account, const char* id) {
        const auto units = parsed(ask("/api/v1/units", account));
        for (const auto& period : units["periods"])
            if (period["id"] == id) return period;
        return json();
    };
    const auto ended = find("E1903", "2026-W47");
    ASSERT_FALSE(ended.is_null());
    EXPECT_EQ(ended["closed"], true);
    EXPECT_EQ(ended["released"], false);
    EXPECT_EQ(ask("/api/v1/findings?period=2026-W47", "E1903").result(), status::ok);
    EXPECT_TRUE(find("E1901", "2026-W47").is_null());
    EXPECT_EQ(ask("/api/v1/findings?period=2026-W47", "E1901").result(), status::forbidden);
}

TEST_F(RouterTest, TheUsualPeriodIsTheOneThatIsAnsweredForUnasked)
{
    for (const int days : {0, 2, 4, 20}) {    // twenty days on nothing was reported of the last week
        clock.advance(std::chrono::hours(24 * days));
        for (const char* account : {"E1901", "E1903"}) {
            const auto units = parsed(ask("/api/v1/units", account));
            const auto usual = units["usual_period"];
            EXPECT_EQ(parsed(ask("/api/v1/findings", account))["period"]["id"], usual) << account << days;
            EXPECT_EQ(parsed(ask("/api/v1/portfolio", account))["period"]["id"], usual) << account << days;
            EXPECT_TRUE(std::any_of(units["periods"].begin(), units["periods"].end(),
                                    [&](const auto& period) { return period["id"] == usual; }))
                << account << days;
        }
    }
}

TEST_F(RouterTest, AnswersCarryAnETag)
{
    const auto first = ask("/api/v1/units", "E1901");
    Request again{verb::get, "/api/v1/units", 11};
    again.set(field::authorization, "Bearer " + tokens["E1901"]);
    again.set(field::if_none_match, "\"x\", W/" + std::string(first[field::etag]));
    const auto second = router->handle(again);
    EXPECT_EQ(second.result(), status::not_modified);
    EXPECT_TRUE(second.body().empty());
}

TEST_F(RouterTest, EveryAnswerIsSafeInABrowser)
{
    for (const char* target : {"/", "/api/v1/findings", "/nothing", "/api/v1/openapi.json"}) {
        const auto response = ask(target);
        EXPECT_THAT(std::string(response["Content-Security-Policy"]), HasSubstr("default-src 'self'"));
        EXPECT_EQ(response["X-Content-Type-Options"], "nosniff");
    }
    const auto brief = ask("/api/v1/units/sales/brief?format=html", "E1901");
    EXPECT_EQ(brief[field::content_type], "text/html; charset=utf-8");
    EXPECT_THAT(std::string(brief["Content-Security-Policy"]), HasSubstr("style-src 'self' 'sha256-"));
}

TEST_F(RouterTest, ServesThePageAndNothingOutsideOfIt)
{
    EXPECT_EQ(ask("/").body(), "<!doctype html>");
    EXPECT_EQ(ask("/")[field::content_type], "text/html; charset=utf-8");
    EXPECT_EQ(ask("/assets/app-1a2b.js")[field::content_type], "text/javascript; charset=utf-8");
    for (const char* path : {"/../outside.html", "/..%2foutside.html", "/%2e%2e/outside.html", "/link.html",
                             "/.secret.html", "//etc/passwd", "/assets/", "/index.html%00", "/missing.js"})
        EXPECT_EQ(ask(path).result(), status::not_found) << path;
    const auto head = ask("/", "", verb::head);
    EXPECT_TRUE(head.body().empty());
    EXPECT_EQ(head[field::content_length], "15");
}

TEST_F(RouterTest, WrongQuestionsGetOneLine)
{
    EXPECT_EQ(ask("/api/v1/findings?period=soon", "E1901").result(), status::bad_request);
    EXPECT_EQ(ask("/api/v1/findings?colour=red", "E1901").result(), status::bad_request);
    EXPECT_EQ(ask("/api/v1/findings?unit=a&unit=b", "E1901").result(), status::bad_request);
    EXPECT_EQ(ask("/api/v1/findings?unit=nosuch", "E1901").result(), status::not_found);
    EXPECT_EQ(ask("/api/v1/findings?unit=unassigned", "E1901").result(), status::ok);
    EXPECT_EQ(ask("/api/v1/findings?unit=nosuch", "E1902").result(), status::forbidden);
    EXPECT_EQ(ask("/api/v1/units/nowhere/brief", "E1901").result(), status::not_found);
    EXPECT_EQ(ask("/api/v1/units/%ff/brief", "E1901").result(), status::not_found);
    EXPECT_EQ(ask("/api/v2/findings", "E1901").result(), status::not_found);
    EXPECT_EQ(ask("http://elsewhere/", "E1901").result(), status::bad_request);
    EXPECT_EQ(ask("/a\\b", "E1901").result(), status::bad_request);
    EXPECT_EQ(ask("/api/v1/units/sales/brief?format=pdf", "E1901").result(), status::bad_request);
}

}    // namespace
}    // namespace dl::collector::api
