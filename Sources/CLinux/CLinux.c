#define _GNU_SOURCE
#include "CLinux.h"
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>

int bowerbird_accept4(int listener, struct sockaddr *address, socklen_t *length, int flags) {
    return accept4(listener, address, length, flags);
}

int bowerbird_unread_count(int descriptor) {
    int count = 0;
    return ioctl(descriptor, FIONREAD, &count) == 0 ? count : 0;
}

int bowerbird_set_thread_name(const char *name) {
    return pthread_setname_np(pthread_self(), name);
}

void bowerbird_return_memory(void) { malloc_trim(0); }

int bowerbird_set_thread_idle(void) {
    struct sched_param parameters = {0};
    return pthread_setschedparam(pthread_self(), SCHED_IDLE, &parameters);
}

// Swift has no thread-local storage of its own.
unsigned bowerbird_thread_number(void) {
    static _Atomic unsigned next = 1;
    static _Thread_local unsigned mine;
    if (mine == 0) mine = next++;
    return mine - 1;
}
