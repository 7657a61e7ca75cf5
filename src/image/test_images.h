// For tests: an image store in a folder that goes away.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "codec/stream.h"
#include "codec/tar_writer.h"
#include "image/images.h"
#include "store/layers_directory.h"
#include "store/temp_root.h"

namespace hull::image {

using Files = std::vector<std::pair<std::string, std::string>>; // path, content

inline std::string tar_of(const Files& files) {
    TextSink sink;
    tar::Writer writer(sink);
    for (const auto& [path, content] : files) {
        tar::Entry entry;
        entry.path = path;
        entry.mode = 0644;
        entry.size = content.size();
        EXPECT_TRUE(writer.add(entry).ok());
        EXPECT_TRUE(writer.data(content).ok());
    }
    EXPECT_TRUE(writer.finish().ok());
    return sink.take();
}

class TestImages : public ::testing::Test {
protected:
    void SetUp() override { reopen(); }
    void TearDown() override { close(); }
    void close() {
        images.reset();
        layers.reset();
        blobs.reset();
        records.reset();
    }
    void reopen() {
        close();
        records = store::Records::open(root.path() + "/hull.db").value();
        blobs = store::BlobStore::open(root.path()).value();
        layers = store::DirectoryLayers::open(root.path(), *records).value();
        images = Images::open(*records, *blobs, *layers).value();
        images->set_users(
            [this](const Digest& id) { return used_image && *used_image != id ? std::vector<ImageUser>() : users; });
    }
    Digest import(const Files& files, const std::string& name, const std::vector<std::string>& changes = {}) {
        std::string tar = tar_of(files);
        TextSource source(tar);
        ImportRequest request;
        request.repository = name;
        request.changes = changes;
        auto id = images->import_tar(source, request);
        EXPECT_TRUE(id.ok()) << id.error().message();
        return id.ok() ? *id : Digest();
    }

    store::TempRoot root;
    std::unique_ptr<store::Records> records;
    std::unique_ptr<store::BlobStore> blobs;
    std::unique_ptr<store::DirectoryLayers> layers;
    std::unique_ptr<Images> images;
    std::vector<ImageUser> users; // of used_image, or of every image
    std::optional<Digest> used_image;
};

} // namespace hull::image
