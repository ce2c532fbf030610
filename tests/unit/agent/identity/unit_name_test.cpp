#include "agent/identity/unit_name.hpp"

#include <gtest/gtest.h>

namespace dl::agent::identity {
namespace {

TEST(UnitName, TellsTheApplicationWhereTheUnitIsOnes)
{
    const std::string id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const std::string user = "user.slice/user-1000.slice/user@1000.service/app.slice/";
    const struct {
        std::string path;
        const char* unit;
        const char* application;    // null: not one application's
    } cases[] = {
        {"system.slice/nginx.service", "nginx.service", "nginx.service"},
        {"system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", "getty@tty1.service"},
        {user + "app-gnome-firefox-1234.scope", "app-gnome-firefox-1234.scope", "firefox"},
        {user + "app-gnome-org.mozilla.firefox-1234.scope", "app-gnome-org.mozilla.firefox-1234.scope",
         "org.mozilla.firefox"},
        {user + "app-flatpak-com.slack.Slack-77.scope", "app-flatpak-com.slack.Slack-77.scope", "com.slack.Slack"},
        {user + "app-gnome-google\\x2dchrome-9.scope", "app-gnome-google\\x2dchrome-9.scope", "google-chrome"},
        {user + "app-firefox-12.scope", "app-firefox-12.scope", "firefox"},
        {user + "app-firefox@0a1b.service", "app-firefox@0a1b.service", "firefox"},
        {user + "app-KDE-org.kde.kate@77.service", "app-KDE-org.kde.kate@77.service", "org.kde.kate"},
        {user + "snap.firefox.firefox-5e4d.scope", "snap.firefox.firefox-5e4d.scope", "firefox"},
        {user + "vte-spawn-5e4d.scope", "vte-spawn-5e4d.scope", nullptr},
        {"user.slice/user-1000.slice/session-2.scope", "session-2.scope", nullptr},
        {"user.slice/user-1000.slice/user@1000.service/init.scope", "init.scope", nullptr},
        {"init.scope", "init.scope", nullptr},
        {"system.slice/run-u12.service", "run-u12.service", nullptr},
        {"system.slice/docker-" + id + ".scope", nullptr, "docker-0123456789ab"},
        {"machine.slice/libpod-" + id + ".scope/container", nullptr, "podman-0123456789ab"},
        {"kubepods.slice/kubepods-pod1.slice/cri-containerd-" + id + ".scope", nullptr, "containerd-0123456789ab"},
        {"docker/" + id, nullptr, "docker-0123456789ab"},
        {"kubepods/besteffort/pod1/" + id, nullptr, "container-0123456789ab"},
        {"app-.scope", "app-.scope", ""},
    };
    for (const auto& one : cases) {
        const UnitName found = unit_in(one.path);
        ASSERT_TRUE(found.unit) << one.path;
        EXPECT_EQ(*found.unit, one.unit ? std::string(one.unit) : *found.unit) << one.path;
        EXPECT_EQ(found.application.has_value(), one.application != nullptr) << one.path;
        EXPECT_EQ(found.application.value_or("null"), one.application ? std::string(one.application) : "null")
            << one.path;
    }
}

TEST(UnitName, FindsNoneWhereThereIsNone)
{
    for (const char* path : {"", "/", "user.slice", "system.slice/", "docker/0123", "lxc/web"}) {
        EXPECT_FALSE(unit_in(path).unit) << path;
        EXPECT_FALSE(unit_in(path).application) << path;
    }
}

}    // namespace
}    // namespace dl::agent::identity
