package viewmodel_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/gui/i18n"
	"parley/gui/viewmodel"
	"parley/middleware"
	"parley/middleware/session"
)

func TestQuestionsOfACall(t *testing.T) {
	_ = i18n.Use(i18n.English)
	type snap = middleware.SessionSnapshot
	type question = viewmodel.Question
	now := time.Date(2026, 5, 13, 14, 0, 0, 0, time.UTC)
	bob := middleware.Peer{Name: "Bob", Address: "bob@example.org"}
	carol := middleware.Peer{Address: "200@example.org"}
	up := snap{Peer: bob, Place: session.Place{State: session.Established}, Started: now.Add(-time.Minute), Audio: middleware.Audio{Active: true}}
	with := func(change func(*snap)) snap { s := up; change(&s); return s }
	transfer := func(tr middleware.Transfer) snap { return with(func(s *snap) { s.Transfer = tr }) }
	tests := []struct {
		name string
		s    snap
		want question
	}{
		{"nothing", up, question{}},
		{"no sound", with(func(s *snap) { s.Audio.Active = false }), question{viewmodel.OfferAudio, "This call has no sound.", "Add audio", "", true}},
		{"just begun", with(func(s *snap) { s.Audio.Active, s.Started = false, now.Add(-time.Second) }), question{}},
		{"not up yet", with(func(s *snap) { s.Audio.Active, s.Place.State = false, session.Calling }), question{}},
		{"the peer wants sound", with(func(s *snap) { s.Proposal = middleware.Proposal{By: middleware.Remote, Audio: true} }), question{viewmodel.AskProposal, "Bob wants to talk.", "Accept", "Decline", true}},
		{"only chat, which is not to be had", with(func(s *snap) { s.Proposal = middleware.Proposal{By: middleware.Remote, Chat: true} }), question{}},
		{"we want sound", with(func(s *snap) { s.Proposal = middleware.Proposal{By: middleware.Local, Audio: true} }), question{viewmodel.AwaitProposal, "Waiting for Bob to agree to talk…", "", "Cancel", false}},
		{"sent on", transfer(middleware.Transfer{By: middleware.Remote, To: carol, Waiting: true}), question{viewmodel.AskTransfer, "Bob sends you on to 200.", "Call", "Stay", true}},
		{"going on", transfer(middleware.Transfer{By: middleware.Remote, To: carol, Started: true}), question{Kind: viewmodel.AwaitTransfer, Text: "Bob sends you on. Calling 200…"}},
		{"gone on", transfer(middleware.Transfer{By: middleware.Remote, To: carol, Started: true, Done: true}), question{Kind: viewmodel.AwaitTransfer, Text: "Bob has sent you on to 200."}},
		{"sending on", transfer(middleware.Transfer{By: middleware.Local, To: carol}), question{Kind: viewmodel.AwaitTransfer, Text: "Transferring to 200…"}},
		{"sending on, ringing", transfer(middleware.Transfer{By: middleware.Local, To: carol, Code: 180}), question{Kind: viewmodel.AwaitTransfer, Text: "Transferring to 200: ringing…"}},
		{"sending on, queued", transfer(middleware.Transfer{By: middleware.Local, To: carol, Code: 182}), question{Kind: viewmodel.AwaitTransfer, Text: "Transferring to 200: waiting in a queue…"}},
		{"sent on for good", transfer(middleware.Transfer{By: middleware.Local, To: carol, Code: 200, Done: true}), question{Kind: viewmodel.AwaitTransfer, Text: "Transferred to 200."}},
	}
	for _, tt := range tests {
		v := viewmodel.NewCall(tt.s, now, func(id string) string { return id })
		if diff := cmp.Diff(tt.want, v.Question); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if want := tt.s.Transfer == (middleware.Transfer{}) && tt.s.State() == session.Established; v.CanTransfer != want {
			t.Errorf("%s: CanTransfer = %t, want %t", tt.name, v.CanTransfer, want)
		}
	}
}

func TestConsultingWaitsForTheAnswer(t *testing.T) {
	_ = i18n.Use(i18n.English)
	want := viewmodel.Question{Kind: viewmodel.AskConsultation, Text: "Connect Anna with Bob?", Yes: "Complete transfer", No: "Back to Anna"}
	if got := viewmodel.Consulting(viewmodel.Call{Title: "Bob"}, "Anna"); got != want {
		t.Errorf("while it rings: %+v, want %+v", got, want)
	}
	want.CanYes = true
	if got := viewmodel.Consulting(viewmodel.Call{Title: "Bob", Talking: true}, "Anna"); got != want {
		t.Errorf("after the answer: %+v, want %+v", got, want)
	}
}

