#include "codec/compress/compress.h"

#include <array>
#include <string>

namespace hull {

Compression detect_compression(std::string_view first_bytes) {
    auto begins = [&](std::string_view magic) { return first_bytes.starts_with(magic); };
    if (begins("\x1f\x8b\x08")) return Compression::gzip;
    if (begins("\x28\xb5\x2f\xfd")) return Compression::zstd;
    // A skippable frame of zstd: 0x184D2A50 to 5F.
    if (first_bytes.size() >= 4 && (first_bytes[0] & 0xf0) == 0x50 && first_bytes.substr(1, 3) == "\x2a\x4d\x18")
        return Compression::zstd;
    if (begins("BZh")) return Compression::bzip2;
    if (begins(std::string_view("\xfd"
                                "7zXZ\0",
                                6)))
        return Compression::xz;
    return Compression::none;
}

const char* name_of(Compression compression) {
    switch (compression) {
    case Compression::none: return "uncompressed";
    case Compression::gzip: return "gzip";
    case Compression::zstd: return "zstd";
    case Compression::bzip2: return "bzip2";
    case Compression::xz: return "xz";
    }
    return "?";
}

namespace {

class Decoded : public ByteSource { // keeps both ends together
public:
    Decoded(std::unique_ptr<ByteSource> raw, std::unique_ptr<ByteSource> decoded)
        : raw_(std::move(raw)), decoded_(std::move(decoded)) {}
    Result<size_t> read(std::span<char> into) override { return decoded_->read(into); }

private:
    std::unique_ptr<ByteSource> raw_, decoded_;
};

} // namespace

Result<std::unique_ptr<ByteSource>> decompress(ByteSource& source) {
    std::array<char, 6> first{};
    size_t have = TRY(read_full(source, first));
    auto raw = std::make_unique<PrefixedSource>(std::string(first.data(), have), source);
    std::unique_ptr<ByteSource> decoded;
    Compression compression = detect_compression({first.data(), have});
    switch (compression) {
    case Compression::none: return std::unique_ptr<ByteSource>(std::move(raw));
    case Compression::gzip: decoded = gunzip(*raw); break;
    case Compression::zstd: decoded = unzstd(*raw); break;
    case Compression::bzip2: decoded = unbzip2(*raw); break;
    case Compression::xz: decoded = unxz(*raw); break;
    }
    return std::unique_ptr<ByteSource>(std::make_unique<Decoded>(std::move(raw), std::move(decoded)));
}

} // namespace hull
