// Netlink: batches of requests, one send, one answer per request.
//
// A Batch is written front to back: add() begins a request, the put functions
// and nests append attributes to it. Socket::run sends it and reads every
// answer. Built on libmnl; only .cc files of net/ include this.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <libmnl/libmnl.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::net {

class Batch {
public:
    // Bytes all requests together may take; more is a bug and ends the program.
    explicit Batch(size_t capacity = 8192);

    // Begins a request of this netlink type; NLM_F_REQUEST is added. doing goes
    // into the error of this request ("make veth"), and must be a literal.
    nlmsghdr* add(uint16_t type, uint16_t flags, const char* doing);
    // The family's fixed header, zeroed; right after add().
    template <class T>
    T& header() {
        return *static_cast<T*>(extra_header(sizeof(T)));
    }

    void put(uint16_t attribute, std::span<const uint8_t> bytes);
    void put_u8(uint16_t attribute, uint8_t value);
    void put_u16_be(uint16_t attribute, uint16_t value);
    void put_u32(uint16_t attribute, uint32_t value);
    void put_u32_be(uint16_t attribute, uint32_t value);
    void put_text(uint16_t attribute, const std::string& text); // with its final zero
    void put_flag(uint16_t attribute);
    template <class F>
    void nest(uint16_t attribute, F&& inside) {
        nlattr* start = begin_nest(attribute);
        inside();
        mnl_attr_nest_end(current_, start);
    }
    // Plain bytes inside a nest, ahead of its attributes (VETH_INFO_PEER holds a struct).
    void append(std::span<const uint8_t> bytes);

private:
    friend class NetlinkSocket;
    void* extra_header(size_t size);
    nlattr* begin_nest(uint16_t attribute);
    size_t size() const; // bytes written so far
    void need(size_t more) const;

    std::vector<char> buffer_;
    nlmsghdr* current_ = nullptr; // the request being written
    std::vector<std::pair<nlmsghdr*, const char*>> requests_;
};

// The attributes of a message by type, up to max; the message must outlive it.
class Attributes {
public:
    static Attributes of_message(const nlmsghdr* message, size_t fixed_header, uint16_t max);
    static Attributes of_nest(const nlattr* nest, uint16_t max);

    const nlattr* find(uint16_t type) const { return type < table_.size() ? table_[type] : nullptr; }
    std::optional<uint32_t> u32(uint16_t type) const;
    std::optional<uint32_t> u32_be(uint16_t type) const;
    std::optional<std::string> text(uint16_t type) const;
    std::optional<std::span<const uint8_t>> bytes(uint16_t type) const;
    Attributes nested(uint16_t type, uint16_t max) const; // empty when absent

private:
    void add(const nlattr* attribute);
    std::vector<const nlattr*> table_;
};

// Not thread-safe. Stays in the network namespace of the thread that opened it.
class NetlinkSocket {
public:
    static Result<NetlinkSocket> open(int protocol);

    using OnMessage = std::function<void(const nlmsghdr*)>;
    // Sends the batch and reads every answer; data messages go to on_message.
    // The first request that failed is returned as "<doing> <object>:
    // <strerror> (<the kernel's own text>)", after all were answered.
    Result<void> run(Batch& batch, std::string_view object, const OnMessage& on_message = {});

    struct Outcome {
        const char* doing = "";
        int code = 0;            // errno; 0: done
        std::string explanation; // the kernel's own text, if any

        Error error(std::string_view object) const;
    };
    // The same, with the outcome of each request instead of the first error.
    Result<std::vector<Outcome>> run_each(Batch& batch, const OnMessage& on_message = {});

    // Messages that the kernel sends of itself, of this multicast group.
    Result<void> subscribe(unsigned group);
    // What has come; never waits. Error ENOBUFS: some of it was dropped.
    Result<void> receive(const OnMessage& on_message) { return receive_all(on_message); }
    BorrowedFd descriptor() const { return BorrowedFd(mnl_socket_get_fd(socket_.get())); }

private:
    struct Close {
        void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
    };
    explicit NetlinkSocket(mnl_socket* socket) : socket_(socket) {}
    Result<void> receive_all(const OnMessage& on_answer);

    std::unique_ptr<mnl_socket, Close> socket_;
    uint32_t sequence_ = 0;
};

} // namespace hull::net
