// Writes a tar archive. The same entries give the same bytes: ustar where it can
// say everything, else a pax header before the entry (long or non-ASCII names,
// big numbers, fractions of seconds, extended attributes, sparse files as GNU's
// pax 1.0). Names, not ids, of users are never written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/stream.h"
#include "codec/tar.h"

namespace hull::tar {

class Writer {
public:
    // out must outlive the writer.
    explicit Writer(ByteSink& out) : out_(out) {}

    // The header. A file's data follows by data(): size bytes, or of a sparse
    // file its segments' bytes in one row. stored_size is not looked at.
    // Errors: invalid_argument when the data of the entry before is incomplete
    // or the entry can't be written.
    Result<void> add(const Entry& entry);
    Result<void> data(std::string_view bytes);
    // The end mark; nothing may follow.
    Result<void> finish();

private:
    Result<void> end_entry();
    Result<void> header(const Entry& entry, std::string_view path, char type, uint64_t size);

    ByteSink& out_;
    uint64_t data_left_ = 0;
    uint64_t padding_ = 0;
};

} // namespace hull::tar
