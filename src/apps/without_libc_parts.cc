// Parts of the C library that no static program of ours uses but each would
// carry: message catalogues, wide characters, loading of shared objects, the
// resolver. The C library calls these functions by their inner names; as weak
// definitions they count before its archive is searched, give way where it
// brings its own after all, and are left out where it has renamed them.
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include <unistd.h>

#define HULL_INSTEAD extern "C" __attribute__((weak))

namespace {
void say(const char* text) { [[maybe_unused]] ssize_t n = ::write(2, text, std::strlen(text)); }
} // namespace

// Messages stay as they are: the locale is always C.
HULL_INSTEAD char* __dcgettext(const char*, const char* message, int) { return const_cast<char*>(message); }
HULL_INSTEAD char* dcgettext(const char*, const char* message, int) { return const_cast<char*>(message); }

// A failed assertion of the C library itself, without wide characters.
HULL_INSTEAD void __assert_fail(const char* assertion, const char*, unsigned, const char* function) noexcept {
    for (const char* text : {"assertion failed: ", assertion, " in ", function, "\n"}) say(text ? text : "?");
    std::abort();
}

// Nothing prints wide characters.
HULL_INSTEAD size_t __wcrtomb(char*, wchar_t, void*) {
    errno = EILSEQ;
    return static_cast<size_t>(-1);
}
HULL_INSTEAD size_t __wcsrtombs(char*, const wchar_t**, size_t, void*) {
    errno = EILSEQ;
    return static_cast<size_t>(-1);
}
HULL_INSTEAD int _IO_fwide(void*, int) { return -1; } // a stream of bytes

// For "%n" under _FORTIFY_SOURCE: writable, so refused, wherever the format is.
HULL_INSTEAD int __readonly_area(const char*, size_t) { return -1; }

// A static program loads no shared objects (conversions, the unwinder).
HULL_INSTEAD void* __libc_dlopen_mode(const char*, int) { return nullptr; }
HULL_INSTEAD void* __libc_dlsym(void*, const char*) { return nullptr; }
HULL_INSTEAD void* __libc_dlvsym(void*, const char*, const char*) { return nullptr; }
HULL_INSTEAD int __libc_dlclose(void*) { return 0; }
HULL_INSTEAD void _dl_init_paths(const char*, const char*, const char*, const char*) {}
