package codec

import "time"

// The RTP clock of G.722 is half its sample rate, by an error that was too late
// to mend (RFC 3551 section 4.5.2).
const (
	g722Rate  = 16000
	g722Clock = 8000
)

// G722 returns ITU-T G.722 at 64 kbit/s: wideband voice, one byte for two
// samples (RFC 3551 section 4.5.2).
func G722() Codec { return g722{} }

type g722 struct{}

func (g722) Format() Format {
	return Format{Name: "G722", ClockRate: g722Clock, SampleRate: g722Rate, Channels: 1, PayloadType: payloadG722}
}

func (g722) PacketTime(want time.Duration) time.Duration { return packetTime(want) }

func (g722) NewEncoder(EncoderParams) (Encoder, error) {
	e := new(g722Encoder)
	e.low.start(lowStep)
	e.high.start(highStep)
	return e, nil
}

func (g722) NewDecoder() (Decoder, error) {
	d := new(g722Decoder)
	d.low.start(lowStep)
	d.high.start(highStep)
	return d, nil
}

func (g722) Samples(payload []byte) int { return 2 * len(payload) }

// A g722Encoder splits the signal into two bands of 8000 samples a second and
// codes the low one with 6 bits, the high one with 2 (G.722 section 3).
type g722Encoder struct {
	line      qmfLine
	low, high predictor
}

func (*g722Encoder) Close() {}

// Encode needs an even number of samples.
func (e *g722Encoder) Encode(dst []byte, pcm []float32) ([]byte, error) {
	if len(pcm) == 0 || len(pcm)%2 != 0 {
		return dst, ErrPacketSize
	}
	for i := 0; i < len(pcm); i += 2 {
		x := e.line.push(int(toInt16(pcm[i])), int(toInt16(pcm[i+1])))
		odd, even := qmf(x)
		// The filter's gain is 4096; one bit more for the sum of two, and one
		// for the 15 bits that the rest of G.722 works with.
		dst = append(dst, e.codeHigh((even-odd)>>14)<<6|e.codeLow((even+odd)>>14))
	}
	return dst, nil
}

// codeLow quantizes a sample of the low band with 6 bits (blocks 1L to 4L). The
// predictor follows only its upper 4, so that the lower 2 could be taken by data.
func (e *g722Encoder) codeLow(x int) byte {
	p := &e.low
	diff := saturate(x - p.estimate)
	size := diff
	if diff < 0 {
		size = ^diff
	}
	i := 1
	for i < len(lowDecisions) && size >= lowDecisions[i]*p.step>>12 {
		i++
	}
	code := lowPositive[i-1]
	if diff < 0 {
		code = lowNegative[i-1]
	}
	p.followLow(code >> 2)
	return code
}

// codeHigh quantizes a sample of the high band with 2 bits (blocks 1H to 4H).
func (e *g722Encoder) codeHigh(x int) byte {
	p := &e.high
	diff := saturate(x - p.estimate)
	size := diff
	if diff < 0 {
		size = ^diff
	}
	var code byte
	switch far := size >= highDecision*p.step>>12; {
	case diff < 0 && far:
		code = 0
	case diff < 0:
		code = 1
	case far:
		code = 2
	default:
		code = 3
	}
	p.followHigh(code)
	return code
}

// A g722Decoder is the other way round (G.722 section 4).
type g722Decoder struct {
	line      qmfLine
	low, high predictor
}

func (*g722Decoder) Close() {}

func (d *g722Decoder) Decode(pcm []float32, payload []byte) (int, error) {
	if len(payload) == 0 {
		return 0, ErrPayload
	}
	if len(pcm) < 2*len(payload) {
		return 0, ErrShortBuffer
	}
	for i, b := range payload {
		code := b & 0x3f
		low := limit15(d.low.estimate + d.low.step*lowValues6[code]>>15)
		d.low.followLow(code >> 2)

		code = b >> 6
		high := limit15(d.high.estimate + d.high.step*highValues[code]>>15)
		d.high.followHigh(code)

		x := d.line.push(low+high, low-high)
		odd, even := qmf(x)
		pcm[2*i] = float32(saturate(even>>11)) / 32768
		pcm[2*i+1] = float32(saturate(odd>>11)) / 32768
	}
	return 2 * len(payload), nil
}

// limit15 keeps what the synthesis filter is given within 15 bits.
func limit15(x int) int { return min(max(x, -16384), 16383) }

// qmfTaps is the length of the filter that splits and joins the bands.
const qmfTaps = 24

// A qmfLine holds the last samples of the filter. They lie in a buffer twice as
// long, so that they need not be moved for every pair.
type qmfLine struct {
	x  [4 * qmfTaps]int
	at int // of the newest pair
}

// push adds a pair and returns the last qmfTaps samples, oldest first.
func (l *qmfLine) push(a, b int) []int {
	if l.at == 0 {
		l.at = qmfTaps - 2
	} else if l.at += 2; l.at+2 > len(l.x) {
		copy(l.x[:], l.x[len(l.x)-qmfTaps+2:])
		l.at = qmfTaps - 2
	}
	l.x[l.at], l.x[l.at+1] = a, b
	return l.x[l.at+2-qmfTaps : l.at+2]
}

// qmf filters the even and the odd samples (G.722 table 4; the second half of
// the filter is the first mirrored). The race detector looks at the samples where
// they are pushed; here it would take most of the time of every call in a test.
//
//go:norace
func qmf(x []int) (odd, even int) {
	x = x[:qmfTaps]
	for i, c := range qmfCoefficients {
		odd += x[2*i] * c
		even += x[2*i+1] * qmfCoefficients[len(qmfCoefficients)-1-i]
	}
	return odd, even
}
