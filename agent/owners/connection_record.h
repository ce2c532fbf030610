/* What the kernel program writes down of a connection, and under which keys: C, because both sides of the kernel's
 * border read it. Nothing of a connection's content is in it. */
#pragma once

#include <linux/types.h>

#define DAYLIGHT_MOST_RECORDS 8192 /* of each table; the least recently used goes (BPF_MAP_TYPE_LRU_HASH) */
#define DAYLIGHT_RECORD_NAME 64

/* The two ends as the client's socket sees them. Addresses are 16 octets, IPv4 mapped (RFC 4291 section 2.5.5.2); ports
 * in the host's order. UDP: the local address is zero, since a socket may send from any. */
struct dl_connection_ends {
    __u64 netns; /* the kernel's cookie of the network namespace */
    __u8 local[16];
    __u8 remote[16];
    __u16 local_port;
    __u16 remote_port;
    __u32 transport; /* IANA protocol number */
};

struct dl_connection_record {
    __u64 begun; /* connect(2) or first sendmsg(2): nanoseconds since boot, suspend included */
    __u64 ended; /* UDP: the last sendmsg(2) to that end, or the close; 0: not told */
    __u64 cgroup;
    __u32 uid;                       /* the file-system user id, as sock_diag tells it */
    __u32 pid;                       /* as the first pid namespace has it; 0: there is no record */
    char name[DAYLIGHT_RECORD_NAME]; /* of the executable's file, zero-terminated */
};
