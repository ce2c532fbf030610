// The directory that CSV files make. Rows are effective-dated: a reorganisation adds rows and rewrites no history.
#include "collector/directory/directory.hpp"
#include "collector/directory/table.hpp"
#include "shared/base/digest.hpp"
#include "shared/names/identifiers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace dl::collector::directory {
namespace {

using Presence = TableColumn::Presence;

/// Somebody or something that belonged to a unit under a canonical name.
struct Member {
    std::string owner;    ///< employee number or device name, as the file writes it
    std::string unit;
    std::string name;      ///< canonical
    std::string person;    ///< a person's employee number, canonical: what all their names share; a device has none
    Day from = Day::min();
    Day to = Day::max();
    std::size_t line = 0;
};

bool is_id(std::string_view text)
{
    return !text.empty() && text.size() <= 64 && text.front() != '-' &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

/// Entries between semicolons, without blanks around them.
std::vector<std::string> split(std::string_view list)
{
    std::vector<std::string> entries;
    while (!list.empty()) {
        const auto end = list.find(';');
        auto entry = list.substr(0, end);
        while (entry.starts_with(' '))
            entry.remove_prefix(1);
        while (entry.ends_with(' '))
            entry.remove_suffix(1);
        if (!entry.empty()) entries.emplace_back(entry);
        list = end == std::string_view::npos ? std::string_view{} : list.substr(end + 1);
    }
    return entries;
}

class CsvDirectory final : public Directory {
public:
    Result<void> load(const DirectoryFiles& files)
    {
        if (auto read = read_units(files.units); !read) return read;
        if (!files.people.empty())
            if (auto read = read_people(files.people); !read) return read;
        if (!files.devices.empty())
            if (auto read = read_devices(files.devices); !read) return read;
        version_ = "d-" + to_hex(sha256(content_)).substr(0, 12);
        count_today();
        return {};
    }

    const std::vector<Unit>& units() const override { return units_; }
    const Unit* unit(std::string_view id) const override
    {
        const auto found = std::find_if(units_.begin(), units_.end(), [&](const Unit& u) { return u.id == id; });
        return found == units_.end() ? nullptr : &*found;
    }
    std::vector<store::Placement> people(const PseudonymKeys& keys) const override
    {
        return placements(people_, keys, &names::person_pseudonym);
    }
    std::vector<store::Placement> devices(const PseudonymKeys& keys) const override
    {
        return placements(devices_, keys, &names::device_pseudonym);
    }
    std::string_view version() const override { return version_; }

private:
    Result<void> read_units(const std::filesystem::path& file)
    {
        auto table = Table::read(file, {{"id"},
                                        {"name"},
                                        {"parent", Presence::optional},
                                        {"leader", Presence::optional},
                                        {"relationship_manager", Presence::optional},
                                        {"goal_1", Presence::optional},
                                        {"goal_2", Presence::optional},
                                        {"goal_3", Presence::optional},
                                        {"goal_1_about", Presence::optional},
                                        {"goal_2_about", Presence::optional},
                                        {"goal_3_about", Presence::optional}});
        if (!table) return table.error();
        for (std::size_t row = 0; row < table->size(); ++row) {
            Unit unit;
            unit.id = table->field(row, "id");
            unit.name = table->field(row, "name");
            if (!is_id(unit.id))
                return table->fail(
                    row, fmt::format("'{}' is no unit id; use lower case letters, digits and dashes", unit.id));
            if (unit.id == store::unassigned)
                return table->fail(row, "'unassigned' is what nobody's use is booked on; choose another id");
            if (unit.name.empty()) return table->fail(row, fmt::format("unit '{}' has no name; give it one", unit.id));
            if (this->unit(unit.id))
                return table->fail(row, fmt::format("unit '{}' stands there twice; remove one line", unit.id));
            unit.parent = table->field(row, "parent");
            unit.leader = table->field(row, "leader");
            unit.relationship_manager = table->field(row, "relationship_manager");
            unit.line = table->line(row);
            if (auto read = read_goals(*table, row, unit); !read) return read;
            units_.push_back(std::move(unit));
        }
        content_ += table->content() + '\0';
        return check_tree(*table);
    }

    static Result<void> read_goals(const Table& table, std::size_t row, Unit& unit)
    {
        for (const char number : {'1', '2', '3'}) {
            const std::string column = std::string("goal_") + number;
            const auto text = table.field(row, column);
            auto about = split(table.field(row, column + "_about"));
            if (text.empty() && !about.empty())
                return table.fail(row,
                                  fmt::format("{}_about without {}; write the goal or empty both", column, column));
            if (!text.empty())
                unit.goals.push_back({std::string("goal-") + number, std::string(text), std::move(about)});
        }
        return {};
    }

    Result<void> check_tree(const Table& table) const
    {
        for (std::size_t row = 0; row < units_.size(); ++row) {
            const Unit* up = &units_[row];
            for (std::size_t steps = 0; !up->parent.empty(); ++steps) {
                if (steps > units_.size())
                    return table.fail(row, fmt::format("unit '{}' is above itself; mend the parents", units_[row].id));
                const Unit* parent = unit(up->parent);
                if (!parent)
                    return table.fail(
                        row,
                        fmt::format("parent '{}' is no unit of this file; add it or leave parent empty", up->parent));
                up = parent;
            }
        }
        return {};
    }

    Result<void> read_people(const std::filesystem::path& file)
    {
        auto table = Table::read(file, {{"employee"},
                                        {"unit"},
                                        {"identifiers", Presence::optional},
                                        {"from", Presence::optional},
                                        {"to", Presence::optional}});
        if (!table) return table.error();
        for (std::size_t row = 0; row < table->size(); ++row) {
            auto member = read_member(*table, row, "employee");
            if (!member) return member.error();
            std::set<std::string> known;
            std::string_view rest = table->field(row, "identifiers");
            member->person = names::canonical_person(member->owner);
            known.insert(member->person);
            while (!rest.empty()) {
                const auto end = rest.find(';');
                if (auto name = names::canonical_person(rest.substr(0, end)); !name.empty())
                    known.insert(std::move(name));
                rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
            }
            for (const auto& name : known) {
                member->name = name;
                people_.push_back(*member);
            }
        }
        content_ += table->content() + '\0';
        return check_overlap(*table, people_, "identifier");
    }

    Result<void> read_devices(const std::filesystem::path& file)
    {
        auto table =
            Table::read(file, {{"device"}, {"unit"}, {"from", Presence::optional}, {"to", Presence::optional}});
        if (!table) return table.error();
        for (std::size_t row = 0; row < table->size(); ++row) {
            auto member = read_member(*table, row, "device");
            if (!member) return member.error();
            member->name = names::canonical_device(member->owner);
            devices_.push_back(std::move(*member));
        }
        content_ += table->content() + '\0';
        return check_overlap(*table, devices_, "device");
    }

    Result<Member> read_member(const Table& table, std::size_t row, std::string_view owner_column) const
    {
        Member member;
        member.owner = table.field(row, owner_column);
        member.unit = table.field(row, "unit");
        member.line = table.line(row);
        if (member.owner.empty()) return table.fail(row, fmt::format("column '{}' is empty; fill it", owner_column));
        if (!unit(member.unit))
            return table.fail(
                row, fmt::format("unit '{}' is not in business-units.csv; add it there or mend the name", member.unit));
        const auto from = table.day(row, "from");
        if (!from) return from.error();
        const auto to = table.day(row, "to");
        if (!to) return to.error();
        member.from = from->value_or(Day::min());
        member.to = to->value_or(Day::max());
        if (member.from >= member.to)
            return table.fail(row, "'to' is the first day no longer in the unit: it must lie after 'from'");
        return member;
    }

    /// One name belongs to one owner and one unit on any day.
    static Result<void> check_overlap(const Table& table, std::vector<Member>& members, std::string_view what)
    {
        std::stable_sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
            return std::tie(a.name, a.from) < std::tie(b.name, b.from);
        });
        for (std::size_t i = 1; i < members.size(); ++i) {
            const Member& before = members[i - 1];
            const Member& after = members[i];
            if (before.name != after.name || before.to <= after.from) continue;
            const auto& second = before.line > after.line ? before : after;
            const auto& first = before.line > after.line ? after : before;
            for (std::size_t row = 0; row < table.size(); ++row)
                if (table.line(row) == second.line)
                    return table.fail(row,
                                      fmt::format("{} '{}' is taken by line {} on the same days; end that line with "
                                                  "'to' or remove the {} here",
                                                  what, second.name, first.line, what));
        }
        return {};
    }

