package session

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNext(t *testing.T) {
	tests := []struct {
		name string
		from Place
		in   Input
		to   Place
		then []Effect
	}{
		{"connect looks up routes first", Place{}, Connect, looking, []Effect{NotifyNewOutgoing, HoldOthers, Prepare}},
		{"the INVITE goes out when media is ready", looking, Prepared, inviting, []Effect{SendInvite}},
		{"no route", looking, PrepareFailed, over, []Effect{StopStreams, NotifyFailed, NotifyDidEnd}},
		{"ringing", inviting, GotProgress, inviting, []Effect{ShowProgress}},
		{"answered", inviting, GotAnswer, calm, []Effect{NotifyWillStart, StartStreams, HoldOthers, NotifyDidStart, TryWish}},
		{"an answer without a common codec ends the call", inviting, GotBadAnswer, hangingUp, []Effect{StopStreams, SendBye, NotifyFailed, AwaitEnd}},
		{"refused", inviting, GotRefusal, over, []Effect{StopStreams, NotifyFailed, NotifyDidEnd}},
		{"given up before the INVITE", looking, End, over, []Effect{NotifyWillEnd, StopPreparing, StopStreams, NotifyDidEnd}},
		{"given up while it rings", inviting, End, canceling, []Effect{NotifyWillEnd, StopStreams, SendCancel, AwaitEnd}},
		{"the CANCEL worked", canceling, GotRefusal, over, []Effect{NotifyDidEnd}},
		{"the CANCEL crossed the answer", canceling, GotAnswer, hangingUp, []Effect{SendBye}},

		{"called", Place{}, GotInvite, ringing, []Effect{NotifyNewIncoming, SendRinging, AwaitAnswer}},
		{"answer", ringing, Accept, accepting, []Effect{NotifyWillStart, HoldOthers, Prepare}},
		{"the 200 goes out", accepting, Prepared, answered, []Effect{SendOK, StartStreams}},
		{"no microphone socket", accepting, PrepareFailed, over, []Effect{SendRefusal, StopStreams, NotifyFailed, NotifyDidEnd}},
		{"the ACK", answered, GotConfirmation, calm, []Effect{UpdateStreams, NotifyDidStart, TryWish}},
		{"decline never fails", ringing, Reject, hangingUp, []Effect{NotifyWillEnd, SendRefusal, AwaitEnd}},
		{"the caller gives up", ringing, GotCancel, over, []Effect{StopPreparing, StopStreams, NotifyFailed, NotifyDidEnd}},
		{"nobody answers", ringing, RingTimeout, over, []Effect{SendRefusal, NotifyFailed, NotifyDidEnd}},

		{"hold", calm, Hold, changing, []Effect{KeepWish, SendReinvite}},
		{"the peer withdraws its request for an offer", offering, GotReinviteCancel, calm, []Effect{RollBackTheirs, TryWish}},
		{"hold while another change is open waits", changing, Unhold, changing, []Effect{KeepWish, HoldOthers}},
		{"hold worked", changing, GotReinviteOK, calm, []Effect{UpdateStreams, TryWish}},
		{"glare for us", changing, GotReinviteGlare, calm, []Effect{RollBack, AwaitGlare}},
		{"glare for them", changing, GotReinvite, changing, []Effect{RefuseGlare}},
		{"hold refused", changing, GotReinviteRefusal, calm, []Effect{RollBack}},
		{"held by the peer", calm, GotReinvite, calm, []Effect{AnswerReinvite, TryWish}},
		{"asked for an offer", calm, GotEmptyReinvite, offering, []Effect{OfferReinvite}},

		{"audio is proposed once its sockets are open", calm, AddAudio, waiting, []Effect{NotifyProposal, OpenStream}},
		{"the proposal goes out", waiting, Prepared, proposing, []Effect{SendReinvite}},
		{"the peer takes it", proposing, GotProposalOK, calm, []Effect{UpdateStreams, NotifyAccepted, TryWish}},
		{"the peer takes the change, not the stream", proposing, GotReinviteOK, calm, []Effect{DropProposal, UpdateStreams, NotifyRejected, TryWish}},
		{"both propose at once", proposing, GotReinviteGlare, waiting, []Effect{RollBack, AwaitGlare}},
		{"the peer was first", waiting, GotProposal, calm, []Effect{AnswerProposal, NotifyAccepted, TryWish}},
		{"withdrawn", proposing, CancelProposal, recalling, []Effect{SendReinviteCancel}},
		{"withdrawn too late", recalling, GotProposalOK, calm, []Effect{UpdateStreams, DropStream, NotifyRejected, TryWish}},
		{"the peer proposes", calm, GotProposal, proposed, []Effect{NotifyProposal, AwaitDecision}},
		{"accepted here", proposed, AcceptProposal, deciding, []Effect{OpenStream}},
		{"rejected here", proposed, RejectProposal, calm, []Effect{RefuseProposal, NotifyRejected, TryWish}},
		{"the peer withdraws", proposed, GotReinviteCancel, calm, []Effect{RollBackTheirs, NotifyRejected, TryWish}},
		{"overtaken by BYE", proposed, GotBye, over, []Effect{NotifyWillEnd, StopStreams, NotifyDidEnd}},
		{"audio removed", calm, RemoveAudio, changing, []Effect{DropStream, SendReinvite}},
		{"our address changed", calm, AddressChanged, changing, []Effect{MoveStreams, SendReinvite}},
		{"it changed during a hold", changing, AddressChanged, changing, []Effect{KeepMove}},
		{"redirected", inviting, GotRedirect, looking, []Effect{FollowRedirect, Prepare}},
		{"redirected to where there is no way", looking, GotRedirect, looking, []Effect{FollowRedirect, Prepare}},
		{"the caller is sent elsewhere", ringing, Redirect, hangingUp, []Effect{NotifyWillEnd, SendRefusal, AwaitEnd}},

		{"hang up", calm, End, hangingUp, []Effect{NotifyWillEnd, StopStreams, SendBye, AwaitEnd}},
		{"hang up during a hold", changing, End, hangingUp, []Effect{NotifyWillEnd, StopStreams, SendBye, AwaitEnd}},
		{"bye beats our hold", changing, GotBye, over, []Effect{NotifyWillEnd, StopStreams, NotifyDidEnd}},
		{"both hang up", hangingUp, GotBye, over, []Effect{NotifyDidEnd}},
		{"bye before the ACK", answered, GotBye, over, []Effect{NotifyWillEnd, StopStreams, NotifyDidEnd}},
		{"the peer was lost", calm, GotOver, over, []Effect{StopStreams, NotifyFailed, NotifyDidEnd}},
		{"nobody confirms the end", hangingUp, EndTimeout, over, []Effect{NotifyDidEnd}},
		{"the BYE was answered", hangingUp, GotOver, over, []Effect{NotifyDidEnd}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to, then, err := Next(tt.from, tt.in)
			if err != nil {
				t.Fatalf("Next(%v, %v): %v", tt.from, tt.in, err)
			}
			if to != tt.to {
				t.Errorf("Next(%v, %v) place = %v, want %v", tt.from, tt.in, to, tt.to)
			}
			if diff := cmp.Diff(tt.then, then); diff != "" {
				t.Errorf("Next(%v, %v) effects (-want +got):\n%s", tt.from, tt.in, diff)
			}
		})
	}
}

