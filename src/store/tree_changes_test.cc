#include "store/tree_changes.h"

#include <map>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "codec/tar_reader.h"
#include "store/extract.h"
#include "store/merged_folder.h"
#include "store/produced_source.h"
#include "store/temp_root.h"
#include "store/tree_difference.h"
#include "store/tree_lookup.h"
#include "store/tree_packer.h"
#include "sys/file.h"
#include "sys/tree.h"

namespace hull::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class TreeTest : public testing::Test {
protected:
    void SetUp() override {
        for (const char* name : {"upper", "mid", "low", "out"}) MUST(sys::mkdir(path(name), 0755));
        root_ = MUST(sys::open(path("out"), O_PATH | O_DIRECTORY));
    }
    std::string path(const std::string& name) const { return temp_.path() + "/" + name; }
    void write(const std::string& name, const std::string& text, int64_t mtime = 1000) {
        MUST(sys::mkdir_parents(path(name.substr(0, name.rfind('/'))), 0755));
        MUST(sys::replace_file(path(name), text, 0644));
        UniqueFd file = MUST(sys::open(path(name), O_RDONLY));
        MUST(sys::set_mtime(file, {.seconds = mtime, .ns = 0}));
    }
    void whiteout(const std::string& folder, const std::string& name) {
        MUST(sys::mkdir_parents(path(folder), 0755));
        UniqueFd dir = MUST(sys::open(path(folder), O_RDONLY | O_DIRECTORY));
        MUST(sys::make_node_at(dir, name, S_IFCHR, 0, 0));
    }
    void opaque(const std::string& folder) {
        UniqueFd dir = MUST(sys::open(path(folder), O_RDONLY | O_DIRECTORY));
        MUST(sys::set_xattr(dir, "trusted.overlay.opaque", "y"));
    }
    std::vector<std::string> lower() const { return {path("mid"), path("low")}; }
    std::vector<std::pair<std::string, char>> changes() {
        std::vector<std::pair<std::string, char>> list;
        auto walked = walk_changes(path("upper"), lower(), [&](const TreeChange& change) -> Result<void> {
            list.emplace_back(change.path, "CAD"[static_cast<int>(change.kind)]);
            return {};
        });
        EXPECT_TRUE(walked.ok()) << walked.error().message();
        return list;
    }
    static std::vector<std::string> names_of(const std::string& tar) {
        TextSource source(tar);
        BufferedChunks chunks(source);
        tar::Reader reader(chunks);
        tar::Entry entry;
        std::vector<std::string> names;
        while (MUST(reader.next(entry))) names.push_back(entry.path);
        return names;
    }
    Result<void> extract(const std::function<void(tar::Writer&)>& fill, const std::string& folder = "/",
                         const ExtractOptions& options = {}) {
        TextSink sink;
        tar::Writer writer(sink);
        fill(writer);
        MUST(writer.finish());
        TextSource source(sink.text());
        return extract_tar(source, root_, folder, options);
    }
    static tar::Entry entry(std::string name, tar::Type type = tar::Type::file, std::string link = "") {
        tar::Entry made;
        made.path = std::move(name);
        made.type = type;
        made.link_target = std::move(link);
        made.mode = type == tar::Type::directory ? 0755 : 0644;
        made.mtime = 5;
        return made;
    }

    TempRoot temp_;
    UniqueFd root_;
};

TEST_F(TreeTest, MergedFolderShowsWhatOverlayShows) {
    write("upper/a/new", "1");
    write("mid/a/old", "2");
    write("low/a/older", "3");
    write("low/a/gone", "4");
    write("low/cut/x", "5");
    write("mid/cut/y", "6");
    whiteout("mid/a", "gone");
    opaque("mid/cut");
    auto root = MUST(MergedFolder::open({path("upper"), path("mid"), path("low")}));
    std::vector<std::string> names;
    auto shown = MUST(root.entries());
    for (const auto& one : shown) names.push_back(one.name);
    EXPECT_THAT(names, ElementsAre("a", "cut"));
    auto names_in = [&](const char* folder) {
        std::vector<std::string> list;
        auto inner = MUST(root.enter(*MUST(root.find(folder))));
        auto entries = MUST(inner.entries());
        for (const auto& one : entries) list.push_back(one.name);
        return list;
    };
    EXPECT_THAT(names_in("a"), ElementsAre("new", "old", "older"));
    EXPECT_THAT(names_in("cut"), ElementsAre("y"));
    EXPECT_FALSE(MUST(MUST(root.enter(*MUST(root.find("a")))).find("gone")).has_value());
}

