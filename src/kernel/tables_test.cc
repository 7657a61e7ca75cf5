// Capabilities, mount options, namespaces: the tables that turn text into
// what the kernel wants.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "kernel/caps.h"
#include "kernel/mount_options.h"
#include "kernel/namespaces.h"
#include "sys/mount.h"

namespace hull::kernel {
namespace {

using testing::ElementsAre;

MountOptions must(std::vector<std::string> options, bool bind = false) {
    auto parsed = parse_mount_options(options, bind);
    EXPECT_TRUE(parsed.ok());
    return parsed.ok() ? *parsed : MountOptions{};
}

TEST(MountOptions, flags_data_and_propagation_are_told_apart) {
    auto options = must({"nosuid", "noexec", "ro", "size=64k", "mode=755", "rslave"});
    EXPECT_EQ(options.set, uint64_t{MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY});
    EXPECT_EQ(options.data, "size=64k,mode=755");
    EXPECT_EQ(options.propagation, uint64_t{MS_SLAVE | MS_REC});
}

TEST(MountOptions, later_ones_win) {
    auto options = must({"ro", "rw", "nodev", "noatime", "strictatime"});
    EXPECT_EQ(options.set, uint64_t{MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME});
    EXPECT_EQ(options.clear, uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR__ATIME});
}

TEST(MountOptions, an_r_before_a_flag_is_for_the_whole_tree) {
    auto options = must({"rbind", "rro", "rnosuid"});
    EXPECT_TRUE(options.bind);
    EXPECT_TRUE(options.recursive);
    EXPECT_EQ(options.set_rec, uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID});
    EXPECT_EQ(options.set, 0U);
}

TEST(MountOptions, unknown_ones_are_errors_on_binds) {
    std::vector<std::string> unknown{"bind", "size=1"};
    EXPECT_FALSE(parse_mount_options(unknown, false).ok());
}

TEST(MountOptions, those_for_mount_8_alone_have_no_effect) {
    std::vector<std::string> words{"bind", "nofail", "_netdev", "noauto", "x-systemd.automount", "comment=mine"};
    auto options = parse_mount_options(words, false);
    ASSERT_TRUE(options.ok()) << options.error().message();
    EXPECT_EQ(options->data, "");
    EXPECT_EQ(options->set, 0u);
}

TEST(MountOptions, remount_is_of_the_file_system_or_with_bind_of_the_mount) {
    std::vector<std::string> words{"remount", "ro", "size=64k"};
    auto options = parse_mount_options(words, false);
    ASSERT_TRUE(options.ok());
    EXPECT_TRUE(options->remount);
    EXPECT_FALSE(options->bind);
    EXPECT_EQ(options->data, "size=64k");
    words = {"remount", "bind", "ro"};
    EXPECT_TRUE(parse_mount_options(words, false)->bind);
}

TEST(Capabilities, names_and_numbers_agree) {
    EXPECT_EQ(capability_number("CAP_CHOWN"), 0);
    EXPECT_EQ(capability_number("net_admin"), 12);
    EXPECT_EQ(capability_number("CAP_CHECKPOINT_RESTORE"), 40);
    EXPECT_EQ(capability_number("CAP_"), std::nullopt);
    for (int i = 0; i < known_capabilities; ++i) EXPECT_EQ(capability_number(capability_name(i)), i);
    EXPECT_THAT(capability_names(0b101), ElementsAre("CAP_CHOWN", "CAP_DAC_READ_SEARCH"));
    EXPECT_NE(kernel_capabilities() & 1, 0U);
}

TEST(IdMap, ranges_are_checked) {
    auto ok = [](std::vector<IdMapping> map) { return check_id_map(map).ok(); };
    EXPECT_TRUE(ok({{0, 100000, 65536}, {65536, 200000, 1}}));
    EXPECT_FALSE(ok({}));
    EXPECT_FALSE(ok({{0, 0, 0}}));
    EXPECT_FALSE(ok({{0, 4294967295U, 1}}));
    EXPECT_FALSE(ok({{4294967295U, 0, 2}}));
    EXPECT_FALSE(ok({{0, 1000, 10}, {9, 2000, 10}}));
    EXPECT_FALSE(ok({{0, 1000, 10}, {20, 1009, 10}}));
    EXPECT_FALSE(ok(std::vector<IdMapping>(341, {0, 0, 1})));
    std::vector<IdMapping> one{{0, 7, 9}};
    EXPECT_EQ(id_map_text(one), "0 7 9\n");
}

TEST(Namespaces, a_pair_belongs_together_and_its_maker_stays_where_it_is) {
    std::vector<IdMapping> map{{0, 0x70000000, 65536}};
    auto pair = make_user_and_net_namespace(map, map);
    ASSERT_TRUE(pair.ok()) << pair.error().message();
    EXPECT_TRUE(pair->user.valid());
    EXPECT_TRUE(pair->net.valid());
    auto alone = make_user_and_net_namespace({}, {});
    ASSERT_TRUE(alone.ok());
    EXPECT_FALSE(alone->user.valid());
    struct stat mine{};
    struct stat made{};
    ::stat("/proc/self/ns/net", &mine);
    ::fstat(alone->net.get(), &made);
    EXPECT_NE(mine.st_ino, made.st_ino);
}

} // namespace
} // namespace hull::kernel
