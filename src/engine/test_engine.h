// For tests: an engine on fakes, with a real store in a temporary folder and one
// image, "busybox", without layers.
#pragma once

#include <chrono>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "engine/engine.h"
#include "engine/test_fakes.h"
#include "store/layers_directory.h"

namespace hull::engine::test {

class EngineTest : public testing::Test {
protected:
    void SetUp() override {
        root_ = std::filesystem::temp_directory_path() / ("hull-engine-" + random_hex(8));
        std::filesystem::create_directories(root_);
        options_.data_root = root_;
        open_store();
        model::ImageConfig config;
        config.os = "linux";
        config.architecture = "amd64";
        config.config.cmd = model::StringList{"sh"};
        config.config.env = {"PATH=/bin", "IMAGE=1"};
        MUST(images_->create(config, std::nullopt, nullptr, MUST(model::Reference::parse("busybox"))));
        open_engine();
    }
    void TearDown() override {
        close();
        std::filesystem::remove_all(root_);
    }

    void open_store() {
        records_ = MUST(store::Records::open(root_ / "hull.db"));
        blobs_ = MUST(store::BlobStore::open(root_));
        layers_ = MUST(store::DirectoryLayers::open(root_, *records_));
        images_ = MUST(image::Images::open(*records_, *blobs_, *layers_));
    }
    void open_engine() {
        engine_ = MUST(Engine::open(
            options_,
            {.runtime = runtime_, .images = *images_, .records = *records_, .sandboxes = sandboxes_, .host = host_}));
        containers_ = &engine_->containers();
    }
    void close() {
        engine_.reset();
        images_.reset();
        layers_.reset();
        blobs_.reset();
        records_.reset();
    }
    // As after kill -9 and a new start.
    void restart() {
        close();
        open_store();
        open_engine();
    }

    static model::CreateRequest request() {
        model::CreateRequest made;
        made.config.image = "busybox";
        return made;
    }
    ContainerId create(const std::string& name = "", model::CreateRequest asked = request()) {
        auto created = containers_->create(std::move(asked), {.name = name, .platform = {}});
        EXPECT_TRUE(created.ok()) << created.error().message();
        return created.ok() ? created->id : ContainerId();
    }
    ContainerId run(const std::string& name = "", model::CreateRequest asked = request()) {
        ContainerId id = create(name, std::move(asked));
        auto started = containers_->start(id.str());
        EXPECT_TRUE(started.ok()) << started.error().message();
        return id;
    }
    ContainerView inspect(const ContainerId& id) { return MUST(containers_->inspect(id.str(), false)); }
    Status status(const ContainerId& id) { return inspect(id).state.status; }

    template <class F>
    static bool eventually(F&& condition) {
        for (int i = 0; i < 2000; ++i) {
            if (condition()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return false;
    }

    std::filesystem::path root_;
    EngineOptions options_;
    FakeRuntime runtime_;
    FakeSandboxes sandboxes_;
    FakeHost host_;
    std::unique_ptr<store::Records> records_;
    std::unique_ptr<store::BlobStore> blobs_;
    std::unique_ptr<store::LayerStore> layers_;
    std::unique_ptr<image::Images> images_;
    std::unique_ptr<Engine> engine_;
    Containers* containers_ = nullptr;
};

} // namespace hull::engine::test
