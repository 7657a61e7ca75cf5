// A sink that is hashed on a thread of its own, so that whoever writes waits for
// the hash only when it is far behind. One writing thread.
#pragma once

#include <memory>
#include <string>

#include "codec/stream.h"

namespace hull::store {

class HashingSink : public ByteSink {
public:
    // out must outlive this.
    explicit HashingSink(ByteSink& out);
    ~HashingSink() override;
    HashingSink(const HashingSink&) = delete;
    HashingSink& operator=(const HashingSink&) = delete;

    // Errors: out's.
    Result<void> write(std::string_view data) override;

    // SHA-256 of everything written. Once, last.
    std::string hex_digest();

private:
    struct Shared;
    void hand_over();
    ByteSink& out_;
    std::unique_ptr<Shared> shared_;
    std::string filling_;
};

} // namespace hull::store
