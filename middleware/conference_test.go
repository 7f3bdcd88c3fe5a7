package middleware_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/media"
	"parley/media/mediatest"
	"parley/middleware"
	"parley/middleware/bus"
	"parley/middleware/middlewaretest"
	"parley/middleware/session"
	"parley/sip/siptest"
)

// A table is a phone in calls with others, oldest first. All but the last are on
// hold.
type table struct {
	*middlewaretest.Phone
	calls  []*middleware.Session
	others []*middlewaretest.Phone
	seen   int // of Notes
}

// around runs f with a phone that has called n others.
func around(t *testing.T, n int, f func(t *testing.T, a *table)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := middlewaretest.NewNet()
		a := &table{Phone: middlewaretest.NewPhone(t, network, "192.0.2.1")}
		for i := range n {
			other := middlewaretest.NewPhone(t, network, fmt.Sprintf("192.0.2.%d", i+2))
			other.Device.Sound = mediatest.Speech(uint64(i+2), 12*media.SampleRate, media.SampleRate)
			out, _ := connected(t, a.Phone, other)
			a.calls, a.others = append(a.calls, out), append(a.others, other)
		}
		soon()
		a.told()
		f(t, a)
		a.Stop()
		for _, o := range a.others {
			o.Stop()
		}
		if open := network.Media.Open(); open != 0 {
			t.Errorf("%d media sockets are open at the end, want none", open)
		}
	})
}

// told returns what was told since it was called last: of each session by its
// number, and of the conference, whose members and state stand for it.
func (a *table) told() map[string][]string {
	notes := a.Notes()
	got := map[string][]string{}
	for _, n := range notes[a.seen:] {
		if c, ok := n.(middleware.SIPConferenceDidChange); ok {
			got["conference"] = append(got["conference"], describe(c.Now))
			continue
		}
		s, ok := middleware.SessionOf(n)
		name := bus.Name(n)
		if ok && name != "SIPSessionDidChange" && name != "SIPSessionChangedState" && name != "SIPSessionGotStreamUpdate" {
			got[fmt.Sprint(s.ID)] = append(got[fmt.Sprint(s.ID)], strings.TrimPrefix(name, "SIPSession"))
		}
	}
	a.seen = len(notes)
	return got
}

// describe is a conference in short: "1 2 3 hold rec".
func describe(c middleware.ConferenceSnapshot) string {
	words := []string{}
	for _, id := range c.Members {
		words = append(words, fmt.Sprint(id))
	}
	if c.OnHold {
		words = append(words, "hold")
	}
	if c.RecordingFile != "" {
		words = append(words, "rec")
	}
	return strings.Join(words, " ")
}

// wantTold compares told with "1: GotHoldRequest GotUnholdRequest" and
// "conference: 1 2, 1 2 3".
func (a *table) wantTold(t *testing.T, what string, want ...string) {
	t.Helper()
	soon()
	var got []string
	for who, list := range a.told() {
		sep := " "
		if who == "conference" {
			sep = ", "
		}
		got = append(got, strings.TrimRight(who+": "+strings.Join(list, sep), " "))
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: told (-want +got):\n%s", what, diff)
	}
}

// wantHeld compares which calls are on hold by us, by their numbers, and that
// exactly the members know that they are.
func (a *table) wantHeld(t *testing.T, what string, want ...int) {
	t.Helper()
	var held []int
	for i, s := range a.calls {
		now := s.Snapshot()
		if now.State().Active() && now.OnHoldByLocal {
			held = append(held, i+1)
		}
		if member := a.sessions().Conference().Has(s.ID()); member != now.Conference {
			t.Errorf("%s: call %d says Conference = %v, want %v", what, s.ID(), now.Conference, member)
		}
	}
	if !slices.Equal(held, want) {
		t.Errorf("%s: on hold are %v, want %v", what, held, want)
	}
}

func (a *table) sessions() *middleware.SessionManager { return a.App.SessionManager() }

