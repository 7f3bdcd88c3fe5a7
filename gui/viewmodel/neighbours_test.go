package viewmodel_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/gui/viewmodel"
	"parley/middleware"
	"parley/middleware/session"
)

func anna(change func(*middleware.Neighbour)) middleware.Neighbour {
	n := middleware.Neighbour{
		ID: "1", Target: "bonjour:1", Name: "Anna", Host: "laptop", State: middleware.NeighbourAvailable,
		Trust: middleware.TrustKnown, URI: "sip:x@192.0.2.1;transport=tls", Transport: "tls", Key: "00112233445566",
	}
	change(&n)
	return n
}

func TestNeighbourRows(t *testing.T) {
	base := viewmodel.Neighbour{
		ID: "1", Title: "Anna (laptop)", Name: "Anna", Target: "bonjour:1", Callable: true,
		Picture: viewmodel.PictureAvailable, Tone: viewmodel.Good, Lock: viewmodel.PictureLocked, LockTone: viewmodel.Good, Line: "Encrypted · Available",
	}
	for name, tt := range map[string]struct {
		change func(*middleware.Neighbour)
		want   func(*viewmodel.Neighbour)
	}{
		"known": {func(*middleware.Neighbour) {}, func(*viewmodel.Neighbour) {}},
		"first call, away, note": {
			func(n *middleware.Neighbour) {
				n.Trust, n.State, n.Note = middleware.TrustNew, middleware.NeighbourAway, "back at three"
			},
			func(v *viewmodel.Neighbour) {
				v.Line, v.LockTone = "Encrypted, first call · Away · back at three", viewmodel.Accent
				v.Picture, v.Tone = viewmodel.PictureAway, viewmodel.Notice
			},
		},
		"in clear, busy": {
			func(n *middleware.Neighbour) { n.Trust, n.State = middleware.TrustNone, middleware.NeighbourBusy },
			func(v *viewmodel.Neighbour) {
				v.Line, v.Lock, v.LockTone = "Not encrypted · Busy", viewmodel.PictureUnlocked, viewmodel.Neutral
				v.Picture, v.Tone = viewmodel.PictureBusy, viewmodel.Bad
			},
		},
		"says nothing": {
			func(n *middleware.Neighbour) { n.State = middleware.NeighbourUnknown },
			func(v *viewmodel.Neighbour) {
				v.Line, v.Picture, v.Tone = "Encrypted", viewmodel.PictureUnknown, viewmodel.Neutral
			},
		},
		"a state of its own": {
			func(n *middleware.Neighbour) { n.State = "On the phone" },
			func(v *viewmodel.Neighbour) {
				v.Line, v.Picture, v.Tone = "Encrypted · On the phone", viewmodel.PictureUnknown, viewmodel.Neutral
			},
		},
		"namesake": {
			func(n *middleware.Neighbour) { n.Trust, n.Namesake = middleware.TrustNew, true },
			func(v *viewmodel.Neighbour) {
				v.Line, v.LineTone, v.LockTone = "Not the Anna you know · Encrypted, first call · Available", viewmodel.Notice, viewmodel.Notice
			},
		},
		"namesake who is known": {func(n *middleware.Neighbour) { n.Namesake = true }, func(*viewmodel.Neighbour) {}},
		"without a name": {
			func(n *middleware.Neighbour) { n.Name, n.Host = "", "" },
			func(v *viewmodel.Neighbour) { v.Title, v.Name = "Somebody without a name", "Somebody without a name" },
		},
		"no address": {
			func(n *middleware.Neighbour) { n.Problem = middleware.ProblemNoAddress },
			func(v *viewmodel.Neighbour) {
				v.Line, v.Callable = "Tells no address at which it can be called", false
				v.Picture, v.Tone, v.Lock, v.LockTone = viewmodel.PictureWarning, viewmodel.Neutral, "", viewmodel.Neutral
			},
		},
		"link-local": {
			func(n *middleware.Neighbour) { n.Problem = middleware.ProblemLinkLocal },
			func(v *viewmodel.Neighbour) {
				v.Line, v.Callable = "Cannot be called: it has a link-local address only", false
				v.Picture, v.Tone, v.Lock, v.LockTone = viewmodel.PictureWarning, viewmodel.Neutral, "", viewmodel.Neutral
			},
		},
		"another key": {
			func(n *middleware.Neighbour) {
				n.Trust, n.Problem = middleware.TrustBroken, middleware.ProblemKeyChanged
			},
			func(v *viewmodel.Neighbour) {
				v.Line, v.LineTone, v.Callable, v.Distrust = "Someone else answers for Anna. Calls are refused.", viewmodel.Bad, false, true
				v.Picture, v.Tone, v.Lock, v.LockTone = viewmodel.PictureWarning, viewmodel.Bad, "", viewmodel.Neutral
			},
		},
		"an impostor": {
			func(n *middleware.Neighbour) {
				n.Trust, n.Problem, n.Key = middleware.TrustBroken, middleware.ProblemKeyChanged, ""
			},
			func(v *viewmodel.Neighbour) {
				v.Line, v.LineTone, v.Callable, v.Distrust = "Only claims to be Anna. Calls are refused.", viewmodel.Bad, false, true
				v.Picture, v.Tone, v.Lock, v.LockTone = viewmodel.PictureWarning, viewmodel.Bad, "", viewmodel.Neutral
			},
		},
		"not secure any more": {
			func(n *middleware.Neighbour) { n.Problem = middleware.ProblemNotSecure },
			func(v *viewmodel.Neighbour) {
				v.Line, v.LineTone, v.Callable, v.Distrust = "Not encrypted any more. Calls are refused.", viewmodel.Bad, false, true
				v.Picture, v.Tone, v.Lock, v.LockTone = viewmodel.PictureWarning, viewmodel.Bad, "", viewmodel.Neutral
			},
		},
	} {
		want := base
		tt.want(&want)
		if diff := cmp.Diff(want, viewmodel.NewNeighbour(anna(tt.change))); diff != "" {
			t.Errorf("%s: NewNeighbour (-want +got):\n%s", name, diff)
		}
	}
}

