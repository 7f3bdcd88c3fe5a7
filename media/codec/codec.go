package codec

import (
	"errors"
	"math"
	"time"
)

// MaxPacket is the longest packet that any decoder of this program accepts. It
// is the longest that Opus can make (RFC 6716 section 3.2.5).
const MaxPacket = 120 * time.Millisecond

var (
	// ErrPacketSize is returned by an encoder that is given a number of samples
	// it cannot put into one packet.
	ErrPacketSize = errors.New("codec: samples do not fit a packet")
	// ErrPayload is returned by a decoder for a payload it cannot decode.
	ErrPayload = errors.New("codec: malformed payload")
	// ErrShortBuffer is returned by a decoder when pcm cannot hold the packet.
	ErrShortBuffer = errors.New("codec: sample buffer too small")
)

// A Format describes a codec as SDP and RTP see it, and as samples see it.
type Format struct {
	Name        string // encoding name of a=rtpmap, compared without case
	ClockRate   int    // RTP timestamp units per second
	SampleRate  int    // PCM samples per second; differs from ClockRate for G.722
	Channels    int    // as a=rtpmap has it: 2 for Opus, whatever is encoded
	PayloadType uint8  // static payload type, or the suggested dynamic one
	Fmtp        string // a=fmtp parameters we announce for receiving
}

// EncoderParams say what the far end wants of the packets it gets.
type EncoderParams struct {
	// PacketTime is the wished length of a packet. Zero means 20 ms. What is
	// sent is Codec.PacketTime of it.
	PacketTime time.Duration
	// Fmtp holds the a=fmtp parameters of the far end's description.
	Fmtp string
	// Bitrate is the wished rate in bit/s, zero for the codec's default. Codecs
	// of one rate ignore it.
	Bitrate int
	// LowDelay trades bits and robustness for the least delay, on a link that has
	// plenty of the one and no need of the other. Codecs that have no choice
	// ignore it.
	LowDelay bool
}

// An Encoder turns samples into payloads.
type Encoder interface {
	// Encode appends the payload for one packet to dst and returns the longer
	// slice. pcm is one packet's samples at the format's SampleRate: the length
	// that Codec.PacketTime gave. Values outside [-1, 1] are clipped. It
	// allocates only when dst has no room. It returns ErrPacketSize, or an error
	// of the codec, with dst unchanged.
	Encode(dst []byte, pcm []float32) ([]byte, error)
	// Close frees what the encoder holds. It must not be used any more.
	Close()
}

// A Decoder turns payloads into samples.
type Decoder interface {
	// Decode writes the samples of one payload to the head of pcm and returns
	// how many. It returns ErrShortBuffer, ErrPayload or an error of the codec,
	// and then no samples.
	Decode(pcm []float32, payload []byte) (samples int, err error)
	// Close frees what the decoder holds. It must not be used any more.
	Close()
}

// An FECDecoder is a Decoder that can fill gaps itself: from its own state, and
// from redundancy in the packet after the gap.
type FECDecoder interface {
	Decoder
	// HasFEC reports whether next carries a copy of the packet before it.
	HasFEC(next []byte) bool
	// DecodeFEC decodes the redundant copy that next carries of the packet
	// before it. pcm must be as long as the missing packet. Where next has no
	// such copy, the gap is concealed instead. It returns len(pcm).
	DecodeFEC(pcm []float32, next []byte) (int, error)
	// Conceal continues the signal plausibly for len(pcm) samples, which must be
	// a multiple of 2.5 ms. It returns len(pcm).
	Conceal(pcm []float32) (int, error)
}

// A Codec is one way to put voice into RTP payloads. It has no state.
type Codec interface {
	Format() Format
	// PacketTime returns the packet length that is sent when want is asked for:
	// want itself or the next smaller one that the codec allows, 20 ms for zero.
	PacketTime(want time.Duration) time.Duration
	// NewEncoder returns an encoder for what p asks, as far as the codec can.
	NewEncoder(p EncoderParams) (Encoder, error)
	NewDecoder() (Decoder, error)
	// Samples returns the length of a payload in samples at SampleRate, without
	// decoding it; 0 for a malformed one.
	Samples(payload []byte) int
}

// packetTime is PacketTime of the codecs whose packets may be any number of
// 10 ms frames, or half of one.
func packetTime(want time.Duration) time.Duration {
	const half, frame, longest = 5 * time.Millisecond, 10 * time.Millisecond, 60 * time.Millisecond
	switch {
	case want <= 0:
		return 20 * time.Millisecond
	case want < frame:
		return half
	}
	return min(want.Truncate(frame), longest)
}

// toInt16 rounds a sample to 16 bits and clips it. NaN becomes silence.
func toInt16(x float32) int16 {
	switch v := x * 32768; {
	case v >= 32767:
		return 32767
	case v <= -32768:
		return -32768
	case v != v:
		return 0
	default:
		return int16(math.Floor(float64(v) + 0.5))
	}
}
