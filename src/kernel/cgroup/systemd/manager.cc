#include "kernel/cgroup/systemd/manager.h"

#include <cstdlib>

#include "base/clock.h"
#include "kernel/cgroup/systemd/bus.h"
#include "sys/file.h"

namespace hull::kernel::cgroup::systemd {

namespace {

constexpr std::string_view service = "org.freedesktop.systemd1";
constexpr std::string_view object = "/org/freedesktop/systemd1";
constexpr std::string_view manager = "org.freedesktop.systemd1.Manager";
constexpr std::string_view unit_exists = "org.freedesktop.systemd1.UnitExists";
constexpr std::string_view no_such_unit = "org.freedesktop.systemd1.NoSuchUnit";
constexpr int64_t patience_ns = 30'000'000'000;

Call manager_call(std::string_view member, std::string_view signature, Writer body) {
    return {service, object, manager, member, signature, body.take()};
}

Call unit_call(std::string_view member, std::string_view unit) {
    Writer body;
    body.text(unit);
    return manager_call(member, "s", std::move(body));
}

bool is_named(const Error& error, std::string_view name) { return error.message().find(name) != std::string::npos; }

Result<Bus> connect(std::string_view address) {
    auto bus = Bus::connect(address, monotonic_ns() + patience_ns);
    if (bus.ok() || bus.error().kind() != ErrorKind::unavailable) return bus;
    return std::move(bus).error().context(
        "systemd can't be reached, which is to make the cgroups (--systemd-cgroup, native.cgroupdriver=systemd: leave "
        "it out to have them made without)");
}

// So that JobRemoved comes here. Nothing waits for the answers.
Result<void> subscribe(Bus& bus) {
    Writer rule;
    rule.text("type='signal',sender='org.freedesktop.systemd1',interface='org.freedesktop.systemd1.Manager',"
              "member='JobRemoved'");
    TRY(bus.send(
        {"org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s", rule.take()}));
    TRY(bus.send(manager_call("Subscribe", "", {})));
    return {};
}

// The reply of a call that began a job; how the job ended: "done", ...
Result<std::string> job_result(Bus& bus, const Message& begun) {
    std::string job(Reader(begun.body).text());
    if (begun.signature != "o" || job.empty()) return Error(ErrorKind::corrupt, "systemd's answer names no job");
    std::string result;
    TRY(bus.signal([&](const Message& m) {
        if (m.member != "JobRemoved" || m.signature != "uoss") return false;
        Reader body(m.body);
        body.u32();
        bool is_it = body.text() == job;
        body.text();
        result = body.text();
        return is_it;
    }));
    return result;
}

Call start_call(const Scope& scope, pid_t process) {
    Writer body;
    body.text(scope.unit);
    body.text("replace");
    body.array(8, [&] {
        Properties pids;
        pids.add("PIDs", std::vector<uint32_t>{static_cast<uint32_t>(process)});
        body.append(pids.take());
        body.append(scope.properties);
    });
    body.array(8, [] {}); // auxiliary units
    return manager_call("StartTransientUnit", "ssa(sv)a(sa(sv))", std::move(body));
}

Result<void> start_once(Bus& bus, const Scope& scope, pid_t process) {
    Message begun = TRY(bus.call(start_call(scope, process)));
    std::string result = TRY(job_result(bus, begun));
    if (result == "done") return {};
    (void)bus.call(unit_call("ResetFailedUnit", scope.unit));
    return Error(ErrorKind::system, "the job ended with \"" + result + "\"");
}

std::string path_address(std::string_view path) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string out = "unix:path=";
    for (char c : path) {
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     std::string_view("-_/.*").find(c) != std::string_view::npos;
        if (plain) {
            out += c;
            continue;
        }
        auto byte = static_cast<unsigned char>(c);
        out += {'%', hex[byte >> 4], hex[byte & 15]};
    }
    return out;
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

} // namespace

Result<std::string> address_of(Instance instance) {
    if (instance == Instance::system) {
        if (std::string given = variable("DBUS_SYSTEM_BUS_ADDRESS"); !given.empty()) return given;
        return path_address("/run/dbus/system_bus_socket") + ";" + path_address(private_socket);
    }
    if (std::string given = variable("DBUS_SESSION_BUS_ADDRESS"); !given.empty()) return given;
    std::string folder = variable("XDG_RUNTIME_DIR");
    if (!folder.empty() && sys::exists(folder + "/bus")) return path_address(folder + "/bus");
    return Error(ErrorKind::unavailable,
                 "systemd's instance of this user can't be reached: neither DBUS_SESSION_BUS_ADDRESS nor a socket "
                 "\"bus\" in XDG_RUNTIME_DIR is there; log in through PAM, with Debian's dbus-user-session installed");
}

namespace {

Result<std::string> text_property(std::string_view address, std::string_view name) {
    Bus bus = TRY(connect(address));
    Writer body;
    body.text(manager);
    body.text(name);
    Message reply = TRY(bus.call({service, object, "org.freedesktop.DBus.Properties", "Get", "ss", body.take()}));
    Reader in(reply.body);
    if (reply.signature != "v" || in.signature() != "s")
        return Error(ErrorKind::corrupt, std::string(name) + " is no text");
    std::string value(in.text());
    if (!in.ok()) return Error(ErrorKind::corrupt, std::string(name) + " is no text");
    return value;
}

} // namespace

Result<std::string> own_cgroup(std::string_view address) {
    std::string path = TRY(text_property(address, "ControlGroup").context("ask systemd for its own cgroup"));
    return path == "/" ? std::string() : path;
}

Result<std::string> system_state() {
    // Not the bus, which may have ended already.
    return text_property("unix:path=" + std::string(private_socket), "SystemState");
}

Result<void> start_scope(const Scope& scope, pid_t process) {
    auto start = [&]() -> Result<void> {
        Bus bus = TRY(connect(scope.bus));
        TRY(subscribe(bus));
        auto started = start_once(bus, scope, process);
        if (started.ok() || !is_named(started.error(), unit_exists)) return started;
        // One that failed is kept for somebody to look at.
        (void)bus.call(unit_call("ResetFailedUnit", scope.unit));
        started = start_once(bus, scope, process);
        if (!started.ok() && is_named(started.error(), unit_exists))
            return Error(ErrorKind::conflict, "a unit of that name is in use");
        return started;
    };
    return start().context([&] { return "start systemd unit " + scope.unit; });
}

Result<void> set_properties(const Scope& scope, std::string_view properties) {
    auto set = [&]() -> Result<void> {
        Bus bus = TRY(connect(scope.bus));
        Writer body;
        body.text(scope.unit);
        body.number(uint32_t{1}); // runtime: gone with the unit
        body.array(8, [&] { body.append(properties); });
        TRY(bus.call(manager_call("SetUnitProperties", "sba(sv)", std::move(body))));
        return {};
    };
    return set().context([&] { return "set properties of systemd unit " + scope.unit; });
}

Result<void> stop(const Scope& scope) {
    auto end = [&]() -> Result<void> {
        Bus bus = TRY(connect(scope.bus));
        TRY(subscribe(bus));
        Writer body;
        body.text(scope.unit);
        body.text("replace");
        auto begun = bus.call(manager_call("StopUnit", "ss", std::move(body)));
        // Gone with its last process, most of the time.
        if (!begun.ok() && is_named(begun.error(), no_such_unit)) return {};
        TRY(job_result(bus, TRY(std::move(begun))));
        (void)bus.call(unit_call("ResetFailedUnit", scope.unit));
        return {};
    };
    return end().context([&] { return "stop systemd unit " + scope.unit; });
}

} // namespace hull::kernel::cgroup::systemd
