#include "apps/hull-runtime/sub_cgroups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "sys/file.h"

namespace hull::oci_runtime {
namespace {

using testing::HasSubstr;

// Plain folders do: nothing here is written to.
class SubCgroups : public testing::Test {
protected:
    SubCgroups() {
        for (const char* folder :
             {"/cpu,cpuacct/c/a", "/cpu,cpuacct/c/b", "/systemd/c/a", "/memory/c/a", "/memory/c/b"})
            EXPECT_TRUE(sys::mkdir_parents(root_ + folder, 0755).ok());
        for (const char* name : {"cpu,cpuacct", "systemd", "memory"}) {
            auto& dir = places_.dirs.emplace_back();
            dir.hierarchy = root_ + "/" + name;
            dir.path = "/c";
            dir.name = name;
        }
    }
    ~SubCgroups() override { (void)sys::remove_tree(root_); }
    std::vector<std::string> enter(const std::vector<std::string>& values) {
        auto entered = enter_sub_cgroups(values, places_);
        if (!entered.ok()) return {entered.error().message()};
        std::vector<std::string> paths;
        for (const auto& dir : places_.dirs) paths.push_back(dir.path);
        return paths;
    }
    std::string root_ = testing::TempDir() + "sub-cgroups-" + random_hex(8);
    kernel::cgroup::Plan places_;
};

using Paths = std::vector<std::string>;

TEST_F(SubCgroups, APathAloneIsForAllHierarchies) { EXPECT_EQ(enter({"/a/"}), (Paths{"/c/a", "/c/a", "/c/a"})); }

TEST_F(SubCgroups, ControllersCanGoToPlacesOfTheirOwn) {
    EXPECT_EQ(enter({"cpu:a", "memory,name=systemd:x/../a"}), (Paths{"/c/a", "/c/a", "/c/a"}));
}

TEST_F(SubCgroups, ControllersThatArentNamedStay) { EXPECT_EQ(enter({"cpuacct:b"}), (Paths{"/c/b", "/c", "/c"})); }

TEST_F(SubCgroups, NothingLeadsOutOfTheContainersCgroup) {
    EXPECT_EQ(enter({"../c2"}), (Paths{"../c2 is not a sub cgroup path"}));
    EXPECT_EQ(enter({"memory:a/../../b"}), (Paths{"a/../../b is not a sub cgroup path"}));
}

TEST_F(SubCgroups, WhatIsWrongIsNamed) {
    EXPECT_THAT(enter({"a", "b"})[0], HasSubstr("invalid --cgroup argument: a (missing <controller>: prefix)"));
    EXPECT_THAT(enter({"cpu,:a"})[0], HasSubstr("empty <controller> prefix"));
    EXPECT_THAT(enter({"memory:a", "memory:b"})[0], HasSubstr("controller memory specified multiple times"));
    EXPECT_THAT(enter({"nosuch:a"})[0], HasSubstr("unknown controller nosuch"));
    EXPECT_THAT(enter({"systemd:b"})[0], HasSubstr("the container has no cgroup"));
}

} // namespace
} // namespace hull::oci_runtime