func TestNextRefuses(t *testing.T) {
	tests := []struct {
		from Place
		in   Input
	}{
		{Place{}, Accept},
		{Place{}, End},
		{ringing, Hold},
		{proposed, AddAudio},
		{proposing, RemoveAudio},
		{calm, AcceptProposal},
		{ringing, Transfer},
		{calm, Accept},
		{calm, Connect},
		{inviting, SendDTMF},
		{hangingUp, End},
		{over, Connect},
	}
	for _, tt := range tests {
		to, then, err := Next(tt.from, tt.in)
		var refused *InputError
		if !errors.As(err, &refused) || refused.Place != tt.from || refused.Input != tt.in {
			t.Errorf("Next(%v, %v) error = %v, want an *InputError that names both", tt.from, tt.in, err)
		}
		if to != tt.from || then != nil {
			t.Errorf("Next(%v, %v) = %v, %v, want no move", tt.from, tt.in, to, then)
		}
	}
}

// The table is read top down, so two rules for one pair would hide the second.
func TestRulesAreUnambiguous(t *testing.T) {
	type pair struct {
		in Place
		on Input
	}
	seen := map[pair]bool{}
	for _, r := range rules {
		for _, p := range r.in {
			k := pair{p, r.on}
			if seen[k] {
				t.Errorf("two rules for %v in %v", k.on, k.in)
			}
			seen[k] = true
		}
	}
}

