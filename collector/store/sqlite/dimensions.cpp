#include "collector/store/sqlite/dimensions.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dl::collector::store {
namespace {

/// Entries a cache of names may hold before it starts anew: about 100 MB at worst.
constexpr std::size_t cache_limit = 1'000'000;

template <class Cache>
void bound(Cache& cache)
{
    if (cache.size() >= cache_limit) cache.clear();
}

}    // namespace

DimensionTables::DimensionTables(Database& database) : database_(database)
{
    find_generation_ = Statement(database, "SELECT value FROM meta WHERE key = 'generation'");
    const auto prepare = [&](Subjects& subjects, const char* table) {
        subjects.find = Statement(database, fmt::format("SELECT id, last_day FROM {} WHERE pseudonym = ?1", table));
        subjects.insert = Statement(database, fmt::format("INSERT INTO {}(pseudonym, last_day) VALUES(?1, ?2)", table));
        subjects.touch =
            Statement(database, fmt::format("UPDATE {} SET last_day = max(last_day, ?2) WHERE id = ?1", table));
    };
    prepare(persons_, "persons");
    prepare(devices_, "devices");
    const auto prepare_words = [&](Words& words, const char* table) {
        words.find = Statement(database, fmt::format("SELECT id FROM {} WHERE name = ?1", table));
        words.insert = Statement(database, fmt::format("INSERT INTO {}(name) VALUES(?1)", table));
    };
    prepare_words(applications_, "applications");
    prepare_words(units_, "units");
    find_destination_ = Statement(
        database, "SELECT id FROM destinations WHERE host = ?1 AND canonical = ?2 AND transport = ?3 AND port = ?4");
    insert_destination_ =
        Statement(database, "INSERT INTO destinations(host, canonical, transport, port) VALUES(?1, ?2, ?3, ?4)");
    find_label_ = Statement(database, "SELECT id FROM labels WHERE kind = ?1 AND label = ?2 AND capability = ?3");
    insert_label_ = Statement(database, "INSERT INTO labels(kind, label, capability) VALUES(?1, ?2, ?3)");
    meaning_ = Statement(database, "SELECT label, host FROM destinations WHERE id = ?1");
    person_spans_ = Statement(
        database, "SELECT from_day, to_day, unit, ifnull(person, who) FROM placements "
                  "WHERE what = 0 AND who = (SELECT pseudonym FROM persons WHERE id = ?1) ORDER BY from_day DESC");
    device_spans_ = Statement(
        database, "SELECT from_day, to_day, unit, NULL FROM placements "
                  "WHERE what = 1 AND who = (SELECT pseudonym FROM devices WHERE id = ?1) ORDER BY from_day DESC");
    seer_ =
        Statement(database, "SELECT o.id, o.kind FROM epochs e JOIN observers o ON o.id = e.observer WHERE e.id = ?1");
    label_text_ = Statement(database, "SELECT kind, label, capability FROM labels WHERE id = ?1");
    unit_name_ = Statement(database, "SELECT name FROM units WHERE id = ?1");
    application_name_ = Statement(database, "SELECT name FROM applications WHERE id = ?1");
    agent_name_ = Statement(database, "SELECT lower(hex(agent)) FROM observers WHERE id = ?1");
    destination_of_ = Statement(database, "SELECT host, canonical, transport, port FROM destinations WHERE id = ?1");
    if (database.writable())
        set_generation_ = Statement(
            database,
            "INSERT INTO meta(key, value) VALUES('generation', ?1) ON CONFLICT DO UPDATE SET value = excluded.value");
}

void DimensionTables::check_generation()
{
    const std::int64_t now = find_generation_.step() ? find_generation_.integer(0) : 0;
    find_generation_.reset();
    // A label that was passing here may have been written by another connection since.
    if (now == generation_ && passing_labels_ == 0) return;
    forget();
    generation_ = now;
}