func (a *table) ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// hears reports how well one phone heard what another said, from when the
// conference was about to begin.
func hears(a *table, to, from int, since int) float64 {
	heard := a.others[to].Device.Played()
	return mediatest.Compare(a.others[from].Device.Sound, heard[min(since, len(heard)):], media.SampleRate).MedianCorrelation
}

func TestConferenceOfTwoCalls(t *testing.T) {
	around(t, 2, func(t *testing.T, a *table) {
		a.wantHeld(t, "at first", 1)
		a.others[1].Device.Say(nil) // the first alone speaks
		since := len(a.others[1].Device.Played())
		a.ok(t, a.sessions().Join(1, 2))
		a.wantTold(t, "joined", "1: GotUnholdRequest", "conference: 1 2")
		a.wantHeld(t, "joined")
		time.Sleep(5 * time.Second)
		if r := hears(a, 1, 0, since); r < 0.9 {
			t.Errorf("the second hears the first at %.2f, want 0.9", r)
		}
		a.ok(t, a.sessions().Part(1))
		a.wantTold(t, "parted", "1: GotHoldRequest", "conference:")
		a.wantHeld(t, "parted", 1)
		a.calls[0].Unhold()
		a.wantTold(t, "swapped", "1: GotUnholdRequest", "2: GotHoldRequest")
	})
}

func TestConferenceOfFivePhones(t *testing.T) {
	around(t, 4, func(t *testing.T, a *table) {
		m := a.sessions()
		a.ok(t, m.Join(4, 2))
		a.wantTold(t, "two", "2: GotUnholdRequest", "conference: 4 2")
		a.wantHeld(t, "two", 1, 3)
		a.ok(t, m.Join(1, 3, 4))
		a.wantTold(t, "four", "1: GotUnholdRequest", "3: GotUnholdRequest", "conference: 4 2 1 3")
		a.wantHeld(t, "four")
		a.ok(t, m.Part(2))
		a.wantTold(t, "three", "2: GotHoldRequest", "conference: 4 1 3")
		a.wantHeld(t, "three", 2)
		a.others[3].Session().End()
		a.wantTold(t, "one hangs up", "4: WillEnd DidEnd", "conference: 1 3")
		a.wantHeld(t, "one hangs up", 2)
		a.ok(t, m.Join(2))
		a.wantTold(t, "back", "2: GotUnholdRequest", "conference: 1 3 2")
		a.ok(t, m.EndConference())
		soon()
		end := a.told()
		for _, id := range []string{"1", "2", "3"} {
			if got := strings.Join(end[id], " "); got != "WillEnd DidEnd" {
				t.Errorf("at the end of session %s: %s", id, got)
			}
		}
		if got := end["conference"]; len(got) != 2 || got[1] != "" { // whose end is first is up to them
			t.Errorf("at the end of the conference: %q, want two members and then none", got)
		}
		if got := m.Conference(); len(got.Members) != 0 || got.OnHold {
			t.Errorf("Conference() = %+v, want none", got)
		}
	})
}

