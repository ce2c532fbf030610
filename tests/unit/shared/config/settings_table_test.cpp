#include "shared/config/settings_table.hpp"

#include <gtest/gtest.h>

namespace dl::config {
namespace {

enum class Colour { red, blue };

struct Example {
    std::string title = "untitled";
    std::string note;
    std::filesystem::path data;
    std::filesystem::path extra;
    std::uint32_t days = 7;
    double share = 0.5;
    bool flag = false;
    std::vector<std::string> names;
    Colour colour = Colour::red;
};

const SettingsTable<Example>& table()
{
    static const SettingsTable<Example> made({
        path_setting<Example>({.key = "data", .since = "0.1", .required = true, .description = "Where."},
                              &Example::data),
        path_setting<Example>({.key = "extra", .since = "0.1"}, &Example::extra, "extra.csv"),
        text_setting<Example>({.key = "title", .since = "0.1"}, &Example::title),
        text_setting<Example>({.key = "note", .since = "0.1"}, &Example::note,
                              [](std::string_view text) -> std::optional<std::string> {
                                  if (text == "bad") return "is bad; give a good one";
                                  return std::nullopt;
                              }),
        whole_number_setting<Example>({.key = "limits.days",
                                       .unit = "days",
                                       .since = "0.2",
                                       .applies = Applies::reload,
                                       .description = "A | in text."},
                                      &Example::days, 1, 30),
        share_setting<Example>({.key = "limits.share", .since = "0.1"}, &Example::share),
        boolean_setting<Example>({.key = "limits.deep.flag", .since = "0.1"}, &Example::flag),
        texts_setting<Example>({.key = "names", .since = "0.1"}, &Example::names),
        choice_setting<Example, Colour>({.key = "colour", .since = "0.1"}, &Example::colour,
                                        {{"red", Colour::red}, {"blue", Colour::blue}}),
    });
    return made;
}

Result<Loaded<Example>> read(std::string_view text)
{
    return table().read(parse_text(text, "x.json").value(), "/etc/example");
}

std::string error_of(std::string_view text)
{
    const auto loaded = read(text);
    return loaded ? "(no error)" : loaded.error().message;
}

TEST(SettingsTable, ReadsEveryType)
{
    const auto loaded = read(R"({"$schema": "x", "data": "../d", "title": "T", "note": "n", "names": ["a", "b"],
        "limits": {"days": 30, "share": 1, "deep": {"flag": true}}, "colour": "blue", "extra": "/e"})");
    ASSERT_TRUE(loaded) << loaded.error().message;
    const Example& s = loaded->settings;
    EXPECT_EQ(s.data, "/etc/d");
    EXPECT_EQ(s.extra, "/e");
    EXPECT_EQ(s.title, "T");
    EXPECT_EQ(s.days, 30u);
    EXPECT_EQ(s.share, 1.0);
    EXPECT_TRUE(s.flag);
    EXPECT_EQ(s.names, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(s.colour, Colour::blue);
}

TEST(SettingsTable, KeepsDefaultsAndSaysWhereValuesComeFrom)
{
    const auto loaded = read("{\n\"data\": \"d\",\n\"limits\": {\n\"days\": 3}}");
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->settings.title, "untitled");
    EXPECT_EQ(loaded->settings.extra, "/etc/example/extra.csv");
    const auto& effective = loaded->effective;
    ASSERT_EQ(effective.size(), 9u);
    EXPECT_EQ(effective[0].key, "data");
    EXPECT_EQ(effective[0].value, "/etc/example/d");
    EXPECT_EQ(effective[0].source, "x.json:2");
    EXPECT_EQ(effective[1].source, "default");
    EXPECT_EQ(effective[3].value, nullptr);
    EXPECT_EQ(effective[4].source, "x.json:4");
    EXPECT_EQ(effective[4].unit, "days");
    EXPECT_EQ(effective[8].value, "red");
}

TEST(SettingsTable, MistakesAreToldWithPlaceAndNextStep)
{
    EXPECT_EQ(error_of("{}"), "x.json: 'data' is missing (path); add it");
    EXPECT_EQ(error_of(R"({"data": "d", "tilte": "x"})"), "x.json:1: unknown key 'tilte'; did you mean 'title'?");
    EXPECT_EQ(error_of("{\"data\": \"d\",\n\"limits\": {\"day\": 3}}"),
              "x.json:2: unknown key 'limits.day'; did you mean 'limits.days'?");
    EXPECT_EQ(error_of(R"({"data": "d", "days": 3})"), "x.json:1: unknown key 'days'; did you mean 'limits.days'?");
    EXPECT_EQ(error_of(R"({"data": "d", "limits.days": 3})"),
              "x.json:1: key 'limits.days' is written with dots; nest it: { \"limits\": { … } }");
    EXPECT_EQ(error_of(R"({"data": "d", "limits": {"zzzzzz": 3}})"),
              "x.json:1: unknown key 'limits.zzzzzz'; remove it, or use one of: days, share, deep");
    EXPECT_EQ(error_of(R"({"data": "d", "limits": {"$schema": 3}})"),
              "x.json:1: unknown key 'limits.$schema'; remove it, or use one of: days, share, deep");
    EXPECT_EQ(error_of(R"({"data": "d", "limits": 3})"), "x.json:1: limits: must be an object { … }, but is a number");
    EXPECT_EQ(error_of(R"({"data": 3})"), "x.json:1: data: must be text in quotes, but is a number");
    EXPECT_EQ(error_of(R"({"data": "d", "limits": {"days": 31}})"),
              "x.json:1: limits.days: is 31; give a whole number from 1 to 30");
    EXPECT_EQ(error_of(R"({"data": "d", "limits": {"days": -1}})"),
              "x.json:1: limits.days: is -1; give a whole number from 1 to 30");
    EXPECT_EQ(error_of(R"({"data": "d", "limits": {"share": 1.1}})"),
              "x.json:1: limits.share: must be a share; give a number from 0 to 1");
    EXPECT_EQ(error_of(R"({"data": "d", "colour": "green"})"), "x.json:1: colour: is 'green'; give one of red, blue");
    EXPECT_EQ(error_of(R"({"data": "d", "note": "bad"})"), "x.json:1: note: is bad; give a good one");
    EXPECT_EQ(error_of(R"({"data": "d", "names": ["a", ""]})"),
              "x.json:1: names[1]: must not be empty; give a value or remove it");
    EXPECT_EQ(error_of("[]"), "x.json:1: must be an object { … }, but is a list");
}

TEST(SettingsTable, SchemaFollowsTheTable)
{
    const nlohmann::json schema = json_schema("Example", table().descriptions());
    EXPECT_EQ(schema["additionalProperties"], false);
    EXPECT_EQ(schema["required"], nlohmann::json{"data"});
    const nlohmann::json& days = schema["properties"]["limits"]["properties"]["days"];
    EXPECT_EQ(days["type"], "integer");
    EXPECT_EQ(days["minimum"], 1);
    EXPECT_EQ(days["maximum"], 30);
    EXPECT_EQ(days["default"], 7);
    EXPECT_EQ(schema["properties"]["colour"]["enum"], (nlohmann::json{"red", "blue"}));
    EXPECT_EQ(schema["properties"]["extra"]["default"], "extra.csv");
    EXPECT_FALSE(schema["properties"]["note"].contains("default"));
}

TEST(SettingsTable, PageFollowsTheTable)
{
    const std::string page = reference_page("example", "x.json", table().descriptions());
    EXPECT_NE(page.find("| `data` | path | none: must be given | on restart | 0.1 | Where. |\n"), std::string::npos)
        << page;
    EXPECT_NE(
        page.find("| `limits.days` | whole number from 1 to 30, days | `7` | on reload | 0.2 | A \\| in text. |\n"),
        std::string::npos)
        << page;
}

}    // namespace
}    // namespace dl::config
