package viewmodel_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/gui/viewmodel"
	"parley/middleware"
	"parley/middleware/registration"
	"parley/middleware/session"
)

var now = time.Date(2026, 5, 13, 14, 2, 7, 0, time.UTC) // a Wednesday

func label(id string) string { return "<" + id + ">" }

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0:00", 0: "0:00", 7 * time.Second: "0:07", 187 * time.Second: "3:07",
		3787 * time.Second: "1:03:07", 100 * time.Hour: "100:00:00", 1999 * time.Millisecond: "0:01",
	} {
		if got := viewmodel.Duration(d); got != want {
			t.Errorf("Duration(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestWhen(t *testing.T) {
	tests := []struct {
		at   time.Time
		want string
	}{
		{now, "14:02"},
		{now.Add(-14 * time.Hour), "00:02"},
		{now.Add(-15 * time.Hour), "Yesterday"},
		{now.AddDate(0, 0, -2), "Mon"},
		{now.AddDate(0, 0, -6), "Thu"},
		{now.AddDate(0, 0, -7), "6 May"},
		{now.AddDate(-1, 0, 0), "2025-05-13"},
		{now.Add(time.Hour), "15:02"},
		{now.In(time.FixedZone("east", 12*3600)), "14:02"}, // the zone of now counts
	}
	for _, tt := range tests {
		if got := viewmodel.When(tt.at, now); got != tt.want {
			t.Errorf("When(%v) = %q, want %q", tt.at, got, tt.want)
		}
	}
}

func TestShortURIAndPersonOf(t *testing.T) {
	for uri, want := range map[string]string{
		"sip:bob@example.org": "bob@example.org", "SIPS:bob@example.org;transport=tls?x=y": "bob@example.org",
		"tel:+4930123": "+4930123", "echo": "echo", "sip:": "sip:", "": "",
	} {
		if got := viewmodel.ShortURI(uri); got != want {
			t.Errorf("ShortURI(%q) = %q, want %q", uri, got, want)
		}
	}
	tests := []struct{ name, address, want string }{
		{"Anna", "anna@example.org", "Anna"},
		{"", "anna@example.org", "anna@example.org"},
		{"", "+49 30-12@pbx", "+49 30-12"},
		{"", "1a@pbx", "1a@pbx"},
		{"", "", "Unknown"},
	}
	for _, tt := range tests {
		if got := viewmodel.PersonOf(tt.name, tt.address); got != tt.want {
			t.Errorf("PersonOf(%q, %q) = %q, want %q", tt.name, tt.address, got, tt.want)
		}
	}
}

func snapshot(state session.State, e session.Exchange) middleware.SessionSnapshot {
	return middleware.SessionSnapshot{
		ID: 1, Place: session.Place{State: state, Exchange: e}, Direction: middleware.Outgoing, Account: "me@example.org",
		Peer: middleware.Peer{Name: "Anna", Address: "anna@example.org", URI: "sip:anna@example.org"},
	}
}

func TestCallStatus(t *testing.T) {
	set := func(s middleware.SessionSnapshot, f func(*middleware.SessionSnapshot)) middleware.SessionSnapshot {
		f(&s)
		return s
	}
	up := set(snapshot(session.Established, session.Idle), func(s *middleware.SessionSnapshot) { s.Started = now.Add(-187 * time.Second) })
	calling := snapshot(session.Calling, session.LocalOffer)
	progress := func(p middleware.Progress) middleware.SessionSnapshot {
		return set(calling, func(s *middleware.SessionSnapshot) { s.Progress = p })
	}
	tests := []struct {
		in   middleware.SessionSnapshot
		want string
		tone viewmodel.Tone
	}{
		{snapshot(session.Calling, session.Idle), "Looking up…", viewmodel.Notice},
		{progress(middleware.Progress{Inviting: true}), "Calling…", viewmodel.Notice},
		{progress(middleware.Progress{Inviting: true, Code: 180, Ringing: true}), "Ringing…", viewmodel.Notice},
		{progress(middleware.Progress{Inviting: true, EarlyMedia: true, Code: 183}), "Announcement…", viewmodel.Notice},
		{progress(middleware.Progress{Inviting: true, Code: 182}), "Waiting in a queue…", viewmodel.Notice},
		{progress(middleware.Progress{Inviting: true, Code: 181}), "Being forwarded…", viewmodel.Notice},
		{snapshot(session.Incoming, session.RemoteOffer), "Incoming call", viewmodel.Notice},
		{snapshot(session.Accepting, session.Idle), "Connecting…", viewmodel.Notice},
		{snapshot(session.Established, session.Idle), "Connecting…", viewmodel.Notice},
		{up, "3:07", viewmodel.Good},
		{set(up, func(s *middleware.SessionSnapshot) { s.OnHoldByLocal = true }), "On hold 3:07", viewmodel.Notice},
		{set(up, func(s *middleware.SessionSnapshot) { s.OnHoldByRemote = true }), "3:07", viewmodel.Good},
		{snapshot(session.Terminating, session.Idle), "Hanging up…", viewmodel.Neutral},
		{snapshot(session.Terminated, session.Idle), "Ended", viewmodel.Neutral},
	}
	for _, tt := range tests {
		got := viewmodel.NewCall(tt.in, now, label)
		if got.Status != tt.want || got.Tone != tt.tone {
			t.Errorf("NewCall(%v, %+v): status %q, tone %d, want %q, %d", tt.in.Place, tt.in.Progress, got.Status, got.Tone, tt.want, tt.tone)
		}
	}
}

// What may be pressed is what the rules of sessions allow.
func TestCallButtonsFollowTheRules(t *testing.T) {
	type can struct{ Answer, Hold, Keys, Record, End bool }
	tests := []struct {
		place session.Place
		want  can
	}{
		{session.Place{State: session.Incoming, Exchange: session.RemoteOffer}, can{Answer: true, End: true}},
		{session.Place{State: session.Calling, Exchange: session.Idle}, can{End: true}},
		{session.Place{State: session.Calling, Exchange: session.LocalOffer}, can{End: true}},
		{session.Place{State: session.Accepting, Exchange: session.Idle}, can{End: true}},
		{session.Place{State: session.Established, Exchange: session.Idle}, can{Hold: true, Keys: true, Record: true, End: true}},
		{session.Place{State: session.Established, Exchange: session.LocalOffer}, can{Hold: true, Keys: true, Record: true, End: true}},
		{session.Place{State: session.Terminating, Exchange: session.Idle}, can{}},
		{session.Place{State: session.Terminated, Exchange: session.Idle}, can{}},
	}
	for _, tt := range tests {
		s := snapshot(tt.place.State, tt.place.Exchange)
		s.Audio.Active = true
		v := viewmodel.NewCall(s, now, label)
		if got := (can{v.Answer, v.CanHold, v.CanKeys, v.CanRecord, v.CanEnd}); got != tt.want {
			t.Errorf("NewCall(%v) may %+v, want %+v", tt.place, got, tt.want)
		}
	}
}

func TestCallSubtitle(t *testing.T) {
	in, direct, echo := snapshot(session.Incoming, session.RemoteOffer), snapshot(session.Incoming, session.RemoteOffer), snapshot(session.Calling, session.Idle)
	in.Direction = middleware.Incoming
	direct.Account = ""
	echo.Echo = true
	passed := in
	passed.Identity = &middleware.Identity{Diverted: []middleware.Diversion{
		{Peer: middleware.Peer{Name: "Reception", Address: "100@example.org"}}, {Peer: middleware.Peer{Address: "200@example.org"}},
	}}
	sent := snapshot(session.Calling, session.Idle)
	sent.RedirectedTo = middleware.Peer{Address: "anna@example.net"}
	for want, s := range map[string]middleware.SessionSnapshot{
		"anna@example.org · sent on to anna@example.net · from <me@example.org>": sent,
		"anna@example.org · from <me@example.org>":                               snapshot(session.Calling, session.Idle),
		"anna@example.org · to <me@example.org>":                                 in,
		"anna@example.org · via Reception · to <me@example.org>":                 passed,
		"anna@example.org · direct call":                                         direct,
		"Inside Parley: says back what it hears":                                 echo,
	} {
		if got := viewmodel.NewCall(s, now, label).Subtitle; got != want {
			t.Errorf("Subtitle = %q, want %q", got, want)
		}
	}
}

func TestPadlockIsTruthful(t *testing.T) {
	tests := []struct {
		e    middleware.Encryption
		word string
		icon viewmodel.Picture
	}{
		{middleware.NotEncrypted, "Not encrypted", viewmodel.PictureUnlocked},
		{middleware.KeyInClear, "Encrypted, key sent in clear", viewmodel.PictureLocked},
		{middleware.Encrypted, "Encrypted", viewmodel.PictureLocked},
	}
	for _, tt := range tests {
		s := snapshot(session.Established, session.Idle)
		s.Audio = middleware.Audio{Active: true, Encryption: tt.e}
		if v := viewmodel.NewCall(s, now, label); v.Lock != tt.word || v.LockIcon != tt.icon {
			t.Errorf("%v: lock %q %q, want %q %q", tt.e, v.Lock, v.LockIcon, tt.word, tt.icon)
		}
	}
	if v := viewmodel.NewCall(snapshot(session.Calling, session.Idle), now, label); v.Lock != "" {
		t.Errorf("lock %q before there is sound, want none", v.Lock)
	}
}

func TestCallBanners(t *testing.T) {
	s := snapshot(session.Established, session.Idle)
	s.Audio.NoAudio, s.Audio.RecordingFile, s.OnHoldByRemote, s.HoldFailed = true, "/r.wav", true, true
	var got []string
	for _, b := range viewmodel.NewCall(s, now, label).Banners {
		got = append(got, b.Text)
	}
	want := []string{"Recording both sides.", "The other side has put you on hold.", "The other side refused the change of hold."}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("banners of a held call (-want +got):\n%s", diff)
	}
	s.OnHoldByRemote, s.HoldFailed, s.Audio.RecordingFile = false, false, ""
	if got := viewmodel.NewCall(s, now, label).Banners; len(got) != 1 || got[0].Tone != viewmodel.Bad {
		t.Errorf("banners of a silent call = %v, want one", got)
	}
	s.Audio.WasReceived, s.Audio.NoAudio = true, false
	if got := viewmodel.NewCall(s, now, label).Banners; len(got) != 0 {
		t.Errorf("banners after sound has come = %v, want none", got)
	}
}

func TestCallDetails(t *testing.T) {
	s := snapshot(session.Established, session.Idle)
	s.Audio = middleware.Audio{Active: true, Codec: "opus", SampleRate: 48000, PacketTime: 20 * time.Millisecond, Suite: "AES_CM_128_HMAC_SHA1_80"}
	s.CallID, s.RemoteUserAgent = "abc", "baresip"
	got := viewmodel.CallDetails(s, viewmodel.Quality{
		Received: 95, Lost: 5, Jitter: 5600 * time.Microsecond, RTT: 28 * time.Millisecond, Buffer: 40 * time.Millisecond, RemotePercent: 0.5,
	})
	want := []viewmodel.Pair{
		{Name: "Sound", Value: "opus, 48 kHz, 20 ms packets"},
		{Name: "Loss", Value: "5.0 % here, 0.5 % there"},
		{Name: "Jitter", Value: "6 ms"},
		{Name: "Round trip", Value: "28 ms"},
		{Name: "Buffer", Value: "40 ms"},
		{Name: "Cipher", Value: "AES_CM_128_HMAC_SHA1_80"},
		{Name: "Their phone", Value: "baresip"},
		{Name: "Call-ID", Value: "abc"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("CallDetails (-want +got):\n%s", diff)
	}
}

func TestEnded(t *testing.T) {
	base := snapshot(session.Terminated, session.Idle)
	tests := []struct {
		name string
		set  func(*middleware.SessionSnapshot)
		text string
		tone viewmodel.Tone
	}{
		{"they hung up", func(s *middleware.SessionSnapshot) {
			s.Started, s.Stopped, s.End.By = now, now.Add(187*time.Second), middleware.Remote
		}, "The other side hung up. 3:07 talked.", viewmodel.Neutral},
		{"we hung up", func(s *middleware.SessionSnapshot) {
			s.Started, s.Stopped, s.End.By = now, now.Add(7*time.Second), middleware.Local
		}, "You hung up. 0:07 talked.", viewmodel.Neutral},
		{"busy", func(s *middleware.SessionSnapshot) {
			s.End = middleware.EndReason{By: middleware.Remote, Failure: middleware.Failure{Kind: middleware.Busy}}
		}, "The line is busy.", viewmodel.Bad},
		{"given up", func(s *middleware.SessionSnapshot) {
			s.End = middleware.EndReason{By: middleware.Local, Failure: middleware.Failure{Kind: middleware.Canceled}}
		}, "The call was canceled.", viewmodel.Neutral},
		{"missed", func(s *middleware.SessionSnapshot) {
			s.Direction = middleware.Incoming
			s.End = middleware.EndReason{By: middleware.Remote, Failure: middleware.Failure{Kind: middleware.Canceled}}
		}, "Missed call", viewmodel.Bad},
	}
	for _, tt := range tests {
		s := base
		tt.set(&s)
		got := viewmodel.NewEnded(s)
		if got.Text != tt.text || got.Tone != tt.tone || got.Target != "sip:anna@example.org" {
			t.Errorf("%s: NewEnded = %q, tone %d, target %q, want %q, %d", tt.name, got.Text, got.Tone, got.Target, tt.text, tt.tone)
		}
	}
}

func TestAccount(t *testing.T) {
	up := middleware.AccountSnapshot{ID: "a@b", Enabled: true, Active: true}
	with := func(f func(*middleware.AccountSnapshot)) middleware.AccountSnapshot {
		a := up
		f(&a)
		return a
	}
	tests := []struct {
		in   middleware.AccountSnapshot
		want viewmodel.Account
	}{
		{middleware.AccountSnapshot{ID: "a@b"}, viewmodel.Account{Word: "Off"}},
		{middleware.AccountSnapshot{ID: "a@b", Enabled: true}, viewmodel.Account{Word: "Offline", Enabled: true}},
		{up, viewmodel.Account{Word: "Outgoing calls only", Enabled: true, Tone: viewmodel.Good}},
		{
			with(func(a *middleware.AccountSnapshot) { a.Registration = registration.Registering }),
			viewmodel.Account{Word: "Connecting…", Enabled: true, Tone: viewmodel.Notice},
		},
		{with(func(a *middleware.AccountSnapshot) {
			a.Registration, a.Expires, a.Default = registration.Registered, now.Add(10*time.Minute), true
		}), viewmodel.Account{Word: "Ready", Enabled: true, Default: true, Tone: viewmodel.Good, Reason: "Registered until 14:12."}},
		{with(func(a *middleware.AccountSnapshot) {
			a.Registration = registration.Failed
			a.Failure = middleware.Failure{Kind: middleware.BadPassword, Account: "a@b", Code: 401, Reason: "Unauthorized"}
		}), viewmodel.Account{
			Word: "Not connected", Enabled: true, Tone: viewmodel.Bad, Login: true, CanRetry: true,
			Reason: "The server refused the password for a@b.", Facts: "SIP 401 Unauthorized  ",
		}},
		{with(func(a *middleware.AccountSnapshot) {
			a.Registration, a.NextTry = registration.Failed, now.Add(8*time.Second)
			a.Failure = middleware.Failure{Kind: middleware.ServerTimeout, Host: "b"}
		}), viewmodel.Account{
			Word: "Not connected", Enabled: true, Tone: viewmodel.Bad, CanRetry: true,
			Reason: "b did not answer in time. Next try at 14:02:15.",
		}},
	}
	for _, tt := range tests {
		tt.want.ID, tt.want.Label = "a@b", "a@b"
		if diff := cmp.Diff(tt.want, viewmodel.NewAccount(tt.in, now)); diff != "" {
			t.Errorf("NewAccount(%v) (-want +got):\n%s", tt.in.Registration, diff)
		}
	}
}

func TestChip(t *testing.T) {
	good := viewmodel.Account{Label: "a", Word: "Ready", Tone: viewmodel.Good}
	standard := viewmodel.Account{Label: "b", Word: "Ready", Tone: viewmodel.Good, Default: true}
	bad := viewmodel.Account{Label: "c", Word: "Not connected", Tone: viewmodel.Bad}
	tests := []struct {
		in   []viewmodel.Account
		want viewmodel.Chip
	}{
		{nil, viewmodel.Chip{Label: "No account", Word: "Add one to call anybody"}},
		{[]viewmodel.Account{good, standard}, viewmodel.Chip{Label: "b", Word: "Ready", Tone: viewmodel.Good}},
		{[]viewmodel.Account{good, bad}, viewmodel.Chip{Label: "a", Word: "1 other account is not connected", Tone: viewmodel.Notice}},
		{[]viewmodel.Account{standard, bad, bad}, viewmodel.Chip{Label: "b", Word: "2 other accounts are not connected", Tone: viewmodel.Notice}},
		{[]viewmodel.Account{bad}, viewmodel.Chip{Label: "c", Word: "Not connected", Tone: viewmodel.Bad}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, viewmodel.NewChip(tt.in)); diff != "" {
			t.Errorf("NewChip (-want +got):\n%s", diff)
		}
	}
}

func TestRecent(t *testing.T) {
	tests := []struct {
		in   middleware.HistoryEntry
		want viewmodel.Recent
	}{
		{
			middleware.HistoryEntry{ID: 1, Direction: "in", PeerName: "Anna", PeerURI: "sip:anna@example.org", Start: now, Answered: now, End: now.Add(221 * time.Second), Outcome: middleware.OutcomeAnswered},
			viewmodel.Recent{ID: 1, Name: "Anna", Title: "Anna", Took: "3:41", Picture: viewmodel.PictureIncoming, Target: "sip:anna@example.org"},
		},
		{
			middleware.HistoryEntry{ID: 2, Direction: "in", PeerURI: "sip:+4930@pbx", Start: now, End: now, Outcome: middleware.OutcomeMissed},
			viewmodel.Recent{ID: 2, Title: "+4930", Note: "missed", Tone: viewmodel.Bad, Picture: viewmodel.PictureMissed, Target: "sip:+4930@pbx"},
		},
		{
			middleware.HistoryEntry{ID: 3, Direction: "out", PeerURI: "sip:x@y", Start: now, End: now, Outcome: middleware.OutcomeFailed},
			viewmodel.Recent{ID: 3, Title: "x@y", Note: "failed", Tone: viewmodel.Bad, Picture: viewmodel.PictureOutgoing, Target: "sip:x@y"},
		},
		{
			middleware.HistoryEntry{ID: 4, Direction: "in", PeerURI: "sip:x@y", Start: now, End: now, Outcome: middleware.OutcomeElsewhere, Recording: "/r.wav"},
			viewmodel.Recent{ID: 4, Title: "x@y", Note: "elsewhere · recorded", Picture: viewmodel.PictureIncoming, Target: "sip:x@y", Recording: "/r.wav"},
		},
		{
			middleware.HistoryEntry{ID: 5, Direction: "out", PeerURI: "sip:x@y", Start: now, Answered: now.Add(-time.Second)},
			viewmodel.Recent{ID: 5, Title: "x@y", Note: "now", Picture: viewmodel.PictureOutgoing, Target: "sip:x@y"},
		},
	}
	for _, tt := range tests {
		tt.want.When, tt.want.Exact = "14:02", "2026-05-13 14:02:07"
		if diff := cmp.Diff(tt.want, viewmodel.NewRecent(tt.in, now)); diff != "" {
			t.Errorf("NewRecent(%d) (-want +got):\n%s", tt.in.ID, diff)
		}
	}
}

func TestDeviceChoices(t *testing.T) {
	list := []middleware.Device{
		{ID: "1", Name: "Headset", Input: true, Output: true},
		{ID: "2", Name: "Speakers", Output: true},
		{ID: "3", Name: "Mic", Input: true},
		{ID: "4", Name: "Mic", Input: true},
	}
	tests := []struct {
		chosen string
		want   []viewmodel.Choice
	}{
		{"default", []viewmodel.Choice{{Value: "default", Label: "System default"}, {Value: "Headset", Label: "Headset"}, {Value: "3", Label: "Mic (3)"}, {Value: "4", Label: "Mic (4)"}, {Value: "null", Label: "None (silence)"}}},
		{"Gone", []viewmodel.Choice{{Value: "default", Label: "System default"}, {Value: "Headset", Label: "Headset"}, {Value: "3", Label: "Mic (3)"}, {Value: "4", Label: "Mic (4)"}, {Value: "null", Label: "None (silence)"}, {Value: "Gone", Label: "Gone (not connected)"}}},
		{"1", []viewmodel.Choice{{Value: "default", Label: "System default"}, {Value: "1", Label: "Headset"}, {Value: "3", Label: "Mic (3)"}, {Value: "4", Label: "Mic (4)"}, {Value: "null", Label: "None (silence)"}}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, viewmodel.InputDevices(list, tt.chosen)); diff != "" {
			t.Errorf("InputDevices(%q) (-want +got):\n%s", tt.chosen, diff)
		}
	}
}

func TestAudioAndProblemBanners(t *testing.T) {
	a := middleware.AudioSnapshot{Trouble: map[string]string{"alert": "Bell", "input": "USB mic"}}
	got := viewmodel.AudioBanners(a)
	want := []viewmodel.Banner{
		{Tone: viewmodel.Notice, Text: "The microphone “USB mic” is missing. The others hear silence until it is back."},
		{Tone: viewmodel.Notice, Text: "The ring device “Bell” is missing."},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("AudioBanners (-want +got):\n%s", diff)
	}
	got = viewmodel.AudioBanners(middleware.AudioSnapshot{Trouble: map[string]string{"input": "file:/tmp/x.txt"}})
	want = []viewmodel.Banner{{Tone: viewmodel.Notice, Text: "The sound file “/tmp/x.txt” cannot be used: it is no WAV file, or it cannot be opened. There is silence in its place."}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("AudioBanners of a file (-want +got):\n%s", diff)
	}
	got = viewmodel.ProblemBanners([]middleware.Problem{{Line: 7, Column: 3, Text: "unknown key.", Kept: "/p/settings.toml.bad"}, {Text: "no history."}, {Line: 1, Column: 2, Text: "syntax error", Kept: "/p/bad"}})
	want = []viewmodel.Banner{
		{Tone: viewmodel.Notice, Text: "Settings, line 7, column 3: unknown key. The file is kept as /p/settings.toml.bad."},
		{Tone: viewmodel.Notice, Text: "Settings: no history."},
		{Tone: viewmodel.Notice, Text: "Settings, line 1, column 2: syntax error. The file is kept as /p/bad."},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ProblemBanners (-want +got):\n%s", diff)
	}
}

func TestEmptyListsSayWhatToDo(t *testing.T) {
	for want, got := range map[string]string{
		"No call matches “zz”.": viewmodel.Empty(viewmodel.All, "zz", 0),
		"No missed calls.":      viewmodel.Empty(viewmodel.Missed, "", 1),
		"No recordings. Press Record in a call to keep both sides of it.":                                 viewmodel.Empty(viewmodel.Recorded, "", 1),
		"No calls yet. Try the Echo Test above or somebody under LAN, or add an account to call anybody.": viewmodel.Empty(viewmodel.All, "", 0),
		"No calls yet. Type a number or an address above and press Enter.":                                viewmodel.Empty(viewmodel.All, "", 2),
	} {
		if got != want {
			t.Errorf("Empty() = %q, want %q", got, want)
		}
	}
	if got := viewmodel.Missed.Word(3); got != "Missed (3)" {
		t.Errorf("Missed.Word(3) = %q", got)
	}
}
