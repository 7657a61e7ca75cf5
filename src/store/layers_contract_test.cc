#include "store/layers_contract.h"

#include <algorithm>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <rapidcheck.h>
#include <sys/sysmacros.h>

#include "codec/compress/sha256.h"
#include "codec/tar_writer.h"
#include "store/whiteout.h"
#include "sys/tree.h"

namespace hull::store {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
namespace fs = std::filesystem;

std::string make_tar(const std::vector<TarItem>& items) {
    TextSink sink;
    tar::Writer writer(sink);
    for (const TarItem& item : items) {
        EXPECT_TRUE(writer.add(item.entry).ok());
        EXPECT_TRUE(writer.data(item.data).ok());
    }
    EXPECT_TRUE(writer.finish().ok());
    return sink.take();
}

TarItem tar_file(std::string path, std::string data, uint32_t mode) {
    TarItem item;
    item.entry.path = std::move(path);
    item.entry.mode = mode;
    item.entry.size = data.size();
    item.entry.mtime = 1'000'000'000;
    item.data = std::move(data);
    return item;
}

TarItem tar_dir(std::string path, uint32_t mode) {
    TarItem item = tar_file(std::move(path), "", mode);
    item.entry.type = tar::Type::directory;
    return item;
}

TarItem tar_link(tar::Type type, std::string path, std::string target) {
    TarItem item = tar_file(std::move(path), "", 0777);
    item.entry.type = type;
    item.entry.link_target = std::move(target);
    return item;
}

void LayerContract::reopen() {
    store.reset();
    records.reset();
    auto opened = Records::open(root.path() + "/hull.db");
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    records = std::move(opened).value();
    auto layers = GetParam()(root.path(), *records);
    ASSERT_TRUE(layers.ok()) << layers.error().message();
    store = std::move(layers).value();
}

Result<Layer> LayerContract::add(const std::string& tar, const std::optional<Digest>& parent,
                                 const StageOptions& options) {
    TextSource source(tar);
    auto staged = TRY(store->stage(source, options));
    return store->commit(std::move(staged), parent);
}

std::string LayerContract::tar_of(const Layer& layer) {
    TextSink sink;
    auto written = store->write_tar(layer.chain_id, sink);
    EXPECT_TRUE(written.ok()) << written.error().message();
    return sink.take();
}

std::vector<std::string> LayerContract::census() {
    std::vector<std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(root.path())) {
        std::string path = entry.path().lexically_relative(root.path());
        if (!path.starts_with("hull.db")) all.push_back(path);
    }
    std::sort(all.begin(), all.end());
    return all;
}

namespace {

struct stat lstat_of(const std::string& path) {
    auto st = sys::lstat(path);
    EXPECT_TRUE(st.ok()) << path;
    return st.ok() ? *st : (struct stat){};
}

bool is_whiteout_at(const std::string& path) {
    auto st = sys::lstat(path);
    return st.ok() && is_whiteout(*st);
}

std::optional<std::string> xattr_of(const std::string& folder, const std::string& name, const std::string& attribute) {
    auto fd = sys::open(folder, O_RDONLY | O_DIRECTORY);
    auto value = sys::get_xattr_at(*fd, name, attribute);
    return value.ok() ? *value : std::nullopt;
}

std::string text_of(const std::string& path) {
    auto text = sys::read_file(path);
    return text.ok() ? *text : "error: " + text.error().message();
}

TEST_P(LayerContract, ALayerIsThereOnlyOnceCommitted) {
    const auto before = census();
    std::string tar = make_tar({tar_dir("d"), tar_file("d/f", "hello")});
    TextSource source(tar);
    auto staged = store->stage(source, {});
    ASSERT_TRUE(staged.ok()) << staged.error().message();
    EXPECT_EQ((*staged)->diff_id().hex(), sha256_hex(tar));
    EXPECT_THAT(store->list(), IsEmpty());
    (*staged).reset();
    EXPECT_EQ(census(), before);

    auto layer = add(tar);
    ASSERT_TRUE(layer.ok()) << layer.error().message();
    EXPECT_EQ(layer->chain_id, layer->diff_id);
    EXPECT_EQ(layer->size, 5U);
    EXPECT_EQ(layer->tar_size, tar.size());
    EXPECT_EQ(layer->entries, 2U);
    EXPECT_EQ(text_of(path_of(*layer) + "/d/f"), "hello");
    EXPECT_EQ(tar_of(*layer), tar);
}

TEST_P(LayerContract, LayersAreChained) {
    auto bottom = add(make_tar({tar_file("a", "1")}));
    auto top = add(make_tar({tar_file("b", "2")}), bottom->chain_id);
    ASSERT_TRUE(top.ok()) << top.error().message();
    EXPECT_EQ(top->chain_id.hex(), sha256_hex(bottom->chain_id.str() + " " + top->diff_id.str()));
    EXPECT_EQ(store->list().size(), 2U);

    auto refused = store->remove(bottom->chain_id);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind(), ErrorKind::conflict);
    EXPECT_TRUE(store->remove(top->chain_id).ok());
    EXPECT_TRUE(store->remove(bottom->chain_id).ok());
    EXPECT_EQ(store->remove(bottom->chain_id).error().kind(), ErrorKind::not_found);
    EXPECT_EQ(add(make_tar({}), bottom->chain_id).error().kind(), ErrorKind::not_found);
}

