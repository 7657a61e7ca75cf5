#include "model/container_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::model {
namespace {

TEST(ContainerRecord, ReadsBackWhatItPrints) {
    ContainerSettings settings;
    settings.id = std::string(64, 'a');
    settings.name = "x";
    settings.created = WallTime{123456789012345};
    settings.path = "sh";
    settings.args = {"-c", "true"};
    settings.config.image = "busybox";
    settings.config.entrypoint = StringList{};
    settings.host_config.memory = 64 << 20;
    settings.networking.endpoints_config["bridge"].aliases = {"web"};
    MountPoint mount;
    mount.type = "bind";
    mount.source = "/a";
    mount.destination = "/b";
    mount.rw = false;
    settings.mounts.push_back(mount);
    ContainerState state;
    state.status = ContainerStatus::exited;
    state.exit_code = 137;
    state.oom_killed = true;
    state.finished_at = WallTime{99};
    state.id_first = 0x70000000;
    state.id_count = 65536;
    state.endpoint.emplace();
    state.endpoint->ip_address = "172.17.0.2";
    state.endpoint->prefix_length = 16;

    std::string text = print_container_settings(settings);
    auto again = parse_container_settings(text);
    ASSERT_TRUE(again.ok()) << again.error().message();
    EXPECT_EQ(print_container_settings(*again), text);
    EXPECT_EQ(again->host_config.memory, 64 << 20);
    EXPECT_FALSE(again->mounts.at(0).rw);

    text = print_container_state(state);
    auto same = parse_container_state(text);
    ASSERT_TRUE(same.ok()) << same.error().message();
    EXPECT_EQ(print_container_state(*same), text);
    EXPECT_EQ(same->status, ContainerStatus::exited);
    EXPECT_EQ(same->endpoint->ip_address, "172.17.0.2");
}

TEST(ContainerRecord, RefusesWhatIsNotARecord) {
    for (const char* text : {"", "{}", "[]", R"({"id":"short"})", R"({"id":7})"})
        EXPECT_EQ(parse_container_settings(text).error().kind(), ErrorKind::corrupt) << text;
    for (const char* text : {"", "[]", R"({"status":"odd"})"})
        EXPECT_EQ(parse_container_state(text).error().kind(), ErrorKind::corrupt) << text;
}

} // namespace
} // namespace hull::model
