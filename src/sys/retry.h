// The one place where EINTR is retried.
#pragma once

#include <cerrno>

namespace hull::sys {

template <class F>
auto retry(F&& call) -> decltype(call()) {
    for (;;) {
        auto result = call();
        if (result != -1 || errno != EINTR) return result;
    }
}

} // namespace hull::sys
