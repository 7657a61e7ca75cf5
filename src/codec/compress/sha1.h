// SHA-1, for protocols that ask for it (WebSocket). Nothing is trusted because of it.
#pragma once

#include <string>
#include <string_view>

namespace hull {

std::string sha1(std::string_view data); // 20 bytes

} // namespace hull
