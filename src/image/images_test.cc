#include "image/images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/compress/compress.h"
#include "codec/compress/sha256.h"
#include "codec/json.h"
#include "codec/tar_writer.h"
#include "image/test_images.h"

namespace hull::image {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using ImagesTest = TestImages;

std::vector<std::string> texts(const std::vector<Removed>& removed) {
    std::vector<std::string> out;
    for (const Removed& one : removed) out.push_back(one.untagged.empty() ? "D " + one.deleted : "U " + one.untagged);
    return out;
}

TEST_F(ImagesTest, ImportMakesAnImageThatCanBeRun) {
    std::string tar = tar_of({{"bin/sh", "#!"}});
    ImportRequest request;
    request.repository = "busybox";
    request.tag = "1.36";
    request.message = "made by hand";
    request.changes = {"CMD [\"sh\"]", "ENV PATH=/bin\nWORKDIR /root"};
    TextSource source(tar);
    auto id = images->import_tar(source, request);
    ASSERT_TRUE(id.ok()) << id.error().message();

    auto summary = images->inspect("busybox:1.36");
    ASSERT_TRUE(summary.ok()) << summary.error().message();
    EXPECT_EQ(summary->image->id, *id);
    EXPECT_THAT(summary->repo_tags, ElementsAre("busybox:1.36"));
    EXPECT_EQ(summary->image->size, 2U);
    const model::ImageConfig& config = summary->image->config;
    EXPECT_THAT(config.config.cmd, ::testing::Optional(ElementsAre("sh")));
    EXPECT_EQ(config.config.working_dir, "/root");
    EXPECT_EQ(config.os, "linux");
    EXPECT_EQ(config.comment, "made by hand");
    EXPECT_EQ(config.diff_ids.at(0).hex(), sha256_hex(tar));
    EXPECT_EQ(sha256_hex(images->config_json(*id).value()), id->hex());

    auto lease = images->rootfs(*id);
    ASSERT_THAT(lease->lower(), SizeIs(1));
    EXPECT_EQ(sys::read_file(lease->lower()[0] + "/bin/sh").value(), "#!");
    auto history = images->history("busybox:1.36");
    ASSERT_THAT(*history, SizeIs(1));
    EXPECT_EQ(history->front().id, id->str());
    EXPECT_EQ(history->front().comment, "made by hand");
    EXPECT_THAT(history->front().tags, ElementsAre("busybox:1.36"));
}

TEST_F(ImagesTest, ImportReadsCompressedTars) {
    std::string tar = tar_of({{"f", "x"}});
    for (auto sink : {gzip_sink, zstd_sink}) {
        TextSink packed;
        auto compressor = sink(packed, 1);
        ASSERT_TRUE(compressor->write(tar).ok() && compressor->finish().ok());
        TextSource source(packed.text());
        auto id = images->import_tar(source, {});
        ASSERT_TRUE(id.ok()) << id.error().message();
        EXPECT_EQ(images->resolve(id->str()).value()->config.diff_ids.at(0).hex(), sha256_hex(tar));
    }
    TextSource bzip2("BZh91AY");
    EXPECT_EQ(images->import_tar(bzip2, {}).error().kind(), ErrorKind::invalid_argument); // cut off
}

TEST_F(ImagesTest, ABadImportRequestIsRefusedBeforeAnythingIsRead) {
    auto refused = [&](const ImportRequest& request) {
        TextSource source("never read");
        auto id = images->import_tar(source, request);
        EXPECT_FALSE(id.ok());
        std::string rest(20, '\0');
        EXPECT_EQ(source.read(rest).value(), 10U);
        return id.ok() ? "" : id.error().message();
    };
    ImportRequest request;
    request.repository = "Foo";
    EXPECT_THAT(refused(request), HasSubstr("must be lowercase"));
    request.repository = "foo";
    request.tag = "a b";
    EXPECT_EQ(refused(request), "invalid tag format");
    request.tag = "x";
    request.changes = {"RUN true"};
    EXPECT_EQ(refused(request), "run is not a valid change command");
    request.changes = {};
    request.platform = "windows/amd64";
    EXPECT_THAT(refused(request), HasSubstr("not supported"));
    EXPECT_THAT(images->summaries(), IsEmpty());
}

TEST_F(ImagesTest, ABrokenImportLeavesNothing) {
    TextSource source(std::string_view("this is no tar at all").substr(0, 21));
    EXPECT_FALSE(images->import_tar(source, {}).ok());
    EXPECT_THAT(images->summaries(), IsEmpty());
    EXPECT_THAT(layers->list(), IsEmpty());
    EXPECT_THAT(blobs->list().value(), IsEmpty());
}

TEST_F(ImagesTest, NamesAreResolvedAsDockerDoes) {
    Digest id = import({{"f", "1"}}, "busybox:1");
    import({{"f", "2"}}, "other");
    for (const std::string& name : {std::string("busybox:1"), std::string("docker.io/library/busybox:1"), id.str(),
                                    id.hex(), id.hex().substr(0, 12), "sha256:" + id.hex().substr(0, 12)})
        EXPECT_EQ(images->resolve(name).value()->id, id) << name;
    auto message = [&](const std::string& name) { return images->resolve(name).error().message(); };
    EXPECT_EQ(message("busybox"), "No such image: busybox:latest");
    EXPECT_EQ(message("docker.io/library/none"), "No such image: none:latest");
    EXPECT_EQ(message(std::string(64, 'e')), "No such image: sha256:" + std::string(64, 'e'));
    EXPECT_EQ(images->resolve("none").error().kind(), ErrorKind::not_found);
    EXPECT_EQ(images->resolve("No/Such:Ref:").error().kind(), ErrorKind::invalid_argument);
}

TEST_F(ImagesTest, AReferenceWinsOverAnIdAndAnAmbiguousPrefixIsNone) {
    Digest first = import({{"f", "1"}}, "one");
    Digest second = import({{"f", "2"}}, "two");
    std::string prefix = first.hex().substr(0, 1);
    ASSERT_TRUE(images->tag("two", prefix, "").ok());
    EXPECT_EQ(images->resolve(prefix).value()->id, second);
    // Make images until two ids begin alike.
    for (int i = 0; i < 40; ++i) import({{"f", std::to_string(i)}}, "n" + std::to_string(i));
    int ambiguous = 0;
    for (char c : std::string("0123456789abcdef")) {
        int count = 0;
        for (const Summary& s : images->summaries()) count += s.image->id.hex()[0] == c;
        if (count < 2 || std::string(1, c) == prefix) continue;
        ++ambiguous;
        EXPECT_EQ(images->resolve(std::string(1, c)).error().message(),
                  "No such image: " + std::string(1, c) + ":latest");
    }
    EXPECT_GT(ambiguous, 0);
}

TEST_F(ImagesTest, ATagCanBeMoved) {
    Digest first = import({{"f", "1"}}, "app:v1");
    Digest second = import({{"f", "2"}}, "app:v2");
    EXPECT_EQ(images->tag("app:v2", "app", "v1").value(), second);
    EXPECT_EQ(images->resolve("app:v1").value()->id, second);
    EXPECT_THAT(images->inspect(first.str())->repo_tags, IsEmpty());
    EXPECT_THAT(images->inspect(second.str())->repo_tags, ElementsAre("app:v1", "app:v2"));
    EXPECT_EQ(images->tag("none", "x", "").error().kind(), ErrorKind::not_found);
    EXPECT_EQ(images->tag("app:v1", "x@" + second.str(), "").error().message(),
              "refusing to create a tag with a digest reference");
    EXPECT_EQ(images->tag("app:v1", "x", "-").error().message(), "invalid tag format");
}

TEST_F(ImagesTest, EverythingIsThereAfterARestart) {
    Digest id = import({{"f", "1"}}, "app:v1");
    ASSERT_TRUE(images->tag("app:v1", "other/name", "").ok());
    WallTime tagged = images->inspect("app:v1")->last_tagged;
    reopen();
    ASSERT_TRUE(images->collect().ok());
    auto summary = images->inspect("other/name");
    ASSERT_TRUE(summary.ok()) << summary.error().message();
    EXPECT_EQ(summary->image->id, id);
    EXPECT_EQ(summary->last_tagged, tagged);
    EXPECT_THAT(summary->repo_tags, ElementsAre("app:v1", "other/name:latest"));
    EXPECT_TRUE(images->rootfs(id).ok());
}

TEST_F(ImagesTest, CollectRemovesWhatACrashLeft) {
    import({{"f", "1"}}, "app");
    // A layer and a config that no image names.
    std::string tar = tar_of({{"orphan", "x"}});
    TextSource source(tar);
    auto staged = layers->stage(source, {});
    ASSERT_TRUE(layers->commit(std::move(*staged), std::nullopt).ok());
    ASSERT_TRUE(blobs->put("orphan").ok());
    reopen();
    ASSERT_TRUE(images->collect().ok());
    EXPECT_THAT(layers->list(), SizeIs(1));
    EXPECT_THAT(blobs->list().value(), SizeIs(1));
}

// ---- removal

TEST_F(ImagesTest, RemovingTheLastReferenceRemovesTheImage) {
    Digest id = import({{"f", "1"}}, "app:v1");
    Digest chain = *images->resolve("app:v1").value()->chain_id;
    ASSERT_TRUE(images->tag("app:v1", "app", "v2").ok());
    EXPECT_THAT(texts(images->remove("app:v1", {}).value()), ElementsAre("U app:v1"));
    EXPECT_THAT(texts(images->remove("app:v2", {}).value()),
                ElementsAre("U app:v2", "D " + id.str(), "D " + chain.str()));
    EXPECT_THAT(layers->list(), IsEmpty());
    EXPECT_THAT(blobs->list().value(), IsEmpty());
    EXPECT_EQ(images->remove("app:v2", {}).error().message(), "No such image: app:v2");
}

TEST_F(ImagesTest, RemovingById) {
    Digest id = import({{"f", "1"}}, "app:v1");
    ASSERT_TRUE(images->tag("app:v1", "other", "").ok());
    auto refused = images->remove(id.hex().substr(0, 12), {});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind(), ErrorKind::conflict);
    EXPECT_EQ(refused.error().message(), "conflict: unable to delete " + id.hex().substr(0, 12) +
                                             " (must be forced) - image is referenced in multiple repositories");
    RemoveOptions force;
    force.force = true;
    auto removed = images->remove(id.hex(), force);
    ASSERT_TRUE(removed.ok()) << removed.error().message();
    EXPECT_THAT(texts(*removed), ElementsAre("U app:v1", "U other:latest", "D " + id.str(), ::testing::_));
    EXPECT_THAT(images->summaries(), IsEmpty());

