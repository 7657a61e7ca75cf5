#include "sys/thread.h"

#include <memory>

#include <pthread.h>

namespace hull::sys {

namespace {

struct Start {
    std::function<void()> work;
    const char* name;
};

void* run(void* argument) {
    std::unique_ptr<Start> start(static_cast<Start*>(argument));
    ::pthread_setname_np(::pthread_self(), start->name);
    start->work();
    return nullptr;
}

} // namespace

Result<void> start_thread(const char* name, size_t stack_bytes, std::function<void()> work) {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int code = ::pthread_attr_setstacksize(&attributes, stack_bytes);
    auto start = std::make_unique<Start>(Start{std::move(work), name});
    pthread_t thread{};
    if (code == 0) code = ::pthread_create(&thread, &attributes, run, start.get());
    ::pthread_attr_destroy(&attributes);
    if (code != 0) return Error::from_errno("pthread_create", code);
    static_cast<void>(start.release()); // the thread owns it now
    return {};
}

} // namespace hull::sys
