#include "agent/ledger/damaged_ledger.hpp"
#include "agent/ledger/sqlite_ledger.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <charconv>
#include <utility>

namespace dl::agent::ledger {
namespace {

constexpr std::uintmax_t cheap_to_read = 16ULL << 20;

}    // namespace

void SqliteLedger::open_file()
{
    connection_ = Connection(file_, mode_);
    if (mode_ == Connection::Mode::create) prepare();
    check();
    if (mode_ == Connection::Mode::create) look_for_damage();
    read_current_epoch();
    prepare_statements();
    if (!set_aside_.empty()) {
        set_note_row(set_aside_note, set_aside_);
        set_note_row(set_aside_count_note, std::to_string(set_aside_count_));
        set_aside_.clear();
    }
    open_ = true;
}

void SqliteLedger::close_file()
{
    open_ = false;
    for (Statement* statement : {&find_identity_, &insert_identity_, &find_application_, &insert_application_,
                                 &find_destination_, &insert_destination_, &add_})
        *statement = Statement();
    connection_ = Connection();
}

void SqliteLedger::look_for_damage()
{
    std::error_code error;
    if (std::filesystem::file_size(file_, error) > cheap_to_read || error) return;
    Statement look(connection_.get(), "PRAGMA quick_check(1)");
    if (look.step() && look.text(0) != "ok") {
        std::string why = look.text(0);
        std::replace(why.begin(), why.end(), '\n', ' ');
        throw Damage(why);
    }
}

Failure SqliteLedger::replace(const std::string& why)
{
    if (mode_ == Connection::Mode::existing)
        return io_failure(fmt::format("{}: {}; {}", file_.string(), why, damaged_elsewhere));
    try {
        const auto aside = begin_anew(why);
        return io_failure(fmt::format("{}: {}; it was set aside as {} and a new ledger was begun", file_.string(), why,
                                      aside.filename().string()));
    } catch (const std::runtime_error& refused) {
        return io_failure(fmt::format("{}: {}; setting it aside failed: {}; make room or mend the directory's rights",
                                      file_.string(), why, refused.what()));
    }
}

std::filesystem::path SqliteLedger::begin_anew(const std::string& why)
{
    try {
        const std::string text = note_row(set_aside_count_note);
        std::from_chars(text.data(), text.data() + text.size(), set_aside_count_);
    } catch (const std::runtime_error&) {
        // Not to be read any more: the files that are kept tell the least.
    }
    close_file();
    set_aside_count_ = std::max<std::uint64_t>(set_aside_count_, damaged_kept(file_).size()) + 1;
    const auto aside = set_damaged_aside(file_, clock_.now());
    ++begun_anew_;
    set_aside_ = fmt::format("{}: {}", aside.filename().string(), why);
    epoch_reason_ = "the ledger was damaged";
    spdlog::error("{}: {}; it was set aside as {} and a new ledger was begun: what was not acknowledged yet is lost, "
                  "and a capture file is read anew",
                  file_.string(), why, aside.filename().string());
    open_file();
    return aside;
}

}    // namespace dl::agent::ledger
