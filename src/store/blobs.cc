#include "store/blobs.h"

#include <array>

#include <fcntl.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/random.h"
#include "codec/compress/sha256.h"
#include "store/partial_blob.h"
#include "sys/file.h"

namespace hull::store {

namespace {

constexpr size_t buffer_bytes = size_t{256} << 10;

class TemporaryFile { // removed unless renamed into place
public:
    static Result<TemporaryFile> create(const std::string& folder) {
        TemporaryFile file;
        file.path_ = folder + "/" + random_hex(16);
        file.fd_ = TRY(sys::open(file.path_, O_WRONLY | O_CREAT | O_EXCL, 0600));
        return file;
    }
    TemporaryFile(TemporaryFile&& other) noexcept : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}
    ~TemporaryFile() {
        if (!path_.empty()) (void)sys::unlink(path_);
    }
    BorrowedFd fd() const { return fd_; }
    Result<void> move_to(const std::string& folder, const std::string& name) {
        TRY(failpoint("blob.unsynced"));
        TRY(sys::fsync(fd_));
        TRY(failpoint("blob.synced"));
        TRY(sys::rename(path_, folder + "/" + name));
        path_.clear();
        UniqueFd dir = TRY(sys::open(folder, O_RDONLY | O_DIRECTORY));
        return sys::fsync(dir);
    }

private:
    TemporaryFile() = default;
    std::string path_;
    UniqueFd fd_;
};

Error differs(const Digest& wanted, const Digest& got) {
    return {ErrorKind::corrupt, "the digest is " + got.str() + ", not " + wanted.str()};
}

} // namespace

Result<std::unique_ptr<BlobStore>> BlobStore::open(const std::string& data_root) {
    std::unique_ptr<BlobStore> store(new BlobStore(data_root + "/blobs"));
    TRY(sys::mkdir_parents(store->root_ + "/sha256", 0700));
    TRY(sys::remove_tree(store->root_ + "/tmp"));
    TRY(sys::mkdir(store->root_ + "/tmp", 0700));
    return store;
}

std::string BlobStore::path_of(const Digest& digest) const { return root_ + "/sha256/" + digest.hex(); }

Result<Digest> BlobStore::put(std::string_view text) {
    TextSource source(text);
    Blob blob = TRY(put_stream(source, std::nullopt, text.size()));
    return blob.digest;
}

Result<Blob> BlobStore::put_stream(ByteSource& source, const std::optional<Digest>& expected, uint64_t limit) {
    TemporaryFile file = TRY(TemporaryFile::create(root_ + "/tmp"));
    std::string buffer(buffer_bytes, '\0');
    Sha256 hash;
    Blob blob;
    for (;;) {
        size_t n = TRY(source.read(buffer));
        if (n == 0) break;
        if (n > limit - blob.size)
            return Error(ErrorKind::too_large, "a blob of more than " + std::to_string(limit) + " bytes");
        blob.size += n;
        std::string_view piece = std::string_view(buffer).substr(0, n);
        hash.update(piece);
        TRY(sys::write_all(file.fd(), piece).context("write a blob"));
    }
    blob.digest = Digest::from_sha256_hex(hash.hex_digest());
    if (expected && *expected != blob.digest) return differs(*expected, blob.digest);
    if (!contains(blob.digest)) TRY(file.move_to(root_ + "/sha256", blob.digest.hex()));
    return blob;
}

Result<std::string> BlobStore::get(const Digest& digest, size_t limit) const {
    std::string text = TRY(sys::read_file(path_of(digest), limit));
    Digest got = Digest::from_sha256_hex(sha256_hex(text));
    if (got != digest) return differs(digest, got);
    return text;
}

Result<UniqueFd> BlobStore::open_blob(const Digest& digest) const { return sys::open(path_of(digest), O_RDONLY); }

bool BlobStore::contains(const Digest& digest) const { return sys::exists(path_of(digest)); }

Result<std::unique_ptr<PartialBlob>> BlobStore::open_partial(const Digest& digest, uint64_t size) {
    return PartialBlob::open(root_, digest, size);
}

Result<void> BlobStore::remove_partials_older_than(int64_t age_ns) {
    const std::string folder = root_ + "/partial";
    if (!sys::exists(folder)) return {};
    std::vector<std::string> names = TRY(sys::list_dir(folder));
    const int64_t limit = wall_now().ns - age_ns;
    for (const std::string& name : names) {
        auto st = sys::lstat(folder + "/" + name);
        if (!st.ok() || st->st_mtim.tv_sec * 1'000'000'000 + st->st_mtim.tv_nsec > limit) continue;
        auto removed = sys::unlink(folder + "/" + name);
        if (!removed.ok() && removed.error().kind() != ErrorKind::not_found) return removed;
    }
    return {};
}

Result<std::vector<Blob>> BlobStore::list() const {
    std::vector<std::string> names = TRY(sys::list_dir(root_ + "/sha256"));
    std::vector<Blob> blobs;
    for (const std::string& name : names) {
        auto digest = Digest::parse("sha256:" + name);
        if (!digest.ok()) continue; // not ours
        auto st = sys::lstat(path_of(*digest));
        if (st.ok()) blobs.push_back({*digest, static_cast<uint64_t>(st->st_size)});
    }
    return blobs;
}

Result<void> BlobStore::check_temporary(Damages& found, Repair repair) {
    constexpr int64_t day_s = 24 * 3600;
    for (const std::string& name : TRY(sys::list_dir(root_ + "/tmp"))) {
        const std::string path = root_ + "/tmp/" + name;
        auto st = sys::lstat(path);
        if (!st.ok() || st->st_mtim.tv_sec > wall_now().ns / 1'000'000'000 - day_s) continue;
        note(found, {"temporary file", "blobs/tmp/" + name, "nobody has touched it for a day", "it is removed"}, repair,
             [&] { return sys::remove_tree(path); });
    }
    for (const std::string& name : TRY(sys::list_dir(root_ + "/sha256")))
        if (!Digest::parse("sha256:" + name).ok())
            note(found, {"blob", name, "a file that is no blob", "it is removed"}, repair,
                 [&] { return sys::remove_tree(root_ + "/sha256/" + name); });
    return {};
}

Result<void> BlobStore::remove(const Digest& digest) {
    auto removed = sys::unlink(path_of(digest));
    if (!removed.ok() && removed.error().kind() == ErrorKind::not_found) return {};
    return removed;
}

} // namespace hull::store
