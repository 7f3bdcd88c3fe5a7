package opus

import (
	"fmt"
	"time"

	"github.com/hraban/opus"

	"parley/media/codec"
)

const (
	sampleRate  = 48000
	payloadType = 111 // that most others suggest as well

	// DefaultBitrate is used when nobody asks for another, in bit/s. It carries
	// voice of the full band that cannot be told from the original.
	DefaultBitrate = 32000
	minBitrate     = 6000
	maxBitrate     = 510000

	// lowDelayBitrate makes up for frames of 5 or 10 ms, which cannot be coded as
	// tightly, on a link that has it. Voice so coded is nearer to the original
	// than at DefaultBitrate, with up to a tenth of the packets lost too.
	lowDelayBitrate = 64000

	// complexity costs about a third of the highest, which nobody hears.
	complexity = 6
	// expectedLoss is what the encoder provides for, in percent.
	expectedLoss = 10

	maxSamples = 60 * sampleRate / 1000 // of a packet sent
	maxPayload = 1275                   // of a packet sent: within any MTU
)

// New returns the codec. Its rtpmap is opus/48000/2, as RFC 7587 section 7 has
// it for mono and stereo alike.
func New() codec.Codec { return opusCodec{} }

type opusCodec struct{}

func (opusCodec) Format() codec.Format {
	return codec.Format{
		Name: "opus", ClockRate: sampleRate, SampleRate: sampleRate, Channels: 2,
		PayloadType: payloadType, Fmtp: "minptime=10;useinbandfec=1",
	}
}

// PacketTime gives the frame lengths of the codec that suit a call, and packets
// of 60 ms at most.
func (opusCodec) PacketTime(want time.Duration) time.Duration {
	if want <= 0 {
		return 20 * time.Millisecond
	}
	for _, d := range []time.Duration{60, 40, 20, 10} {
		if d *= time.Millisecond; want >= d {
			return d
		}
	}
	return 5 * time.Millisecond
}

func (opusCodec) Samples(payload []byte) int { return samples(payload) }

func (opusCodec) NewEncoder(p codec.EncoderParams) (codec.Encoder, error) {
	application := opus.AppVoIP
	if p.LowDelay {
		application = opus.AppRestrictedLowdelay // looks 2.5 ms ahead in place of 6.5
	}
	enc, err := opus.NewEncoder(sampleRate, 1, application)
	if err != nil {
		return nil, fmt.Errorf("opus: encoder: %w", err)
	}
	s := settingsFor(p)
	err = enc.SetComplexity(complexity)
	for _, set := range []func() error{
		func() error { return enc.SetBitrate(s.bitrate) },
		func() error { return enc.SetMaxBandwidth(s.bandwidth) },
		func() error { return enc.SetInBandFEC(s.fec) },
		func() error { return enc.SetPacketLossPerc(s.loss) },
		func() error { return enc.SetVBR(!s.constant) },
	} {
		if err == nil {
			err = set()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opus: set up encoder: %w", err)
	}
	return &encoder{enc: enc, in: make([]float32, 0, maxSamples), out: make([]byte, maxPayload)}, nil
}

func (opusCodec) NewDecoder() (codec.Decoder, error) {
	dec, err := opus.NewDecoder(sampleRate, 1)
	if err != nil {
		return nil, fmt.Errorf("opus: decoder: %w", err)
	}
	return &decoder{dec}, nil
}

// An encoder is a codec.Encoder.
type encoder struct {
	enc *opus.Encoder
	in  []float32 // pcm, clipped
	out []byte
}

// Encode takes packets of 5, 10, 20, 40 or 60 ms.
func (e *encoder) Encode(dst []byte, pcm []float32) ([]byte, error) {
	switch len(pcm) * 1000 / sampleRate {
	case 5, 10, 20, 40, 60:
	default:
		return dst, codec.ErrPacketSize
	}
	if len(pcm)%(sampleRate/200) != 0 {
		return dst, codec.ErrPacketSize
	}
	e.in = e.in[:0]
	for _, x := range pcm {
		if x != x {
			x = 0
		}
		e.in = append(e.in, max(-1, min(1, x)))
	}
	n, err := e.enc.EncodeFloat32(e.in, e.out)
	if err != nil {
		return dst, fmt.Errorf("opus: encode: %w", err)
	}
	return append(dst, e.out[:n]...), nil
}

// Close leaves the memory to the garbage collector, which owns it.
func (*encoder) Close() {}

// A decoder is a codec.FECDecoder.
type decoder struct{ dec *opus.Decoder }

var _ codec.FECDecoder = (*decoder)(nil)

func (d *decoder) Decode(pcm []float32, payload []byte) (int, error) {
	want := samples(payload)
	if want == 0 {
		return 0, codec.ErrPayload
	}
	if len(pcm) < want {
		return 0, codec.ErrShortBuffer
	}
	n, err := d.dec.DecodeFloat32(payload, pcm[:want:want])
	if err != nil {
		return 0, fmt.Errorf("opus: decode: %w", err)
	}
	clip(pcm[:n])
	return n, nil
}

func (d *decoder) HasFEC(next []byte) bool { return hasFEC(next) }

func (d *decoder) DecodeFEC(pcm []float32, next []byte) (int, error) {
	if !hasFEC(next) {
		return d.Conceal(pcm)
	}
	if err := checkGap(pcm); err != nil {
		return 0, err
	}
	if err := d.dec.DecodeFECFloat32(next, pcm[:len(pcm):len(pcm)]); err != nil {
		return 0, fmt.Errorf("opus: decode redundancy: %w", err)
	}
	clip(pcm)
	return len(pcm), nil
}

func (d *decoder) Conceal(pcm []float32) (int, error) {
	if err := checkGap(pcm); err != nil {
		return 0, err
	}
	if err := d.dec.DecodePLCFloat32(pcm[:len(pcm):len(pcm)]); err != nil {
		return 0, fmt.Errorf("opus: conceal: %w", err)
	}
	clip(pcm)
	return len(pcm), nil
}

func (*decoder) Close() {}

// checkGap refuses what libopus cannot fill at once.
func checkGap(pcm []float32) error {
	if n := len(pcm); n == 0 || n%(sampleRate/400) != 0 || n > maxDecoded {
		return codec.ErrPacketSize
	}
	return nil
}

// clip keeps samples within full scale; the float decoder overshoots it.
func clip(pcm []float32) {
	for i, x := range pcm {
		pcm[i] = max(-1, min(1, x))
	}
}