// The conference is one call among others: it is held and resumed as a whole.
func TestConferenceAndAnotherCall(t *testing.T) {
	around(t, 3, func(t *testing.T, a *table) {
		m := a.sessions()
		a.ok(t, m.Join(1, 2))
		a.wantTold(t, "joined", "1: GotUnholdRequest", "2: GotUnholdRequest", "3: GotHoldRequest", "conference: 1 2 hold, 1 2")
		a.calls[2].Unhold()
		a.wantTold(t, "the third", "1: GotHoldRequest", "2: GotHoldRequest", "3: GotUnholdRequest", "conference: 1 2 hold")
		a.wantHeld(t, "the third", 1, 2)
		a.calls[1].Unhold()
		a.wantTold(t, "one member", "1: GotUnholdRequest", "2: GotUnholdRequest", "3: GotHoldRequest", "conference: 1 2")
		a.wantHeld(t, "one member", 3)
		a.ok(t, m.HoldConference())
		a.wantTold(t, "all on hold", "1: GotHoldRequest", "2: GotHoldRequest", "conference: 1 2 hold")
		a.ok(t, m.HoldConference())
		a.wantTold(t, "once more")
		a.ok(t, m.UnholdConference())
		a.wantTold(t, "resumed", "1: GotUnholdRequest", "2: GotUnholdRequest", "conference: 1 2")
		a.calls[0].Hold()
		a.wantTold(t, "a member alone", "1: GotHoldRequest")
		a.ok(t, m.HoldConference())
		a.wantTold(t, "the rest", "2: GotHoldRequest", "conference: 1 2 hold")
		a.ok(t, m.Join(3))
		a.wantTold(t, "joining resumes", "1: GotUnholdRequest", "2: GotUnholdRequest", "3: GotUnholdRequest", "conference: 1 2 3 hold, 1 2 3")
		a.wantHeld(t, "joining resumes")
	})
}

func TestAnsweringHoldsTheConference(t *testing.T) {
	around(t, 3, func(t *testing.T, a *table) {
		a.calls[2].End()
		soon()
		a.ok(t, a.sessions().Join(1, 2))
		soon()
		a.told()
		a.others[2].Dial(a.URI())
		soon()
		a.Session().Accept()
		a.wantTold(t, "answered", "1: GotHoldRequest", "2: GotHoldRequest", "4: NewIncoming WillStart DidStart", "conference: 1 2 hold")
		a.ok(t, a.sessions().Part(2))
		a.wantTold(t, "parted on hold", "conference:")
		a.wantHeld(t, "parted on hold", 1, 2)
	})
}

func TestConferenceRefuses(t *testing.T) {
	around(t, 2, func(t *testing.T, a *table) {
		m := a.sessions()
		ringing := a.Dial("sip:nobody@192.0.2.99:5060")
		soon()
		a.told()
		for _, tt := range []struct {
			what string
			err  error
			want error
		}{
			{"nobody", m.Join(), middleware.ErrNotJoinable},
			{"one", m.Join(1), middleware.ErrNotJoinable},
			{"one twice", m.Join(2, 2), middleware.ErrNotJoinable},
			{"a call that rings", m.Join(1, 2, ringing.ID()), middleware.ErrNotJoinable},
			{"nobody's call", m.Join(1, 99), middleware.ErrNotJoinable},
			{"Part", m.Part(1), middleware.ErrNoConference},
			{"HoldConference", m.HoldConference(), middleware.ErrNoConference},
			{"UnholdConference", m.UnholdConference(), middleware.ErrNoConference},
			{"EndConference", m.EndConference(), middleware.ErrNoConference},
			{"StartConferenceRecording", m.StartConferenceRecording(""), middleware.ErrNoConference},
			{"StopConferenceRecording", m.StopConferenceRecording(), middleware.ErrNotRecording},
		} {
			if !errors.Is(tt.err, tt.want) {
				t.Errorf("%s: %v, want %v", tt.what, tt.err, tt.want)
			}
		}
		a.wantTold(t, "refused")
		a.ok(t, m.Join(1, 2))
		if err := m.Part(99); !errors.Is(err, middleware.ErrNotMember) {
			t.Errorf("Part(99) = %v, want %v", err, middleware.ErrNotMember)
		}
		ringing.End()
		time.Sleep(40 * time.Second)
	})
}

