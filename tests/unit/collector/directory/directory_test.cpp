#include "collector/directory/csv.hpp"
#include "collector/directory/directory.hpp"
#include "shared/names/identifiers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace dl::collector::directory {
namespace {

class DirectoryFilesTest : public ::testing::Test {
protected:
    DirectoryFilesTest()
    {
        folder_ = std::filesystem::temp_directory_path() / ("daylight-directory-" + Receipt::random().hex());
        std::filesystem::create_directories(folder_);
        write("units.csv", "id,name,parent\nhead,Head,\nsales,Sales,head\n");
    }
    ~DirectoryFilesTest() override { std::filesystem::remove_all(folder_); }

    std::filesystem::path write(const std::string& name, const std::string& text)
    {
        std::ofstream(folder_ / name, std::ios::binary) << text;
        return folder_ / name;
    }
    std::string failure_of(const std::string& units, const std::string& people = "", const std::string& devices = "")
    {
        DirectoryFiles files{write("units.csv", units), {}, {}};
        if (!people.empty()) files.people = write("people.csv", people);
        if (!devices.empty()) files.devices = write("devices.csv", devices);
        const auto loaded = load_directory(files);
        if (loaded) return "loaded";
        const auto& message = loaded.error().message;
        EXPECT_EQ(message.find('\n'), std::string::npos);
        return message.substr(folder_.string().size() + 1);
    }

