package codec

import "time"

// Static payload types of RFC 3551 table 4.
const (
	payloadPCMU = 0
	payloadPCMA = 8
	payloadG722 = 9
)

const g711Rate = 8000

// A g711 is one of the two laws of ITU-T G.711.
type g711 struct {
	format   Format
	compress func(int16) byte
	expand   func(byte) int16
}

// PCMA returns G.711 A-law at 64 kbit/s (ITU-T G.711, RFC 3551 section 4.5.14).
func PCMA() Codec {
	return &g711{
		Format{Name: "PCMA", ClockRate: g711Rate, SampleRate: g711Rate, Channels: 1, PayloadType: payloadPCMA},
		alawCompress, alawExpand,
	}
}

// PCMU returns G.711 µ-law at 64 kbit/s (ITU-T G.711, RFC 3551 section 4.5.14).
func PCMU() Codec {
	return &g711{
		Format{Name: "PCMU", ClockRate: g711Rate, SampleRate: g711Rate, Channels: 1, PayloadType: payloadPCMU},
		ulawCompress, ulawExpand,
	}
}

func (c *g711) Format() Format { return c.format }

func (c *g711) PacketTime(want time.Duration) time.Duration { return packetTime(want) }

func (c *g711) NewEncoder(EncoderParams) (Encoder, error) { return g711Encoder{c.compress}, nil }

func (c *g711) NewDecoder() (Decoder, error) {
	d := new(g711Decoder)
	for i := range d.table {
		d.table[i] = float32(c.expand(byte(i))) / 32768
	}
	return d, nil
}

func (c *g711) Samples(payload []byte) int { return len(payload) }

type g711Encoder struct{ compress func(int16) byte }

func (e g711Encoder) Encode(dst []byte, pcm []float32) ([]byte, error) {
	if len(pcm) == 0 {
		return dst, ErrPacketSize
	}
	for _, x := range pcm {
		dst = append(dst, e.compress(toInt16(x)))
	}
	return dst, nil
}

func (g711Encoder) Close() {}

type g711Decoder struct{ table [256]float32 }

func (d *g711Decoder) Decode(pcm []float32, payload []byte) (int, error) {
	if len(payload) == 0 {
		return 0, ErrPayload
	}
	if len(pcm) < len(payload) {
		return 0, ErrShortBuffer
	}
	for i, b := range payload {
		pcm[i] = d.table[b]
	}
	return len(payload), nil
}

func (*g711Decoder) Close() {}

// alawCompress codes the upper 13 bits of x (G.711 table 1). Negative numbers
// are taken as ones' complement, as the ITU's reference code (G.191) has them.
func alawCompress(x int16) byte {
	const invert = 0x55 // even bits are sent inverted
	sign, v := byte(0x80), int(x)
	if v < 0 {
		sign, v = 0, ^v
	}
	v >>= 4
	exp := 0
	if v > 15 {
		for exp = 1; v > 31; exp++ {
			v >>= 1
		}
		v -= 16
	}
	return (sign | byte(exp<<4|v)) ^ invert
}

// alawExpand is the middle of the interval that alawCompress maps to b.
func alawExpand(b byte) int16 {
	b ^= 0x55
	exp, v := int(b>>4)&7, int(b&15)<<4+8
	if exp > 0 {
		v = (v + 0x100) << (exp - 1)
	}
	if b&0x80 == 0 {
		return int16(-v)
	}
	return int16(v)
}

// ulawBias makes segment ends powers of two (G.711 table 2, 14-bit numbers).
const ulawBias = 33

// ulawCompress codes the upper 14 bits of x (G.711 table 2). Negative numbers
// are taken as ones' complement, as the ITU's reference code (G.191) has them.
func ulawCompress(x int16) byte {
	sign, v := byte(0x80), int(x)
	if v < 0 {
		sign, v = 0, ^v
	}
	v = min(v>>2+ulawBias, 0x1fff)
	segment := 1
	for i := v >> 6; i != 0; i >>= 1 {
		segment++
	}
	return sign | byte((8-segment)<<4|(15-(v>>segment)&15))
}

// ulawExpand is the middle of the interval that ulawCompress maps to b.
func ulawExpand(b byte) int16 {
	segment, step := int(^b>>4)&7, int(^b)&15
	v := ((step<<1+ulawBias)<<segment - ulawBias) << 2
	if b&0x80 == 0 {
		return int16(-v)
	}
	return int16(v)
}