func TestConferenceIsRecorded(t *testing.T) {
	around(t, 2, func(t *testing.T, a *table) {
		m := a.sessions()
		a.others[1].Device.Say(nil)
		a.ok(t, m.Join(1, 2))
		soon()
		a.told()
		if err := m.StartConferenceRecording("call.wav"); err == nil {
			t.Error("StartConferenceRecording with a relative path = nil, want an error")
		}
		file := filepath.Join(t.TempDir(), "more", "conference.wav")
		a.ok(t, m.StartConferenceRecording(file))
		if err := m.StartConferenceRecording(""); !errors.Is(err, middleware.ErrRecording) {
			t.Errorf("a second recording: %v, want %v", err, middleware.ErrRecording)
		}
		a.wantTold(t, "started", "conference: 1 2 rec")
		time.Sleep(5 * time.Second)
		a.ok(t, m.StopConferenceRecording())
		a.wantTold(t, "stopped", "conference: 1 2")
		_, right := readStereo(t, file)
		if r := mediatest.Compare(right[media.SampleRate:4*media.SampleRate], a.others[0].Device.Sound, media.SampleRate); r.MedianCorrelation < 0.9 {
			t.Errorf("the recording's right holds %+v, want the first member", r)
		}
		a.ok(t, m.StartConferenceRecording(""))
		if name := m.Conference().RecordingFile; filepath.Dir(name) != a.Profile.RecordingsDir() {
			t.Errorf("the recording is %q, want it in %q", name, a.Profile.RecordingsDir())
		}
		a.calls[0].End()
		a.wantTold(t, "its end", "1: WillEnd DidEnd", "conference: 1 2 rec,")
	})
}

// A member whose peer refuses to be held goes on being spoken to; the others are
// on hold, and the conference is not.
func TestConferenceHoldThatFails(t *testing.T) {
	around(t, 3, func(t *testing.T, a *table) {
		a.ok(t, a.sessions().Join(1, 2, 3))
		soon()
		a.told()
		a.Net.SIP.SetHook(func(p siptest.Packet) (time.Duration, bool) {
			return 0, p.To.Addr().String() == "192.0.2.3" && strings.HasPrefix(string(p.Data), "INVITE")
		})
		a.ok(t, a.sessions().HoldConference())
		time.Sleep(20 * time.Second)
		a.wantTold(t, "two are held", "1: GotHoldRequest", "3: GotHoldRequest")
		if now := a.calls[1].Snapshot(); !now.HoldPending || a.sessions().Conference().OnHold {
			t.Errorf("HoldPending = %v, the conference's OnHold = %v, want true, false", now.HoldPending, a.sessions().Conference().OnHold)
		}
		a.Net.SIP.SetHook(nil)
	})
}

// A member hangs up while it is being joined: whoever is first, nothing is left of
// it in the conference.
func TestJoinAndHangUpCross(t *testing.T) {
	for _, joinFirst := range []bool{true, false} {
		for _, far := range []bool{true, false} {
			around(t, 3, func(t *testing.T, a *table) {
				end := a.calls[1].End
				if far {
					end = a.others[1].Session().End
				}
				if !joinFirst {
					end()
				}
				release := a.calls[1].Stall()
				err := a.sessions().Join(1, 2, 3)
				if joinFirst {
					end()
				}
				release()
				time.Sleep(2 * time.Second)
				synctest.Wait()
				want := "1 3"
				if err != nil {
					want = ""
				}
				if got := describe(a.sessions().Conference()); got != want {
					t.Errorf("join first %v, far end %v: the conference is %q, want %q after %v", joinFirst, far, got, want, err)
				}
				if got := a.calls[1].Snapshot().State(); got != session.Terminated {
					t.Errorf("the member is %v, want Terminated", got)
				}
				if err == nil {
					a.wantHeld(t, "after all")
				}
			})
		}
	}
}

// The far ends hold and resume, which is their own affair.
func TestConferenceMemberPutsUsOnHold(t *testing.T) {
	around(t, 2, func(t *testing.T, a *table) {
		a.ok(t, a.sessions().Join(1, 2))
		soon()
		a.told()
		a.others[0].Session().Hold()
		a.wantTold(t, "held by a member", "1: GotHoldRequest")
		a.wantHeld(t, "held by a member")
		a.others[0].Session().Unhold()
		a.wantTold(t, "and back", "1: GotUnholdRequest")
	})
}
