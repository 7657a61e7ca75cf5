#include "engine/cdi.h"

#include <gtest/gtest.h>

#include "engine/test_fakes.h"

namespace hull::engine {
namespace {

model::HostConfig asks(model::DeviceRequest request) {
    model::HostConfig host;
    host.device_requests.push_back(std::move(request));
    return host;
}

CdiEdits with_env(std::string entry) {
    CdiEdits edits;
    edits.env = {std::move(entry)};
    return edits;
}

TEST(Cdi, NamesAreVendorClassAndDevice) {
    for (const char* good : {"vendor.com/class=name", "a/b=0", "v-1.x/c_d=a:b.c"})
        EXPECT_TRUE(is_cdi_name(good)) << good;
    for (const char* bad : {"/dev/null", "a/b", "a=b/c", "a/b=", "/b=c", "a/../b=c", "a/b=../x", "a/b=c d"})
        EXPECT_FALSE(is_cdi_name(bad)) << bad;
}

TEST(Cdi, RequestsGiveNames) {
    using Names = std::vector<std::string>;
    EXPECT_EQ(MUST(cdi_names(asks({"cdi", 0, {"a/b=c"}, {}, {}}))), Names{"a/b=c"});
    EXPECT_EQ(MUST(cdi_names(asks({"", -1, {}, {{"gpu"}}, {}}))), Names{"nvidia.com/gpu=all"});
    EXPECT_EQ(MUST(cdi_names(asks({"nvidia", 0, {"UUID-1"}, {}, {}}))), Names{"nvidia.com/gpu=UUID-1"});
    model::HostConfig old;
    old.devices = {{"a/b=c", "", ""}, {"/dev/null", "", ""}};
    EXPECT_EQ(MUST(cdi_names(old)), Names{"a/b=c"});
    EXPECT_EQ(cdi_names(asks({"x", 0, {}, {{"tpu"}, {"a", "b"}}, {}})).error().message(),
              "could not select device driver \"x\" with capabilities: [[tpu] [a b]]");
    EXPECT_FALSE(cdi_names(asks({"cdi", 1, {}, {}, {}})).ok());
    EXPECT_FALSE(cdi_names(asks({"cdi", 0, {"a/b=c"}, {}, {{"x", "y"}}})).ok());
    EXPECT_FALSE(cdi_names(asks({"", 1, {"0"}, {{"gpu"}}, {}})).ok());
}

TEST(Cdi, TheLastFileCountsAndCommonEditsComeOnce) {
    CdiSpec first{.file = "1", .kind = "a/b", .edits = with_env("COMMON=1"), .devices = {}};
    first.devices["x"] = with_env("X=first");
    first.devices["y"] = with_env("Y=1");
    CdiSpec second = first;
    second.devices.erase("y");
    second.devices["x"] = with_env("X=second");
    auto edits = find_cdi_edits({"a/b=y"}, {first});
    ASSERT_TRUE(edits.ok());
    EXPECT_EQ(edits->env, (std::vector<std::string>{"COMMON=1", "Y=1"}));
    edits = find_cdi_edits({"a/b=x", "a/b=x"}, {first, second});
    EXPECT_EQ(edits->env, (std::vector<std::string>{"COMMON=1", "X=second", "X=second"}));
    EXPECT_EQ(find_cdi_edits({"a/b=z", "c/d=e"}, {first}).error().message(),
              "CDI device injection failed: unresolvable CDI devices a/b=z, c/d=e");
}

TEST(Cdi, EditsReachTheSpec) {
    test::FakeHost machine;
    machine.kinds["/dev/fuse"] = PathKind::device;
    model::oci::Spec spec;
    spec.process.emplace().env = {"A=1"};
    spec.linux_.emplace().resources.emplace();
    CdiEdits edits = with_env("A=2");
    edits.nodes.emplace_back();
    edits.nodes[0].path = "/dev/mine";
    edits.nodes[0].host_path = "/dev/fuse";
    edits.nodes[0].permissions = "r";
    edits.mounts.push_back({.host_path = "/lib", .container_path = "/vendor", .type = {}, .options = {"ro"}});
    edits.gids = {7};
    ASSERT_TRUE(apply_cdi(edits, machine, Hooks::refused, spec).ok());
    EXPECT_EQ(spec.process->env, std::vector<std::string>{"A=2"});
    EXPECT_EQ(spec.process->user.additional_gids, std::vector<uint32_t>{7});
    ASSERT_EQ(spec.linux_->devices.size(), 1U);
    EXPECT_EQ(spec.linux_->devices[0].path, "/dev/mine");
    EXPECT_EQ(spec.linux_->devices[0].minor, 229);
    EXPECT_EQ(spec.linux_->resources->devices.at(0).access, "r");
    EXPECT_EQ(spec.mounts.at(0).options, (std::vector<std::string>{"ro", "rbind"}));
    edits.hooks.emplace_back();
    edits.hooks[0].name = "createContainer";
    edits.hooks[0].path = "/bin/x";
    EXPECT_EQ(apply_cdi(edits, machine, Hooks::refused, spec).error().kind(), ErrorKind::unsupported);
    EXPECT_TRUE(apply_cdi(edits, machine, Hooks::run, spec).ok());
    EXPECT_EQ(spec.hooks->create_container.size(), 1U);
}

} // namespace
} // namespace hull::engine