    Digest single = import({{"f", "1"}}, "app:v1");
    EXPECT_THAT(texts(images->remove(single.hex(), {}).value()), SizeIs(3));
}

TEST_F(ImagesTest, WhatAContainerUsesStays) {
    Digest id = import({{"f", "1"}}, "app");
    const std::string container(64, 'c');
    users = {{container, false}};
    auto by_name = images->remove("app", {});
    ASSERT_FALSE(by_name.ok());
    EXPECT_EQ(by_name.error().message(), "conflict: unable to remove repository reference \"app\" (must force) - "
                                         "container cccccccccccc is using its referenced image " +
                                             id.hex().substr(0, 12));
    EXPECT_EQ(images->remove(id.hex(), {}).error().message(),
              "conflict: unable to delete " + id.hex().substr(0, 12) +
                  " (must be forced) - image is being used by stopped container cccccccccccc");
    users[0].running = true;
    RemoveOptions force;
    force.force = true;
    EXPECT_EQ(images->remove(id.hex(), force).error().message(),
              "conflict: unable to delete " + id.hex().substr(0, 12) +
                  " (cannot be forced) - image is being used by running container cccccccccccc");
    // Its name can be taken away by force; the image stays.
    EXPECT_THAT(texts(images->remove("app", force).value()), ElementsAre("U app:latest"));
    EXPECT_TRUE(images->resolve(id.hex()).ok());
}