TEST_F(TreeTest, ChangesAreToldAsDockerTellsThem) {
    write("low/etc/same", "x");
    write("upper/etc/same", "x"); // copied up, and not changed after all
    write("low/etc/longer", "x");
    write("upper/etc/longer", "xy");
    write("low/etc/later", "x", 1000);
    write("upper/etc/later", "x", 1001);
    write("upper/new/a/b", "x");
    write("mid/dir/removed", "x");
    whiteout("upper/dir", "removed");
    whiteout("upper/dir", "never-was");
    write("low/again/old", "x");
    write("low/again/kept", "x");
    write("upper/again/kept", "x");
    opaque("upper/again");
    write("low/untouched/x", "x");
    MUST(sys::mkdir(path("upper/untouched"), 0755));
    EXPECT_THAT(changes(),
                ElementsAre(Pair("/again", 'C'), Pair("/again/old", 'D'), Pair("/dir", 'C'), Pair("/dir/removed", 'D'),
                            Pair("/etc", 'C'), Pair("/etc/later", 'C'), Pair("/etc/longer", 'C'), Pair("/new", 'A'),
                            Pair("/new/a", 'A'), Pair("/new/a/b", 'A')));
}

TEST_F(TreeTest, WhatTheEngineMakesIsNoChangeUnlessItWasFilled) {
    write("upper/etc/hosts", "");
    write("upper/etc/resolv.conf", "");
    MUST(sys::mkdir_parents(path("upper/dev/shm"), 0755));
    MUST(sys::mkdir_parents(path("upper/sys/fs/cgroup"), 0755));
    MUST(sys::mkdir_parents(path("upper/proc"), 0755));
    EXPECT_THAT(changes(), ElementsAre(Pair("/sys/fs", 'A')));
    write("upper/etc/hosts", "127.0.0.1 x");
    write("upper/dev/mine", "x");
    auto found = changes();
    EXPECT_THAT(found, testing::Contains(Pair("/etc/hosts", 'A')));
    EXPECT_THAT(found, testing::Contains(Pair("/dev/mine", 'A')));
}

TEST_F(TreeTest, ChangesMakeALayerThatIsTheSameEachTime) {
    write("low/dir/removed", "x");
    whiteout("upper/dir", "removed");
    write("upper/dir/b", "2");
    write("upper/dir/a", "1");
    TextSink once, again;
    MUST(write_changes(path("upper"), lower(), once));
    MUST(write_changes(path("upper"), lower(), again));
    EXPECT_EQ(once.text(), again.text());
    EXPECT_THAT(names_of(once.text()), ElementsAre("dir/", "dir/a", "dir/b", "dir/.wh.removed"));
}

TEST_F(TreeTest, ReducedToItsChangesALayerHasWhatItsTarHas) {
    write("low/etc/same", "x");
    write("upper/etc/same", "x");
    write("low/only/same", "x");
    write("upper/only/same", "x");
    write("upper/etc/hosts", "");
    MUST(sys::mkdir_parents(path("upper/dev/shm"), 0755));
    write("low/dir/removed", "x");
    write("low/dir/kept", "x");
    whiteout("upper/dir", "removed");
    whiteout("upper/dir", "never-was");
    write("upper/dir/new", "x");
    UniqueFd dir = MUST(sys::open(path("upper/dir"), O_RDONLY | O_DIRECTORY));
    MUST(sys::set_mtime(dir, {.seconds = 77, .ns = 0}));
    TextSink plain, reduced, again;
    MUST(write_changes(path("upper"), lower(), plain));
    MUST(reduce_to_changes(path("upper"), lower(), reduced));
    EXPECT_EQ(plain.text(), reduced.text());
    MUST(write_changes(path("upper"), lower(), again));
    EXPECT_EQ(plain.text(), again.text());
    EXPECT_EQ(MUST(sys::lstat(path("upper/dir"))).st_mtim.tv_sec, 77);
    for (const char* gone : {"upper/etc", "upper/only", "upper/dev", "upper/dir/never-was"})
        EXPECT_FALSE(sys::exists(path(gone))) << gone;
    for (const char* there : {"upper/dir/new", "upper/dir/removed"}) EXPECT_TRUE(sys::exists(path(there))) << there;
}

