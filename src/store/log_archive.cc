#include "store/log_archive.h"

#include <charconv>

#include <fcntl.h>

#include "codec/compress/compress.h"
#include "store/fd_stream.h"
#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/tree.h"

namespace hull::store {
namespace {

constexpr const char* kOrigin = "user.hull.origin"; // "<device> <inode> <birth>"

Result<void> copy_all(ByteSource& from, ByteSink& to) {
    std::string buffer(size_t{256} << 10, '\0');
    for (;;) {
        size_t n = TRY(from.read(buffer));
        if (n == 0) return {};
        TRY(to.write(std::string_view(buffer).substr(0, n)));
    }
}

Result<void> compress_to(BorrowedFd plain, const std::string& temporary) {
    UniqueFd out = TRY(sys::open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0640));
    struct stat st = TRY(sys::stat_fd(plain));
    uint64_t birth = TRY(sys::birth_of(plain));
    TRY(sys::set_xattr(out, kOrigin,
                       std::to_string(st.st_dev) + " " + std::to_string(st.st_ino) + " " + std::to_string(birth)));
    FdSource source(plain);
    FdSink sink(out);
    auto gzip = gzip_sink(sink);
    TRY(copy_all(source, *gzip));
    return gzip->finish();
}

Result<void> compress_one(const std::string& path) {
    auto plain = sys::open(path, O_RDONLY | O_NOFOLLOW);
    if (!plain.ok()) {
        if (plain.error().kind() == ErrorKind::not_found) return {};
        return std::move(plain).error();
    }
    std::string temporary = path + ".gz.new";
    auto made = compress_to(*plain, temporary);
    if (made.ok()) made = sys::rename(temporary, path + ".gz");
    if (!made.ok()) {
        (void)sys::unlink(temporary);
        return std::move(made).context("compress " + path);
    }
    return sys::unlink(path);
}

} // namespace

Result<void> compress_rotated(const std::string& path, unsigned max_files) {
    bool any = false;
    for (unsigned n = 1; n < max_files && !any; ++n) any = sys::exists(path + "." + std::to_string(n));
    if (!any) return {};
    UniqueFd lock = TRY(sys::lock_file(path + ".lock"));
    for (unsigned n = 1; n < max_files; ++n) TRY(compress_one(path + "." + std::to_string(n)));
    return {};
}

Result<CompressedLog> open_compressed(const std::string& path) {
    CompressedLog log;
    log.fd = TRY(sys::open(path + ".gz", O_RDONLY | O_NOFOLLOW));
    struct stat st = TRY(sys::stat_fd(log.fd));
    log.device = st.st_dev;
    log.inode = st.st_ino;
    size_t slash = path.rfind('/');
    UniqueFd dir = TRY(sys::open(path.substr(0, slash), O_PATH | O_DIRECTORY));
    auto origin = sys::get_xattr_at(dir, path.substr(slash + 1) + ".gz", kOrigin);
    if (!origin.ok() || !*origin) return log;
    const char* at = (*origin)->data();
    const char* end = at + (*origin)->size();
    uint64_t numbers[3] = {};
    for (uint64_t& number : numbers) {
        auto [next, failed] = std::from_chars(at, end, number);
        if (failed != std::errc()) return log;
        at = next == end ? end : next + 1;
    }
    log.device = numbers[0];
    log.inode = numbers[1];
    log.birth = numbers[2];
    return log;
}

Result<UniqueFd> expand(const CompressedLog& log, const std::string& path) {
    UniqueFd out = TRY(sys::open(path.substr(0, path.rfind('/')), O_TMPFILE | O_RDWR, 0600));
    FdSource source(log.fd);
    auto plain = gunzip(source);
    FdSink sink(out);
    TRY(copy_all(*plain, sink).context("expand " + path + ".gz"));
    return out;
}

} // namespace hull::store
