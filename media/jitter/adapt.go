package jitter

// How far the delay may be off its target before the tempo is changed, and how
// alike two pitch periods must be then. The further off, the less is asked. The
// delay is known only in steps of what one Get takes; a period that was put in must
// not have to be taken out again for that.
const (
	tooLong  = 5 * ms // and half a step
	longer   = 0.8    // steps: only where it is quiet, and every step counts
	tooShort = 0.8    // steps
	farOff   = 60 * ms
	wayOff   = 120 * ms

	ordinary = 10 * ms // DefaultMinDelay

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
	off := b.level - float64(b.target)
	much := off + float64(b.odd)
	switch {
	case off > tooLong+step/2 && (b.stretchGap == 0 || off > farOff):
		b.shorten(off)
	case much > longer*step && b.stretchGap == 0 && b.minDelay < ordinary:
		b.trim(int(much))
	case off < -tooShort*step && b.stretchGap == 0:
		b.lengthen(off)
	}
}

// trim lowers the delay by most samples at most, in a pause.
func (b *Buffer) trim(most int) {
	longest := min(most, b.gather()/2)
	if longest < shortPeriod || level(b.sound[b.play:b.play+2*longest]) > quiet {
		return
	}
	n := min(int64(b.cut(longest, 0)), b.odd)
	b.odd -= n
	b.level += float64(n) // which never counted it
}

// shorten lowers the delay, which is off samples too long.
func (b *Buffer) shorten(off float64) {
	longest := min(maxPeriod, b.gather()/2, int(off)+int(b.quantum)/2)
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
	b.cut(longest, alike)
}

// gather decodes what has come already, as far as a change of tempo needs it, and
// returns how many samples wait to be played.
func (b *Buffer) gather() int {
	for b.pending() < 2*maxPeriod {
		p := b.packets.first()
		if p == nil || p.pos > b.next || b.decoders[p.pt] != b.cur {
			break
		}
		b.decode(b.packets.pop())
	}
	return b.pending()
}

// cut takes a period of at most longest samples out of what is to be played next,
// if it is that much alike, and returns how many samples it has taken.
func (b *Buffer) cut(longest int, alike float64) int {
	left, n := shorten(b.sound[b.play:], longest, alike)
	if n == 0 {
		return 0
	}
	b.sound = b.sound[:b.play+len(left)]
	b.level -= float64(n)
	b.stats.Accelerated += uint64(n)
	b.stretchGap = rest
	return n
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