// As reproducible builds write: another content, the length and the time of before.
TEST_F(TreeTest, OtherContentsAreAChangeWhateverTheTime) {
    write("low/a", "one", 0);
    write("upper/a", "two", 0);
    EXPECT_THAT(changes(), ElementsAre(Pair("/a", 'C')));
}

TEST_F(TreeTest, SeveralLayersAsOneDifference) {
    write("low/etc/kept", "x");
    write("low/etc/gone", "x");
    write("low/replaced/old", "x");
    write("low/twice", "x");
    write("mid/etc/new", "1"); // one layer
    whiteout("mid/etc", "gone");
    write("mid/passing", "1");
    whiteout("mid", "replaced");
    write("upper/etc/new", "2"); // and another on it
    whiteout("upper", "passing");
    write("upper/replaced/fresh", "x");
    whiteout("mid", "twice");
    write("upper/twice", "y");
    TextSink out;
    MUST(write_difference({path("upper"), path("mid")}, {path("low")}, out));
    EXPECT_THAT(names_of(out.text()), ElementsAre("etc/", "etc/.wh.gone", "etc/new", "replaced/", "replaced/fresh",
                                                  "replaced/.wh.old", "twice"));
    TextSink all;
    MUST(write_difference({path("upper"), path("mid")}, {}, all));
    EXPECT_THAT(names_of(all.text()), ElementsAre("etc/", "etc/new", "replaced/", "replaced/fresh", "twice"));
}

TEST_F(TreeTest, TheMergedTreeAsATar) {
    write("upper/a/new", "1");
    write("low/a/old", "2");
    write("low/z", "3");
    whiteout("upper", "z");
    TextSink out;
    MUST(write_merged({path("upper"), path("mid"), path("low")}, out));
    EXPECT_THAT(names_of(out.text()), ElementsAre("a/", "a/new", "a/old"));
}

TEST_F(TreeTest, FoldersNestedTooDeeplyAreRefused) {
    UniqueFd dir = MUST(sys::open(path("upper"), O_RDONLY | O_DIRECTORY));
    for (int i = 0; i < 600; ++i) {
        MUST(sys::make_dir_at(dir, "d", 0755));
        dir = MUST(sys::openat(dir, "d", O_RDONLY | O_DIRECTORY));
    }
    TextSink out;
    EXPECT_EQ(write_changes(path("upper"), lower(), out).error().kind(), ErrorKind::too_large);
    UniqueFd top = MUST(sys::open(path("upper"), O_RDONLY | O_DIRECTORY));
    TreePacker packer(out);
    EXPECT_EQ(pack_tree(packer, top, ".", "x").error().kind(), ErrorKind::too_large);
    EXPECT_TRUE(sys::remove_tree_at(top, "d").ok());
}

TEST_F(TreeTest, ExtractsWhatWasPacked) {
    write("low/t/f", "hello");
    MUST(sys::mkdir(path("low/t/empty"), 0700));
    UniqueFd t = MUST(sys::open(path("low/t"), O_RDONLY | O_DIRECTORY));
    MUST(sys::make_symlink_at(t, "l", "/elsewhere"));
    MUST(sys::make_link_at(t, "f", t, "h"));
    MUST(sys::make_node_at(t, "p", S_IFIFO | 0600, 0, 0));
    auto pack = [&](const std::string& folder) {
        UniqueFd dir = MUST(sys::open(path(folder), O_RDONLY | O_DIRECTORY));
        TextSink out;
        TreePacker packer(out);
        MUST(pack_tree(packer, dir, "t", "t"));
        MUST(packer.finish());
        return out.take();
    };
    std::string tar = pack("low");
    EXPECT_THAT(names_of(tar), ElementsAre("t/", "t/empty/", "t/f", "t/h", "t/l", "t/p"));
    TextSource source(tar);
    ASSERT_TRUE(extract_tar(source, root_, "/", {}).ok());
    EXPECT_EQ(pack("out"), tar);
}

