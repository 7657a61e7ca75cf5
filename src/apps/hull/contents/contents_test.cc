#include <gtest/gtest.h>

#include "apps/hull/client/sha256.h"
#include "apps/hull/contents/image_contents.h"
#include "apps/hull/contents/layer_files.h"
#include "codec/tar_writer.h"

namespace hull::cli {
namespace {

std::string archive_of(const std::vector<std::pair<tar::Entry, std::string>>& entries) {
    TextSink out;
    tar::Writer writer(out);
    for (auto [one, data] : entries) {
        one.size = data.size();
        MUST(writer.add(one));
        MUST(writer.data(data));
    }
    MUST(writer.finish());
    return out.take();
}

tar::Entry named_entry(const std::string& path, uint32_t mode = 0644) {
    tar::Entry entry;
    entry.path = path;
    entry.mode = mode;
    return entry;
}

TEST(Sha256Sum, gives_the_same_in_pieces) {
    std::string text(1000, 'x');
    for (size_t piece : {1U, 63U, 64U, 65U, 999U}) {
        Sha256Sum sum;
        for (size_t at = 0; at < text.size(); at += piece) sum.update(std::string_view(text).substr(at, piece));
        EXPECT_EQ(sum.hex(), sha256_hex(text));
    }
    EXPECT_EQ(Sha256Sum().hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Contents, what_is_different_is_said) {
    const std::string a =
        archive_of({{named_entry("same"), "1"}, {named_entry("./gone"), "2"}, {named_entry("x"), "3"}});
    const std::string b =
        archive_of({{named_entry("same"), "1"}, {named_entry("new"), "2"}, {named_entry("x", 0600), "4"}});
    TextSource first(a), second(b);
    const Contents before = MUST(read_contents(first)), after = MUST(read_contents(second));
    EXPECT_EQ(differences(before, after, Times::compared),
              (std::vector<std::string>{"D /gone", "A /new", "C /x (mode 644 -> 600, contents)"}));
    EXPECT_TRUE(differences(before, before, Times::compared).empty());
}

TEST(LayerFilesOf, plain_layers_tell_their_biggest_files) {
    const std::string layer =
        archive_of({{named_entry("a"), "1"}, {named_entry("b"), "22"}, {named_entry("c"), "333"}});
    const std::string hex(64, '1'), packed(64, '2');
    const std::string archive = archive_of({{named_entry("manifest.json"), "[]"},
                                            {named_entry("blobs/sha256/" + packed), std::string(600, '\x1f')},
                                            {named_entry("blobs/sha256/" + hex), layer}});
    TextSource source(archive);
    auto layers = MUST(read_layer_files(source, 2));
    ASSERT_EQ(layers.size(), 1U);
    const LayerFiles& files = layers.at("sha256:" + hex);
    EXPECT_EQ(files.bytes, 6U);
    ASSERT_EQ(files.biggest.size(), 2U);
    EXPECT_EQ(files.biggest[0].path, "c");
    EXPECT_EQ(files.biggest[1].path, "b");
}

} // namespace
} // namespace hull::cli
