#include "store/mount_stubs.h"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/temp_root.h"
#include "sys/file.h"

namespace hull::store {

namespace {

TEST(MountStubs, only_what_is_empty_goes) {
    TempRoot root;
    const std::string upper = root.path();
    ASSERT_TRUE(sys::mkdir_parents(upper + "/run/secrets", 0755).ok());
    std::ofstream(upper + "/run/secrets/empty").flush();
    std::ofstream(upper + "/full") << "x";
    ASSERT_EQ(::symlink("/etc", (upper + "/link").c_str()), 0);
    ASSERT_TRUE(remove_mount_stubs(
                    upper, {"run/secrets/empty", "run/secrets", "run", "full", "link", "link/passwd", "not/there"})
                    .ok());
    EXPECT_FALSE(sys::exists(upper + "/run"));
    EXPECT_TRUE(sys::exists(upper + "/full"));
    EXPECT_TRUE(sys::exists("/etc/passwd"));
}

} // namespace

} // namespace hull::store
