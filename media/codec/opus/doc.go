// Package opus is the Opus codec (RFC 6716) with its RTP payload format (RFC
// 7587), on the system's libopus. Voice is coded in mono at 48 kHz; stereo that
// comes in is mixed down by the decoder.
package opus
