#include "agent/owners/kernel/recorder.hpp"

#include "agent/identity/cgroup_table.hpp"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

// The compiled kernel program, as it lies in the build folder.
asm(R"(
    .section .rodata
    .balign 16
    .global daylight_connection_records
    .global daylight_connection_records_end
daylight_connection_records:
    .incbin ")" DAYLIGHT_CONNECTION_RECORDS R"("
daylight_connection_records_end:
    .previous
)");
extern "C" const char daylight_connection_records[];
extern "C" const char daylight_connection_records_end[];

namespace dl::agent::owners {
namespace {

constexpr const char* optional_program = "on_release";

struct Release {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using Object = std::unique_ptr<bpf_object, Release>;
using Link = std::unique_ptr<bpf_link, Release>;

Failure refused(const char* what, int code)
{
    return denied(
        fmt::format("the kernel refuses {}: {}; it needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, and a kernel "
                    "with BTF (/sys/kernel/btf/vmlinux) and cgroup v2",
                    what, std::strerror(code)));
}

class Attached final : public Recorder {
public:
    Attached(Object object, bool sees_the_close) : object_(std::move(object)), sees_the_close_(sees_the_close) {}

    Result<void> attach(int group)
    {
        bpf_program* program = nullptr;
        bpf_object__for_each_program(program, object_.get())
        {
            if (!bpf_program__autoload(program)) continue;
            Link link(bpf_program__attach_cgroup(program, group));
            if (!link) return refused("the program at the root of all control groups", errno);
            links_.push_back(std::move(link));
        }
        return {};
    }

    int by_ends() const override { return bpf_object__find_map_fd_by_name(object_.get(), "by_ends"); }
    int by_cookie() const override { return bpf_object__find_map_fd_by_name(object_.get(), "by_cookie"); }
    bool sees_the_close() const override { return sees_the_close_; }

private:
    Object object_;
    bool sees_the_close_;
    std::vector<Link> links_;
};

Object load(bool with_the_close)
{
    const auto size = static_cast<std::size_t>(daylight_connection_records_end - daylight_connection_records);
    bpf_object_open_opts options{};
    options.sz = sizeof options;
    options.object_name = "daylight";
    Object object(bpf_object__open_mem(daylight_connection_records, size, &options));
    if (!object) return nullptr;
    bpf_program* release = bpf_object__find_program_by_name(object.get(), optional_program);
    if (release != nullptr) bpf_program__set_autoload(release, with_the_close);
    if (const int failed = bpf_object__load(object.get()); failed != 0) {
        errno = -failed;
        return nullptr;
    }
    return object;
}

}    // namespace

Result<std::unique_ptr<Recorder>> start_recorder()
{
    const auto root = identity::CgroupTable::mount_point();
    struct statfs system {};
    if (::statfs(root.c_str(), &system) != 0 || system.f_type != CGROUP2_SUPER_MAGIC)
        return unavailable(fmt::format("{}: is no cgroup v2; mount one there", root.string()));
    libbpf_set_print(nullptr);    // its many lines would hide the one of ours
    bool with_the_close = true;
    Object object = load(true);
    if (!object) {
        with_the_close = false;
        object = load(false);
    }
    if (!object) return refused("the program", errno);
    auto attached = std::make_unique<Attached>(std::move(object), with_the_close);
    const int group = ::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (group < 0) return refused("to open the root of all control groups", errno);
    const auto done = attached->attach(group);
    ::close(group);
    if (!done) return done.error();
    return std::unique_ptr<Recorder>(std::move(attached));
}

}    // namespace dl::agent::owners
