package jitter

// How far the delay may be off its target before the tempo is changed, in parts of
// what one Get takes, and how alike two pitch periods must be then. The further
// off, the less is asked.
const (
	tooLong  = 1.0
	tooShort = 0.8
	farOff   = 60 * ms
	wayOff   = 120 * ms

	rest = 40 * ms // between two changes of tempo, unless far off
)

// adapt changes the tempo of the sound that is to be played next, if the delay
// is not what it should be.
func (b *Buffer) adapt() {
	b.stretchGap = max(0, b.stretchGap-int(b.quantum))
	if b.cur == nil || b.inventing || b.gap > 0 || b.hold > 0 {
		return
	}
	step := float64(b.quantum)
	switch off := b.level - float64(b.target); {
	case off > tooLong*step && (b.stretchGap == 0 || off > farOff):
		b.shorten(off)
	case off < -tooShort*step && b.stretchGap == 0:
		b.lengthen(off)
	}
}

// shorten lowers the delay, which is off samples too long.
func (b *Buffer) shorten(off float64) {
	for b.pending() < 2*maxPeriod {
		p := b.packets.first()
		if p == nil || p.pos > b.next || b.decoders[p.pt] != b.cur {
			break
		}
		b.decode(b.packets.pop())
	}
	longest := min(maxPeriod, b.pending()/2, int(off)+int(b.quantum)/2)
	if longest < shortPeriod {
		return
	}
	alike := 0.85
	switch {
	case off > wayOff:
		alike = 0.3
	case off > farOff:
		alike = 0.6
	}
	left, n := shorten(b.sound[b.play:], longest, alike)
	if n == 0 {
		return
	}
	b.sound = b.sound[:b.play+len(left)]
	b.level -= float64(n)
	b.stats.Accelerated += uint64(n)
	b.stretchGap = rest
}

// lengthen raises the delay, which is -off samples too short.
func (b *Buffer) lengthen(off float64) {
	if b.pending() < shortPeriod {
		return
	}
	alike := 0.85
	if off < -2*tooShort*float64(b.quantum) {
		alike = 0.6
	}
	longer, n := lengthen(b.sound, b.play, alike)
	if n == 0 {
		return
	}
	b.sound = longer
	b.level += float64(n)
	b.stats.Expanded += uint64(n)
	b.stretchGap = rest
}
