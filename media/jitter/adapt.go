package jitter

// How far the delay may be off its target before the tempo is changed, and how
// alike two pitch periods must be then. The further off, the less is asked.
const (
	tooLong  = 10 * ms
	tooShort = 8 * ms
	farOff   = 60 * ms
	wayOff   = 120 * ms

	restFrames = 4 // between two changes of tempo, unless far off
)

// adapt changes the tempo of the sound that is to be played next, if the delay
// is not what it should be.
func (b *Buffer) adapt() {
	if b.stretchGap > 0 {
		b.stretchGap--
	}
	if b.cur == nil || b.inventing || b.gap > 0 || b.hold > 0 {
		return
	}
	switch off := b.level - float64(b.target); {
	case off > tooLong && (b.stretchGap == 0 || off > farOff):
		b.shorten(off)
	case off < -tooShort && b.stretchGap == 0:
		b.lengthen(off)
	}
}

// shorten lowers the delay, which is off samples too long.
func (b *Buffer) shorten(off float64) {
	for b.pending() < shortenNeeds {
		p := b.packets.first()
		if p == nil || p.pos > b.next || b.decoders[p.pt] != b.cur {
			return
		}
		b.decode(b.packets.pop())
	}
	alike := 0.85
	switch {
	case off > wayOff:
		alike = 0.3
	case off > farOff:
		alike = 0.6
	}
	rest, n := shorten(b.sound[b.play:], alike)
	if n == 0 {
		return
	}
	b.sound = b.sound[:b.play+len(rest)]
	b.level -= float64(n)
	b.stats.Accelerated += uint64(n)
	b.stretchGap = restFrames
}

// lengthen raises the delay, which is -off samples too short.
func (b *Buffer) lengthen(off float64) {
	if b.pending() < lengthenWind {
		return
	}
	alike := 0.85
	if off < -2*tooShort {
		alike = 0.6
	}
	longer, n := lengthen(b.sound, b.play, alike)
	if n == 0 {
		return
	}
	b.sound = longer
	b.level += float64(n)
	b.stats.Expanded += uint64(n)
	b.stretchGap = restFrames
}