TEST_F(TreeTest, NothingIsExtractedOutsideTheFolder) {
    MUST(sys::mkdir(path("out/in"), 0755));
    for (const char* name : {"../x", "a/../../x", "/../x"}) {
        auto done = extract([&](tar::Writer& writer) { MUST(writer.add(entry(name))); }, "/in");
        ASSERT_FALSE(done.ok()) << name;
        EXPECT_EQ(done.error().kind(), ErrorKind::invalid_argument);
        EXPECT_THAT(done.error().message(), HasSubstr("is outside of \"/in\""));
    }
    // Links lead to places of the tree, whatever they say.
    auto done = extract(
        [&](tar::Writer& writer) {
            MUST(writer.add(entry("l", tar::Type::symlink, "../../../../../.." + path("low"))));
            MUST(writer.add(entry("l/f")));
        },
        "/in");
    EXPECT_TRUE(MUST(sys::list_dir(path("low"))).empty());
    done =
        extract([&](tar::Writer& writer) { MUST(writer.add(entry("h", tar::Type::hard_link, "../../low"))); }, "/in");
    EXPECT_THAT(done.error().message(), HasSubstr("invalid hardlink \"/in/h\""));
    done = extract([&](tar::Writer& writer) { MUST(writer.add(entry("w", tar::Type::char_device))); }, "/in");
    EXPECT_EQ(done.error().kind(), ErrorKind::invalid_argument);
}

TEST_F(TreeTest, ExtractReplacesAndKeepsKindsWhenAsked) {
    auto folder = [](tar::Writer& writer) { MUST(writer.add(entry("x/", tar::Type::directory))); };
    auto file = [](tar::Writer& writer) { MUST(writer.add(entry("x"))); };
    ExtractOptions strict;
    strict.keep_kinds = true;
    ASSERT_TRUE(extract(folder).ok());
    EXPECT_THAT(extract(file, "/", strict).error().message(),
                HasSubstr("cannot overwrite directory \"/x\" with non-directory \"/\""));
    write("out/x/deep/f", "x");
    ASSERT_TRUE(extract(file).ok());
    EXPECT_THAT(extract(folder, "/", strict).error().message(),
                HasSubstr("cannot overwrite non-directory \"/x\" with directory \"/\""));
    ASSERT_TRUE(extract(folder).ok());
    EXPECT_TRUE(S_ISDIR(MUST(sys::lstat(path("out/x"))).st_mode));
}

TEST_F(TreeTest, IdsAreShiftedBothWays) {
    ExtractOptions options;
    options.ids = {{.first = 100000, .count = 1000}, {.first = 200000, .count = 1000}};
    auto owned = [](uint32_t uid) {
        return [uid](tar::Writer& writer) {
            auto made = entry("f");
            made.uid = uid;
            made.gid = 8;
            MUST(writer.add(made));
        };
    };
    ASSERT_TRUE(extract(owned(7), "/", options).ok());
    struct stat st = MUST(sys::lstat(path("out/f")));
    EXPECT_EQ(st.st_uid, 100007u);
    EXPECT_EQ(st.st_gid, 200008u);
    EXPECT_EQ(options.ids.users.inside(st.st_uid), 7u);
    EXPECT_EQ(options.ids.users.inside(5), 65534u);
    EXPECT_THAT(extract(owned(1000), "/", options).error().message(), HasSubstr("not among the container's ids"));
    options.owner = Owner{1, 2};
    ASSERT_TRUE(extract(owned(1000), "/", options).ok());
    EXPECT_EQ(MUST(sys::lstat(path("out/f"))).st_uid, 100001u);
}

