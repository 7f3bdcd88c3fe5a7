package session

import "testing"

func reachable() map[Place]bool {
	reached := map[Place]bool{{}: true}
	for _, row := range Rows() {
		reached[row.To] = true
	}
	return reached
}

// Every input that is no command has a rule in every place that can be reached,
// or a reason why it cannot come there; never both.
func TestEveryTripleIsDecided(t *testing.T) {
	for p := range reachable() {
		for in := range numInputs {
			if in.Command() {
				continue
			}
			why := impossible(p, in)
			switch ruled := p.Accepts(in); {
			case !ruled && why == "":
				t.Errorf("%v in %v: no rule, and no reason why it cannot come", in, p)
			case ruled && why != "":
				t.Errorf("%v in %v: there is a rule, and yet it cannot come: %s", in, p, why)
			}
		}
	}
}

// The rules name no place that a session never comes to.
func TestEveryPlaceIsReached(t *testing.T) {
	reached := reachable()
	for _, row := range Rows() {
		if !reached[row.From] {
			t.Errorf("%v in %v: no rule leads to that place", row.On, row.From)
		}
	}
}

// A proposal that was told is told again when it is decided: as accepted or
// rejected, or by the end of the session.
func TestEveryProposalIsDecided(t *testing.T) {
	for _, row := range Rows() {
		was := row.From.State == Proposing || row.From.State == Proposed
		is := row.To.State == Proposing || row.To.State == Proposed
		told := 0
		for _, e := range row.Then {
			if e == NotifyAccepted || e == NotifyRejected {
				told++
			}
		}
		want := 0
		if was && !is && row.To.State == Established {
			want = 1
		}
		if told != want {
			t.Errorf("%v in %v: decided %d times, want %d", row.On, row.From, told, want)
		}
	}
}
