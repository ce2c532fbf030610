#include "agent/service/standing.hpp"

#include "shared/base/digest.hpp"
#include "shared/base/id.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace dl::agent::service {
namespace {

using nlohmann::json;

constexpr std::string_view first_words = "daylight-standing 1 ";
constexpr std::size_t digest_letters = 32;
constexpr std::size_t longest_text = 256;

std::filesystem::path page_file(const std::filesystem::path& data_directory) { return data_directory / "standing"; }

std::int64_t micros(Timestamp when) { return when.time_since_epoch().count(); }
Timestamp moment(const json& micros) { return Timestamp{std::chrono::microseconds(micros.get<std::int64_t>())}; }

std::string digest_of(std::string_view body) { return to_hex(sha256(body)).substr(0, digest_letters); }

}    // namespace

std::string to_page(const Standing& standing)
{
    json body{{"at", micros(standing.at)}};
    if (standing.disk)
        body["disk"] = {{"since", micros(standing.disk->since)},
                        {"why", standing.disk->why.substr(0, longest_text)},
                        {"waiting", standing.disk->cells_waiting},
                        {"dropped", standing.disk->cells_dropped}};
    if (standing.absence)
        body["absence"] = {{"since", micros(standing.absence->since)},
                           {"interface", standing.absence->interface.substr(0, longest_text)}};
    if (standing.limits) body["limits"] = to_note(*standing.limits);
    const std::string text = body.dump(-1, ' ', true, json::error_handler_t::replace);
    std::string page = fmt::format("{}{} {}\n", first_words, digest_of(text), text);
    page.resize(standing_octets, ' ');
    return page;
}

std::optional<Standing> parse_page(std::string_view page)
{
    const std::size_t body_at = first_words.size() + digest_letters + 1;
    const std::size_t end = page.find('\n');
    if (!page.starts_with(first_words) || end == std::string_view::npos || end < body_at) return std::nullopt;
    const std::string_view text = page.substr(body_at, end - body_at);
    if (page.substr(first_words.size(), digest_letters) != digest_of(text)) return std::nullopt;
    const json body = json::parse(text, nullptr, false);
    try {
        Standing standing;
        standing.at = moment(body.at("at"));
        if (const auto disk = body.find("disk"); disk != body.end())
            standing.disk = Standing::DiskTrouble{moment(disk->at("since")), disk->at("why").get<std::string>(),
                                                  disk->at("waiting").get<std::uint64_t>(),
                                                  disk->at("dropped").get<std::uint64_t>()};
        if (const auto absence = body.find("absence"); absence != body.end())
            standing.absence =
                Standing::Absence{moment(absence->at("since")), absence->at("interface").get<std::string>()};
        if (const auto limits = body.find("limits"); limits != body.end())
            standing.limits = parse_reached_limits(limits->get<std::string>());
        return standing;
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

Result<StandingPage> StandingPage::open(const std::filesystem::path& data_directory)
{
    const auto path = page_file(data_directory);
    const auto failed = [&](int why) {
        return io_failure(
            fmt::format("{}: can't be written: {}; {}", path.string(), std::strerror(why),
                        why == ENOSPC || why == EDQUOT ? "make room on that disk" : "check who may write there"));
    };
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return failed(errno);
    StandingPage page(file);
    // Written and not only reserved: the first write into reserved room may still need some elsewhere.
    const std::string blank(standing_octets, ' ');
    const ssize_t written = ::pwrite(file, blank.data(), blank.size(), 0);
    if (written != static_cast<ssize_t>(blank.size())) return failed(written < 0 ? errno : ENOSPC);
    if (::fsync(file) != 0) return failed(errno);
    return page;
}

StandingPage::StandingPage(StandingPage&& other) noexcept
    : file_(std::exchange(other.file_, -1)), refused_(other.refused_)
{}

StandingPage::~StandingPage()
{
    if (file_ >= 0) ::close(file_);
}

void StandingPage::write(const Standing& standing)
{
    const std::string page = to_page(standing);
    const bool done = ::pwrite(file_, page.data(), page.size(), 0) == static_cast<ssize_t>(page.size());
    if (!done && !refused_)
        spdlog::warn("what `status` is told can't be written ({}); it goes by the ledger alone", std::strerror(errno));
    refused_ = !done;
}

std::optional<Standing> read_standing(const std::filesystem::path& data_directory)
{
    const int file = ::open(page_file(data_directory).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return std::nullopt;
    std::optional<Standing> standing;
    for (int attempt = 0; attempt < 5 && !standing; ++attempt) {    // it may be written just now
        std::string page(standing_octets, '\0');
        const ssize_t got = ::pread(file, page.data(), page.size(), 0);
        if (got <= 0) break;
        page.resize(static_cast<std::size_t>(got));
        standing = parse_page(page);
    }
    ::close(file);
    return standing;
}

}    // namespace dl::agent::service