TEST_F(TreeTest, AFileCutShortIsNotLeftBehind) {
    TextSink sink;
    tar::Writer writer(sink);
    auto big = entry("big");
    big.size = 10000;
    MUST(writer.add(big));
    MUST(writer.data(std::string(3000, 'x')));
    TextSource source(sink.text());
    EXPECT_FALSE(extract_tar(source, root_, "/", {}).ok());
    EXPECT_TRUE(MUST(sys::list_dir(path("out"))).empty());
}

TEST_F(TreeTest, AnEmptyStreamIsAnEmptyArchive) {
    TextSource source("");
    EXPECT_TRUE(extract_tar(source, root_, "/", {}).ok());
}

TEST_F(TreeTest, PathsAreFoundAsUsersWriteThem) {
    write("out/d/f", "12345");
    UniqueFd d = MUST(sys::open(path("out"), O_RDONLY | O_DIRECTORY));
    MUST(sys::make_symlink_at(d, "l", "d/f"));
    MUST(sys::make_symlink_at(d, "up", "../../../d"));
    MUST(sys::make_symlink_at(d, "broken", "/no/where"));
    MUST(sys::make_symlink_at(d, "loop", "loop"));
    EXPECT_EQ(clean_absolute("a//b/../c/."), "/a/c");
    EXPECT_EQ(clean_absolute("../.."), "/");
    EXPECT_EQ(MUST(find_path(root_, "d/./f")).st.st_size, 5);
    EXPECT_EQ(MUST(find_path(root_, "/l")).link_target, "/d/f");
    EXPECT_EQ(MUST(find_path(root_, "/broken")).link_target, "/no/where");
    EXPECT_EQ(MUST(find_path(root_, "/up/")).name, ".");
    EXPECT_EQ(find_path(root_, "/l/").error().kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(find_path(root_, "/d/nope").error().kind(), ErrorKind::not_found);
    EXPECT_EQ(find_path(root_, "/d/f/x").error().kind(), ErrorKind::not_found);
    EXPECT_EQ(MUST(follow_links(root_, "/up/f")), "/d/f");
    EXPECT_EQ(follow_links(root_, "/loop").error().code(), ELOOP);
    EXPECT_EQ(MUST(read_small_file(root_, "/l", 5)), "12345");
    EXPECT_EQ(read_small_file(root_, "/l", 4).error().kind(), ErrorKind::too_large);
}

TEST(Capability, LosesAndGetsItsRootId) {
    std::string plain("\1\0\0\2aaaabbbbccccdddd", 20);
    std::string shifted = capability_of(plain, 0x01020304);
    EXPECT_EQ(shifted.size(), 24u);
    EXPECT_EQ(shifted.substr(20), "\4\3\2\1");
    EXPECT_EQ(plain_capability(shifted), plain);
    EXPECT_EQ(capability_of(plain, 0), plain);
    EXPECT_EQ(plain_capability("odd"), "odd");
}

TEST(ProducedSource, GivesWhatIsWrittenThenTheError) {
    auto read_all = [](ByteSource& source) -> Result<std::string> {
        std::string all, chunk(1000, '\0');
        for (;;) {
            size_t n = TRY(source.read(chunk));
            if (n == 0) return all;
            all.append(chunk, 0, n);
        }
    };
    std::string big(5 << 20, 'x');
    ProducedSource whole([&](ByteSink& sink) { return sink.write(big); });
    EXPECT_EQ(MUST(read_all(whole)), big);
    ProducedSource broken([&](ByteSink& sink) -> Result<void> {
        TRY(sink.write("some"));
        return Error(ErrorKind::corrupt, "no more");
    });
    EXPECT_EQ(read_all(broken).error().message(), "no more");
    ErrorKind seen = ErrorKind::internal;
    {
        ProducedSource unread([&](ByteSink& sink) {
            auto done = sink.write(big);
            seen = done.error().kind();
            return done;
        });
    }
    EXPECT_EQ(seen, ErrorKind::cancelled);
}

} // namespace
} // namespace hull::store
