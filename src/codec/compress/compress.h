// Compressed streams: gzip (ISA-L) and zstd, both ways; bzip2 and xz to be read.
// Recognised by their first bytes. Pure; one thread per stream. Reading one takes
// 130 MiB at most (zstd), 80 for xz, 4 for bzip2, however hostile it is.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "codec/stream.h"

namespace hull {

enum class Compression : unsigned char { none, gzip, zstd, bzip2, xz };

// What the stream that begins so is; first_bytes: 6 or more, fewer only if it is shorter.
Compression detect_compression(std::string_view first_bytes);
const char* name_of(Compression compression);

// source as it is uncompressed, whatever of the above it is. source must
// outlive what is returned. Errors while reading: invalid_argument for damaged or
// truncated data; too_large for what wants more memory.
Result<std::unique_ptr<ByteSource>> decompress(ByteSource& source);
std::unique_ptr<ByteSource> gunzip(ByteSource& source);
std::unique_ptr<ByteSource> unzstd(ByteSource& source);
std::unique_ptr<ByteSource> unbzip2(ByteSource& source);
std::unique_ptr<ByteSource> unxz(ByteSource& source);

class CompressingSink : public ByteSink {
public:
    // Writes what is still held and the trailer. Must be called, once, last.
    virtual Result<void> finish() = 0;
};
// level: ISA-L's 0..3; zstd's. The same bytes in give the same bytes out.
std::unique_ptr<CompressingSink> gzip_sink(ByteSink& out, int level = 1);
std::unique_ptr<CompressingSink> zstd_sink(ByteSink& out, int level = 1);

} // namespace hull
