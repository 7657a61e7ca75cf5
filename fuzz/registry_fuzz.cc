// links: hull_registry hull_compress
// What a registry's answers are read with: challenges, refusals, and what a
// client's header says; base64 there and back.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "registry/base64.h"
#include "registry/challenge.h"
#include "registry/credentials.h"
#include "registry/failure.h"
#include "registry/hosts.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto& challenge : hull::registry::parse_challenges(text))
        if (challenge.realm.size() > text.size()) std::abort();
    hull::registry::Answer answer;
    answer.status = 401;
    answer.body = text;
    answer.headers.add("WWW-Authenticate", std::string(text.substr(0, 200)));
    for (char c : hull::registry::failure_of(answer).message)
        if (static_cast<unsigned char>(c) < 0x20) std::abort(); // it goes to a terminal
    (void)hull::registry::parse_auth_header(text).ok();
    (void)hull::registry::parse_mirror(text).ok();
    auto decoded = hull::registry::base64_decode(hull::registry::base64_encode(text));
    if (!decoded.ok() || *decoded != text) std::abort();
    return 0;
}
