#include "shared/config/located_json.hpp"

#include "shared/config/nearest_word.hpp"

#include <gtest/gtest.h>

namespace dl::config {
namespace {

Node parsed(std::string_view text) { return parse_text(text, "c.json").value(); }

std::string error_of(std::string_view text)
{
    const Result<Node> node = parse_text(text, "c.json");
    return node ? "(no error)" : node.error().message;
}

TEST(LocatedJson, EveryValueKnowsItsLineAndPath)
{
    const Node top = parsed("{\n"
                            "  \"a\": 1,\n"
                            "  \"b\": [\n"
                            "    -2\n"
                            "    , 3.5\n"
                            "  ],\n"
                            "\n"
                            "  \"c\": { \"d\": \"x\",\n"
                            "    \"e\": [{\"f\": null}], \"g\":\n"
                            "      true}\n"
                            "}\n");
    EXPECT_EQ(top.line(), 1u);
    EXPECT_EQ(top.path(), "");
    EXPECT_EQ(top.find("a")->line(), 2u);
    EXPECT_EQ(top.find("b")->line(), 3u);
    const auto list = top.list("b").value();
    EXPECT_EQ(list[0].line(), 4u);
    EXPECT_EQ(list[0].as_integer().value(), -2);
    EXPECT_EQ(list[1].line(), 5u);
    EXPECT_EQ(list[1].path(), "b[1]");
    const Node& c = *top.find("c");
    EXPECT_EQ(c.line(), 8u);
    EXPECT_EQ(c.find("g")->line(), 10u);
    EXPECT_EQ(c.as_object().value()[2].line, 9u);
    EXPECT_EQ(c.list("e").value()[0].find("f")->path(), "c.e[0].f");
    EXPECT_EQ(c.text("d").value(), "x");
}

TEST(LocatedJson, NumbersAtLineEndsKeepTheirLine)
{
    const Node top = parsed("[1\n,2\n\n,3\r\n,4 \n]");
    const auto list = top.as_list().value();
    EXPECT_EQ(list[0].line(), 1u);
    EXPECT_EQ(list[1].line(), 2u);
    EXPECT_EQ(list[2].line(), 4u);
    EXPECT_EQ(list[3].line(), 5u);
}

TEST(LocatedJson, TypesAreCheckedWithFileLineAndKey)
{
    const Node top = parsed("{\"name\": 5,\n\"n\": \"x\",\n\"big\": 18446744073709551615, \"neg\": -1, \"frac\": 1.5,\n"
                            "\"list\": [\"a\", 1], \"flag\": 0}");
    EXPECT_EQ(top.text("name").error().message, "c.json:1: name: must be text in quotes, but is a number");
    EXPECT_EQ(top.unsigned_integer("n").error().message, "c.json:2: n: must be a whole number, but is text");
    EXPECT_EQ(top.unsigned_integer("big").value(), 18446744073709551615u);
    EXPECT_EQ(top.find("big")->as_integer().error().message, "c.json:3: big: is too large; give a smaller number");
    EXPECT_EQ(top.unsigned_integer("neg").error().message, "c.json:3: neg: must not be negative");
    EXPECT_FALSE(top.find("frac")->as_integer());
    EXPECT_EQ(top.find("frac")->as_number().value(), 1.5);
    EXPECT_EQ(top.find("neg")->as_number().value(), -1.0);
    EXPECT_EQ(top.texts("list").error().message, "c.json:4: list[1]: must be text in quotes, but is a number");
    EXPECT_EQ(top.boolean("flag").error().message, "c.json:4: flag: must be true or false, but is a number");
    EXPECT_EQ(top.list("name").error().message, "c.json:1: name: must be a list [ … ], but is a number");
    EXPECT_EQ(top.text("none").error().message, "c.json:1: 'none' is missing; add it");
    EXPECT_EQ(top.text_or("none", "d").value(), "d");
    EXPECT_FALSE(top.text_or("name", "d"));
    EXPECT_TRUE(top.boolean_or("none", true).value());
    EXPECT_TRUE(top.texts_or_none("none").value().empty());
    EXPECT_EQ(top.find("name")->find("x"), nullptr);
    EXPECT_FALSE(top.find("name")->require("x"));
}

TEST(LocatedJson, DuplicateKeysAreErrors)
{
    EXPECT_EQ(error_of("{\"a\": 1,\n\"b\": {\"a\": 2},\n\"a\": 3}"),
              "c.json:3: key 'a' stands here again, first in line 1; keep one of them");
    EXPECT_EQ(error_of("[{\"a\": 1}, {\"a\": 2}]"), "(no error)");
}

TEST(LocatedJson, SyntaxErrorsNameTheirLine)
{
    EXPECT_TRUE(error_of("{\n\"a\": 1,\n}").starts_with("c.json:3: is no JSON: ")) << error_of("{\n\"a\": 1,\n}");
    EXPECT_TRUE(error_of("{\n  // note\n}").starts_with("c.json:2: is no JSON: "));
    EXPECT_TRUE(error_of("[1, 2] 3").starts_with("c.json:1: is no JSON: "));
    EXPECT_TRUE(error_of("").starts_with("c.json:1: is no JSON: "));
    EXPECT_TRUE(error_of("[1e999]").starts_with("c.json:1: is no JSON: "));
    for (const std::string_view text : {"{", "[\"a", "{\n\n\"a\n", "nul", "\x01"})
        EXPECT_EQ(error_of(text).find('\n'), std::string::npos) << error_of(text);
}

TEST(LocatedJson, TextThatIsNoUtf8NamesItsLine)
{
    EXPECT_EQ(parse_text("{\n\"a\": \"\xfc\"}", "f.json").error().message,
              "f.json:2: the byte 0xfc is no UTF-8; save the file as UTF-8");
    EXPECT_TRUE(parse_text("{\"a\": \"\xc3\xbc\"}", "f.json"));
}

TEST(LocatedJson, NestingIsBounded)
{
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_EQ(error_of(nested(64)), "(no error)");
    EXPECT_EQ(error_of(nested(65)), "c.json:1: is nested deeper than 64 levels; flatten it");
    EXPECT_EQ(error_of(std::string(1'000'000, '[')), "c.json:1: is nested deeper than 64 levels; flatten it");
}

TEST(LocatedJson, UnknownKeysComeWithTheNearestKnownOne)
{
    const Node top = parsed("{\"name\": 1,\n\"hsots\": []}");
    EXPECT_EQ(top.only_keys({"name", "hosts"}).error().message, "c.json:2: unknown key 'hsots'; did you mean 'hosts'?");
    EXPECT_EQ(top.only_keys({"name", "vendor"}).error().message,
              "c.json:2: unknown key 'hsots'; remove it, or use one of: name, vendor");
    EXPECT_TRUE(top.only_keys({"name", "hsots"}));
    EXPECT_FALSE(top.find("name")->only_keys({}));
    const Node nested = parsed("{\"a\": [{\"nmae\": 1}]}");
    EXPECT_EQ(nested.list("a").value()[0].only_keys({"name"}).error().message,
              "c.json:1: a[0]: unknown key 'nmae'; did you mean 'name'?");
}

TEST(LocatedJson, AMissingFileIsSaid)
{
    const Result<Node> node = parse_file("/nonexistent/c.json");
    ASSERT_FALSE(node);
    EXPECT_EQ(node.error().kind, Failure::Kind::not_found);
}

TEST(LocatedJson, CopiesAreDeep)
{
    Node copy;
    {
        const Node top = parsed("{\"a\": [1, 2]}");
        copy = top;
    }
    EXPECT_EQ(copy.list("a").value().size(), 2u);
    EXPECT_EQ(copy.file(), "c.json");
}

TEST(NearestWord, CountsEditsAndSwaps)
{
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
    EXPECT_EQ(edit_distance("listen", "lisetn"), 1u);
    EXPECT_EQ(edit_distance("same", "same"), 0u);
    const std::string_view known[] = {"listen", "names", "retention_days"};
    EXPECT_EQ(nearest_word("retention_dasy", known), "retention_days");
    EXPECT_EQ(nearest_word("retention", known), std::nullopt);
    EXPECT_EQ(nearest_word("name", known), "names");
    EXPECT_EQ(nearest_word("xy", known), std::nullopt);
    EXPECT_EQ(nearest_word(std::string(10'000, 'x'), known), std::nullopt);
    EXPECT_EQ(nearest_word("", known), std::nullopt);
}

}    // namespace
}    // namespace dl::config
