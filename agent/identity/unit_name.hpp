// What the path of a control group tells of the application in it (systemd.io/DESKTOP_ENVIRONMENTS, systemd.unit(5)).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dl::agent::identity {

struct UnitName {
    std::optional<std::string> unit;           ///< last .service or .scope on the path, or a container's folder
    std::optional<std::string> application;    ///< what runs in it, where the unit is one application's
};

/// app-gnome-firefox-1234.scope is firefox; docker-HEX.scope is container docker-HEX (12 digits); nginx.service is
/// nginx.service. Sessions, user managers and transient shells hold anything: no application.
[[nodiscard]] UnitName unit_in(std::string_view cgroup_path);

}    // namespace dl::agent::identity