    std::filesystem::path folder_;
    const std::string units_ = "id,name,parent\nhead,Head,\nsales,Sales,head\n";
};

TEST(Csv, ReadsWhatRfc4180Allows)
{
    const auto records = parse_csv("\xEF\xBB\xBF"
                                   "a,b\r\n\"x, \"\"y\"\"\nz\",\r\n\n\"\",last",
                                   "f");
    ASSERT_TRUE(records);
    ASSERT_EQ(records->size(), 3u);
    EXPECT_EQ((*records)[1].fields, (std::vector<std::string>{"x, \"y\"\nz", ""}));
    EXPECT_EQ((*records)[1].line, 2u);
    EXPECT_EQ((*records)[2].line, 5u);
    EXPECT_EQ((*records)[2].fields, (std::vector<std::string>{"", "last"}));
}

TEST(Csv, NamesTheLineOfWhatIsWrong)
{
    const auto message = [](std::string_view text) { return parse_csv(text, "f.csv").error().message; };
    EXPECT_EQ(message("a\n\"b\n\nc").substr(0, 8), "f.csv:2:");
    EXPECT_EQ(message("a\nb\"c").substr(0, 8), "f.csv:2:");
    EXPECT_EQ(message("\"a\nb\"c").substr(0, 8), "f.csv:2:");
    EXPECT_EQ(message("a\rb").substr(0, 8), "f.csv:1:");
    EXPECT_EQ(message("a\n\"b\nJ\xfcrgen\""), "f.csv:3: the byte 0xfc is no UTF-8; save the file as UTF-8");
    EXPECT_NE(message(std::string(20000, 'x')).find("bytes"), std::string::npos);
    EXPECT_NE(message(std::string(200, ',')).find("fields"), std::string::npos);
}

TEST_F(DirectoryFilesTest, PlacesPeopleByEveryIdentifierAndDay)
{
    const auto people = write("people.csv", "employee,unit,identifiers,from,to\n"
                                            "E1001,sales,CORP\\anna;anna@corp.example,2026-01-01,2026-07-01\n"
                                            "E1001,head,anna,2026-07-01,\n");
    const auto devices = write("devices.csv", "device,unit\nSales-01.corp.example,sales\n");
    const auto directory = load_directory({folder_ / "units.csv", people, devices});
    ASSERT_TRUE(directory) << directory.error().message;
    PseudonymKeys keys;
    keys.organisation.fill(1);
    keys.collector.fill(2);
    const auto placements = (*directory)->people(keys);
    const auto anna = names::rekey(keys.collector, names::person_pseudonym(keys.organisation, "anna@corp.example"));
    std::vector<std::string> units;
    for (const auto& placement : placements)
        if (placement.who == anna) units.push_back(placement.unit + " " + to_iso_date(placement.from));
    EXPECT_EQ(units, (std::vector<std::string>{"sales 2026-01-01", "head 2026-07-01"}));
    EXPECT_EQ(placements.size(), 4u) << "anna and e1001, two placements each";
    const auto device = names::rekey(keys.collector, names::device_pseudonym(keys.organisation, "sales-01"));
    ASSERT_EQ((*directory)->devices(keys).size(), 1u);
    EXPECT_EQ((*directory)->devices(keys).front().who, device);
    EXPECT_EQ((*directory)->unit("sales")->parent, "head");
    EXPECT_EQ((*directory)->unit("head")->people, 1u);
    EXPECT_EQ((*directory)->unit("sales")->devices, 1u);
}

TEST_F(DirectoryFilesTest, EveryMistakeNamesFileLineAndRemedy)
{
    EXPECT_EQ(failure_of("id,nam\nx,y\n").substr(0, 39), "units.csv:1: unknown column 'nam'; know");
    EXPECT_EQ(failure_of("id\nx\n").substr(0, 40), "units.csv:1: column 'name' is missing; a");
    EXPECT_EQ(failure_of("id,name\nX,y\n").substr(0, 31), "units.csv:2: 'X' is no unit id;");
    EXPECT_EQ(failure_of("id,name\nx,y\nx,y\n").substr(0, 12), "units.csv:3:");
    EXPECT_EQ(failure_of("id,name,parent\na,A,b\nb,B,a\n").substr(0, 40), "units.csv:2: unit 'a' is above itself; m");
    EXPECT_EQ(failure_of("id,name,parent\na,A,c\n").substr(0, 24), "units.csv:2: parent 'c' ");
    EXPECT_EQ(failure_of("id,name\nx\n").substr(0, 21), "units.csv:2: 1 fields");
    EXPECT_EQ(failure_of("").substr(0, 25), "units.csv:1: no head line");
    EXPECT_EQ(failure_of(units_, "employee,unit\nE1001,elsewhere\n").substr(0, 32), "people.csv:2: unit 'elsewhere' i");
    EXPECT_EQ(failure_of(units_, "employee,unit,from\nE1001,sales,1.3.2026\n").substr(0, 24),
              "people.csv:2: '1.3.2026'");
    EXPECT_EQ(failure_of(units_, "employee,unit,identifiers\nE1001,sales,anna\nE1002,head,CORP\\Anna\n").substr(0, 48),
              "people.csv:3: identifier 'anna' is taken by line");
    EXPECT_EQ(failure_of(units_, "", "device,unit\nd,sales\nD.corp.example,head\n").substr(0, 25),
              "devices.csv:3: device 'd'");
    EXPECT_EQ(failure_of(units_, "employee,unit,from,to\nE1001,sales,2026-02-01,2026-02-01\n").substr(0, 18),
              "people.csv:2: 'to'");
}

TEST(ShippedDirectory, HasThreeUnitsWithGoalsPeopleAndDevices)
{
    const std::filesystem::path config = std::filesystem::path(DAYLIGHT_SOURCE_DIR) / "config";
    const auto directory =
        load_directory({config / "business-units.csv", config / "people.csv", config / "devices.csv"});
    ASSERT_TRUE(directory) << directory.error().message;
    ASSERT_EQ((*directory)->units().size(), 3u);
    for (const auto& unit : (*directory)->units()) {
        EXPECT_FALSE(unit.goals.empty()) << unit.id;
        EXPECT_EQ(unit.people, 9u) << unit.id;
        EXPECT_EQ(unit.devices, 3u) << unit.id;
    }
}

}    // namespace
}    // namespace dl::collector::directory
