#include "store/layers.h"

#include "codec/compress/sha256.h"

namespace hull::store {

Digest chain_id(const std::optional<Digest>& parent, const Digest& diff_id) {
    if (!parent) return diff_id;
    return Digest::from_sha256_hex(sha256_hex(parent->str() + " " + diff_id.str()));
}

} // namespace hull::store
