#include "kernel/resctrl.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "sys/file.h"

namespace hull::kernel {
namespace {

// A folder with the files that the kernel would put there.
class Resctrl : public ::testing::Test {
protected:
    std::string root_ = std::filesystem::temp_directory_path() / ("hull-resctrl-" + std::to_string(::getpid()));

    void SetUp() override { make_class(""); }
    void TearDown() override { std::filesystem::remove_all(root_); }
    void make_class(const std::string& name, const std::string& schemata = "L3:0=7ff;1=7ff\nMB:0=100;1=100\n") {
        std::filesystem::create_directories(root_ + "/" + name + "/mon_groups");
        std::ofstream(root_ + "/" + name + "/tasks");
        std::ofstream(root_ + "/" + name + "/schemata") << schemata;
    }
    std::string read(const std::string& name) { return MUST(sys::read_file(root_ + "/" + name)); }
};

TEST_F(Resctrl, a_class_that_is_there_is_joined_and_left_alone) {
    make_class("gold");
    model::oci::IntelRdt config;
    config.clos_id = "gold";
    ASSERT_TRUE(join_resctrl(root_, "c1", config, 42).ok());
    EXPECT_EQ(read("gold/tasks"), "42");
    ASSERT_TRUE(leave_resctrl(root_, "c1", config).ok());
    EXPECT_TRUE(sys::exists(root_ + "/gold"));
}

TEST_F(Resctrl, the_default_class_is_the_root) {
    model::oci::IntelRdt config;
    config.clos_id = "/";
    ASSERT_TRUE(join_resctrl(root_, "c1", config, 7).ok());
    EXPECT_EQ(read("tasks"), "7");
}

TEST_F(Resctrl, a_class_that_should_be_there_must_be) {
    model::oci::IntelRdt config;
    config.clos_id = "gold";
    EXPECT_EQ(join_resctrl(root_, "c1", config, 42).error().kind(), ErrorKind::not_found);
}

TEST_F(Resctrl, an_existing_class_must_have_the_same_schema_written_in_any_way) {
    make_class("gold", "    L3:0=7f0;1=1f\n    MB:0=20;1=70\n");
    model::oci::IntelRdt config;
    config.clos_id = "gold";
    config.l3_cache_schema = "L3:1=1f;0=7f0";
    config.mem_bw_schema = "MB:0=20;1=70";
    EXPECT_TRUE(join_resctrl(root_, "c1", config, 42).ok());
    config.mem_bw_schema = "MB:0=30;1=70";
    auto joined = join_resctrl(root_, "c1", config, 43);
    ASSERT_FALSE(joined.ok());
    EXPECT_EQ(joined.error().kind(), ErrorKind::conflict);
    EXPECT_EQ(read("gold/tasks"), "42");
}

TEST_F(Resctrl, a_class_that_could_not_be_set_up_is_gone_again) {
    model::oci::IntelRdt config;
    config.schemata = {"L3:0=f"}; // no kernel here to put a schemata file into the new folder
    EXPECT_FALSE(join_resctrl(root_, "c1", config, 42).ok());
    EXPECT_FALSE(sys::exists(root_ + "/c1"));
}

TEST_F(Resctrl, what_is_the_containers_own_goes_with_it) {
    std::filesystem::create_directories(root_ + "/c1");
    model::oci::IntelRdt config;
    EXPECT_TRUE(leave_resctrl(root_, "c1", config).ok());
    EXPECT_FALSE(sys::exists(root_ + "/c1"));
    EXPECT_TRUE(leave_resctrl(root_, "c1", config).ok());
}

TEST(IntelRdt, names_and_schemas_are_checked) {
    model::oci::IntelRdt config;
    EXPECT_TRUE(check_intel_rdt(config).ok());
    for (const char* name : {"..", "a/b", "info", "mon_groups"}) {
        config.clos_id = name;
        EXPECT_FALSE(check_intel_rdt(config).ok()) << name;
    }
    config.clos_id = "gold";
    config.mem_bw_schema = "L3:0=f";
    EXPECT_FALSE(check_intel_rdt(config).ok());
    config.mem_bw_schema = "MB:0=f\nL3:0=f";
    EXPECT_FALSE(check_intel_rdt(config).ok());
}

} // namespace
} // namespace hull::kernel
