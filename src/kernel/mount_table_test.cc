#include "kernel/mount_table.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "kernel/bind.h"

namespace hull::kernel {
namespace {

TEST(MountTable, reads_every_field_and_undoes_escapes) {
    auto table = parse_mount_table(
        "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue\n"
        "37 36 0:5 / /x\\134y ro - tmpfs none rw\n");
    ASSERT_TRUE(table.ok()) << table.error().message();
    ASSERT_EQ(table->size(), 2U);
    const auto& first = table->front();
    EXPECT_EQ(first.id, 36);
    EXPECT_EQ(first.parent, 35);
    EXPECT_EQ(first.major, 98U);
    EXPECT_EQ(first.root, "/mnt1");
    EXPECT_EQ(first.mount_point, "/mnt 2");
    EXPECT_EQ(first.options, "rw,noatime");
    EXPECT_EQ(first.propagation, "master:1 shared:7");
    EXPECT_EQ(first.fs_type, "ext3");
    EXPECT_EQ(first.source, "/dev/root");
    EXPECT_EQ(first.super_options, "rw,errors=continue");
    EXPECT_EQ(table->back().mount_point, "/x\\y");
}

TEST(MountTable, refuses_lines_that_make_no_sense) {
    for (const char* line : {"x", "1 2 3 / / rw - a b c", "1 2 0:1 / / rw", "1 2 0:1 / / rw - ext4", "\n"})
        EXPECT_FALSE(parse_mount_table(line).ok()) << line;
    EXPECT_TRUE(parse_mount_table("")->empty());
}

TEST(MountTable, reads_this_machines) {
    auto table = read_mount_table();
    ASSERT_TRUE(table.ok()) << table.error().message();
    EXPECT_FALSE(table->empty());
}

RC_GTEST_PROP(MountTable, any_text_is_read_or_refused, (const std::string& text)) {
    (void)parse_mount_table(text).ok();
}

TEST(MountTable, below_is_by_whole_parts) {
    EXPECT_TRUE(is_below("/a/b", "/a"));
    EXPECT_TRUE(is_below("/a", "/a/"));
    EXPECT_TRUE(is_below("/a", "/"));
    EXPECT_FALSE(is_below("/ab", "/a"));
    EXPECT_FALSE(is_below("/", "/a"));
}

TEST(Bind, knows_pseudo_file_systems_from_real_ones) {
    for (const char* type : {"proc", "sysfs", "cgroup2", "devpts", "tracefs", "autofs"})
        EXPECT_TRUE(is_pseudo_filesystem(type)) << type;
    for (const char* type : {"ext4", "tmpfs", "nfs", "ramfs", "overlay"}) EXPECT_FALSE(is_pseudo_filesystem(type));
}

} // namespace
} // namespace hull::kernel
