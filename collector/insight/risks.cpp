#include "collector/insight/finding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

namespace dl::collector::insight {
namespace {

constexpr std::uint64_t large_upload = 100'000'000;       ///< bytes of one unit in one period
constexpr std::uint64_t ai_upload_per_day = 1'000'000;    ///< typed questions stay far below it

/// Categories of the catalogue that carry a risk by what they are for.
constexpr std::array<std::string_view, 2> remote_categories{"remote-access", "tunnels-webhooks"};
constexpr std::array<std::string_view, 1> hiding_categories{"vpn-anonymizer"};
constexpr std::array<std::string_view, 3> ai_categories{"genai-assistant", "ai-coding", "ai-platform"};
constexpr std::array<std::string_view, 3> private_categories{"webmail-personal", "messaging-personal", "consumer"};

bool in(std::string_view category, std::span<const std::string_view> categories)
{
    return std::find(categories.begin(), categories.end(), category) != categories.end();
}

bool saw(const release::Figure& figure, std::string_view kind)
{
    return std::any_of(figure.evidence.begin(), figure.evidence.end(), [&](const auto& e) { return e.kind == kind; });
}

/// "by 6 people on 5 days"
std::string by_whom(const release::Figure& figure)
{
    const std::string days = figure.days == 1 ? "1 day" : fmt::format("{} days", figure.days);
    if (!figure.people) return fmt::format("on {}", days);
    // A released month none of whose weeks is released has no days to tell.
    if (figure.days == 0) return fmt::format("by {} people", figure.people->text());
    return fmt::format("by {} people on {}", figure.people->text(), days);
}

std::string connections_of(const release::Figure& figure, std::initializer_list<std::string_view> kinds)
{
    std::uint64_t some = 0;
    for (const auto& evidence : figure.evidence)
        if (std::find(kinds.begin(), kinds.end(), evidence.kind) != kinds.end())
            some += evidence.connections.value_or(0);
    if (!figure.connections || *figure.connections == 0) return "some connections";
    return fmt::format("{} of {} connections", some, *figure.connections);
}

}    // namespace

Risk storage_upload(const release::Figure& figure)
{
    return {"storage_upload", "Upload to shared storage, service unknown",
            fmt::format("{} sent {}: any account of that storage could be behind the name",
                        bytes_text(figure.bytes_up.value_or(0)), by_whom(figure))};
}

std::vector<Risk> risks_of(const release::Figure& figure, const catalog::Service* service)
{
    std::vector<Risk> risks;
    const std::string_view category = service ? std::string_view(service->category) : std::string_view{};
    const auto up = figure.bytes_up;
    if (up && *up >= large_upload)
        risks.push_back(
            {"upload_volume", "Large uploads", fmt::format("{} sent {}", bytes_text(*up), by_whom(figure))});
    if (saw(figure, "http_host"))
        risks.push_back({"plaintext_http", "Unencrypted HTTP",
                         fmt::format("{} without encryption: anybody on the way can read them",
                                     connections_of(figure, {"http_host"}))});
    if (in(category, remote_categories))
        risks.push_back(
            {"remote_access", "Remote access", fmt::format("opens a way into our machines, used {}", by_whom(figure))});
    if (in(category, hiding_categories) || saw(figure, "hidden_road"))
        risks.push_back({"anonymiser", "Hides where traffic goes", fmt::format("used {}", by_whom(figure))});
    if (in(category, ai_categories) && up && *up >= ai_upload_per_day * std::max<std::uint64_t>(figure.days, 1))
        risks.push_back({"ai_with_upload", "AI service with uploads",
                         fmt::format("{} sent {}: more than typed questions need", bytes_text(*up), by_whom(figure))});
    if (in(category, private_categories) || (service && service->personal))
        risks.push_back({"personal_instance", "Personal accounts",
                         fmt::format("made for private accounts, used {}", by_whom(figure))});
    if (saw(figure, "ech_outer") || saw(figure, "ambiguous"))
        risks.push_back({"hidden_names", "Name not certain",
                         fmt::format("{} told no certain name", connections_of(figure, {"ech_outer", "ambiguous"}))});
    return risks;
}

}    // namespace dl::collector::insight
