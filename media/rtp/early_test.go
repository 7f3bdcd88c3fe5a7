package rtp_test

import (
	"testing"
	"testing/synctest"

	"parley/media/mediatest"
)

// The callee speaks as soon as it has answered; the answer comes a little later.
func TestVoiceBeforeTheAnswerIsNotLost(t *testing.T) {
	for _, tt := range []struct{ before, want int }{
		{3, 4}, {7, 8}, {30, 8}, // at most 150 ms are kept
	} {
		synctest.Test(t, func(t *testing.T) {
			n := mediatest.NewNetwork()
			a, b := newEnd(t, n, "10.0.0.1:4000"), newEnd(t, n, "10.0.0.2:4000")
			configure(t, a, params(b.at))
			talk(a, tt.before)
			configure(t, b, params(a.at))
			talk(a, 1)
			got := b.take()
			if len(got) != tt.want {
				t.Fatalf("%d packets after %d early ones, want %d", len(got), tt.before, tt.want)
			}
			for i := 1; i < len(got); i++ {
				if got[i].Sequence != got[i-1].Sequence+1 || got[i].Arrival-got[i-1].Arrival != packetTime {
					t.Errorf("packet %d is number %d, arrived %v after the one before", i, got[i].Sequence, got[i].Arrival-got[i-1].Arrival)
				}
			}
			if st := b.Stats(); st.Lost != 0 {
				t.Errorf("Stats().Lost = %d, want 0", st.Lost)
			}
		})
	}
}

// What strangers send before the answer is not believed after it.
func TestStrangersBeforeTheAnswerAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mediatest.NewNetwork()
		a, b, c := newEnd(t, n, "10.0.0.1:4000"), newEnd(t, n, "10.0.0.2:4000"), newEnd(t, n, "10.0.0.3:4000")
		configure(t, c, params(b.at))
		talk(c, 3)
		configure(t, a, params(b.at))
		configure(t, b, params(a.at))
		talk(a, 2)
		if got := b.take(); len(got) != 2 {
			t.Errorf("%d packets, want the 2 of the peer", len(got))
		}
	})
}
