// In a plain folder: what a missing file means. What the kernel refuses is in
// cgroup_test.cc, on real cgroups.
#include "kernel/cgroup/writes.h"

#include <fcntl.h>
#include <stdlib.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sys/file.h"

namespace hull::kernel::cgroup {
namespace {

using testing::HasSubstr;

class WritesTest : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/hull-writes-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        folder_ = name;
    }
    void TearDown() override { (void)sys::remove_tree(folder_); }
    void touch(const char* name) { ASSERT_TRUE(sys::open(folder_ + "/" + name, O_CREAT | O_WRONLY, 0600).ok()); }
    std::string holds(const char* name) { return *sys::read_file(folder_ + "/" + name); }

    std::string folder_;
};

TEST_F(WritesTest, SkipsAMissingFileOnlyWhereThatIsFine) {
    touch("b.max");
    EXPECT_TRUE(do_writes(folder_, {{"a.max", "1", IfMissing::skip}, {"b.max", "2"}}).ok());
    EXPECT_EQ(holds("b.max"), "2");
    auto failed = do_writes(folder_, {{"b.max", "3"}, {"c.max", "4"}});
    EXPECT_EQ(failed.error().kind(), ErrorKind::unsupported);
    EXPECT_THAT(failed.error().message(), HasSubstr("set c.max to 4"));
}

TEST_F(WritesTest, OneOfTwoNamesOfALimitMustBeThere) {
    std::vector<Write> weight{{"io.bfq.weight", "5", IfMissing::skip}, {"io.weight", "6", IfMissing::require_previous}};
    EXPECT_FALSE(do_writes(folder_, weight).ok());
    touch("io.weight");
    EXPECT_TRUE(do_writes(folder_, weight).ok());
    EXPECT_EQ(holds("io.weight"), "6");
    ASSERT_TRUE(sys::unlink(folder_ + "/io.weight").ok());
    touch("io.bfq.weight");
    EXPECT_TRUE(do_writes(folder_, weight).ok());
    EXPECT_EQ(holds("io.bfq.weight"), "5");
}

TEST_F(WritesTest, AsksForAMissingFileOnce) {
    int asked = 0;
    auto hand_down = [&]() -> Result<void> {
        ++asked;
        touch("a.max");
        return {};
    };
    EXPECT_TRUE(do_writes(folder_, {{"a.max", "1"}, {"a.max", "2"}}, hand_down).ok());
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(holds("a.max"), "2");
}

} // namespace
} // namespace hull::kernel::cgroup