func TestShortNamesFitIntoButtons(t *testing.T) {
	for name, want := range map[string]string{
		"Anna Meyer": "Anna Meyer", "bob@example.org": "bob", "A name that no button has room for": "A name that no butt…",
	} {
		if got := viewmodel.Short(name); got != want {
			t.Errorf("Short(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestBannersOfWhatFailed(t *testing.T) {
	_ = i18n.Use(i18n.English)
	for _, tt := range []struct {
		got  viewmodel.Banner
		want string
	}{
		{viewmodel.TransferFailed(middleware.Failure{Kind: middleware.Busy}), "The transfer failed. The line is busy. The call was kept."},
		{viewmodel.TransferFailed(middleware.Failure{}), "The transfer failed. The call was kept."},
		{viewmodel.ForwardFailed("200@pbx.example", middleware.Failure{Kind: middleware.NotFound}), "A call could not be forwarded to 200@pbx.example and rings here. This number or address does not exist."},
		{viewmodel.DigitsNotSent("12#", middleware.Failure{Kind: middleware.LostPeer}), "“12#” was not sent. The connection to the other side was lost."},
		{viewmodel.DigitsNotSent("1", middleware.Failure{Kind: middleware.OtherFailure}), "“1” was not sent."},
		{viewmodel.ProposalRefused(middleware.Local, "timeout"), "The other side did not say whether it wants to talk."},
		{viewmodel.ProposalRefused(middleware.Local, "Not Acceptable Here"), "The other side does not want to talk."},
		{viewmodel.ProposalRefused(middleware.Local, "canceled"), ""},
		{viewmodel.ProposalRefused(middleware.Remote, "rejected"), ""},
	} {
		if tt.got.Text != tt.want {
			t.Errorf("got %q, want %q", tt.got.Text, tt.want)
		}
	}
}

func TestCountdownOfARingingCall(t *testing.T) {
	_ = i18n.Use(i18n.English)
	created := time.Date(2026, 5, 13, 14, 0, 0, 0, time.UTC)
	s := middleware.SessionSnapshot{Place: session.Place{State: session.Incoming}, Created: created, AutoAnswerAt: created.Add(5 * time.Second)}
	for _, tt := range []struct {
		after time.Duration
		want  viewmodel.Countdown
	}{
		{0, viewmodel.Countdown{Text: "Answers by itself in 5 seconds", Left: 1}},
		{2500 * time.Millisecond, viewmodel.Countdown{Text: "Answers by itself in 3 seconds", Left: 0.5}},
		{4 * time.Second, viewmodel.Countdown{Text: "Answers by itself in 1 second", Left: 0.2}},
		{6 * time.Second, viewmodel.Countdown{Text: "Answers by itself in 0 seconds"}},
	} {
		if got := viewmodel.NewCall(s, created.Add(tt.after), nil).Countdown; got != tt.want {
			t.Errorf("after %v: %+v, want %+v", tt.after, got, tt.want)
		}
	}
	s.AutoAnswerAt = time.Time{}
	if got := viewmodel.NewCall(s, created, nil).Countdown; got != (viewmodel.Countdown{}) {
		t.Errorf("without automatic answer: %+v", got)
	}
}

func TestBlockPattern(t *testing.T) {
	for uri, want := range map[string]string{
		"sip:+49301234@pbx.example;user=phone": "+49301234", "sip:spam@example.org": "spam@example.org", "sips:200@192.0.2.1:5061": "200",
	} {
		if got := viewmodel.BlockPattern(middleware.Peer{URI: uri}); got != want {
			t.Errorf("BlockPattern(%s) = %q, want %q", uri, got, want)
		}
	}
	anna := middleware.Peer{URI: "bonjour:1", Name: "Anna", Address: "Anna (laptop)"}
	if pattern, who := viewmodel.BlockPattern(anna), viewmodel.BlockName(anna); pattern != "bonjour:1" || who != "Anna (laptop)" {
		t.Errorf("a neighbour is blocked as %q and called %q", pattern, who)
	}
	if !viewmodel.CanBlock(middleware.SessionSnapshot{}) || !viewmodel.CanBlock(middleware.SessionSnapshot{Neighbour: "1", Verified: true}) ||
		viewmodel.CanBlock(middleware.SessionSnapshot{Neighbour: "1"}) {
		t.Error("callers can be blocked who could not be told from others, or the other way round")
	}
}

func TestConferenceNamesItsMembers(t *testing.T) {
	_ = i18n.Use(i18n.English)
	now := time.Date(2026, 5, 13, 14, 1, 5, 0, time.UTC)
	calls := []viewmodel.Call{{ID: 1, Title: "Anna", Status: "1:00", Tone: viewmodel.Good}, {ID: 2, Title: "Bob"}, {ID: 3, Title: "Carol", Status: "On hold 2:00", Tone: viewmodel.Notice}}
	c := middleware.ConferenceSnapshot{Members: []middleware.SessionID{1, 3}, Started: now.Add(-65 * time.Second)}
	want := viewmodel.Conference{
		Members: []viewmodel.Member{{1, "Anna", "1:00", viewmodel.Good}, {3, "Carol", "On hold 2:00", viewmodel.Notice}},
		Title:   "Conference of 3", Status: "1:05", Tone: viewmodel.Good, HoldWord: "Hold all", RecordWord: "Record all",
	}
	if diff := cmp.Diff(want, viewmodel.NewConference(c, calls, now)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c.OnHold, c.RecordingFile = true, "a.wav"
	want.OnHold, want.Recording, want.Status, want.Tone, want.HoldWord, want.RecordWord = true, true, "On hold 1:05", viewmodel.Notice, "Resume all", "Stop rec."
	if diff := cmp.Diff(want, viewmodel.NewConference(c, calls, now)); diff != "" {
		t.Errorf("on hold and recorded (-want +got):\n%s", diff)
	}
	if got := viewmodel.NewConference(middleware.ConferenceSnapshot{}, calls, now); len(got.Members) != 0 {
		t.Errorf("no conference: %+v", got)
	}
}

func TestEndedSaysWhereACallWent(t *testing.T) {
	_ = i18n.Use(i18n.English)
	start := time.Date(2026, 5, 13, 14, 0, 0, 0, time.UTC)
	s := middleware.SessionSnapshot{Started: start, Stopped: start.Add(7 * time.Second), Transfer: middleware.Transfer{By: middleware.Local, To: middleware.Peer{Name: "Carol", Address: "c@example.org"}, Done: true}}
	if got, want := viewmodel.NewEnded(s).Text, "Transferred to Carol. 0:07 talked."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	s.Transfer.To = middleware.Peer{}
	if got, want := viewmodel.NewEnded(s).Text, "Transferred. 0:07 talked."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLinesOfACall(t *testing.T) {
	_ = i18n.Use(i18n.English)
	bob, desk := middleware.Peer{Name: "Bob", Address: "bob@example.org"}, middleware.Peer{Address: "desk@example.org"}
	type snap = middleware.SessionSnapshot
	tests := []struct {
		s    snap
		want []string
	}{
		{snap{Direction: middleware.Incoming}, nil},
		{snap{Direction: middleware.Incoming, Identity: &middleware.Identity{From: bob, Asserted: bob, Subject: "Support queue"}}, []string{"“Support queue”"}},
		{
			snap{Direction: middleware.Incoming, Identity: &middleware.Identity{From: bob, Asserted: desk, Diverted: []middleware.Diversion{
				{Peer: middleware.Peer{Name: "Reception"}, Reason: "no-answer"}, {Peer: desk, Reason: "user-busy"}, {Peer: bob},
			}}},
			[]string{"via Reception (did not answer)", "via desk@example.org (was busy)", "calls itself Bob"},
		},
		{snap{Direction: middleware.Outgoing, Identity: &middleware.Identity{From: bob, Asserted: desk}}, []string{"reached: desk@example.org"}},
		{snap{Direction: middleware.Outgoing, Identity: &middleware.Identity{From: bob, Asserted: bob, Diverted: []middleware.Diversion{{Peer: desk}}}}, []string{"via desk@example.org (forwarded)"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, viewmodel.NewCall(tt.s, time.Time{}, func(id string) string { return id }).Lines); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.s.Identity, diff)
		}
	}
}

func TestBannersOfSilence(t *testing.T) {
	_ = i18n.Use(i18n.English)
	blocked, later := "Nothing is heard from the other side. A firewall or router may block the sound.", "Nothing has come from the other side for some seconds."
	for _, tt := range []struct {
		name string
		s    middleware.SessionSnapshot
		want []string
	}{
		{"from the start", middleware.SessionSnapshot{Audio: middleware.Audio{NoAudio: true}}, []string{blocked}},
		{"in the middle", middleware.SessionSnapshot{Audio: middleware.Audio{NoAudio: true, WasReceived: true}}, []string{later}},
		{"heard", middleware.SessionSnapshot{Audio: middleware.Audio{WasReceived: true}}, nil},
		{"on hold", middleware.SessionSnapshot{Audio: middleware.Audio{NoAudio: true}, OnHoldByLocal: true}, nil},
		{"another network", middleware.SessionSnapshot{Audio: middleware.Audio{NoAudio: true, WasReceived: true}, Reconnecting: true}, []string{"Network changed, reconnecting…"}},
	} {
		var got []string
		for _, b := range viewmodel.NewCall(tt.s, time.Time{}, func(id string) string { return id }).Banners {
			got = append(got, b.Text)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestAccountSaysThatItsCallsAreNotForwarded(t *testing.T) {
	_ = i18n.Use(i18n.English)
	a := middleware.AccountSnapshot{ID: "a@example.org", Enabled: true, Active: true, ForwardError: middleware.ErrNoTarget}
	want := "The newest call was not forwarded. That is neither a number nor an address."
	if got := viewmodel.NewAccount(a, time.Time{}).Reason; got != want {
		t.Errorf("Reason = %q, want %q", got, want)
	}
}

func TestSuggestionsArePeopleOnly(t *testing.T) {
	_ = i18n.Use(i18n.English)
	found := []middleware.Match{
		{Kind: middleware.MatchText, Target: "anna"},
		{Kind: middleware.MatchContact, Name: "Anna Meyer", Target: "sip:anna@example.org", Label: "work"},
		{Kind: middleware.MatchHistory, Target: "sip:annabel@example.net"},
		{Kind: middleware.MatchContact, Name: "Hanna", Target: "200"},
	}
	want := []viewmodel.Suggestion{{Text: "Anna Meyer · anna@example.org (work)", Target: "sip:anna@example.org"}, {Text: "annabel@example.net", Target: "sip:annabel@example.net"}}
	if diff := cmp.Diff(want, viewmodel.Suggestions("anna", found, nil, 2)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Neighbours are suggested by name; those who may be meant for somebody else come
// last, those who cannot be called not at all.
func TestSuggestionsOfNeighbours(t *testing.T) {
	_ = i18n.Use(i18n.English)
	around := []middleware.Neighbour{
		{ID: "2", Target: "bonjour:2", Name: "Anna", Host: "attic", Trust: middleware.TrustNew, Namesake: true},
		{ID: "1", Target: "bonjour:1", Name: "Anna", Host: "studio", Trust: middleware.TrustKnown},
		{ID: "3", Target: "bonjour:3", Name: "Anna", Host: "cellar", Trust: middleware.TrustBroken, Problem: middleware.ProblemKeyChanged},
		{ID: "4", Target: "bonjour:4", Name: "Anna with the very long name", Host: "garden"},
		{ID: "5", Target: "bonjour:5", Name: "Ben", Host: "shed"},
		{ID: "6", Target: "bonjour:6", Name: "Annegret", Host: "attic", Trust: middleware.TrustKnown},
	}
	found := []middleware.Match{
		{Kind: middleware.MatchContact, Name: "Annie", Target: "bonjour:6", Label: "work"},
		{Kind: middleware.MatchHistory, Name: "Anna", Target: "bonjour:3"},
		{Kind: middleware.MatchText, Target: "ann"},
	}
	want := []viewmodel.Suggestion{
		{Text: "Annie · on this network (work)", Target: "bonjour:6", Lock: viewmodel.PictureLocked, LockTone: viewmodel.Good},
		{Text: "Anna (studio)", Target: "bonjour:1", Lock: viewmodel.PictureLocked, LockTone: viewmodel.Good},
		{Text: "Anna with the very long name …", Target: "bonjour:4", Lock: viewmodel.PictureUnlocked},
		{Text: "Anna (attic)", Target: "bonjour:2", Doubtful: true, Lock: viewmodel.PictureLocked, LockTone: viewmodel.Notice},
	}
	if diff := cmp.Diff(want, viewmodel.Suggestions("ann", found, around, 9)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := viewmodel.Suggestions("ann", found, around, 2); len(got) != 2 {
		t.Errorf("%d people are suggested, want 2", len(got))
	}
}

func TestExplainErrorOfCommands(t *testing.T) {
	_ = i18n.Use(i18n.English)
	for want, err := range map[string]error{
		"The call is being transferred already.":                                    middleware.ErrTransferring,
		"A call can only be connected with another one that is up.":                 middleware.ErrOtherCall,
		"Nobody wants the call transferred any more.":                               middleware.ErrNoTransfer,
		"This call cannot be in a conference now: it must be up and have sound.":    fmt.Errorf("%w: call 1 is ringing", middleware.ErrNotJoinable),
		"The conference is over, or the call is no longer part of it.":              middleware.ErrNotMember,
		"The call has sound already.":                                               &session.InputError{Input: session.AddAudio, Why: middleware.ErrHasAudio},
		"The call is over.":                                                         middleware.ErrSessionOver,
		"The call does not allow that at the moment.":                               &session.InputError{Input: session.Transfer},
		"The account has no code for that. It belongs to the account's settings.":   middleware.ErrNoFeatureCode,
		"A number or name alone needs an account. Add one, or dial a full address.": &session.InputError{Input: session.Redirect, Why: middleware.ErrNoAccount},
	} {
		if got := viewmodel.ExplainError(err); got != want {
			t.Errorf("ExplainError(%v) = %q, want %q", err, got, want)
		}
	}
}
