/* SPDX-License-Identifier: MIT OR GPL-2.0-only
 *
 * Runs in the kernel, at the calls that make a connection: writes down who made it. Reads no packet. connect(2) knows
 * the caller but not yet the local port; the start of the handshake and the close know both ends, and the socket's
 * cookie leads from one to the other.
 *
 * The kernel lets a program read its structures only under a licence that goes with the GPL: hence this file's own. */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "agent/owners/connection_record.h"

#define V4 2 /* AF_INET */
#define V6 10
#define TCP 6
#define UDP 17

/* The few fields that are read, found where this kernel has them (CO-RE). */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct qstr {
    const unsigned char* name;
};
struct dentry {
    struct qstr d_name;
};
struct path {
    struct dentry* dentry;
};
struct file {
    struct path f_path;
};
struct mm_struct {
    struct file* exe_file;
};
typedef struct {
    __u32 val;
} kuid_t;
struct cred {
    kuid_t fsuid;
};
struct task_struct {
    struct mm_struct* mm;
    const struct cred* cred;
};
struct in6_addr {
    __u8 octets[16];
};
struct sock_common {
    __be32 skc_daddr;
    __be16 skc_dport;
    __u16 skc_num;
    unsigned short skc_family;
    struct in6_addr skc_v6_daddr;
};
struct sock {
    struct sock_common __sk_common;
};
#pragma clang attribute pop

extern void* bpf_cast_to_kern_ctx(void* context) __ksym __weak;

/* Read-only for every holder of a descriptor; the programs below write. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(map_flags, BPF_F_RDONLY);
    __uint(max_entries, DAYLIGHT_MOST_RECORDS);
    __type(key, struct dl_connection_ends);
    __type(value, struct dl_connection_record);
} by_ends SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(map_flags, BPF_F_RDONLY);
    __uint(max_entries, DAYLIGHT_MOST_RECORDS);
    __type(key, __u64);
    __type(value, struct dl_connection_record);
} by_cookie SEC(".maps");

static __always_inline int describe_caller(struct dl_connection_record* record)
{
    struct task_struct* task = (struct task_struct*)bpf_get_current_task();
    const unsigned char* name = BPF_CORE_READ(task, mm, exe_file, f_path.dentry, d_name.name);
    if (bpf_probe_read_kernel_str(record->name, sizeof record->name, name) <= 1) return 0; /* a thread of the kernel */
    record->begun = bpf_ktime_get_boot_ns();
    record->cgroup = bpf_get_current_cgroup_id();
    record->uid = BPF_CORE_READ(task, cred, fsuid.val);
    record->pid = bpf_get_current_pid_tgid() >> 32;
    return 1;
}

static __always_inline void put_v4(__u8* to, __be32 address)
{
    to[10] = to[11] = 0xff;
    __builtin_memcpy(to + 12, &address, 4);
}

/* A context is read in single words: the verifier refuses the wider loads that the compiler would make of them. */
#define PUT_V6(to, words)                                                                                              \
    do {                                                                                                               \
        _Pragma("unroll") for (int at = 0; at < 4; at++)                                                               \
        {                                                                                                              \
            __u32 word = *(const volatile __u32*)&(words)[at];                                                         \
            __builtin_memcpy((to) + 4 * at, &word, 4);                                                                 \
        }                                                                                                              \
    } while (0)

static __always_inline int on_connect(struct bpf_sock_addr* context)
{
    struct dl_connection_record record = {};
    __u64 cookie = bpf_get_socket_cookie(context);
    if (describe_caller(&record)) bpf_map_update_elem(&by_cookie, &cookie, &record, BPF_ANY);
    return 1;
}

SEC("cgroup/connect4") int on_connect4(struct bpf_sock_addr* context) { return on_connect(context); }
SEC("cgroup/connect6") int on_connect6(struct bpf_sock_addr* context) { return on_connect(context); }

/* A datagram of a socket that is not connected: its port is known by now. */
static __always_inline int on_sendmsg(struct bpf_sock_addr* context, struct dl_connection_ends* ends)
{
    struct bpf_sock* socket = context->sk;
    if (!socket || context->protocol != UDP) return 1;
    ends->netns = bpf_get_netns_cookie(context);
    ends->local_port = socket->src_port;
    ends->remote_port = bpf_ntohs(context->user_port);
    ends->transport = UDP;
    struct dl_connection_record* known = bpf_map_lookup_elem(&by_ends, ends);
    if (known && known->pid == bpf_get_current_pid_tgid() >> 32) {
        known->ended = bpf_ktime_get_boot_ns();
        return 1;
    }
    struct dl_connection_record record = {};
    if (describe_caller(&record)) bpf_map_update_elem(&by_ends, ends, &record, BPF_ANY);
    return 1;
}

SEC("cgroup/sendmsg4") int on_sendmsg4(struct bpf_sock_addr* context)
{
    struct dl_connection_ends ends = {};
    put_v4(ends.remote, context->user_ip4);
    return on_sendmsg(context, &ends);
}

SEC("cgroup/sendmsg6") int on_sendmsg6(struct bpf_sock_addr* context)
{
    struct dl_connection_ends ends = {};
    PUT_V6(ends.remote, context->user_ip6);
    return on_sendmsg(context, &ends);
}

/* Before the SYN leaves. */
SEC("sockops") int on_handshake(struct bpf_sock_ops* context)
{
    if (context->op != BPF_SOCK_OPS_TCP_CONNECT_CB) return 1;
    __u64 cookie = bpf_get_socket_cookie(context);
    struct dl_connection_record* record = bpf_map_lookup_elem(&by_cookie, &cookie);
    if (!record) return 1;
    struct dl_connection_ends ends = {};
    ends.netns = bpf_get_netns_cookie(context);
    if (context->family == V4) {
        put_v4(ends.local, context->local_ip4);
        put_v4(ends.remote, context->remote_ip4);
    } else {
        PUT_V6(ends.local, context->local_ip6);
        PUT_V6(ends.remote, context->remote_ip6);
    }
    ends.local_port = context->local_port;
    ends.remote_port = bpf_ntohl(context->remote_port);
    ends.transport = TCP;
    bpf_map_update_elem(&by_ends, &ends, record, BPF_ANY);
    return 1;
}

/* The close tells a connected UDP socket's port. Left out where the kernel is older than 6.2. */
SEC("?cgroup/sock_release") int on_release(struct bpf_sock* context)
{
    __u64 cookie = bpf_get_socket_cookie(context);
    struct dl_connection_record* known = bpf_map_lookup_elem(&by_cookie, &cookie);
    if (!known) return 1;
    if (context->protocol == UDP) {
        struct sock* socket = bpf_cast_to_kern_ctx(context);
        struct dl_connection_record record = *known;
        struct dl_connection_ends ends = {};
        ends.netns = bpf_get_netns_cookie(context);
        ends.transport = UDP;
        ends.local_port = BPF_CORE_READ(socket, __sk_common.skc_num);
        ends.remote_port = bpf_ntohs(BPF_CORE_READ(socket, __sk_common.skc_dport));
        if (BPF_CORE_READ(socket, __sk_common.skc_family) == V4)
            put_v4(ends.remote, BPF_CORE_READ(socket, __sk_common.skc_daddr));
        else
            BPF_CORE_READ_INTO(&ends.remote, socket, __sk_common.skc_v6_daddr);
        record.ended = bpf_ktime_get_boot_ns();
        bpf_map_update_elem(&by_ends, &ends, &record, BPF_ANY);
    }
    bpf_map_delete_elem(&by_cookie, &cookie);
    return 1;
}

char terms[] SEC("license") = "Dual MIT/GPL";