    template <class MakePseudonym>
    static std::vector<store::Placement> placements(const std::vector<Member>& members, const PseudonymKeys& keys,
                                                    MakePseudonym make)
    {
        std::vector<store::Placement> out;
        out.reserve(members.size());
        const auto person_of = [&](const Member& member) {
            if (member.person.empty() || member.person == member.name) return Pseudonym{};
            return names::rekey(keys.collector, make(keys.organisation, member.person));
        };
        for (const auto& member : members)
            out.push_back({names::rekey(keys.collector, make(keys.organisation, member.name)), member.unit, member.from,
                           member.to, person_of(member)});
        return out;
    }

    void count_today()
    {
        const Day today = day_of(SystemClock{}.now());
        const auto count = [&](const std::vector<Member>& members, std::size_t Unit::*figure) {
            std::set<std::pair<std::string, std::string>> seen;
            for (const auto& member : members)
                if (member.from <= today && today < member.to) seen.emplace(member.unit, member.owner);
            for (auto& unit : units_)
                unit.*figure = static_cast<std::size_t>(
                    std::count_if(seen.begin(), seen.end(), [&](const auto& pair) { return pair.first == unit.id; }));
        };
        count(people_, &Unit::people);
        count(devices_, &Unit::devices);
    }

    std::vector<Unit> units_;
    std::vector<Member> people_;
    std::vector<Member> devices_;
    std::string content_;
    std::string version_;
};

}    // namespace

Result<std::unique_ptr<Directory>> load_directory(const DirectoryFiles& files)
{
    auto directory = std::make_unique<CsvDirectory>();
    if (auto loaded = directory->load(files); !loaded) return loaded.error();
    return std::unique_ptr<Directory>(std::move(directory));
}

Result<void> check_goals(const Directory& directory, const std::filesystem::path& units_file,
                         const std::set<std::string, std::less<>>& capabilities,
                         const std::set<std::string, std::less<>>& services)
{
    for (const auto& unit : directory.units())
        for (const auto& goal : unit.goals)
            for (const auto& about : goal.about)
                if (!capabilities.contains(about) && !services.contains(about))
                    return invalid_input(
                        fmt::format("{}:{}: '{}' is neither a capability nor the id of a service; `daylight-collector "
                                    "classify` shows both, separate several with ';'",
                                    units_file.string(), unit.line, about));
    return {};
}

}    // namespace dl::collector::directory
