package rtp

import "time"

// source keeps the books about one sender as RFC 3550 appendix A does. Its owner
// is the receiver, under its lock.
type source struct {
	ssrc  uint32
	known bool

	base     uint16 // first sequence number
	highest  uint16
	cycles   uint32 // of the sequence number, times 65536
	bad      uint16 // the number that would confirm a jump
	haveBad  bool
	received int64

	jitter  float64 // in timestamp units
	transit float64
	haveRef bool
	clock   int

	expectedBefore, receivedBefore int64 // at the last report

	lastReport   uint32        // middle of the NTP time of the last sender report
	lastReportAt time.Duration // session time
}

// Limits of RFC 3550 appendix A.1.
const (
	maxDropout  = 3000
	maxMisorder = 100
)

// begin forgets everything and starts on ssrc.
func (c *source) begin(ssrc uint32, sequence uint16) {
	*c = source{ssrc: ssrc, known: true, base: sequence, highest: sequence - 1}
}

// packet counts one packet. It returns false for one that lies too far from the
// others to belong to them; two such in a row are a restart.
func (c *source) packet(sequence uint16, timestamp uint32, clock int, arrival time.Duration) bool {
	delta := sequence - c.highest
	switch {
	case delta < maxDropout:
		if sequence < c.highest && delta > 0 {
			c.cycles += 1 << 16
		}
		c.highest = sequence
	case delta <= 1<<16-1-maxMisorder:
		if !c.haveBad || sequence != c.bad {
			c.bad, c.haveBad = sequence+1, true
			return false
		}
		c.begin(c.ssrc, sequence)
		c.highest = sequence
	}
	c.haveBad = false
	c.received++
	c.measure(timestamp, clock, arrival)
	return true
}

// measure updates the interarrival jitter (RFC 3550 section 6.4.1). Packets
// without a clock, those of events, stand still in time and tell nothing.
func (c *source) measure(timestamp uint32, clock int, arrival time.Duration) {
	if clock == 0 {
		return
	}
	at := arrival.Seconds() * float64(clock)
	if !c.haveRef || c.clock != clock {
		c.haveRef, c.clock, c.jitter = true, clock, 0
		c.transit = at - float64(timestamp)
		return
	}
	transit := at - float64(timestamp)
	d := transit - c.transit
	c.transit = transit
	if d < 0 {
		d = -d
	}
	if d > float64(clock)*10 {
		return // the timestamps jumped or wrapped: not a delay
	}
	c.jitter += (d - c.jitter) / 16
}

// jitterTime is the jitter as time.
func (c *source) jitterTime() time.Duration {
	if c.clock == 0 {
		return 0
	}
	return time.Duration(c.jitter / float64(c.clock) * float64(time.Second))
}

// extended is the highest sequence number with its cycles.
func (c *source) extended() uint32 { return c.cycles + uint32(c.highest) }

// lost is how many packets are missing; duplicates make it negative.
func (c *source) lost() int64 { return c.expected() - c.received }

func (c *source) expected() int64 {
	return int64(c.extended()) - int64(c.base) + 1
}

// fraction returns the loss since it was called last, of 256.
func (c *source) fraction() uint8 {
	expected := c.expected() - c.expectedBefore
	lost := expected - (c.received - c.receivedBefore)
	c.expectedBefore, c.receivedBefore = c.expected(), c.received
	if expected <= 0 || lost <= 0 {
		return 0
	}
	return uint8(min(lost*256/expected, 255))
}
