// What every layer driver must do. A driver's test instantiates the suite:
//
//   INSTANTIATE_TEST_SUITE_P(Directory, LayerContract, ::testing::Values(&open_it));
//
// It must run as root: layers hold devices and other people's files.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "codec/tar.h"
#include "store/layers.h"
#include "store/records.h"
#include "store/temp_root.h"

namespace hull::store {

using OpenLayers = Result<std::unique_ptr<LayerStore>> (*)(const std::string& data_root, Records& records);

struct TarItem {
    tar::Entry entry;
    std::string data;
};

// A tar of the given entries, made by our writer.
std::string make_tar(const std::vector<TarItem>& items);
TarItem tar_file(std::string path, std::string data, uint32_t mode = 0644);
TarItem tar_dir(std::string path, uint32_t mode = 0755);
TarItem tar_link(tar::Type type, std::string path, std::string target);

class LayerContract : public ::testing::TestWithParam<OpenLayers> {
protected:
    void SetUp() override { reopen(); }
    void reopen();
    Result<Layer> add(const std::string& tar, const std::optional<Digest>& parent = std::nullopt,
                      const StageOptions& options = {});
    std::string path_of(const Layer& layer) { return store->path(layer.chain_id).value(); }
    std::string tar_of(const Layer& layer);
    // Everything below the data root but records: to see that nothing is left.
    std::vector<std::string> census();

    TempRoot root;
    std::unique_ptr<Records> records;
    std::unique_ptr<LayerStore> store;
};

} // namespace hull::store