TEST_F(ImagesTest, LayersOfAContainerOutliveItsImage) {
    Digest id = import({{"f", "1"}}, "app");
    auto lease = images->rootfs(id);
    users = {{std::string(64, 'c'), false}};
    RemoveOptions force;
    force.force = true;
    EXPECT_THAT(texts(images->remove("app", force).value()), ElementsAre("U app:latest", "D " + id.str()));
    ASSERT_TRUE(images->collect().ok());
    EXPECT_TRUE(sys::exists(lease->lower()[0] + "/f"));
    // At the next start the engine holds it by its chain id.
    auto chain = lease->chain_id();
    *lease = Lease();
    EXPECT_THAT(layers->list(), SizeIs(1)); // letting go alone removes nothing
    reopen();
    auto again = images->hold(chain);
    ASSERT_TRUE(again.ok()) << again.error().message();
    ASSERT_TRUE(images->collect().ok());
    EXPECT_TRUE(sys::exists(again->lower()[0] + "/f"));
    *again = Lease();
    ASSERT_TRUE(images->collect().ok());
    EXPECT_THAT(layers->list(), IsEmpty());
    EXPECT_FALSE(images->hold(chain).ok());
}

TEST_F(ImagesTest, ChildrenKeepTheirParentAndTakeItWithThem) {
    Digest base = import({{"f", "1"}}, "base");
    model::ImageConfig config = images->resolve("base").value()->config;
    std::string tar = tar_of({{"g", "2"}});
    TextSource source(tar);
    auto child = images->create(config, base, &source, model::Reference::parse("child").value());
    ASSERT_TRUE(child.ok()) << child.error().message();
    EXPECT_THAT(images->rootfs(*child)->lower(), SizeIs(2));
    EXPECT_EQ(images->inspect("child")->shared_size, 1U);

    EXPECT_THAT(images->remove(base.hex(), {}).error().message(),
                HasSubstr("(cannot be forced) - image has dependent child images"));
    EXPECT_THAT(texts(images->remove("base", {}).value()), ElementsAre("U base:latest"));
    ListOptions plain;
    EXPECT_THAT(images->list(plain).value(), SizeIs(1)); // the base is an intermediate image now
    EXPECT_THAT(images->summaries(), SizeIs(2));
    auto removed = images->remove("child", {});
    EXPECT_THAT(texts(*removed),
                ElementsAre("U child:latest", "D " + child->str(), "D " + base.str(), ::testing::_, ::testing::_));
    EXPECT_THAT(layers->list(), IsEmpty());
}

