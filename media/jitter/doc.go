// Package jitter is the receive side of a call: packets go in as they come,
// 10 ms of sound come out whenever they are asked for.
//
// A [Buffer] measures how unevenly packets arrive, and delays them by just as
// much as it takes to play nearly all of them in time. It moves to a new delay
// without a gap or a change of pitch, by taking pitch periods out of the signal
// or putting some in. What is lost is filled: by the redundancy of the next
// packet or by the decoder where it can (Opus), else by repeating the last pitch
// period, which fades to the noise of the far end's room.
//
// Inside, time is counted in samples at 48 kHz and there is no clock: the
// arrival of packets is told by the caller, the pace of playing is that of the
// calls to Get. The shape is that of NetEq in WebRTC.
package jitter
