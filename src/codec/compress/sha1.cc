#include "codec/compress/sha1.h"

#include <cstdlib>

#include <openssl/evp.h>

namespace hull {

std::string sha1(std::string_view data) {
    std::string out(20, '\0');
    if (EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, EVP_sha1(),
                   nullptr) != 1)
        std::abort();
    return out;
}

} // namespace hull
