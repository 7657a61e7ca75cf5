#include "build/archive_tree.h"

#include <charconv>

#include "build/context.h"
#include "codec/compress/compress.h"

namespace hull::build {

bool looks_like_tar(std::string_view first) {
    if (first.size() < tar::block_bytes) return false;
    // The sum of the header's bytes, its own field as blanks (POSIX ustar).
    constexpr size_t sum_at = 148, sum_bytes = 8;
    std::string_view field = first.substr(sum_at, sum_bytes);
    while (field.starts_with(' ')) field.remove_prefix(1);
    unsigned written = 0;
    auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), written, 8);
    if (error != std::errc() || end == field.data()) return false;
    unsigned sum = 0;
    for (size_t i = 0; i < tar::block_bytes; ++i)
        sum += i >= sum_at && i < sum_at + sum_bytes ? ' ' : static_cast<unsigned char>(first[i]);
    return sum == written;
}

Result<std::shared_ptr<const Tree>> archive_tree(const Tree& tree, const std::string& path, const std::string& folder) {
    auto look = [&]() -> Result<bool> {
        auto source = TRY(tree.open(path));
        std::string first(tar::block_bytes, '\0');
        first.resize(TRY(read_full(*source, first)));
        Compression kind = detect_compression(first);
        if (kind == Compression::none) return looks_like_tar(first);
        PrefixedSource whole(std::move(first), *source);
        auto plain = decompress(whole);
        if (!plain.ok()) return std::move(plain).error();
        std::string head(tar::block_bytes, '\0');
        auto n = read_full(**plain, head);
        if (!n.ok()) return false; // compressed, perhaps; no archive
        head.resize(*n);
        return looks_like_tar(head);
    };
    if (!TRY(look())) return std::shared_ptr<const Tree>();
    auto source = TRY(tree.open(path));
    auto plain = TRY(decompress(*source));
    auto context = TRY(Context::from_tar(*plain, folder).context("unpack " + path));
    return std::shared_ptr<const Tree>(std::move(context));
}

} // namespace hull::build
