// What runs on miniaudio's thread is parley_data and parley_notify. They copy
// between the device and a ring, add to counters and post a semaphore when
// somebody sleeps on it; they never enter Go, allocate or take a lock.

#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#if defined(_WIN32)
#include <windows.h>
typedef HANDLE parley_sem;
static int sem_make(parley_sem *s) { return (*s = CreateSemaphoreW(NULL, 0, 0x7fffffff, NULL)) == NULL; }
static void sem_drop(parley_sem *s) { CloseHandle(*s); }
static void sem_wake(parley_sem *s) { ReleaseSemaphore(*s, 1, NULL); }
static void sem_sleep(parley_sem *s, uint32_t ms) { WaitForSingleObject(*s, ms); }
#elif defined(__APPLE__)
#include <dispatch/dispatch.h>
typedef dispatch_semaphore_t parley_sem;
static int sem_make(parley_sem *s) { return (*s = dispatch_semaphore_create(0)) == NULL; }
static void sem_drop(parley_sem *s) { dispatch_release(*s); }
static void sem_wake(parley_sem *s) { dispatch_semaphore_signal(*s); }
static void sem_sleep(parley_sem *s, uint32_t ms) {
	dispatch_semaphore_wait(*s, dispatch_time(DISPATCH_TIME_NOW, (int64_t)ms * 1000000));
}
#else
#include <semaphore.h>
#include <time.h>
typedef sem_t parley_sem;
static int sem_make(parley_sem *s) { return sem_init(s, 0, 0); }
static void sem_drop(parley_sem *s) { sem_destroy(s); }
static void sem_wake(parley_sem *s) { sem_post(s); }
static void sem_sleep(parley_sem *s, uint32_t ms) {
	// A step of the system's clock makes one wait shorter or longer, no more:
	// the caller counts waits and does not trust the clock.
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	while (sem_timedwait(s, &t) != 0 && errno == EINTR) {
	}
}
#endif