func TestTerminatedAcceptsNothing(t *testing.T) {
	for in := range numInputs {
		if over.Accepts(in) {
			t.Errorf("Terminated accepts %v", in)
		}
	}
}

// Clients are told of a session before anything else of it.
func TestEveryCallIsIntroducedFirst(t *testing.T) {
	for _, row := range Rows() {
		if row.From != (Place{}) {
			continue
		}
		if e := row.Then[0]; e != NotifyNewOutgoing && e != NotifyNewIncoming {
			t.Errorf("%v in %v: the first effect is %v, want NotifyNewOutgoing or NotifyNewIncoming", row.On, row.From, e)
		}
	}
}

// Every way to Terminated ends with NotifyDidEnd, and no other move has it; a
// failure is told before the end.
func TestExactlyOneDidEnd(t *testing.T) {
	for _, row := range Rows() {
		ends := 0
		for i, e := range row.Then {
			if e == NotifyDidEnd {
				ends++
				if i != len(row.Then)-1 {
					t.Errorf("%v in %v: NotifyDidEnd is not the last effect", row.On, row.From)
				}
			}
		}
		want := 0
		if row.To.State == Terminated {
			want = 1
		}
		if ends != want {
			t.Errorf("%v in %v: %d NotifyDidEnd, want %d", row.On, row.From, ends, want)
		}
	}
}

// From every place that can be reached, Terminated can be reached.
func TestEveryCallCanEnd(t *testing.T) {
	next := map[Place][]Place{}
	reached := map[Place]bool{{}: true}
	for _, row := range Rows() {
		next[row.From] = append(next[row.From], row.To)
		reached[row.To] = true
	}
	for p := range reached {
		seen := map[Place]bool{}
		todo := []Place{p}
		for len(todo) > 0 {
			q := todo[0]
			todo = todo[1:]
			if !seen[q] {
				seen[q] = true
				todo = append(todo, next[q]...)
			}
		}
		if !seen[over] {
			t.Errorf("%v never reaches %v", p, over)
		}
	}
}

// sip.Call has four last events: Failed, Canceled, Hungup and Ended. After each
// of them nothing more is heard of the call, so each ends the session from every
// place that has a call.
func TestEveryLastEventEndsTheCall(t *testing.T) {
	places := withCall
	for _, p := range places {
		for _, in := range []Input{GotRefusal, GotCancel, GotBye, GotOver} {
			if to, _, err := Next(p, in); to != over || err != nil {
				t.Errorf("Next(%v, %v) = %v, %v, want %v", p, in, to, err, over)
			}
		}
	}
}

func TestNamesAreComplete(t *testing.T) {
	for in := range numInputs {
		if inputNames[in] == "" {
			t.Errorf("input %d has no name", in)
		}
	}
	for e := range numEffects {
		if effectNames[e] == "" {
			t.Errorf("effect %d has no name", e)
		}
	}
}