void DimensionTables::forget()
{
    generation_ = -1;
    persons_.ids.clear();
    devices_.ids.clear();
    for (Names* names : {&applications_.ids, &destinations_, &units_.ids, &labels_})
        names->clear();
    meanings_.clear();
    person_units_.clear();
    device_units_.clear();
    known_people_.clear();
    seers_.clear();
    label_texts_.clear();
    unit_names_.clear();
    passing_labels_ = 0;
}

void DimensionTables::bump_generation()
{
    const std::int64_t next = database_.integer("SELECT value FROM meta WHERE key = 'generation'") + 1;
    set_generation_.bind_all(next).run();
    forget();
    generation_ = next;
}

std::int64_t DimensionTables::Subjects::operator()(Database& database, const Pseudonym& who, std::int64_t day)
{
    auto at = ids.find(who);
    if (at == ids.end()) {
        bound(ids);
        Subject subject;
        find.bind(1, who.bytes);
        if (find.step()) subject = {find.integer(0), find.integer(1)};
        find.reset();
        if (subject.id == 0) {
            insert.bind(1, who.bytes).bind(2, day).run();
            subject = {database.last_insert_id(), day};
        }
        at = ids.emplace(who, subject).first;
    }
    if (at->second.last_day < day) {
        touch.bind_all(at->second.id, day).run();
        at->second.last_day = day;
    }
    return at->second.id;
}

std::int64_t DimensionTables::person(const Pseudonym& who, std::int64_t day) { return persons_(database_, who, day); }

std::int64_t DimensionTables::device(const Pseudonym& who, std::int64_t day) { return devices_(database_, who, day); }

std::int64_t DimensionTables::Words::operator()(Database& database, const std::string& name)
{
    if (const auto at = ids.find(name); at != ids.end()) return at->second;
    bound(ids);
    find.bind(1, name);
    std::int64_t id = find.step() ? find.integer(0) : 0;
    find.reset();
    if (id == 0) {
        insert.bind(1, name).run();
        id = database.last_insert_id();
    }
    return ids[name] = id;
}

std::int64_t DimensionTables::application(const std::string& name) { return applications_(database_, name); }

std::int64_t DimensionTables::destination(const wire::Destination& destination)
{
    const std::string key = fmt::format("{}\n{}\n{}\n{}", destination.host, destination.canonical,
                                        static_cast<int>(destination.transport), destination.port);
    if (const auto at = destinations_.find(key); at != destinations_.end()) return at->second;
    bound(destinations_);
    const auto bind = [&](Statement& statement) -> Statement& {
        return statement.bind(1, destination.host)
            .bind(2, destination.canonical)
            .bind(3, static_cast<std::int64_t>(destination.transport))
            .bind(4, static_cast<std::int64_t>(destination.port));
    };
    std::int64_t id = bind(find_destination_).step() ? find_destination_.integer(0) : 0;
    find_destination_.reset();
    if (id == 0) {
        bind(insert_destination_).run();
        id = database_.last_insert_id();
    }
    return destinations_[key] = id;
}

std::int64_t DimensionTables::unit(const std::string& name)
{
    return name.empty() || name == unassigned ? 0 : units_(database_, name);
}

std::int64_t DimensionTables::label(const LabelText& text)
{
    const std::string key = text.kind + '\n' + text.label + '\n' + text.capability;
    if (const auto at = labels_.find(key); at != labels_.end()) return at->second;
    bound(labels_);
    find_label_.bind(1, text.kind).bind(2, text.label).bind(3, text.capability);
    std::int64_t id = find_label_.step() ? find_label_.integer(0) : 0;
    find_label_.reset();
    if (id == 0 && database_.writable()) {
        insert_label_.bind(1, text.kind).bind(2, text.label).bind(3, text.capability).run();
        id = database_.last_insert_id();
    } else if (id == 0) {
        id = --passing_labels_;
        label_texts_[id] = text;
    }
    return labels_[key] = id;
}

