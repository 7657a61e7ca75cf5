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
    settings.mounts.push_back({.type = "bind", .source = "/a", .destination = "/b", .rw = false});
    ContainerState state;
    state.status = ContainerStatus::exited;
    state.exit_code = 137;
    state.oom_killed = true;
    state.finished_at = WallTime{99};
    state.id_first = 0x70000000;
    state.id_count = 65536;
    state.endpoint = EndpointRecord{.ip_address = "172.17.0.2", .prefix_length = 16};

    std::string text = print_record(print_settings(settings), state);
    auto record = parse_container_record(text);
    ASSERT_TRUE(record.ok()) << record.error().message();
    EXPECT_EQ(print_record(print_settings(record->settings), record->state), text);
    EXPECT_EQ(record->state.status, ContainerStatus::exited);
    EXPECT_EQ(record->state.endpoint->ip_address, "172.17.0.2");
    EXPECT_EQ(record->settings.host_config.memory, 64 << 20);
    EXPECT_FALSE(record->settings.mounts.at(0).rw);
}

TEST(ContainerRecord, RefusesWhatIsNotARecord) {
    for (const char* text : {"", "{}", "[]", R"({"state":{"status":"odd"},"settings":{}})"}) {
        auto record = parse_container_record(text);
        ASSERT_FALSE(record.ok()) << text;
        EXPECT_EQ(record.error().kind(), ErrorKind::corrupt);
    }
}

} // namespace
} // namespace hull::model