TEST_F(ImagesTest, PruneTakesTheUntaggedOrTheUnused) {
    Digest dangling = import({{"f", "dangling"}}, "");
    import({{"f", "tagged"}}, "tagged");
    Digest used = import({{"f", "used"}}, "");
    used_image = used;
    users = {{std::string(64, 'c'), false}};
    auto pruned = images->prune({});
    ASSERT_TRUE(pruned.ok()) << pruned.error().message();
    EXPECT_THAT(texts(pruned->removed), ElementsAre("D " + dangling.str(), ::testing::_));
    EXPECT_EQ(pruned->space_reclaimed, 8U);
    PruneOptions all;
    all.dangling_only = false;
    all.labels = {{"k", std::nullopt, false}};
    EXPECT_THAT(images->prune(all)->removed, IsEmpty());
    all.labels.clear();
    EXPECT_THAT(texts(images->prune(all)->removed), SizeIs(3));
    EXPECT_THAT(images->summaries(), SizeIs(1));
}

ListOptions with(void (*set)(ListOptions&)) {
    ListOptions options;
    set(options);
    return options;
}

TEST_F(ImagesTest, ListFilters) {
    import({{"f", "1"}}, "busybox:1.36", {"LABEL k=v"});
    import({{"f", "2"}}, "quay.io/team/busybox:2");
    import({{"f", "3"}}, "");
    auto names = [&](const ListOptions& options) {
        std::vector<std::string> out;
        auto all = images->list(options);
        EXPECT_TRUE(all.ok());
        for (const Summary& summary : *all)
            out.push_back(summary.repo_tags.empty() ? "<none>" : summary.repo_tags.front());
        return out;
    };
    EXPECT_THAT(names({}), ElementsAre("<none>", "quay.io/team/busybox:2", "busybox:1.36")); // newest first
    EXPECT_THAT(names(with([](ListOptions& o) { o.references = {"busybox"}; })), ElementsAre("busybox:1.36"));
    EXPECT_THAT(names(with([](ListOptions& o) { o.references = {"bus*:1.*"}; })), ElementsAre("busybox:1.36"));
    EXPECT_THAT(names(with([](ListOptions& o) { o.references = {"*/*/busybox", "nothing"}; })),
                ElementsAre("quay.io/team/busybox:2"));
    EXPECT_THAT(names(with([](ListOptions& o) { o.references = {"*"}; })),
                ElementsAre("busybox:1.36")); // a star stops at a slash
    EXPECT_THAT(names(with([](ListOptions& o) { o.labels = {{"k", "v", false}}; })), ElementsAre("busybox:1.36"));
    EXPECT_THAT(names(with([](ListOptions& o) { o.labels = {{"k", "w", false}}; })), IsEmpty());
    EXPECT_THAT(names(with([](ListOptions& o) { o.labels = {{"k", std::nullopt, true}}; })), SizeIs(2));
    EXPECT_THAT(names(with([](ListOptions& o) { o.dangling = true; })), ElementsAre("<none>"));
    EXPECT_THAT(names(with([](ListOptions& o) { o.dangling = false; })), SizeIs(2));
    EXPECT_THAT(names(with([](ListOptions& o) { o.before = "quay.io/team/busybox:2"; })), ElementsAre("busybox:1.36"));
    EXPECT_THAT(names(with([](ListOptions& o) { o.since = "quay.io/team/busybox:2"; })), ElementsAre("<none>"));
    EXPECT_THAT(names(with([](ListOptions& o) { o.until = WallTime{1}; })), IsEmpty());
    EXPECT_EQ(images->list(with([](ListOptions& o) { o.before = "none"; })).error().kind(), ErrorKind::not_found);
}

} // namespace
} // namespace hull::image