const DimensionTables::DestinationMeaning& DimensionTables::meaning(std::int64_t destination)
{
    if (const auto at = meanings_.find(destination); at != meanings_.end()) return at->second;
    bound(meanings_);
    meaning_.bind_all(destination);
    DestinationMeaning meaning;
    std::string host;
    if (meaning_.step()) {
        meaning = {meaning_.integer(0), !meaning_.is_null(0)};
        host = meaning_.text(1);
    }
    meaning_.reset();
    if (!meaning.labelled) meaning.label = label({"unknown", host, ""});
    return meanings_[destination] = meaning;
}

const DimensionTables::Span* DimensionTables::placed(std::unordered_map<std::int64_t, std::vector<Span>>& cache,
                                                     Statement& find, std::int64_t who, std::int64_t day)
{
    auto at = cache.find(who);
    if (at == cache.end()) {
        bound(cache);
        std::vector<Span> spans;
        find.bind_all(who);
        while (find.step())
            spans.push_back({find.integer(0), find.integer(1), find.integer(2), known_person_of(find.blob(3))});
        find.reset();
        at = cache.emplace(who, std::move(spans)).first;
    }
    for (const Span& span : at->second)    // the latest beginning first: it wins where two overlap
        if (span.from <= day && day < span.to) return &span;
    return nullptr;
}

std::int64_t DimensionTables::known_person_of(std::span<const std::uint8_t> pseudonym)
{
    Pseudonym who;
    if (pseudonym.size() != who.bytes.size()) return 0;
    std::ranges::copy(pseudonym, who.bytes.begin());
    return known_people_.try_emplace(who, static_cast<std::int64_t>(known_people_.size()) + 1).first->second;
}

std::int64_t DimensionTables::known_person(std::int64_t person, std::int64_t day)
{
    const Span* span = person != 0 ? placed(person_units_, person_spans_, person, day) : nullptr;
    return span ? span->person : 0;
}

std::int64_t DimensionTables::unit_of(std::int64_t person, std::int64_t device, std::int64_t day)
{
    const Span* span = person != 0 ? placed(person_units_, person_spans_, person, day) : nullptr;
    if (!span || span->unit == 0) span = placed(device_units_, device_spans_, device, day);
    return span ? span->unit : 0;
}

const Seer& DimensionTables::seer(std::int64_t epoch)
{
    if (const auto at = seers_.find(epoch); at != seers_.end()) return at->second;
    seer_.bind_all(epoch);
    Seer seer;
    if (seer_.step()) seer = {seer_.integer(0), seer_.integer(1) == static_cast<int>(wire::ObserverKind::endpoint)};
    seer_.reset();
    return seers_[epoch] = seer;
}

const LabelText& DimensionTables::label_text(std::int64_t label)
{
    if (const auto at = label_texts_.find(label); at != label_texts_.end()) return at->second;
    label_text_.bind_all(label);
    LabelText text;
    if (label_text_.step())
        text = {std::string(label_text_.text(0)), std::string(label_text_.text(1)), std::string(label_text_.text(2))};
    label_text_.reset();
    return label_texts_[label] = text;
}

std::string DimensionTables::text_of(Statement& find, std::int64_t id)
{
    find.bind_all(id);
    std::string text(find.step() ? find.text(0) : std::string_view{});
    find.reset();
    return text;
}

const std::string& DimensionTables::unit_name(std::int64_t unit)
{
    if (const auto at = unit_names_.find(unit); at != unit_names_.end()) return at->second;
    return unit_names_[unit] = unit == 0 ? unassigned : text_of(unit_name_, unit);
}

std::string DimensionTables::application_name(std::int64_t application)
{
    return application == 0 ? std::string{} : text_of(application_name_, application);
}

std::string DimensionTables::agent_name(std::int64_t observer) { return text_of(agent_name_, observer); }

wire::Destination DimensionTables::destination_of(std::int64_t destination)
{
    wire::Destination found;
    destination_of_.bind_all(destination);
    if (destination_of_.step())
        found = {std::string(destination_of_.text(0)), std::string(destination_of_.text(1)),
                 static_cast<Transport>(destination_of_.integer(2)),
                 static_cast<std::uint16_t>(destination_of_.integer(3))};
    destination_of_.reset();
    return found;
}

}    // namespace dl::collector::store
