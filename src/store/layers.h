// Layers: read-only file trees, each the difference to its parent.
//
// Glossary. diff id: SHA-256 of a layer's uncompressed tar. chain id: names a
// layer together with everything below it (OCI image config, "Layer ChainID");
// a layer is stored once per chain id. recipe: what is needed besides the files
// to give the tar back byte for byte.
//
// Lifecycle: stage() -> commit() -> (path(), write_tar())* -> remove(). A layer is
// staged before it is known what it stands on; committed, it is there completely
// and durably; until then it isn't there at all, and open() removes what a crash
// left half-made. Nobody counts references here: image/ does (leases). Removing
// a layer that has a child fails. All calls are thread-safe; two commits of one
// layer at the same time make it once.
//
// Drivers: directory (overlayfs over unpacked trees; layers_directory.h).
// Every driver passes the suite in layers_contract.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/stream.h"
#include "model/image.h"
#include "store/damage.h"

namespace hull::store {

using model::Digest;

struct Layer {
    Digest chain_id, diff_id;
    std::optional<Digest> parent; // chain id
    uint64_t size = 0;            // bytes of the regular files' contents
    uint64_t tar_size = 0;        // bytes of the uncompressed tar
    uint64_t entries = 0;         // tar entries
    // Nothing of the layers below shows through (a whiteout of /).
    bool opaque_root = false;
};

// What a layer may cost; beyond it add() fails with too_large.
struct Budget {
    uint64_t bytes = uint64_t{64} << 30; // of the uncompressed tar, and of the files' sizes
    uint64_t entries = 4'000'000;
    size_t path_bytes = 4096;
    unsigned path_depth = 256;
    size_t memory_bytes = size_t{256} << 20; // kept while unpacking, for what folders get at the end
};

struct StageOptions {
    Budget budget;
    // Called with the bytes of tar read so far, about every MiB; an error
    // returned stops the work (client gone). Same thread as stage().
    std::function<Result<void>(uint64_t)> progress;
};

// Unpacked, not yet durable, not yet on top of anything. Gone when destroyed
// without commit().
class StagedLayer {
public:
    virtual ~StagedLayer() = default;
    virtual const Digest& diff_id() const = 0;
    virtual uint64_t tar_size() const = 0;
    virtual uint64_t entries() const = 0;
};

class LayerStore {
public:
    virtual ~LayerStore() = default;

    // Reads an uncompressed tar to its end and unpacks it. tar is read on
    // another thread, while this one waits in here. Errors: invalid_argument for
    // a tar that is malformed or wants out of its root; too_large; tar's own.
    virtual Result<std::unique_ptr<StagedLayer>> stage(ByteSource& tar, const StageOptions& options) = 0;
    // The same of a folder in the form of path(), without a copy: it is taken from
    // its place. write: its tar, called on another thread; what is in the folder
    // and not in the tar must be nothing that shows. Errors: unsupported (it lies
    // elsewhere, or has what a tar doesn't say: nothing was changed).
    using TarWriter = std::function<Result<void>(ByteSink&)>;
    virtual Result<std::unique_ptr<StagedLayer>> adopt(const std::string& folder, const TarWriter& write) = 0;
    // The same tar again, to be committed on another parent.
    virtual Result<std::unique_ptr<StagedLayer>> stage_copy(const Digest& chain_id) = 0;
    // A layer that exists already is returned as it is. staged must come from
    // this store. Errors: not_found (parent's chain id).
    virtual Result<Layer> commit(std::unique_ptr<StagedLayer> staged, const std::optional<Digest>& parent) = 0;

    virtual Result<Layer> get(const Digest& chain_id) const = 0; // not_found
    virtual std::vector<Layer> list() const = 0;                 // by chain id

    // A folder that overlayfs takes as lowerdir. Plain ids (0 is the image's
    // root), whiteouts as 0/0 character devices, trusted.overlay.opaque.
    virtual Result<std::string> path(const Digest& chain_id) const = 0;
    // An empty folder for images without layers.
    virtual std::string empty_path() const = 0;

    // The tar that the layer was made of, byte for byte. Error corrupt when the
    // files were changed meanwhile (known only after the last byte).
    virtual Result<void> write_tar(const Digest& chain_id, ByteSink& sink) const = 0;

    // Errors: not_found, conflict (another layer stands on it).
    virtual Result<void> remove(const Digest& chain_id) = 0;

    // Whether it is what it was made of: that its parts are there, or every byte
    // of the files that its tar had. Error corrupt: it isn't.
    virtual Result<void> verify(const Digest& chain_id, CheckDepth depth) const = 0;
    // What lies about in the store's folders, and records without a layer.
    virtual Result<void> check_strangers(Damages& found, Repair repair) = 0;
};

// chain id of a layer with diff_id on parent (none: the bottom layer).
Digest chain_id(const std::optional<Digest>& parent, const Digest& diff_id);

} // namespace hull::store
