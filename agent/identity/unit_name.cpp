#include "agent/identity/unit_name.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace dl::agent::identity {
namespace {

constexpr std::size_t container_digits = 64;
constexpr std::size_t shown_digits = 12;

bool is_hex(std::string_view text)
{
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
bool is_container_id(std::string_view text) { return text.size() == container_digits && is_hex(text); }

bool is_number(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// \x2d and the like (systemd.unit(5), "string escaping").
std::string unescaped(std::string_view text)
{
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\\' && text.size() - at >= 4 && text[at + 1] == 'x' && is_hex(text.substr(at + 2, 2))) {
            out += static_cast<char>(digit(text[at + 2]) * 16 + digit(text[at + 3]));
            at += 3;
        } else {
            out += text[at];
        }
    }
    return out;
}

/// app[-LAUNCHER]-ID[-RANDOM].scope, app[-LAUNCHER]-ID[@RANDOM].service: a '-' within a part is escaped.
std::string desktop_application(std::string_view name, bool is_scope)
{
    name.remove_prefix(std::string_view("app-").size());
    if (is_scope) {
        if (const auto dash = name.rfind('-'); dash != std::string_view::npos && dash > 0) name = name.substr(0, dash);
    } else {
        name = name.substr(0, name.find('@'));
        // Generated from autostart files: app-ID@autostart.service, and by some launchers app-LAUNCHER-ID-PID.service.
        if (const auto dash = name.rfind('-');
            dash != std::string_view::npos && dash > 0 && is_number(name.substr(dash + 1)))
            name = name.substr(0, dash);
    }
    if (const auto dash = name.find('-'); dash != std::string_view::npos && dash + 1 < name.size())
        name.remove_prefix(dash + 1);
    return unescaped(name);
}

struct Runtime {
    std::string_view prefix;    ///< of the scope
    std::string_view name;
};
constexpr std::array<Runtime, 5> runtimes{{{"docker-", "docker"},
                                           {"libpod-", "podman"},
                                           {"cri-containerd-", "containerd"},
                                           {"crio-", "cri-o"},
                                           {"nerdctl-", "containerd"}}};

std::optional<std::string> container_of(std::string_view scope)
{
    for (const Runtime& runtime : runtimes)
        if (scope.starts_with(runtime.prefix) && is_container_id(scope.substr(runtime.prefix.size())))
            return std::string(runtime.name) + '-' + std::string(scope.substr(runtime.prefix.size(), shown_digits));
    return std::nullopt;
}

bool holds_anything(std::string_view unit)
{
    constexpr std::array<std::string_view, 6> starts{"session-",   "user@", "init.scope",
                                                     "vte-spawn-", "run-",  "tmux-spawn-"};
    return std::any_of(starts.begin(), starts.end(), [&](std::string_view start) { return unit.starts_with(start); });
}

std::optional<std::string> application_of(std::string_view unit)
{
    const bool is_scope = unit.ends_with(".scope");
    const std::string_view name = unit.substr(0, unit.rfind('.'));
    if (unit.starts_with("app-")) return desktop_application(name, is_scope);
    if (is_scope) {
        if (auto container = container_of(name)) return container;
        if (name.starts_with("snap.")) {    // snap.PACKAGE.APPLICATION[-or .]UUID
            const auto package = name.substr(5);
            return std::string(package.substr(0, package.find('.')));
        }
    }
    if (holds_anything(unit)) return std::nullopt;
    return unescaped(unit);
}

}    // namespace

UnitName unit_in(std::string_view path)
{
    UnitName found;
    std::string_view parent;
    while (!path.empty()) {
        const auto slash = path.find('/');
        const std::string_view part = path.substr(0, slash);
        path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
        if (part.ends_with(".service") || part.ends_with(".scope")) {
            found.unit = std::string(part);
            found.application = application_of(part);
        } else if (is_container_id(part)) {    // cgroupfs driver: /docker/HEX, /kubepods/…/podUID/HEX
            const bool docker = parent == "docker";
            found.unit = std::string(part);
            found.application = (docker ? "docker-" : "container-") + std::string(part.substr(0, shown_digits));
        }
        parent = part;
    }
    return found;
}

}    // namespace dl::agent::identity