func TestFindNeighbours(t *testing.T) {
	list := []middleware.Neighbour{
		{ID: "1", Name: "Anna Meyer", Host: "annas-laptop"},
		{ID: "2", Name: "Bob", Host: "studio", Note: "Accounting"},
		{ID: "3", Name: "Zoë", Host: "büro-2"},
		{ID: "4", Name: "李雷", Host: "pc"},
	}
	for text, want := range map[string]string{
		"": "1 2 3 4", " ": "1 2 3 4", "anna": "1", "MEY": "1", "laptop": "1", "an lap": "1", "bob": "2", "acc": "2", "ob": "",
		"Bür": "3", "zoë (büro": "3", "李": "4", "anna bob": "", "Anna Meyer (annas-laptop)": "1", "%": "1 2 3 4",
	} {
		var ids []string
		for _, n := range viewmodel.FindNeighbours(text, list) {
			ids = append(ids, n.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("FindNeighbours(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestNoNeighbours(t *testing.T) {
	for _, tt := range []struct {
		s      middleware.BonjourSnapshot
		people int
		search string
		title  string
		said   string
		turnOn bool
	}{
		{s: middleware.BonjourSnapshot{State: middleware.BonjourOff}, title: "Calls on this network are off", turnOn: true},
		{s: middleware.BonjourSnapshot{State: middleware.BonjourStarting}, title: "Looking around…"},
		{s: middleware.BonjourSnapshot{State: middleware.BonjourOn, Title: "Me"}, title: "Nobody else is here yet", said: "Others see you as “Me”."},
		{s: middleware.BonjourSnapshot{State: middleware.BonjourOn}, title: "Nobody else is here yet"},
		{s: middleware.BonjourSnapshot{State: middleware.BonjourOn}, people: 3, search: "x", title: "Nobody here matches “x”."},
		{s: middleware.BonjourSnapshot{State: middleware.BonjourNoNetwork}, title: "No network"},
		{s: middleware.BonjourSnapshot{State: middleware.BonjourBlocked, Err: "not permitted"}, title: "The system does not let Parley look around", said: "not permitted"},
	} {
		got := viewmodel.NoNeighbours(tt.s, tt.people, tt.search)
		if got.Title != tt.title || got.Said != tt.said || got.TurnOn != tt.turnOn {
			t.Errorf("NoNeighbours(%v, %d, %q) = %+v, want %q, %q, turn on %t", tt.s, tt.people, tt.search, got, tt.title, tt.said, tt.turnOn)
		}
		if got.Text == "" && tt.search == "" {
			t.Errorf("NoNeighbours(%v) does not say what to do", tt.s)
		}
	}
}

func TestNetworkAccount(t *testing.T) {
	for _, tt := range []struct {
		s            middleware.BonjourSnapshot
		enabled      bool
		word, reason string
		tone         viewmodel.Tone
	}{
		{middleware.BonjourSnapshot{State: middleware.BonjourOn}, false, "Off", "", viewmodel.Neutral},
		{middleware.BonjourSnapshot{State: middleware.BonjourOff}, true, "Offline", "", viewmodel.Neutral},
		{middleware.BonjourSnapshot{State: middleware.BonjourStarting}, true, "Connecting…", "", viewmodel.Notice},
		{middleware.BonjourSnapshot{State: middleware.BonjourOn, Title: "Me"}, true, "Ready", "Nobody else is here yet. Others see you as “Me”.", viewmodel.Good},
		{middleware.BonjourSnapshot{State: middleware.BonjourOn, Neighbours: 1}, true, "Ready", "1 other is here.", viewmodel.Good},
		{middleware.BonjourSnapshot{State: middleware.BonjourOn, Neighbours: 7}, true, "Ready", "7 others are here.", viewmodel.Good},
	} {
		got := viewmodel.NewNetworkAccount(tt.s, tt.enabled)
		if got.Word != tt.word || got.Reason != tt.reason || got.Tone != tt.tone || !got.Network || got.Label != "This network" {
			t.Errorf("NewNetworkAccount(%v, %t) = %+v, want %q, %q", tt.s, tt.enabled, got, tt.word, tt.reason)
		}
	}
	blocked := viewmodel.NewNetworkAccount(middleware.BonjourSnapshot{State: middleware.BonjourBlocked, Err: "no"}, true)
	if blocked.Tone != viewmodel.Bad || blocked.Facts != "no" || !strings.Contains(blocked.Reason, "5353") {
		t.Errorf("blocked is shown as %+v", blocked)
	}
}

// The local network stands in the chip only where there is no account.
func TestChipAndTheNetwork(t *testing.T) {
	net := viewmodel.Account{Label: "This network", Word: "Ready", Tone: viewmodel.Good, Network: true}
	blocked, off := net, net
	blocked.Tone, off.Tone = viewmodel.Bad, viewmodel.Neutral
	sip := viewmodel.Account{Label: "a@example.org", Word: "Ready", Tone: viewmodel.Good}
	for _, tt := range []struct {
		list  []viewmodel.Account
		label string
		tone  viewmodel.Tone
	}{
		{nil, "No account", viewmodel.Neutral},
		{[]viewmodel.Account{off}, "No account", viewmodel.Neutral},
		{[]viewmodel.Account{net}, "This network", viewmodel.Good},
		{[]viewmodel.Account{blocked}, "This network", viewmodel.Bad},
		{[]viewmodel.Account{sip, net}, "a@example.org", viewmodel.Good},
		{[]viewmodel.Account{sip, blocked}, "a@example.org", viewmodel.Good},
	} {
		if got := viewmodel.NewChip(tt.list); got.Label != tt.label || got.Tone != tt.tone {
			t.Errorf("NewChip(%v) = %+v, want %q with tone %d", tt.list, got, tt.label, tt.tone)
		}
	}
}

func TestNeighbourDetails(t *testing.T) {
	now := time.Date(2026, 5, 13, 14, 2, 7, 0, time.UTC)
	n := anna(func(n *middleware.Neighbour) { n.Since, n.Note = now.Add(-time.Hour), "hi" })
	want := "Computer: laptop\nState: Available\nNote: hi\nCalls: Encrypted\nTransport: TLS\nAddress now: sip:x@192.0.2.1;transport=tls\n" +
		"Key: 0011 2233 4455 66\nHere since: 13:02\nIdentity: 1\n"
	if diff := cmp.Diff(want, viewmodel.Lines(viewmodel.NeighbourDetails(n, now))); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
	n = middleware.Neighbour{ID: "1", Host: "x"}
	if got, want := viewmodel.Lines(viewmodel.NeighbourDetails(n, now)), "Computer: x\nCalls: Not encrypted\nIdentity: 1\n"; got != want {
		t.Errorf("details without much are %q, want %q", got, want)
	}
}

func TestKeyBanner(t *testing.T) {
	want := viewmodel.Banner{Tone: viewmodel.Bad, Text: "Somebody took the place of Anna (laptop) with another key than the one remembered, and was refused."}
	if got := viewmodel.KeyBanner(anna(func(*middleware.Neighbour) {})); got != want {
		t.Errorf("KeyBanner = %+v, want %+v", got, want)
	}
}

// What is asked before a key is forgotten names the danger.
func TestTrustIsExplained(t *testing.T) {
	broken := anna(func(n *middleware.Neighbour) { n.Problem = middleware.ProblemKeyChanged })
	title, text := viewmodel.TrustQuestion(broken)
	if title != "Trust the new key?" || !strings.Contains(text, "hear every word") || !strings.Contains(text, "Ask Anna first") {
		t.Errorf("a changed key asks %q, %q", title, text)
	}
	title, text = viewmodel.TrustQuestion(anna(func(*middleware.Neighbour) {}))
	if title != "Forget the key?" || !strings.Contains(text, "cannot tell") {
		t.Errorf("forgetting asks %q, %q", title, text)
	}
	for want, change := range map[string]func(*middleware.Neighbour){
		"what an attack looks like":       func(n *middleware.Neighbour) { n.Problem = middleware.ProblemKeyChanged },
		"but has not the key":             func(n *middleware.Neighbour) { n.Problem, n.Key = middleware.ProblemKeyChanged, "" },
		"offers none now":                 func(n *middleware.Neighbour) { n.Problem = middleware.ProblemNotSecure },
		"link-local address only.":        func(n *middleware.Neighbour) { n.Problem = middleware.ProblemLinkLocal },
		"not the Anna that you have":      func(n *middleware.Neighbour) { n.Namesake, n.Trust = true, middleware.TrustNew },
		"whose key Parley remembers":      func(*middleware.Neighbour) {},
		"key it sees in the first call":   func(n *middleware.Neighbour) { n.Trust = middleware.TrustNew },
		"others on this network may list": func(n *middleware.Neighbour) { n.Trust = middleware.TrustNone },
	} {
		if got := viewmodel.TrustStory(anna(change)); !strings.Contains(got, want) {
			t.Errorf("TrustStory = %q, want %q in it", got, want)
		}
	}
}

func TestMatchesOnTheNetwork(t *testing.T) {
	now := time.Date(2026, 5, 13, 14, 2, 7, 0, time.UTC)
	around := []middleware.Neighbour{
		anna(func(*middleware.Neighbour) {}),
		anna(func(n *middleware.Neighbour) {
			n.ID, n.Target, n.Host, n.Trust = "2", "bonjour:2", "desk", middleware.TrustNone
		}),
		anna(func(n *middleware.Neighbour) { n.ID, n.Target, n.Name, n.Host = "3", "bonjour:3", "Bob", "x" }),
		anna(func(n *middleware.Neighbour) {
			n.ID, n.Target, n.Host, n.Problem = "4", "bonjour:4", "y", middleware.ProblemLinkLocal
		}),
		anna(func(n *middleware.Neighbour) {
			n.ID, n.Target, n.Host, n.Trust, n.Namesake = "5", "bonjour:5", "z", middleware.TrustNew, true
		}),
	}
	type match = middleware.Match
	for name, tt := range map[string]struct {
		text  string
		found []match
		want  []string
	}{
		"before the text itself": {
			"anna",
			[]match{{Kind: middleware.MatchContact, Name: "Anna Schulz", Target: "sip:a@example.org", Contact: 1}, {Kind: middleware.MatchText, Target: "anna"}},
			[]string{
				"Anna Schulz|a@example.org||sip:a@example.org", "Anna (laptop)|Encrypted|lock-closed|bonjour:1", "Anna (desk)|Not encrypted|lock-open|bonjour:2",
				"anna|as typed||anna", "Anna (y)|Cannot be called: it has a link-local address only||bonjour:4",
				"Anna (z)|Not the Anna you know · Encrypted, first call · Available|lock-closed|bonjour:5",
			},
		},
		"alone": {"bo", []match{{Kind: middleware.MatchText, Target: "bo"}}, []string{"Bob (x)|Encrypted|lock-closed|bonjour:3", "bo|as typed||bo"}},
		"after a number": {
			"3", []match{{Kind: middleware.MatchText, Target: "3"}}, []string{"3|as typed||3"},
		},
		"from the history, still here": {
			"bob",
			[]match{{Kind: middleware.MatchHistory, Name: "Bob (x)", Target: "bonjour:3", Call: middleware.HistoryEntry{Start: now}}},
			[]string{"Bob (x)|Encrypted|lock-closed|bonjour:3"},
		},
		"from the history, gone": {
			"zoe",
			[]match{{Kind: middleware.MatchHistory, Name: "Zoe (z)", Target: "bonjour:9", Call: middleware.HistoryEntry{Start: now}}},
			[]string{"Zoe (z)|on this network||bonjour:9"},
		},
		"a contact that is here": {
			"rob",
			[]match{{Kind: middleware.MatchContact, Name: "Robert", Target: "bonjour:3", Contact: 7}},
			[]string{"Robert|Encrypted|lock-closed|bonjour:3"},
		},
	} {
		var got []string
		for _, m := range viewmodel.NewMatches(tt.text, tt.found, around, now) {
			got = append(got, strings.Join([]string{m.Title, m.Note, string(m.Lock), m.Target}, "|"))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTargetsOnTheNetwork(t *testing.T) {
	if !viewmodel.IsNeighbour("bonjour:1") || !viewmodel.IsNeighbour("Bonjour:1") || viewmodel.IsNeighbour("bonjour:") || viewmodel.IsNeighbour("bonjour@local") {
		t.Error("targets on the network are not told from others")
	}
	if got := viewmodel.PersonOf("", "bonjour:1"); got != "Somebody on this network" {
		t.Errorf("somebody without a name is called %q", got)
	}
	if got := viewmodel.NewContact(viewmodel.ContactFor("Anna (laptop)", "bonjour:1")); got.Note != "on this network" || got.Target != "bonjour:1" {
		t.Errorf("the contact is %+v", got)
	}
	if got := viewmodel.BlockRow("bonjour:1"); got != "" {
		t.Errorf("a neighbour is blocked as %q", got)
	}
	if viewmodel.AccountLabel(middleware.BonjourID) != "This network" || viewmodel.AccountLabel("a@b.c") != "a@b.c" {
		t.Error("accounts are called otherwise")
	}
}

func TestCallsOfNeighbours(t *testing.T) {
	talk := func(change func(*middleware.SessionSnapshot)) middleware.SessionSnapshot {
		s := middleware.SessionSnapshot{
			Account: middleware.BonjourID, Neighbour: "1", Verified: true, Place: session.Place{State: session.Incoming}, Direction: middleware.Incoming,
			Peer:  middleware.Peer{Name: "Anna", Address: "Anna (laptop)", URI: "bonjour:1"},
			Audio: middleware.Audio{Active: true, Encryption: middleware.Encrypted},
		}
		change(&s)
		return s
	}
	for name, tt := range map[string]struct {
		change func(*middleware.SessionSnapshot)
		want   string
	}{
		"verified":   {func(*middleware.SessionSnapshot) {}, "Anna (laptop)|This network|Encrypted, verified|Verified: has the key of an earlier call"},
		"first call": {func(s *middleware.SessionSnapshot) { s.Verified = false }, "Anna (laptop)|This network|Encrypted, first call|Not verified: anybody can use this name"},
		"in clear": {
			func(s *middleware.SessionSnapshot) { s.Verified, s.Audio.Encryption = false, middleware.NotEncrypted },
			"Anna (laptop)|This network|Not encrypted|Not verified: anybody can use this name",
		},
		"a contact": {
			func(s *middleware.SessionSnapshot) { s.Peer.Name, s.Peer.Contact = "Anna Meyer", 7 },
			"Anna Meyer|Anna (laptop) · This network|Encrypted, verified|Verified: has the key of an earlier call",
		},
		"a stranger": {
			func(s *middleware.SessionSnapshot) {
				s.Neighbour, s.Verified, s.Peer = "", false, middleware.Peer{Address: "x@192.0.2.7", URI: "sip:x@192.0.2.7"}
			},
			"x@192.0.2.7|x@192.0.2.7 · to This network|Encrypted|Not verified: anybody can use this name",
		},
	} {
		v := viewmodel.NewCall(talk(tt.change), time.Now(), viewmodel.AccountLabel)
		if got := strings.Join([]string{v.Title, v.Subtitle, v.Lock, strings.Join(v.Lines, "/")}, "|"); got != tt.want {
			t.Errorf("%s is shown as %q, want %q", name, got, tt.want)
		}
	}
	for kind, want := range map[middleware.FailureKind]string{
		middleware.Forbidden:   "Anna (laptop) does not take calls from you.",
		middleware.Unreachable: "Anna (laptop) cannot be reached on this network any more.",
		middleware.KeyChanged:  "Someone else answered: the key is not the one that is remembered. There was no call.",
		middleware.Busy:        "The line is busy.",
	} {
		s := talk(func(s *middleware.SessionSnapshot) {
			s.Direction, s.End.Kind, s.Place.State = middleware.Outgoing, kind, session.Terminated
		})
		if got := viewmodel.NewEnded(s); got.Text != want || got.Title != "Anna (laptop)" || got.Target != "bonjour:1" {
			t.Errorf("after %v the card is %+v, want %q", kind, got, want)
		}
	}
}
