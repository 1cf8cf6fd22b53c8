// The kernel headers that Swift's Glibc module does not export.
#pragma once
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/socket.h>

// Swift's importer does not define _GNU_SOURCE, so these two are not visible in Glibc.
int bowerbird_accept4(int listener, struct sockaddr *address, socklen_t *length, int flags);
// `ioctl` takes a varying number of arguments, which Swift does not import; 0 when it fails.
int bowerbird_unread_count(int descriptor);
int bowerbird_set_thread_name(const char *name);
/// Lets the calling thread run only when nothing else wants to (SCHED_IDLE).
int bowerbird_set_thread_idle(void);
/// Gives memory that the allocator keeps free back to the system.
void bowerbird_return_memory(void);
/// A small number of the calling thread's own, given out in the order of the first calls.
unsigned bowerbird_thread_number(void);