TEST_P(LayerContract, TheSameLayerIsMadeOnce) {
    std::string tar = make_tar({tar_file("a", "1")});
    auto first = add(tar);
    const auto after_first = census();
    auto second = add(tar);
    ASSERT_TRUE(second.ok());
    EXPECT_EQ(first->chain_id, second->chain_id);
    EXPECT_EQ(census(), after_first);
    EXPECT_THAT(store->list(), SizeIs(1));

    std::vector<std::thread> threads;
    std::string other = make_tar({tar_file("b", std::string(100'000, 'b'))});
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { EXPECT_TRUE(add(other).ok()); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_THAT(store->list(), SizeIs(2));
}

TEST_P(LayerContract, LayersOutliveTheProcess) {
    std::string tar = make_tar({tar_dir("d"), tar_file("d/f", std::string(10'000, 'x'))});
    auto layer = add(tar);
    reopen();
    auto back = store->get(layer->chain_id);
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back->tar_size, layer->tar_size);
    EXPECT_EQ(tar_of(*back), tar);
}

TEST_P(LayerContract, TheSameDifferenceCanBeStagedAgainForAnotherParent) {
    auto a = add(make_tar({tar_file("a", "1")}));
    auto diff = add(make_tar({tar_file("d", "2")}), a->chain_id);
    auto copy = store->stage_copy(diff->chain_id);
    ASSERT_TRUE(copy.ok()) << copy.error().message();
    EXPECT_EQ((*copy)->diff_id(), diff->diff_id);
    auto alone = store->commit(std::move(*copy), std::nullopt);
    EXPECT_EQ(alone->chain_id, diff->diff_id);
    EXPECT_EQ(tar_of(*alone), tar_of(*diff));
}

TEST_P(LayerContract, AFolderBecomesALayerWithoutACopy) {
    auto base = add(make_tar({tar_file("a", "1")}));
    const std::string folder = root.path() + "/layers/tmp/upper";
    fs::create_directories(folder + "/d");
    ASSERT_TRUE(sys::replace_file(folder + "/d/f", "text", 0640).ok());
    const ino_t inode = lstat_of(folder + "/d/f").st_ino;
    const std::string tar = make_tar({tar_dir("d/"), tar_file("d/f", "text", 0640)});
    auto staged = store->adopt(folder, [&](ByteSink& sink) { return sink.write(tar); });
    ASSERT_TRUE(staged.ok()) << staged.error().message();
    auto layer = store->commit(std::move(*staged), base->chain_id);
    ASSERT_TRUE(layer.ok()) << layer.error().message();
    EXPECT_EQ(lstat_of(path_of(*layer) + "/d/f").st_ino, inode);
    EXPECT_FALSE(fs::exists(folder));
    EXPECT_EQ(tar_of(*layer), tar);
    EXPECT_EQ(layer->size, 4);
    EXPECT_EQ(layer->entries, 2);
    EXPECT_EQ(layer->diff_id.hex(), sha256_hex(tar));
    EXPECT_TRUE(store->verify(layer->chain_id, CheckDepth::contents).ok());
}

TEST_P(LayerContract, AFolderWithMoreThanATarSaysIsNotTaken) {
    const std::string folder = root.path() + "/layers/tmp/upper";
    fs::create_directories(folder + "/d");
    UniqueFd dir = *sys::open(folder, O_RDONLY | O_DIRECTORY);
    ASSERT_TRUE(sys::set_xattr_at(dir, "d", "trusted.other", "x").ok());
    auto write = [](ByteSink&) -> Result<void> { return {}; };
    EXPECT_EQ(store->adopt(folder, write).error().kind(), ErrorKind::unsupported);
    EXPECT_TRUE(fs::exists(folder + "/d"));
    // What fails on the way leaves it, too.
    ASSERT_TRUE(sys::remove_tree(folder + "/d").ok());
    auto fail = [](ByteSink&) -> Result<void> { return Error(ErrorKind::system, "no"); };
    EXPECT_EQ(store->adopt(folder, fail).error().message(), "no");
    EXPECT_TRUE(fs::exists(folder));
    EXPECT_THAT(census(), ::testing::Not(::testing::Contains(HasSubstr("recipe"))));
}

TEST_P(LayerContract, EveryKindOfFileKeepsItsAttributes) {
    TarItem file = tar_file("f", "data", 04755);
    file.entry.uid = 1000;
    file.entry.gid = 70'000;
    file.entry.mtime = 1'234'567'890;
    file.entry.mtime_ns = 987'654'321;
    std::string capability("\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
    file.entry.xattrs = {{"security.capability", capability}, {"user.note", "n"}};
    TarItem folder = tar_dir("dir", 02750);
    folder.entry.uid = 7;
    folder.entry.xattrs = {{"user.dir", "d"}};
    TarItem device = tar_file("dev", "", 0660);
    device.entry.type = tar::Type::block_device;
    device.entry.device_major = 8;
    device.entry.device_minor = 300;
    TarItem fifo = tar_file("fifo", "", 0600);
    fifo.entry.type = tar::Type::fifo;
    TarItem symlink = tar_link(tar::Type::symlink, "sym", "/anywhere/at/all");
    symlink.entry.uid = 5;
    std::string tar = make_tar({folder, tar_file("dir/inner", "x"), file, tar_link(tar::Type::hard_link, "hard", "f"),
                                symlink, device, fifo, tar_dir("./", 0711)});
    auto layer = add(tar);
    ASSERT_TRUE(layer.ok()) << layer.error().message();
    const std::string at = path_of(*layer);
    struct stat st = lstat_of(at + "/f");
    EXPECT_EQ(st.st_mode, static_cast<mode_t>(S_IFREG | 04755));
    EXPECT_EQ(st.st_uid, 1000U);
    EXPECT_EQ(st.st_gid, 70'000U);
    EXPECT_EQ(st.st_mtim.tv_sec, 1'234'567'890);
    EXPECT_EQ(st.st_mtim.tv_nsec, 987'654'321);
    EXPECT_EQ(st.st_nlink, 2U);
    EXPECT_EQ(lstat_of(at + "/hard").st_ino, st.st_ino);
    EXPECT_EQ(xattr_of(at, "f", "security.capability"), capability);
    EXPECT_EQ(xattr_of(at, "f", "user.note"), "n");
    st = lstat_of(at + "/dir");
    EXPECT_EQ(st.st_mode, static_cast<mode_t>(S_IFDIR | 02750));
    EXPECT_EQ(st.st_uid, 7U);
    EXPECT_EQ(st.st_mtim.tv_sec, 1'000'000'000); // though a file was made in it
    EXPECT_EQ(lstat_of(at + "/dir/inner").st_gid, 0U);
    EXPECT_EQ(xattr_of(at, "dir", "user.dir"), "d");
    EXPECT_EQ(sys::readlink(at + "/sym").value(), "/anywhere/at/all");
    EXPECT_EQ(lstat_of(at + "/sym").st_uid, 5U);
    EXPECT_EQ(lstat_of(at + "/dev").st_rdev, makedev(8, 300));
    EXPECT_EQ(lstat_of(at + "/dev").st_mode, static_cast<mode_t>(S_IFBLK | 0660));
    EXPECT_TRUE(S_ISFIFO(lstat_of(at + "/fifo").st_mode));
    EXPECT_EQ(lstat_of(at).st_mode & 07777, 0711U);
    EXPECT_EQ(tar_of(*layer), tar);
}

TEST_P(LayerContract, AttributesOfTheHostAndOfOverlayAreLeftOut) {
    TarItem file = tar_file("f", "");
    file.entry.xattrs = {{"security.selinux", "x"}, {"trusted.overlay.redirect", "/etc"}, {"user.overlay.opaque", "y"}};
    auto layer = add(make_tar({file}));
    ASSERT_TRUE(layer.ok()) << layer.error().message();
    for (const char* name : {"security.selinux", "trusted.overlay.redirect", "user.overlay.opaque"})
        EXPECT_FALSE(xattr_of(path_of(*layer), "f", name)) << name;
}

TEST_P(LayerContract, SparseFilesStaySparse) {
    TarItem item = tar_file("s", "headtail");
    item.entry.sparse = true;
    item.entry.size = 8 << 20;
    item.entry.segments = {{0, 4}, {(8 << 20) - 4, 4}};
    std::string tar = make_tar({item});
    auto layer = add(tar);
    ASSERT_TRUE(layer.ok()) << layer.error().message();
    struct stat st = lstat_of(path_of(*layer) + "/s");
    EXPECT_EQ(st.st_size, 8 << 20);
    EXPECT_LT(st.st_blocks * 512, 1 << 20);
    std::string text = text_of(path_of(*layer) + "/s");
    EXPECT_EQ(text.substr(0, 4) + text.substr(text.size() - 4), "headtail");
    EXPECT_EQ(tar_of(*layer), tar);
}

TEST_P(LayerContract, WhiteoutsBecomeOverlaysOwn) {
    std::string tar = make_tar({tar_dir("d"), tar_file("d/.wh.gone", ""), tar_dir("o"), tar_file("o/.wh..wh..opq", ""),
                                tar_file("o/new", "n"), tar_file("implied/.wh.x", ""), tar_file(".wh..wh.plnk", "aufs"),
                                tar_file("d/.wh..wh.aufs", "")});
    auto layer = add(tar);
    ASSERT_TRUE(layer.ok()) << layer.error().message();
    const std::string at = path_of(*layer);
    EXPECT_TRUE(is_whiteout_at(at + "/d/gone"));
    EXPECT_FALSE(sys::exists(at + "/d/.wh.gone"));
    EXPECT_EQ(xattr_of(at, "o", "trusted.overlay.opaque"), "y");
    EXPECT_TRUE(sys::exists(at + "/o/new"));
    EXPECT_TRUE(is_whiteout_at(at + "/implied/x"));
    EXPECT_THAT(sys::list_dir(at + "/d").value(), ::testing::ElementsAre("gone"));
    EXPECT_FALSE(sys::exists(at + "/.wh..wh.plnk"));
    EXPECT_FALSE(layer->opaque_root);
    EXPECT_EQ(tar_of(*layer), tar);
    EXPECT_TRUE(add(make_tar({tar_file(".wh..wh..opq", "")}))->opaque_root);
}

TEST_P(LayerContract, AWhiteoutHidesOnlyWhatIsBelow) {
    // In either order, what the layer itself has stays and the rest is hidden.
    for (const auto& items :
         std::vector<std::vector<TarItem>>{{tar_dir("a"), tar_file("a/f", "1"), tar_file(".wh.a", "")},
                                           {tar_file(".wh.a", ""), tar_dir("a"), tar_file("a/f", "1")},
                                           {tar_file(".wh.a", ""), tar_file("a/f", "1")}}) {
        auto layer = add(make_tar(items));
        ASSERT_TRUE(layer.ok()) << layer.error().message();
        EXPECT_EQ(text_of(path_of(*layer) + "/a/f"), "1");
        EXPECT_EQ(xattr_of(path_of(*layer), "a", "trusted.overlay.opaque"), "y");
        ASSERT_TRUE(store->remove(layer->chain_id).ok());
    }
    auto layer = add(make_tar({tar_file(".wh.f", ""), tar_file("f", "1"), tar_file(".wh.f", "")}));
    ASSERT_TRUE(layer.ok()) << layer.error().message();
    EXPECT_EQ(text_of(path_of(*layer) + "/f"), "1");
}

TEST_P(LayerContract, ALaterEntryReplacesAnEarlierOneAndTheTarStaysTheSame) {
    const std::string tar = make_tar(
        {tar_file("f", "first"), tar_link(tar::Type::hard_link, "kept", "f"), tar_file("f", "second"), tar_dir("d"),
         tar_file("d/x", "deep"), tar_file("d", "now a file"), tar_dir("d"), tar_file("d/y", "again"),
         tar_link(tar::Type::symlink, "l", "d"), tar_file("l/through", "link"), tar_dir("l"), tar_file("l/own", "l"),
         tar_link(tar::Type::hard_link, "f", "f"), tar_link(tar::Type::hard_link, "kept", "d/y")});
    auto layer = add(tar);
    ASSERT_TRUE(layer.ok()) << layer.error().message();
    const std::string at = path_of(*layer);
    EXPECT_EQ(text_of(at + "/f"), "second");
    EXPECT_EQ(text_of(at + "/kept"), "again");
    EXPECT_EQ(text_of(at + "/d/through"), "link");
    EXPECT_EQ(text_of(at + "/l/own"), "l");
    EXPECT_FALSE(sys::exists(at + "/d/x"));
    EXPECT_EQ(tar_of(*layer), tar);
}

TEST_P(LayerContract, ManyFilesThatAreReplacedAtOnce) {
    std::vector<TarItem> items;
    for (int i = 0; i < 1500; ++i) {
        const std::string folder = "d" + std::to_string(i % 7) + "/", file = folder + std::to_string(i);
        TarItem owned = tar_file(file, std::string(static_cast<size_t>(i) * 3, 'x'), 04711);
        owned.entry.uid = 5;
        items.push_back(owned);
        if (i % 10 == 0) items.push_back(tar_link(tar::Type::hard_link, folder + "link-" + std::to_string(i), file));
        if (i % 3 == 0) items.push_back(tar_file(file, "again", 0600));
        if (i % 100 == 1) { // a folder of files becomes a file
            items.push_back(tar_file(file + "-sub/f", "deep"));
            items.push_back(tar_file(file + "-sub", "flat"));
        }
        if (i % 50 == 2) items.push_back(tar_link(tar::Type::symlink, file, "elsewhere"));
    }
    const std::string tar = make_tar(items);
    auto layer = add(tar);
    ASSERT_TRUE(layer.ok()) << layer.error().message();
    const std::string at = path_of(*layer);
    EXPECT_EQ(text_of(at + "/d1/120"), "again");
    EXPECT_EQ(text_of(at + "/d1/link-120").size(), 360u); // of the one before
    EXPECT_EQ(lstat_of(at + "/d1/link-120").st_mode & 07777, 04711u);
    EXPECT_EQ(lstat_of(at + "/d1/link-120").st_uid, 5u);
    EXPECT_EQ(lstat_of(at + "/d1/link-120").st_mtim.tv_sec, 1'000'000'000);
    EXPECT_EQ(text_of(at + "/d1/1-sub"), "flat");
    EXPECT_TRUE(S_ISLNK(lstat_of(at + "/d3/52").st_mode));
    EXPECT_EQ(tar_of(*layer), tar);
}

TEST_P(LayerContract, FoldersThatATarLeavesOutAreLikeThoseBelow) {
    TarItem tmp = tar_dir("tmp", 01777);
    tmp.entry.uid = 9;
    auto bottom = add(make_tar({tmp, tar_dir("tmp/deep", 0700)}));
    auto top = add(make_tar({tar_file("tmp/deep/f", "x"), tar_file("fresh/f", "y")}), bottom->chain_id);
    ASSERT_TRUE(top.ok()) << top.error().message();
    struct stat st = lstat_of(path_of(*top) + "/tmp");
    EXPECT_EQ(st.st_mode & 07777, 01777U);
    EXPECT_EQ(st.st_uid, 9U);
    EXPECT_EQ(st.st_mtim.tv_sec, 1'000'000'000);
    EXPECT_EQ(lstat_of(path_of(*top) + "/tmp/deep").st_mode & 07777, 0700U);
    EXPECT_EQ(lstat_of(path_of(*top) + "/fresh").st_mode & 07777, 0755U);
}

TEST_P(LayerContract, AnEmptyTarAndPaddingAreALayer) {
    for (const std::string& tar : {std::string(), make_tar({}), make_tar({}) + std::string(9000, '\0')}) {
        auto layer = add(tar);
        ASSERT_TRUE(layer.ok()) << layer.error().message();
        EXPECT_EQ(layer->diff_id.hex(), sha256_hex(tar));
        EXPECT_EQ(tar_of(*layer), tar);
    }
    EXPECT_THAT(sys::list_dir(store->empty_path()).value(), IsEmpty());
}

// hardening.md I1
struct Hostile {
    const char* name;
    std::vector<TarItem> items;
};

TEST_P(LayerContract, I1NothingInATarReachesOutsideOrLeavesAnythingBehind) {
    const std::string outside = root.path() + "/outside";
    ASSERT_TRUE(sys::mkdir(outside, 0700).ok());
    ASSERT_TRUE(sys::replace_file(outside + "/canary", "alive", 0600).ok());
    const auto before = census();
    using tar::Type;
    const std::vector<Hostile> all = {
        {"dotdot", {tar_file("../outside/evil", "x")}},
        {"dotdot within", {tar_file("a/../../outside/evil", "x")}},
        {"root is a file", {tar_file("./", "x")}},
        {"hard link out", {tar_link(Type::hard_link, "h", "../../../outside/canary")}},
        {"hard link to nothing", {tar_link(Type::hard_link, "h", outside + "/canary")}},
        {"hard link to the root", {tar_link(Type::hard_link, "h", "/")}},
        {"hard link to a folder", {tar_dir("d"), tar_link(Type::hard_link, "h", "d")}},
        {"whiteout of dotdot", {tar_file("d/.wh...", "")}},
        {"whiteout of nothing", {tar_file(".wh.", "")}},
        {"file as a folder", {tar_file("f", "x"), tar_file("f/g", "y")}},
        {"dangling link as a folder", {tar_link(Type::symlink, "l", "nowhere"), tar_file("l/g", "y")}},
        {"link loop", {tar_link(Type::symlink, "a", "b"), tar_link(Type::symlink, "b", "a"), tar_file("a/f", "")}},
        {"empty symlink", {tar_link(Type::symlink, "l", "")}},
        {"long name", {tar_file(std::string(300, 'n'), "x")}},
    };
    for (const Hostile& hostile : all) {
        auto layer = add(make_tar(hostile.items));
        ASSERT_FALSE(layer.ok()) << hostile.name;
        EXPECT_EQ(layer.error().kind(), ErrorKind::invalid_argument) << hostile.name << ": " << layer.error().message();
        EXPECT_EQ(census(), before) << hostile.name;
    }
    EXPECT_EQ(text_of(outside + "/canary"), "alive");
}

TEST_P(LayerContract, I1TwinLinksThatStayInsideAreFollowedInside) {
    const std::string outside = root.path() + "/outside";
    ASSERT_TRUE(sys::mkdir(outside, 0700).ok());
    using tar::Type;
    // Absolute and climbing links mean places in the layer, as in the container.
    auto layer = add(make_tar({tar_dir("usr"), tar_dir("usr/lib"), tar_link(Type::symlink, "lib", "/usr/lib"),
                               tar_file("lib/a", "1"), tar_link(Type::symlink, "up", "../../../usr"),
                               tar_file("up/b", "2"), tar_file("/abs/./c", "3"), tar_file("x/../d", "4"),
                               tar_link(Type::symlink, "out", outside), tar_link(Type::hard_link, "hard", "/lib/a")}));
    ASSERT_TRUE(layer.ok()) << layer.error().message();
    const std::string at = path_of(*layer);
    EXPECT_EQ(text_of(at + "/usr/lib/a"), "1");
    EXPECT_EQ(text_of(at + "/usr/b"), "2");
    EXPECT_EQ(text_of(at + "/abs/c"), "3");
    EXPECT_EQ(text_of(at + "/d"), "4");
    EXPECT_EQ(text_of(at + "/hard"), "1");
    // A chain that would lead out makes its own folder at most.
    auto chain = add(make_tar({tar_link(Type::symlink, "out", outside), tar_file("out/evil", "x")}));
    EXPECT_FALSE(chain.ok());
    EXPECT_THAT(sys::list_dir(outside).value(), IsEmpty());
}

// hardening.md I2
TEST_P(LayerContract, I2WhatIsBeyondTheBudgetIsRefusedAndRemoved) {
    const auto before = census();
    auto refused = [&](const std::string& tar, const Budget& budget) {
        StageOptions options;
        options.budget = budget;
        auto layer = add(tar, std::nullopt, options);
        ASSERT_FALSE(layer.ok());
        EXPECT_EQ(layer.error().kind(), ErrorKind::too_large) << layer.error().message();
        EXPECT_EQ(census(), before);
    };
    std::vector<TarItem> many;
    for (int i = 0; i < 101; ++i) many.push_back(tar_file("f" + std::to_string(i), ""));
    refused(make_tar(many), {.entries = 100});
    refused(make_tar({tar_file("f", std::string(200'000, 'x'))}), {.bytes = 100'000});
    refused(std::string(300'000, '\0'), {.bytes = 100'000});
    TarItem sparse = tar_file("s", "");
    sparse.entry.sparse = true;
    sparse.entry.size = uint64_t{1} << 50;
    refused(make_tar({sparse}), {});
    std::string deep;
    for (int i = 0; i < 300; ++i) deep += "d/";
    refused(make_tar({tar_dir(deep)}), {});
    refused(make_tar({tar_dir(std::string(5000, 'd'))}), {});
    std::vector<TarItem> folders;
    for (int i = 0; i < 100; ++i) folders.push_back(tar_dir("d" + std::to_string(i)));
    refused(make_tar(folders), {.memory_bytes = 5000});

    StageOptions enough;
    enough.budget = {.bytes = 1 << 20, .entries = 101};
    EXPECT_TRUE(add(make_tar(many), std::nullopt, enough).ok());
}

class Failing : public ByteSource { // a client that goes away
public:
    explicit Failing(std::string_view text) : text_(text) {}
    Result<size_t> read(std::span<char> into) override {
        if (used_) return Error(ErrorKind::cancelled, "the client left");
        used_ = true;
        return text_.copy(into.data(), into.size());
    }

private:
    std::string_view text_;
    bool used_ = false;
};

TEST_P(LayerContract, ABrokenOrStoppedStreamLeavesNothing) {
    const auto before = census();
    std::string tar = make_tar({tar_file("a", std::string(3'000'000, 'x')), tar_file("b", "y")});
    Failing failing(tar);
    EXPECT_EQ(store->stage(failing, {}).error().kind(), ErrorKind::cancelled);
    EXPECT_EQ(add(tar.substr(0, 2'000'000)).error().kind(), ErrorKind::invalid_argument);
    StageOptions stopping;
    uint64_t told = 0;
    stopping.progress = [&](uint64_t bytes) -> Result<void> {
        told = bytes;
        return Error(ErrorKind::cancelled, "stop");
    };
    EXPECT_EQ(add(tar, std::nullopt, stopping).error().kind(), ErrorKind::cancelled);
    EXPECT_GT(told, 0U);
    EXPECT_EQ(census(), before);
    EXPECT_TRUE(add(tar).ok());
}

TEST_P(LayerContract, WriteTarSeesThatAFileWasChanged) {
    auto layer = add(make_tar({tar_file("f", "12345")}));
    ASSERT_TRUE(sys::write_existing(path_of(*layer) + "/f", "abcde").ok());
    TextSink sink;
    auto written = store->write_tar(layer->chain_id, sink);
    ASSERT_FALSE(written.ok());
    EXPECT_EQ(written.error().kind(), ErrorKind::corrupt);
}

rc::Gen<TarItem> any_item() {
    using tar::Type;
    // Few names, so that entries meet; many shapes of them.
    auto path = rc::gen::element<std::string>("a", "a/b", "a/b/c", "b", "b/.wh.a", ".wh.b", "a/.wh..wh..opq", "./a/",
                                              "/b/", "a/../b", "../x", "a/b/../../..", ".", "c", "c/a", "c/a/d");
    auto target = rc::gen::element<std::string>("a", "/b", "../c", "../../../../../../tmp", "/", "c/a", ".", "b/../a");
    return rc::gen::exec([=] {
        TarItem item = tar_file(*path, *rc::gen::element<std::string>("", "one", "two two"));
        item.entry.type = *rc::gen::element(Type::file, Type::file, Type::hard_link, Type::symlink, Type::directory,
                                            Type::directory, Type::fifo, Type::char_device);
        if (item.entry.type != Type::file) {
            item.data.clear();
            item.entry.size = 0;
        }
        item.entry.link_target = *target;
        item.entry.mode = *rc::gen::inRange(0U, 010000U);
        return item;
    });
}

TEST_P(LayerContract, AnyTarStaysInsideAndComesBackOrLeavesNothing) {
    const std::string outside = root.path() + "/outside";
    ASSERT_TRUE(sys::mkdir(outside, 0700).ok());
    const auto before = census();
    EXPECT_TRUE(rc::check("stage, write_tar, remove", [&] {
        std::string tar = make_tar(*rc::gen::container<std::vector<TarItem>>(any_item()));
        auto layer = add(tar);
        if (layer.ok()) {
            RC_ASSERT(tar_of(*layer) == tar);
            RC_ASSERT(store->remove(layer->chain_id).ok());
        }
        RC_ASSERT(census() == before);
    }));
}

} // namespace
} // namespace hull::store