// A bell is a descriptor that becomes readable when the sleeper is to wake, so
// that Go can sleep on it without holding a thread. -1: this system has none.
#if defined(__linux__)
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>
static int bell_make(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
static int bell_copy(int bell) { return fcntl(bell, F_DUPFD_CLOEXEC, 0); }
static void bell_drop(int bell) { close(bell); }
static void bell_ring(int bell) {
	uint64_t one = 1;
	ssize_t n = write(bell, &one, sizeof one);
	(void)n; // a full counter is as readable as any
}
#else
static int bell_make(void) { return -1; }
static int bell_copy(int bell) { return bell; }
static void bell_drop(int bell) { (void)bell; }
static void bell_ring(int bell) { (void)bell; }
#endif

enum { cache_line = 64 };

// indexes is ring.Indexes of package media/ring.
typedef struct {
	_Atomic uint32_t written;
	char pad1[cache_line - sizeof(uint32_t)];
	_Atomic uint32_t read;
	char pad2[cache_line - sizeof(uint32_t)];
} indexes;

struct parley_stream {
	indexes ring;
	float *samples;
	uint32_t mask;
	int capture;
	parley_sem sem;
	int bell; // in place of sem, unless it is -1
	_Atomic uint32_t need;  // what the sleeper waits for, 0: nobody sleeps
	_Atomic uint32_t limit; // of the playback ring's filling
	_Atomic int interrupted;
	_Atomic uint32_t callbacks, largest, gaps, lost, stops;
};

// device_head is the beginning of miniaudio's ma_device (0.11). Nothing beyond
// it is touched, and parley_stream_attach checks that it is what it seems.
typedef struct {
	void *context;
	int type;
	uint32_t rate;
	int state;
	void (*on_data)(void *device, void *output, const void *input, uint32_t frames);
	void *on_notification;
	void *on_stop;
	void *user;
} device_head;

// notification is the beginning of miniaudio's ma_device_notification.
typedef struct {
	device_head *device;
	int type;
} notification;

enum { notification_stopped = 1 };

static uint32_t filled(parley_stream *s) {
	return atomic_load_explicit(&s->ring.written, memory_order_acquire) -
	       atomic_load_explicit(&s->ring.read, memory_order_acquire);
}

static int ready(parley_stream *s, uint32_t need, uint32_t limit) {
	return s->capture ? filled(s) >= need : filled(s) + need <= limit;
}

static void wake(parley_stream *s) {
	uint32_t need = atomic_load(&s->need);
	if (need != 0 && (atomic_load(&s->interrupted) || ready(s, need, atomic_load(&s->limit))) &&
	    atomic_exchange(&s->need, 0) != 0) {
		if (s->bell >= 0) {
			bell_ring(s->bell);
		} else {
			sem_wake(&s->sem);
		}
	}
}

// put appends what the microphone heard. What finds no room is dropped.
static void put(parley_stream *s, const float *in, uint32_t frames) {
	uint32_t at = atomic_load_explicit(&s->ring.written, memory_order_relaxed);
	uint32_t room = s->mask + 1 - filled(s);
	uint32_t n = frames < room ? frames : room;
	uint32_t start = at & s->mask, first = s->mask + 1 - start;
	if (first > n) {
		first = n;
	}
	memcpy(s->samples + start, in, first * sizeof(float));
	memcpy(s->samples, in + first, (n - first) * sizeof(float));
	atomic_store_explicit(&s->ring.written, at + n, memory_order_release);
	if (n < frames) {
		atomic_fetch_add_explicit(&s->gaps, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&s->lost, frames - n, memory_order_relaxed);
	}
}

// take moves what is to be heard to out and completes it with silence. Before
// the first sample silence is what is wanted and is not counted.
static void take(parley_stream *s, float *out, uint32_t frames) {
	uint32_t at = atomic_load_explicit(&s->ring.read, memory_order_relaxed);
	uint32_t have = filled(s);
	uint32_t n = frames < have ? frames : have;
	uint32_t start = at & s->mask, first = s->mask + 1 - start;
	if (first > n) {
		first = n;
	}
	memcpy(out, s->samples + start, first * sizeof(float));
	memcpy(out + first, s->samples, (n - first) * sizeof(float));
	atomic_store_explicit(&s->ring.read, at + n, memory_order_release);
	if (n < frames) {
		memset(out + n, 0, (frames - n) * sizeof(float));
		if (at + n != 0) {
			atomic_fetch_add_explicit(&s->gaps, 1, memory_order_relaxed);
			atomic_fetch_add_explicit(&s->lost, frames - n, memory_order_relaxed);
		}
	}
}

// parley_data is the device's callback: once a period, on miniaudio's thread.
static void parley_data(void *device, void *output, const void *input, uint32_t frames) {
	parley_stream *s = ((device_head *)device)->user;
	if (s->capture && input != NULL) {
		put(s, input, frames);
	} else if (!s->capture && output != NULL) {
		take(s, output, frames);
	}
	atomic_fetch_add_explicit(&s->callbacks, 1, memory_order_relaxed);
	if (frames > atomic_load_explicit(&s->largest, memory_order_relaxed)) {
		atomic_store_explicit(&s->largest, frames, memory_order_relaxed);
	}
	wake(s);
}

static void parley_notify(const notification *n) {
	parley_stream *s = n->device->user;
	if (n->type == notification_stopped) {
		atomic_fetch_add_explicit(&s->stops, 1, memory_order_relaxed);
	}
}

void *parley_notify_address(void) { return (void *)parley_notify; }

parley_stream *parley_stream_new(int capture, uint32_t capacity) {
	parley_stream *s = calloc(1, sizeof *s);
	if (s == NULL) {
		return NULL;
	}
	s->samples = calloc(capacity, sizeof(float));
	s->mask = capacity - 1;
	s->capture = capture;
	if (s->samples == NULL || sem_make(&s->sem) != 0) {
		free(s->samples);
		free(s);
		return NULL;
	}
	s->bell = bell_make();
	return s;
}

void parley_stream_free(parley_stream *s) {
	if (s->bell >= 0) {
		bell_drop(s->bell);
	}
	sem_drop(&s->sem);
	free(s->samples);
	free(s);
}

int parley_stream_bell(parley_stream *s) { return s->bell < 0 ? -1 : bell_copy(s->bell); }

void *parley_stream_indexes(parley_stream *s) { return &s->ring; }

float *parley_stream_samples(parley_stream *s) { return s->samples; }

int parley_stream_attach(parley_stream *s, void *ma_device, int type, uint32_t rate) {
	device_head *d = ma_device;
	if (d == NULL || d->context == NULL || d->type != type || d->rate != rate || d->on_data == NULL ||
	    d->on_notification != (void *)parley_notify || d->user != s) {
		return -1;
	}
	d->on_data = parley_data;
	return 0;
}

int parley_stream_arm(parley_stream *s, uint32_t need, uint32_t limit) {
	atomic_store(&s->limit, limit);
	atomic_store(&s->need, need);
	// The callback may have come before need was set, so look once more.
	return ready(s, need, limit) || atomic_load(&s->interrupted);
}

int parley_stream_disarm(parley_stream *s, uint32_t need, uint32_t limit) {
	atomic_store(&s->need, 0);
	return ready(s, need, limit);
}

int parley_stream_wait(parley_stream *s, uint32_t need, uint32_t limit, uint32_t milliseconds) {
	if (!parley_stream_arm(s, need, limit)) {
		sem_sleep(&s->sem, milliseconds);
	}
	return parley_stream_disarm(s, need, limit);
}

void parley_stream_interrupt(parley_stream *s) {
	atomic_store(&s->interrupted, 1);
	wake(s);
}

void parley_stream_count(parley_stream *s, parley_counters *out) {
	out->callbacks = atomic_load_explicit(&s->callbacks, memory_order_relaxed);
	out->largest = atomic_load_explicit(&s->largest, memory_order_relaxed);
	out->gaps = atomic_load_explicit(&s->gaps, memory_order_relaxed);
	out->lost = atomic_load_explicit(&s->lost, memory_order_relaxed);
	out->stops = atomic_load_explicit(&s->stops, memory_order_relaxed);
}
