#include "build/copy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "build/context.h"
#include "codec/tar_reader.h"
#include "codec/tar_writer.h"

namespace hull::build {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct File {
    std::string path, data;
    tar::Type type = tar::Type::file;
    std::string target = {};
    uint32_t mode = 0644;
};

std::shared_ptr<const Tree> tree_with(const std::vector<File>& files) {
    TextSink out;
    tar::Writer writer(out);
    for (const File& file : files) {
        tar::Entry entry;
        entry.path = file.path;
        entry.type = file.type;
        entry.mode = file.mode;
        entry.size = file.data.size();
        entry.link_target = file.target;
        entry.uid = entry.gid = 7;
        EXPECT_TRUE(writer.add(entry).ok());
        EXPECT_TRUE(writer.data(file.data).ok());
    }
    EXPECT_TRUE(writer.finish().ok());
    TextSource source(out.text());
    auto context = Context::from_tar(source, ::testing::TempDir());
    EXPECT_TRUE(context.ok()) << context.error().message();
    return std::shared_ptr<const Tree>(std::move(*context));
}
File folder(std::string path) { return {std::move(path), "", tar::Type::directory, {}, 0750}; }
File link(std::string path, std::string target) { return {std::move(path), "", tar::Type::symlink, std::move(target)}; }

class CopyTest : public ::testing::Test {
protected:
    Result<std::vector<LayerItem>> plan(const std::vector<std::string>& paths, const std::string& to) {
        options.destination = to;
        std::vector<CopySource> sources;
        for (const std::string& path : paths) sources.push_back({tree, path, std::nullopt});
        return plan_copy(sources, *base, options, ::testing::TempDir());
    }
    std::vector<std::string> paths(const std::vector<std::string>& from, const std::string& to) {
        auto items = plan(from, to);
        EXPECT_TRUE(items.ok()) << items.error().message();
        std::vector<std::string> out;
        if (items.ok())
            for (const LayerItem& item : *items) out.push_back(item.entry.path);
        return out;
    }
    std::string refused(const std::vector<std::string>& from, const std::string& to) {
        auto items = plan(from, to);
        EXPECT_FALSE(items.ok());
        return items.ok() ? "" : items.error().message();
    }

