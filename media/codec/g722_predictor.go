package codec

// First quantizer steps of the two bands (G.722 section 3.6.3).
const (
	lowStep  = 32
	highStep = 8
)

// A predictor is the adaptive quantizer scale and the predictor with two poles
// and six zeros of one band (G.722 sections 3.3 to 3.6; block names there).
// Numbers are 16-bit fixed point in ints.
type predictor struct {
	scale    int // logarithm of step: NB
	step     int // DET
	estimate int // of the next sample: S
	zeros    int // its part of the zero section: SZ

	diffs  [7]int // quantized differences, newest first: D
	recons [3]int // reconstructed signal: R
	parts  [3]int // partially reconstructed signal: P
	poles  [3]int // A, from 1
	zero   [7]int // B, from 1
}

func (p *predictor) start(step int) { p.step = step }

// followLow goes on after the upper 4 bits of a low-band code (blocks 2L to 4L).
func (p *predictor) followLow(code byte) {
	diff := p.step * lowValues4[code] >> 15
	p.scale = min(max(p.scale*127>>7+lowScales[code], 0), 18432)
	p.step = stepSize(p.scale, 8)
	p.predict(diff)
}

// followHigh goes on after a high-band code (blocks 2H to 4H).
func (p *predictor) followHigh(code byte) {
	diff := p.step * highValues[code] >> 15
	p.scale = min(max(p.scale*127>>7+highScales[code], 0), 22528)
	p.step = stepSize(p.scale, 10)
	p.predict(diff)
}

// stepSize is the antilogarithm of a scale (SCALEL and SCALEH).
func stepSize(scale, shift int) int {
	v := antilog[scale>>6&31]
	if shift -= scale >> 11; shift < 0 {
		return v << -shift << 2
	}
	return v >> shift << 2
}

// predict adapts the predictor to the new difference and estimates the next
// sample (block 4). The race detector has looked at p where the step is followed; it
// is spared this and the two below, which it would make many times slower.
//
//go:norace
func (p *predictor) predict(diff int) {
	p.diffs[0] = diff
	p.recons[0] = saturate(p.estimate + diff)
	p.parts[0] = saturate(p.zeros + diff)
	p.adaptPoles()
	p.adaptZeros()

	copy(p.diffs[1:], p.diffs[:6])
	copy(p.recons[1:], p.recons[:2])
	copy(p.parts[1:], p.parts[:2])

	p.zeros = 0
	for i := 1; i < len(p.zero); i++ {
		p.zeros += p.zero[i] * saturate(2*p.diffs[i]) >> 15
	}
	p.zeros = saturate(p.zeros)
	a := p.poles[1] * saturate(2*p.recons[1]) >> 15
	b := p.poles[2] * saturate(2*p.recons[2]) >> 15
	p.estimate = saturate(saturate(a+b) + p.zeros)
}

// adaptPoles moves the poles and keeps them stable (UPPOL2 and UPPOL1).
//
//go:norace
func (p *predictor) adaptPoles() {
	negative := func(i int) bool { return p.parts[i] < 0 }

	second := saturate(4 * p.poles[1])
	if negative(0) == negative(1) {
		second = min(-second, 32767)
	}
	second >>= 7
	if negative(0) == negative(2) {
		second += 128
	} else {
		second -= 128
	}
	second = min(max(second+p.poles[2]*32512>>15, -12288), 12288)

	first := p.poles[1] * 32640 >> 15
	if negative(0) == negative(1) {
		first += 192
	} else {
		first -= 192
	}
	bound := saturate(15360 - second)
	p.poles[1] = min(max(saturate(first), -bound), bound)
	p.poles[2] = second
}

// adaptZeros moves the zeros (UPZERO).
//
//go:norace
func (p *predictor) adaptZeros() {
	gain := 128
	if p.diffs[0] == 0 {
		gain = 0
	}
	for i := 1; i < len(p.zero); i++ {
		move := gain
		if (p.diffs[i] < 0) != (p.diffs[0] < 0) {
			move = -gain
		}
		p.zero[i] = saturate(move + p.zero[i]*32640>>15)
	}
}

// saturate keeps x within 16 bits.
func saturate(x int) int { return min(max(x, -32768), 32767) }
