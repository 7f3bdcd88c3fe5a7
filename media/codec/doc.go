// Package codec defines what the media engine wants of an audio codec, and
// implements the two that every telephone speaks in plain Go: G.711 (A-law and
// µ-law) and G.722 at 64 kbit/s. Opus, which needs the system's libopus, is in
// package media/codec/opus.
//
// Samples are mono float32 in [-1, 1]. A [Codec] is an immutable description
// and may be shared; an [Encoder] or [Decoder] holds the state of one direction
// of one stream and belongs to one goroutine at a time.
package codec
