package middleware

import "time"

const (
	// jumpTick is how often the clocks are looked at.
	jumpTick = 5 * time.Second
	// jumpLeast is how much time must be missing to count as sleep.
	jumpLeast = 10 * time.Second
)

// A jump notices that the program stood still: it was stopped, or the machine
// slept and did not tell. It belongs to one goroutine. The zero value is ready.
type jump struct{ last time.Time }

// tick is told the time every jumpTick. It reports whether the tick came much too
// late, by either clock: the monotonic one shows a program that was stopped, the
// one on the wall a machine that slept, during which the former may stand still.
func (j *jump) tick(now time.Time) bool {
	last := j.last
	j.last = now
	if last.IsZero() {
		return false
	}
	awake, passed := now.Sub(last), now.Round(0).Sub(last.Round(0))
	return max(awake, passed) > jumpTick+jumpLeast
}
