// The C half of an open device: a ring of samples between miniaudio's thread and
// Go, and a way for Go to sleep until the ring has moved. See doc.go.

#ifndef PARLEY_DEVICE_SHIM_H
#define PARLEY_DEVICE_SHIM_H

#include <stdint.h>

typedef struct parley_stream parley_stream;

// parley_stream_new makes the C half of a capture device, or of a playback
// device, with a ring of capacity samples (a power of two). NULL: no memory.
parley_stream *parley_stream_new(int capture, uint32_t capacity);

// parley_stream_free frees it. No thread may use it any more.
void parley_stream_free(parley_stream *s);

// The ring's memory: struct ring.Indexes and the samples.
void *parley_stream_indexes(parley_stream *s);
float *parley_stream_samples(parley_stream *s);

// parley_stream_attach makes a device that malgo has initialized, but not
// started, call this file instead of Go. It returns 0, or -1 if the device does
// not look as miniaudio 0.11 lays it out; nothing is changed then.
int parley_stream_attach(parley_stream *s, void *ma_device, int type, uint32_t rate);

// parley_notify is the address of miniaudio's notification callback.
void *parley_notify_address(void);

// parley_stream_wait blocks until the ring holds need samples (capture) or room
// for need below limit (playback), the stream is interrupted, or milliseconds
// have passed. It returns whether the ring is ready. One thread at a time.
int parley_stream_wait(parley_stream *s, uint32_t need, uint32_t limit, uint32_t milliseconds);

// parley_stream_bell returns a descriptor, the caller's own, that becomes readable
// when a sleep is over, or -1 where the system has no such thing. Then
// parley_stream_wait is what sleeps; else parley_stream_arm, which returns whether
// there is anything to sleep for no longer, a read of the bell, and
// parley_stream_disarm, which returns whether the ring is ready.
int parley_stream_bell(parley_stream *s);
int parley_stream_arm(parley_stream *s, uint32_t need, uint32_t limit);
int parley_stream_disarm(parley_stream *s, uint32_t need, uint32_t limit);

// parley_stream_interrupt ends the wait under way and makes later ones return at
// once.
void parley_stream_interrupt(parley_stream *s);

// Counters, written by miniaudio's thread.
typedef struct {
	uint32_t callbacks; // periods delivered or asked for
	uint32_t largest;   // frames of the largest one
	uint32_t gaps;      // callbacks that found too little (playback) or no room (capture)
	uint32_t lost;      // samples missing or dropped in them
	uint32_t stops;     // times miniaudio said that the device stopped
} parley_counters;

void parley_stream_count(parley_stream *s, parley_counters *out);

#endif
