// save and load: round trips, other people's archives, hostile ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/compress/compress.h"
#include "codec/compress/sha256.h"
#include "codec/json.h"
#include "codec/tar_reader.h"
#include "image/test_images.h"

namespace hull::image {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ArchivesTest : public TestImages {
protected:
    std::string save(const std::vector<std::string>& names) {
        auto saving = images->save(names);
        EXPECT_TRUE(saving.ok()) << saving.error().message();
        TextSink sink;
        auto written = (*saving)->write(sink);
        EXPECT_TRUE(written.ok()) << written.error().message();
        return sink.take();
    }
    Result<std::vector<Loaded>> load(const std::string& archive, const LoadCallback& progress = {}) {
        TextSource source(archive);
        return images->load(source, progress);
    }
    void forget_everything() {
        RemoveOptions force;
        force.force = true;
        for (const Summary& summary : images->summaries()) (void)images->remove(summary.image->id.str(), force);
        ASSERT_THAT(layers->list(), IsEmpty());
        ASSERT_THAT(blobs->list().value(), IsEmpty());
    }
    // Loading fails, for this reason, and nothing of it stays.
    void expect_refused(const std::string& archive, ErrorKind kind, const std::string& message) {
        auto loaded = load(archive);
        ASSERT_FALSE(loaded.ok()) << message;
        EXPECT_EQ(loaded.error().kind(), kind) << loaded.error().message();
        EXPECT_THAT(loaded.error().message(), HasSubstr(message));
        EXPECT_THAT(images->summaries(), IsEmpty());
        EXPECT_THAT(layers->list(), IsEmpty());
        EXPECT_THAT(blobs->list().value(), IsEmpty());
        EXPECT_THAT(sys::list_dir(root.path() + "/layers/tmp").value(), IsEmpty());
    }
};

Files files_of(const std::string& archive) {
    TextSource source(archive);
    BufferedChunks chunks(source);
    tar::Reader reader(chunks);
    tar::Entry entry;
    Files files;
    while (reader.next(entry).value()) {
        std::string text;
        for (auto piece = reader.data(); !piece->empty(); piece = reader.data()) text += *piece;
        if (entry.type == tar::Type::file) files.emplace_back(entry.path, text);
    }
    return files;
}

std::string digest_of(const std::string& text) { return "sha256:" + sha256_hex(text); }
std::string blob(const std::string& text) { return "blobs/sha256/" + sha256_hex(text); }

std::string config_for(const std::vector<std::string>& layer_tars) {
    json::Array diff_ids;
    for (const std::string& tar : layer_tars) diff_ids.emplace_back(digest_of(tar));
    return json::print(json::Object{{"architecture", "amd64"},
                                    {"os", "linux"},
                                    {"config", json::Object{{"Cmd", json::Array{"sh"}}}},
                                    {"rootfs", json::Object{{"type", "layers"}, {"diff_ids", diff_ids}}}});
}

std::string docker_manifest(const std::string& config, const json::Value& tags,
                            const std::vector<std::string>& layers) {
    json::Array paths;
    for (const std::string& layer : layers) paths.emplace_back(layer);
    return json::print(json::Array{json::Object{{"Config", config}, {"RepoTags", tags}, {"Layers", paths}}});
}

std::string gzipped(const std::string& text) {
    TextSink out;
    auto sink = gzip_sink(out);
    EXPECT_TRUE(sink->write(text).ok() && sink->finish().ok());
    return out.take();
}

TEST_F(ArchivesTest, WhatIsSavedLoadsAsTheSameImage) {
    Digest first = import({{"f", "1"}}, "app:v1", {"CMD sh"});
    ASSERT_TRUE(images->tag("app:v1", "app", "v2").ok());
    Digest second = import({{"g", "2"}}, "quay.io/other/app:x");
    std::string archive = save({"app:v1", "app:v2", "quay.io/other/app:x"});
    EXPECT_EQ(archive, save({"app:v1", "app:v2", "quay.io/other/app:x"}));
    forget_everything();
    std::vector<std::string> ids;
    auto loaded = load(archive, [&](const LoadProgress& progress) -> Result<void> {
        ids.push_back(progress.id);
        EXPECT_EQ(progress.current, progress.total);
        return {};
    });
    ASSERT_TRUE(loaded.ok()) << loaded.error().message();
    ASSERT_THAT(*loaded, SizeIs(2));
    EXPECT_EQ((*loaded)[0].id, first);
    EXPECT_THAT((*loaded)[0].references, ElementsAre("app:v1", "app:v2"));
    EXPECT_EQ((*loaded)[1].id, second);
    EXPECT_THAT(ids, SizeIs(2));
    EXPECT_THAT(images->inspect("app:v1")->repo_tags, ElementsAre("app:v1", "app:v2"));
    EXPECT_EQ(sys::read_file(images->rootfs(second)->lower()[0] + "/g").value(), "2");
    // And once more changes nothing.
    EXPECT_TRUE(load(gzipped(archive)).ok());
    EXPECT_THAT(layers->list(), SizeIs(2));
}

TEST_F(ArchivesTest, SaveTakesTagsRepositoriesAndIds) {
    Digest id = import({{"f", "1"}}, "app:v1");
    ASSERT_TRUE(images->tag("app:v1", "app", "v2").ok());
    auto tags_in = [&](const std::string& name) {
        for (const auto& [path, text] : files_of(save({name})))
            if (path == "manifest.json") return json::print(json::parse(text)->at(0).at("RepoTags"));
        return std::string();
    };
    EXPECT_EQ(tags_in("app:v1"), R"(["app:v1"])");
    EXPECT_EQ(tags_in("app"), R"(["app:v1","app:v2"])");
    EXPECT_EQ(tags_in(id.hex().substr(0, 12)), "null");
    EXPECT_EQ(images->save({"none"}).error().message(), "No such image: none:latest");
    EXPECT_FALSE(images->save({}).ok());
}

TEST_F(ArchivesTest, AnExportKeepsItsLayers) {
    Digest id = import({{"f", "1"}}, "app");
    auto saving = images->save({"app"});
    RemoveOptions force;
    force.force = true;
    ASSERT_TRUE(images->remove("app", force).ok());
    EXPECT_THAT(layers->list(), SizeIs(1));
    saving->reset();
    ASSERT_TRUE(images->collect().ok());
    EXPECT_THAT(layers->list(), IsEmpty());
}

TEST_F(ArchivesTest, OldDockerArchivesAreLoaded) {
    std::string one = tar_of({{"f", "1"}}), two = tar_of({{"g", "2"}});
    std::string config = config_for({one, two, one});
    // Docker 20.10: <id>/layer.tar, one that stands there already as a link.
    TextSink sink;
    tar::Writer writer(sink);
    auto put = [&](const std::string& path, const std::string& text) {
        tar::Entry entry;
        entry.path = path;
        entry.size = text.size();
        ASSERT_TRUE(writer.add(entry).ok() && writer.data(text).ok());
    };
    put("aaaa/VERSION", "1.0");
    put("aaaa/json", "{}");
    put("aaaa/layer.tar", one);
    put("bbbb/layer.tar", two);
    tar::Entry link;
    link.path = "cccc/layer.tar";
    link.type = tar::Type::symlink;
    link.link_target = "../aaaa/layer.tar";
    ASSERT_TRUE(writer.add(link).ok());
    put(sha256_hex(config) + ".json", config);
    put("manifest.json", docker_manifest(sha256_hex(config) + ".json", json::Array{"old:1"},
                                         {"aaaa/layer.tar", "bbbb/layer.tar", "cccc/layer.tar"}));
    ASSERT_TRUE(writer.finish().ok());
    auto loaded = load(sink.text());
    ASSERT_TRUE(loaded.ok()) << loaded.error().message();
    EXPECT_EQ(loaded->front().id.hex(), sha256_hex(config));
    EXPECT_THAT(images->rootfs(loaded->front().id)->lower(), SizeIs(3));
}

TEST_F(ArchivesTest, OneDifferenceOnTwoBasesIsLoadedTwice) {
    std::string a = tar_of({{"a", "1"}}), b = tar_of({{"b", "2"}}), same = tar_of({{"s", "3"}});
    std::string first = config_for({a, same}), second = config_for({b, same});
    std::string manifest = json::print(
        json::Array{json::Object{{"Config", "1"}, {"RepoTags", nullptr}, {"Layers", json::Array{"a.tar", "s.tar"}}},
                    json::Object{{"Config", "2"}, {"RepoTags", nullptr}, {"Layers", json::Array{"b.tar", "s.tar"}}}});
    auto loaded = load(tar_of(
        {{"a.tar", a}, {"b.tar", b}, {"s.tar", same}, {"1", first}, {"2", second}, {"manifest.json", manifest}}));
    ASSERT_TRUE(loaded.ok()) << loaded.error().message();
    EXPECT_THAT(layers->list(), SizeIs(4));
    EXPECT_THAT(loaded->at(0).references, IsEmpty());
}

struct OciLayout {
    std::string layer = tar_of({{"f", "1"}}), packed = gzipped(layer), config = config_for({layer}), manifest, index;
    explicit OciLayout(const std::string& name) {
        manifest = json::print(
            json::Object{{"schemaVersion", 2},
                         {"mediaType", "application/vnd.oci.image.manifest.v1+json"},
                         {"config", descriptor("application/vnd.oci.image.config.v1+json", config)},
                         {"layers", json::Array{descriptor("application/vnd.oci.image.layer.v1.tar+gzip", packed)}}});
        json::Value entry = descriptor("application/vnd.oci.image.manifest.v1+json", manifest);
        entry.as_object()["annotations"] = json::Object{{"org.opencontainers.image.ref.name", name}};
        index = json::print(json::Object{{"schemaVersion", 2}, {"manifests", json::Array{entry}}});
    }
    static json::Value descriptor(const char* type, const std::string& text) {
        return json::Object{{"mediaType", type}, {"digest", digest_of(text)}, {"size", text.size()}};
    }
    std::string archive() const {
        return tar_of({{"oci-layout", "{}"},
                       {"index.json", index},
                       {blob(config), config},
                       {blob(manifest), manifest},
                       {blob(packed), packed}});
    }
};

TEST_F(ArchivesTest, OciLayoutsAreLoaded) {
    OciLayout oci("quay.io/some/app:v1");
    auto loaded = load(oci.archive());
    ASSERT_TRUE(loaded.ok()) << loaded.error().message();
    EXPECT_EQ(loaded->front().id.str(), digest_of(oci.config));
    EXPECT_THAT(loaded->front().references, ElementsAre("quay.io/some/app:v1"));
    EXPECT_THAT(load(OciLayout("latest").archive())->front().references, IsEmpty());
}

TEST_F(ArchivesTest, AnIndexWithinAnIndexGivesTheImageForThisMachine) {
    OciLayout oci("x");
    json::Value here = OciLayout::descriptor("application/vnd.oci.image.manifest.v1+json", oci.manifest);
    json::Value there = here;
    there.as_object()["platform"] = json::Object{{"os", "linux"}, {"architecture", "mips"}};
    json::Value proof = here;
    proof.as_object()["annotations"] = json::Object{{"vnd.docker.reference.type", "attestation-manifest"}};
    std::string inner = json::print(json::Object{{"schemaVersion", 2}, {"manifests", json::Array{there, proof, here}}});
    oci.index = json::print(json::Object{
        {"schemaVersion", 2},
        {"manifests", json::Array{OciLayout::descriptor("application/vnd.oci.image.index.v1+json", inner)}}});
    std::string archive = tar_of({{"index.json", oci.index},
                                  {blob(inner), inner},
                                  {blob(oci.config), oci.config},
                                  {blob(oci.manifest), oci.manifest},
                                  {blob(oci.packed), oci.packed}});
    EXPECT_TRUE(load(archive).ok());
}

// hardening.md I4
TEST_F(ArchivesTest, I4WhatDoesNotMatchItsDigestIsRefused) {
    std::string layer = tar_of({{"f", "1"}}), other = tar_of({{"f", "2"}}), config = config_for({layer});
    expect_refused(
        tar_of({{"l.tar", other}, {"c", config}, {"manifest.json", docker_manifest("c", nullptr, {"l.tar"})}}),
        ErrorKind::corrupt, "diff id");
    OciLayout oci("app:1");
    expect_refused(tar_of({{"index.json", oci.index},
                           {blob(oci.config), oci.config},
                           {blob(oci.manifest), oci.manifest},
                           {blob(oci.packed), gzipped(other)}}),
                   ErrorKind::corrupt, "another digest or size");
    expect_refused(tar_of({{"index.json", oci.index},
                           {blob(oci.config), oci.config + " "},
                           {blob(oci.manifest), oci.manifest},
                           {blob(oci.packed), oci.packed}}),
                   ErrorKind::corrupt, "another size");
    std::string changed = oci.config;
    changed[changed.size() - 3] ^= 1;
    expect_refused(tar_of({{"index.json", oci.index},
                           {blob(oci.config), changed},
                           {blob(oci.manifest), oci.manifest},
                           {blob(oci.packed), oci.packed}}),
                   ErrorKind::corrupt, "another digest");
    EXPECT_TRUE(load(oci.archive()).ok()); // the twin
}

TEST_F(ArchivesTest, ArchivesThatAreNoneAreRefused) {
    std::string layer = tar_of({{"f", "1"}}), config = config_for({layer});
    expect_refused(tar_of({{"etc/passwd", "root"}}), ErrorKind::invalid_argument, "neither manifest.json nor");
    expect_refused("nonsense", ErrorKind::invalid_argument, "read the archive");
    expect_refused(tar_of({{"manifest.json", "{"}}), ErrorKind::invalid_argument, "manifest.json");
    expect_refused(tar_of({{"repositories", "{}"}}), ErrorKind::unsupported, "before 1.10");
    expect_refused(tar_of({{"manifest.json", docker_manifest("../../etc/passwd", nullptr, {})}}),
                   ErrorKind::invalid_argument, "is missing");
    expect_refused(tar_of({{"l.tar", layer}, {"c", config}, {"manifest.json", docker_manifest("c", nullptr, {})}}),
                   ErrorKind::invalid_argument, "layers length mismatch: expected 1, got 0");
    expect_refused(tar_of({{"c", config}, {"manifest.json", docker_manifest("c", nullptr, {"l.tar"})}}),
                   ErrorKind::invalid_argument, "layer l.tar is missing");
    expect_refused(tar_of({{"l.tar", layer},
                           {"c", config},
                           {"manifest.json", docker_manifest("c", json::Array{"Bad Name"}, {"l.tar"})}}),
                   ErrorKind::invalid_argument, "invalid reference format");
    // A layer that leads out of its root.
    std::string evil = tar_of({{"../../evil", "x"}});
    expect_refused(
        tar_of(
            {{"l.tar", evil}, {"c", config_for({evil})}, {"manifest.json", docker_manifest("c", nullptr, {"l.tar"})}}),
        ErrorKind::invalid_argument, "leads out of the layer");
    // The second layer is bad: the first doesn't stay.
    expect_refused(tar_of({{"l.tar", layer},
                           {"e.tar", evil},
                           {"c", config_for({layer, evil})},
                           {"manifest.json", docker_manifest("c", nullptr, {"l.tar", "e.tar"})}}),
                   ErrorKind::invalid_argument, "leads out of the layer");
}

TEST_F(ArchivesTest, AClientThatLeavesStopsTheLoad) {
    std::string layer = tar_of({{"f", std::string(3'000'000, 'x')}}), config = config_for({layer});
    auto loaded =
        load(tar_of({{"l.tar", layer}, {"c", config}, {"manifest.json", docker_manifest("c", nullptr, {"l.tar"})}}),
             [](const LoadProgress&) -> Result<void> { return Error(ErrorKind::cancelled, "gone"); });
    ASSERT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.error().kind(), ErrorKind::cancelled);
    EXPECT_THAT(layers->list(), IsEmpty());
}

} // namespace
} // namespace hull::image
