package jitter

// The delay that the network needs is a quantile of how late packets come
// against the fastest of the last one to two seconds.
const (
	bucketSize  = 5 * ms
	buckets     = 200
	quantile    = 0.96
	memory      = 8 * rate // after which a packet counts 1/e
	floorWindow = rate     // after which the fastest packet is sought anew
)

// A delayTracker learns the delay distribution of a link. All its times are
// samples at 48 kHz.
type delayTracker struct {
	histogram [buckets]float64
	weight    float64

	// The least offset of this window and of the one before, and where this one
	// began. An offset is a packet's arrival minus the end of its sound on the media
	// timeline: a longer packet is not late, it only begins earlier.
	floor, before int64
	begun         int64
	known         bool
}

// relative returns how much later a packet of this offset came than the fastest.
// It is negative for one that is faster still.
func (d *delayTracker) relative(offset int64) int64 {
	if !d.known {
		return 0
	}
	return offset - min(d.floor, d.before)
}

// rebase forgets the fastest packet, but not the distribution.
func (d *delayTracker) rebase() { d.known = false }

// add learns from a packet of dur samples, and returns its relative delay.
func (d *delayTracker) add(offset, arrival int64, dur int) int64 {
	switch {
	case !d.known:
		d.floor, d.before, d.begun, d.known = offset, offset, arrival, true
	case arrival-d.begun > floorWindow:
		d.floor, d.before, d.begun = offset, d.floor, arrival
	default:
		d.floor = min(d.floor, offset)
	}
	late := d.relative(offset)
	keep := 1 - float64(dur)/memory
	for i := range d.histogram {
		d.histogram[i] *= keep
	}
	d.histogram[min(late/bucketSize, buckets-1)]++
	d.weight = d.weight*keep + 1
	return late
}

// need returns the delay that lets the quantile of packets come in time.
func (d *delayTracker) need() int64 {
	var sum float64
	for i, w := range d.histogram {
		if sum += w; sum >= quantile*d.weight {
			return int64(i+1) * bucketSize
		}
	}
	return buckets * bucketSize
}
