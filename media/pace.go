package media

import (
	"parley/media/codec"
	"parley/media/jitter"
)

// halfFrame is what the loops move at a time for calls of low delay: 5 ms.
const halfFrame = FrameSamples / 2

// lowMinDelay is the least that the receive buffer of such a call holds: it is
// asked for half a frame at a time.
const lowMinDelay = FrameDuration / 2

// setPace notes how small the pieces have to be that the stream sends and plays.
func (s *Stream) setPace(p *Params, c codec.Codec) {
	s.quick.Store(p.LowDelay)
	s.halves.Store(c.PacketTime(p.PacketTime) < FrameDuration)
	floor := jitter.DefaultMinDelay
	if p.LowDelay {
		floor = lowMinDelay
	}
	s.buffer.SetMinDelay(floor)
}

// captureSamples is how much the capture loop takes next. A conference is mixed in
// whole frames. After an odd half the other one comes, lest packets of whole frames
// wait for half of one for ever.
func (e *Engine) captureSamples(odd bool) int {
	if odd {
		return halfFrame
	}
	if !e.conference.busy.Load() {
		for _, s := range *e.streams.Load() {
			if s.halves.Load() {
				return halfFrame
			}
		}
	}
	return FrameSamples
}

// playbackSamples is how much the playback loop plays next. Less at a time costs
// no more wake-ups, for a device takes 5 ms at a time anyway; but what lies ready
// for it may be less by that.
func (e *Engine) playbackSamples() int {
	for _, s := range *e.streams.Load() {
		if s.quick.Load() {
			return halfFrame
		}
	}
	return FrameSamples
}
