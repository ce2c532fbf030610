#include "shared/rows/row_writer.hpp"

#include "shared/rows/cell_text.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace dl::rows {
namespace {

using nlohmann::json;

std::string written(Format format, const std::vector<Column>& columns, const std::vector<std::vector<json>>& rows,
                    std::size_t width = 0)
{
    std::ostringstream out;
    const std::unique_ptr<RowWriter> writer = create_row_writer(format, columns, out, width);
    for (const auto& row : rows)
        writer->write(row);
    EXPECT_TRUE(writer->finish());
    return out.str();
}

const std::vector<Column> name_and_count = {{"name"}, {"heads", Column::Align::right}};

TEST(RowWriter, KnowsItsFormats)
{
    EXPECT_EQ(parse_format("table"), Format::table);
    EXPECT_EQ(parse_format("jsonl"), Format::jsonl);
    EXPECT_EQ(parse_format("tsv"), Format::tsv);
    EXPECT_EQ(parse_format("csv"), Format::csv);
    EXPECT_EQ(parse_format("xml"), std::nullopt);
}

TEST(RowWriter, JsonLinesKeepTypesAndTheOrderOfColumns)
{
    EXPECT_EQ(written(Format::jsonl, {{"z"}, {"a"}, {"b"}, {"c"}}, {{"x\"\n", 3, nullptr, true}, {"short"}}),
              "{\"z\":\"x\\\"\\n\",\"a\":3,\"b\":null,\"c\":true}\n"
              "{\"z\":\"short\",\"a\":null,\"b\":null,\"c\":null}\n");
    EXPECT_EQ(written(Format::jsonl, {{"n"}}, {{"a\xff"}}), "{\"n\":\"a\xef\xbf\xbd\"}\n");
}

TEST(RowWriter, TsvEscapesWhatWouldBreakARow)
{
    EXPECT_EQ(written(Format::tsv, name_and_count, {{"a\tb\nc\\d\re", 7}, {nullptr, nullptr}}),
              "name\theads\na\\tb\\nc\\\\d\\re\t7\n\t\n");
}

TEST(RowWriter, CsvQuotesAndDisarmsFormulas)
{
    EXPECT_EQ(written(Format::csv, name_and_count, {{"a,b", 1}, {"say \"hi\"", 2}, {"two\nlines", -3}}),
              "name,heads\r\n\"a,b\",1\r\n\"say \"\"hi\"\"\",2\r\n\"two\nlines\",-3\r\n");
    for (const std::string text : {"=1+1", "+1", "-1", "@x", "\tx"})
        EXPECT_EQ(written(Format::csv, {{"n"}}, {{text}}), "n\r\n'" + text + "\r\n");
    EXPECT_EQ(written(Format::csv, {{"n"}}, {{"\rx"}}), "n\r\n\"'\rx\"\r\n");
}

TEST(RowWriter, TableIsAlignedWithNumbersRight)
{
    EXPECT_EQ(written(Format::table, name_and_count, {{"Größe", 5}, {"a long service name", 12345}, {"日本", nullptr}}),
              "name                 heads\n"
              "───────────────────  ─────\n"
              "Größe                    5\n"
              "a long service name  12345\n"
              "日本\n");
}

TEST(RowWriter, TableIsCutInItsWidestTextAndNeverInNumbers)
{
    const std::string table =
        written(Format::table, {{"first"}, {"count", Column::Align::right}, {"second"}},
                {{"a very long text that has to give way", 123456789, "another rather long text"}}, 40);
    EXPECT_EQ(table, "first              count  second\n"
                     "─────────────  ─────────  ──────────────\n"
                     "a very long …  123456789  another rathe…\n");
}

TEST(RowWriter, TableTooWideForItsTerminalIsLeftLegible)
{
    const std::string table = written(Format::table, {{"a"}, {"b"}}, {{"12345678901", "12345678901"}}, 5);
    EXPECT_EQ(table, "a         b\n────────  ────────\n1234567…  1234567…\n");
}

TEST(RowWriter, TableDisarmsTerminalControl)
{
    EXPECT_EQ(display_text("a\x1b[31mb\x7f\n"), "a\\x1b[31mb\\x7f\\x0a");
    EXPECT_EQ(display_text("x\xe2\x80\xaey"), "x\\u{202e}y");
    EXPECT_EQ(display_text("\xc2\x9b"), "\\x9b");
    EXPECT_EQ(display_text("\xff\xfe"), "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(RowWriter, NoFormatHandsATerminalWhatItWouldObey)
{
    const std::vector<Column> name{{"name"}};
    const std::string hostile = "a\x1b]0;b\x07\x7f\xc2\x9b\xe2\x80\xae"
                                "c\\d\te";
    EXPECT_EQ(written(Format::tsv, name, {{hostile}}), "name\na\\x1b]0;b\\x07\\x7f\\x9b\\u{202e}c\\\\d\\te\n");
    EXPECT_EQ(written(Format::csv, name, {{hostile}}), "name\r\na\\x1b]0;b\\x07\\x7f\\x9b\\u{202e}c\\d\te\r\n");
    const std::string line = written(Format::jsonl, name, {{hostile}});
    EXPECT_EQ(line.find_first_of("\x1b\x07\x7f\xc2\xe2"), std::string::npos);
    EXPECT_EQ(json::parse(line)["name"], hostile);
    EXPECT_EQ(written(Format::tsv, name, {{"bücher – 日本"}}), "name\nbücher – 日本\n");
}

TEST(RowWriter, ListsAndFractionsReadWell)
{
    EXPECT_EQ(plain_text(json{"a", 2, nullptr}), "a, 2, ");
    EXPECT_EQ(display_text(2.0 / 3), "0.67");
    EXPECT_EQ(plain_text(0.5), "0.5");
}

TEST(RowWriter, WidthsCountTerminalColumns)
{
    EXPECT_EQ(display_width("abc"), 3u);
    EXPECT_EQ(display_width("日本"), 4u);
    EXPECT_EQ(display_width("e\xcc\x81"), 1u);    // e and a combining acute accent
    EXPECT_EQ(cut_to_width("日本語", 4), "日…");
    EXPECT_EQ(cut_to_width("abc", 0), "");
    EXPECT_EQ(cut_to_width("abc", 1), "…");
}

TEST(RowWriter, SaysWhenTheStreamBroke)
{
    std::ostringstream out;
    const auto writer = create_row_writer(Format::csv, name_and_count, out);
    out.setstate(std::ios::badbit);
    const Result<void> finished = writer->finish();
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().kind, Failure::Kind::io);
}

}    // namespace
}    // namespace dl::rows
