// Records: small named texts (JSON) that survive a crash, in one SQLite file.
//
// A record is (table, key) -> text. A batch of changes is applied as a whole or
// not at all. How much a commit survives is chosen per batch: process_crash
// (WAL, synchronous=NORMAL: after kill -9 it is there, after a power cut perhaps
// not) or power_loss (synchronous=FULL). Every operation is thread-safe.
// On disk: docs/formats/store.md.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/file.h" // Durability

namespace hull::store {

using sys::Durability;

enum class Table : unsigned char {
    containers,  // container id -> JSON, written by engine/
    images,      // image id -> JSON, written by image/
    references,  // "docker.io/library/busybox:latest" or "...@sha256:..." -> image id, written by image/
    layers,      // chain id -> JSON, written by the layer store
    blobs,       // digest -> JSON, written by the blob store
    networks,    // network id -> JSON
    volumes,     // volume name -> JSON
    build_cache, // key of a build's step -> image id, written by build/
    settings,    // anything else that must last: pool cursors, engine id, ...
};

struct Record {
    std::string key, text;
};

struct Change {
    Table table;
    std::string key;
    std::optional<std::string> text; // nullopt: erase; erasing what isn't there is no error
};

class Records {
public:
    // Opens or makes the file (its folder must exist). Errors: conflict when
    // another process has it open, unsupported when a newer Hull wrote it,
    // corrupt.
    static Result<std::unique_ptr<Records>> open(const std::string& path);
    ~Records();
    Records(const Records&) = delete;
    Records& operator=(const Records&) = delete;

    Result<void> put(Table table, std::string_view key, std::string_view text,
                     Durability durability = Durability::process_crash);
    Result<void> erase(Table table, std::string_view key, Durability durability = Durability::process_crash);
    // All of the changes, in order, or none.
    Result<void> commit(std::span<const Change> changes, Durability durability);

    Result<std::optional<std::string>> get(Table table, std::string_view key) const;
    // In the order of their keys.
    Result<std::vector<Record>> all(Table table) const;

private:
    struct State;
    explicit Records(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace hull::store