    std::shared_ptr<const Tree> tree = tree_with({{"a", "1"},
                                                  {"b", "2"},
                                                  folder("d"),
                                                  {"d/x", "3"},
                                                  folder("d/e"),
                                                  {"d/e/y", "4"},
                                                  link("l", "d"),
                                                  link("d/to", "x")});
    std::shared_ptr<const Tree> base = tree_with({folder("etc"),
                                                  folder("usr/bin"),
                                                  link("bin", "usr/bin"),
                                                  {"file", ""},
                                                  {"etc/passwd", "root:x:0:0::/:\nme:x:12:34::/:\n"},
                                                  {"etc/group", "root:x:0:\nstaff:x:50:\n"}});
    CopyOptions options;
};

TEST_F(CopyTest, a_file_goes_to_a_name_or_into_a_folder) {
    EXPECT_THAT(paths({"a"}, "/new"), ElementsAre("new"));
    EXPECT_THAT(paths({"a"}, "/new/"), ElementsAre("new/", "new/a"));
    EXPECT_THAT(paths({"a"}, "/etc"), ElementsAre("etc/a"));
    EXPECT_THAT(paths({"a", "b"}, "x/"), ElementsAre("x/", "x/a", "x/b"));
    options.workdir = "/etc";
    EXPECT_THAT(paths({"a"}, "."), ElementsAre("etc/a"));
    EXPECT_THAT(paths({"a"}, "../k"), ElementsAre("k"));
}

TEST_F(CopyTest, of_a_folder_its_contents_go) {
    EXPECT_THAT(paths({"d"}, "/t"), ElementsAre("t/", "t/e/", "t/e/y", "t/to", "t/x"));
    EXPECT_THAT(paths({"l"}, "/etc"), ElementsAre("etc/e/", "etc/e/y", "etc/to", "etc/x"));
    EXPECT_THAT(paths({"."}, "/"), ElementsAre("a", "b", "d/", "d/e/", "d/e/y", "d/to", "d/x", "l"));
}

TEST_F(CopyTest, patterns) {
    EXPECT_THAT(paths({"[ab]"}, "/t/"), ElementsAre("t/", "t/a", "t/b"));
    EXPECT_THAT(paths({"d/*"}, "/t/"), ElementsAre("t/", "t/y", "t/to", "t/x"));
    EXPECT_THAT(refused({"none*"}, "/t/"), HasSubstr("no source files were specified"));
    EXPECT_THAT(refused({"[ab]"}, "/t"), HasSubstr("the destination must be a directory and end with a /"));
}

TEST_F(CopyTest, links_of_the_image_are_followed_links_of_the_source_stay) {
    EXPECT_THAT(paths({"a"}, "/bin/"), ElementsAre("usr/bin/a"));
    auto tree_with_bin = tree_with({folder("bin"), {"bin/tool", "x"}});
    tree = tree_with_bin;
    EXPECT_THAT(paths({"."}, "/"), ElementsAre("usr/bin/tool"));
    options.link = true;
    EXPECT_THAT(paths({"."}, "/"), ElementsAre("bin/", "bin/tool"));
}

TEST_F(CopyTest, what_is_in_the_way_is_an_error) {
    EXPECT_THAT(refused({"a"}, "/file/"), HasSubstr("cannot copy to non-directory: /file"));
    EXPECT_THAT(refused({"d"}, "/file"), HasSubstr("cannot copy to non-directory: /file"));
    tree = tree_with({{"etc", "a file"}});
    EXPECT_THAT(refused({"."}, "/"), HasSubstr("cannot copy to directory: /etc"));
    tree = tree_with({{".wh.x", ""}});
    EXPECT_THAT(refused({"."}, "/t/"), HasSubstr(".wh."));
    EXPECT_THAT(
        refused({"gone"}, "/t/"),
        HasSubstr("file not found in build context or excluded by .dockerignore: stat gone: file does not exist"));
}

TEST_F(CopyTest, owners_and_modes) {
    auto items = plan({"a"}, "/n/");
    EXPECT_EQ(items->back().entry.uid, 0u);
    options.keep_owner = true;
    EXPECT_EQ(plan({"a"}, "/n/")->back().entry.uid, 7u);
    options.chown = "me:staff";
    options.chmod = "u=rwx,g=rX,o=";
    items = plan({"d"}, "/n/");
    ASSERT_TRUE(items.ok()) << items.error().message();
    EXPECT_EQ(items->front().entry.uid, 12u);
    EXPECT_EQ(items->front().entry.gid, 50u);
    EXPECT_EQ(items->back().entry.path, "n/x");
    EXPECT_EQ(items->back().entry.mode, 0750u);
    EXPECT_EQ(find_owner(*base, "me")->gid, 34u);
    EXPECT_EQ(find_owner(*base, "5")->gid, 5u);
    EXPECT_EQ(find_owner(*base, "5:6")->gid, 6u);
    EXPECT_THAT(find_owner(*base, "nobody").error().message(), HasSubstr("no such user: nobody"));
    EXPECT_THAT(find_owner(*base, "me:none").error().message(), HasSubstr("no such group: none"));
}

TEST_F(CopyTest, changed_modes) {
    EXPECT_EQ(*changed_mode("755", 0600, false), 0755u);
    EXPECT_EQ(*changed_mode("u+x", 0600, false), 0700u);
    EXPECT_EQ(*changed_mode("a+X", 0600, false), 0600u);
    EXPECT_EQ(*changed_mode("a+X", 0600, true), 0711u);
    EXPECT_EQ(*changed_mode("go-rwx,u+s", 0755, false), 04700u);
    for (const char* wrong : {"8", "u", "q+x", "u+q", "77777"})
        EXPECT_FALSE(changed_mode(wrong, 0, false).ok()) << wrong;
}

TEST_F(CopyTest, exclude_and_parents) {
    options.exclude = {"e", "*o"};
    EXPECT_THAT(paths({"d"}, "/t"), ElementsAre("t/", "t/x"));
    options.exclude = {};
    options.parents = true;
    EXPECT_THAT(paths({"d/e/y", "a"}, "/t/"), ElementsAre("t/", "t/d/", "t/d/e/", "t/d/e/y", "t/a"));
    EXPECT_THAT(paths({"d/./e/y"}, "/t/"), ElementsAre("t/", "t/e/", "t/e/y"));
}

TEST_F(CopyTest, the_digest_is_of_what_counts) {
    std::string before = *digest_of(*plan({"d"}, "/t"));
    options.now = 12345; // times don't
    EXPECT_EQ(*digest_of(*plan({"d"}, "/t")), before);
    options.chmod = "700";
    EXPECT_NE(*digest_of(*plan({"d"}, "/t")), before);
    options.chmod = "";
    options.chown = "1:1";
    EXPECT_NE(*digest_of(*plan({"d"}, "/t")), before);
    options.chown = "";
    EXPECT_NE(*digest_of(*plan({"d"}, "/u")), before);
    tree = tree_with({folder("d"), {"d/x", "3"}, folder("d/e"), {"d/e/y", "other"}, link("d/to", "x")});
    EXPECT_NE(*digest_of(*plan({"d"}, "/t")), before);
    tree = tree_with({folder("d"), {"d/x", "3"}, folder("d/e"), {"d/e/y", "4"}, link("d/to", "e")});
    EXPECT_NE(*digest_of(*plan({"d"}, "/t")), before);
    tree = tree_with({folder("d"), {"d/x", "3"}, folder("d/e"), {"d/e/y", "4"}, link("d/to", "x")});
    EXPECT_EQ(*digest_of(*plan({"d"}, "/t")), before);
}

TEST_F(CopyTest, add_unpacks_archives) {
    TextSink out;
    tar::Writer writer(out);
    tar::Entry entry;
    entry.path = "inner/f";
    entry.mode = 0600;
    entry.size = 2;
    EXPECT_TRUE(writer.add(entry).ok() && writer.data("hi").ok() && writer.finish().ok());
    tree = tree_with({{"x.tar", out.text()}, {"no.tar", "just text"}});
    options.unpack = true;
    EXPECT_THAT(paths({"x.tar"}, "/t"), ElementsAre("t/", "t/inner/", "t/inner/f"));
    EXPECT_THAT(paths({"no.tar"}, "/t/"), ElementsAre("t/", "t/no.tar"));
    options.unpack = false;
    EXPECT_THAT(paths({"x.tar"}, "/t/"), ElementsAre("t/", "t/x.tar"));
}

TEST_F(CopyTest, the_layer_has_the_contents) {
    auto items = plan({"a", "d"}, "/t/");
    ASSERT_TRUE(items.ok());
    auto source = layer_tar(*items);
    BufferedChunks chunks(*source);
    tar::Reader reader(chunks);
    tar::Entry entry;
    std::string all;
    while (*reader.next(entry)) {
        all += entry.path + "=";
        for (std::string_view data = *reader.data(); !data.empty(); data = *reader.data()) all += data;
        all += " ";
    }
    EXPECT_EQ(all, "t/= t/a=1 t/e/= t/e/y=4 t/to= t/x=3 ");
}

} // namespace
} // namespace hull::build
