package storage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDefaultsRoundTrip(t *testing.T) {
	want := DefaultSettings()
	got := load(render(want, nil))
	if diff := cmp.Diff(want, got.settings); diff != "" {
		t.Errorf("load(render(defaults)) (-want +got):\n%s", diff)
	}
	if len(got.problems) > 0 {
		t.Errorf("load(render(defaults)) problems = %v, want none", got.problems)
	}
}

// full returns settings in which nothing has its default.
func full() Settings {
	a := Account{
		ID: "alice@example.org", DisplayName: `Alice "A" \ Ünal`, AuthUser: "a-1", Proxy: "sip:proxy.example.org;transport=tcp",
		Transport: TransportTLS, Expires: 90 * time.Second, SRTP: SRTPRequire, SRTPInClear: true,
		Codecs: []string{"PCMU", "opus"}, PacketTime: 40 * time.Millisecond, DTMF: DTMFInfo, LocalPort: 5062,
		Reliable: ReliableRequired, SessionTimer: 90 * time.Second,
		DialRules: []string{"00.=+.", "[2-9]xx.=+4930xxx."}, PickupCode: "*8", ParkCode: "700", UnparkCode: "*7",
	}
	return Settings{
		General: General{UserName: "Alice", Language: "pt-BR", Theme: ThemeDark, FirstRunDone: true, WindowWidth: 400, WindowHeight: 700},
		Audio:   Audio{Input: "USB mic", Output: "null", Alert: "file:/tmp/a.wav", Codecs: []string{"PCMA"}, PacketTime: 10 * time.Millisecond},
		Calls: Calls{
			RingTimeout: 30 * time.Second, DirectCalls: true, RecordingDir: "/r", HistoryDays: 90, Ringtone: "/r.wav",
			DoNotDisturb: true, Reject: []string{"*@spam.example", "+4990*"}, RejectAnonymous: true, ContactsOnly: true,
			Forwarding: true, ForwardTo: "+49 30 1", ForwardBusyTo: "bob@example.org", ForwardNoAnswerTo: "201", ForwardAfter: 10 * time.Second,
			AutoAnswer: true, AutoAnswerAfter: 0, AutoAnswerFrom: []string{"door@example.org"}, AnswerAfterHeader: true, Transfers: TransfersAsk,
		},
		Bonjour:        Bonjour{DisplayName: "Al", Note: "in the attic", CallsFrom: CallsFromKnown, PacketTime: 20 * time.Millisecond},
		Network:        Network{Listen: "[::1]:5060", Port: 5070, RTPPortMin: 20000, RTPPortMax: 20100, DNSServer: "ns.example.org:53", TLSCA: "/ca.pem", KeepAlive: 20 * time.Second},
		API:            API{Apps: []AppGrant{{Name: "dial.py", Executable: "/usr/bin/python3", Allowed: true}, {Name: "x"}}},
		Accounts:       []Account{a, NewAccount("201@10.0.0.1:5080")},
		DefaultAccount: "alice@example.org",
	}
}

func TestFullRoundTrip(t *testing.T) {
	want := full()
	if err := want.Validate(); err != nil {
		t.Fatal(err)
	}
	got := load(render(want, nil))
	if diff := cmp.Diff(want, got.settings); diff != "" {
		t.Errorf("load(render(full)) (-want +got):\n%s", diff)
	}
	if len(got.problems) > 0 {
		t.Errorf("load(render(full)) problems = %v, want none", got.problems)
	}
}

func TestLoadTolerates(t *testing.T) {
	tests := []struct {
		name  string
		file  string
		want  func(*Settings) // changes to the defaults
		probs []string        // "LINE:COLUMN: part of the text"
		lossy bool
	}{
		{"empty", "", func(*Settings) {}, nil, false},
		{
			"wrong type keeps its neighbors", "[audio]\ninput = 5\noutput = \"spk\"\n",
			func(s *Settings) { s.Audio.Output = "spk" },
			[]string{`2:9: audio.input must be "default", "null", "file:PATH" or the name of a device, not 5; "default" is used`},
			true,
		},
		{
			"out of range names what is allowed", "[calls]\nring_timeout = 1\ncall_waiting = false\n",
			func(s *Settings) { s.Calls.CallWaiting = false },
			[]string{`2:16: calls.ring_timeout must be a whole number from 5 to 3600, not 1; "180" is used`},
			true,
		},
		{
			"unknown word", "[general]\ntheme = \"drak\"\n", func(*Settings) {},
			[]string{`2:9: general.theme must be one of system, light, dark, not "drak"; "system" is used`},
			true,
		},
		{
			"bool given as text", "[calls]\ncall_waiting = \"no\"\n", func(*Settings) {},
			[]string{`2:16: calls.call_waiting must be true or false, not "no"; "true" is used`},
			true,
		},
		{
			"codec list", "[audio]\ncodecs = [\"pcma\", \"OPUS\"]\n",
			func(s *Settings) { s.Audio.Codecs = []string{"PCMA", "opus"} }, nil, false,
		},
		{"codec unknown", "[audio]\ncodecs = [\"G729\"]\n", func(*Settings) {}, []string{`2:1: audio.codecs must be a list of different codecs`}, true},
		{
			"dial rules", "[[accounts]]\nid = \"a@b.c\"\ndial_rules = [\"00.=+.\", \"+49.=0.\"]\n",
			func(s *Settings) {
				s.Accounts = []Account{NewAccount("a@b.c")}
				s.Accounts[0].DialRules = []string{"00.=+.", "+49.=0."}
			}, nil, false,
		},
		{
			"bad pattern", "[calls]\nreject = [\"*@spam.example\", \"bob\"]\n", func(*Settings) {},
			[]string{`2:1: calls.reject must be a list of different addresses, numbers, *@domain, or beginnings of numbers with *; "bob", number 2 of the list: it must be`},
			true,
		},
		{
			"unanswered calls given up before they are forwarded", "[calls]\nring_timeout = 20\nforward_no_answer_to = \"1\"\n",
			func(s *Settings) { s.Calls.RingTimeout = 20 * time.Second },
			[]string{"3:1: calls.forward_after must be less than calls.ring_timeout"},
			true,
		},
		{
			"forwarding to nowhere", "[calls]\nforwarding = true\n", func(*Settings) {},
			[]string{"2:1: calls.forwarding must be false as long as calls.forward_to is empty"},
			true,
		},
		{"no codec at all", "[audio]\ncodecs = []\n", func(*Settings) {}, []string{`2:1: audio.codecs`}, true},
		{
			"typing mistake in a key", "[audio]\ninptu = \"mic\"\noutput = \"spk\"\n",
			func(s *Settings) { s.Audio.Output = "spk" },
			[]string{`2:1: there is no setting "audio.inptu", did you mean "audio.input"?; it is kept but has no effect`},
			false,
		},
		{
			"typing mistake in a section", "[adio]\ninput = \"mic\"\n", func(*Settings) {},
			[]string{`1:2: there is no section "adio", did you mean "audio"?`},
			false,
		},
		{
			"unterminated text", "[audio]\ninput = \"mic\noutput = \"spk\"\n[calls]\ndirect_calls = true\n",
			func(s *Settings) { s.Audio.Output = "spk"; s.Calls.DirectCalls = true },
			[]string{`2:13: syntax error`},
			true,
		},
		{
			"list of several lines without a comma", "[audio]\ncodecs = [\n  \"opus\"\n  \"PCMA\",\n]\nalert = \"null\"\n",
			func(s *Settings) { s.Audio.Alert = "null" },
			[]string{`4:3: syntax error`},
			true,
		},
		{
			"unclosed list", "[audio]\ncodecs = [\"opus\",\nalert = \"null\"\n",
			func(s *Settings) { s.Audio.Alert = "null" },
			[]string{`2:18: syntax error: something is missing here`},
			true,
		},
		{
			"no value", "[calls]\nring_timeout =\ndirect_calls = true\n",
			func(s *Settings) { s.Calls.DirectCalls = true },
			[]string{`2:15: syntax error`},
			true,
		},
		{
			"stray line", "[calls]\ndirect_calls = true\nhello there\ncall_waiting = false\n",
			func(s *Settings) { s.Calls.DirectCalls = true; s.Calls.CallWaiting = false },
			[]string{`3:7: syntax error`},
			true,
		},
		{
			"unclosed header", "[calls]\ndirect_calls = true\n[audio\ninput = \"mic\"\n",
			func(s *Settings) { s.Calls.DirectCalls = true; s.Audio.Input = "mic" },
			[]string{"3:7: syntax error: expected character ]; read as a header of section audio"},
			true,
		},
		{
			"unclosed account header", "[[accounts]]\nid = \"a@b.c\"\n[[accounts]\nid = \"d@e.f\"\n",
			func(s *Settings) { s.Accounts = []Account{NewAccount("a@b.c"), NewAccount("d@e.f")} },
			[]string{"3:12: syntax error"},
			true,
		},
		{
			"single brackets", "[accounts]\nid = \"a@b.c\"\n",
			func(s *Settings) { s.Accounts = []Account{NewAccount("a@b.c")} },
			[]string{"1:2: this header should be [[accounts]]"},
			false,
		},
		{
			"account without address", "[[accounts]]\nenabled = true\n", func(*Settings) {},
			[]string{`1:3: an account needs an id`},
			true,
		},
		{
			"account with a bad address", "[[accounts]]\nid = \"alice\"\n", func(*Settings) {},
			[]string{`2:6: id must be an address of the form user@domain, not "alice"; the account is left out`},
			true,
		},
		{
			"account twice", "[[accounts]]\nid = \"a@b.c\"\n[[accounts]]\nid = \"a@b.c\"\nenabled = false\n",
			func(s *Settings) { s.Accounts = []Account{NewAccount("a@b.c")} },
			[]string{`4:6: there is an account a@b.c already`},
			true,
		},
		{
			"account value", "[[accounts]]\nid = \"a@b.c\"\ntransport = \"sctp\"\nexpires = 60\n",
			func(s *Settings) {
				s.Accounts = []Account{NewAccount("a@b.c")}
				s.Accounts[0].Expires = time.Minute
			},
			[]string{`3:13: accounts.transport must be one of auto, udp, tcp, tls, not "sctp"; "auto" is used`},
			true,
		},
		{
			"setting twice", "[audio]\ninput = \"a\"\ninput = \"b\"\n",
			func(s *Settings) { s.Audio.Input = "b" },
			[]string{`3:1: audio.input is set twice`},
			true,
		},
		{
			"dotted keys and tables in braces", "audio.input = \"mic\"\ncalls = { direct_calls = true }\naccounts = [{ id = \"a@b.c\" }]\n",
			func(s *Settings) {
				s.Audio.Input = "mic"
				s.Calls.DirectCalls = true
				s.Accounts = []Account{NewAccount("a@b.c")}
			}, nil, false,
		},
		{"section of a wrong kind", "audio = 5\n", func(*Settings) {}, []string{`1:1: audio must be a section of its own, [audio]`}, true},
		{
			"ports the wrong way round", "[network]\nrtp_port_min = 9000\nrtp_port_max = 8000\n", func(*Settings) {},
			[]string{"2:1: the range of audio ports"},
			true,
		},
		{
			"default account is missing", "[general]\ndefault_account = \"a@b.c\"\n", func(*Settings) {},
			[]string{`2:1: there is no account "a@b.c"`},
			true,
		},
		{
			"newer version", "version = 2\n[audio]\ninput = \"mic\"\n", func(s *Settings) { s.Audio.Input = "mic" },
			[]string{`1:1: a newer Parley wrote this file`},
			true,
		},
		{"program without a name", "[[api.apps]]\nallowed = true\n", func(*Settings) {}, []string{`1:3: a program needs a name`}, true},
		{"not text at all", "\x00\x01\x02\xff", func(*Settings) {}, []string{"1:1: syntax error"}, true},
		{"bomb of brackets", "x = " + strings.Repeat("[", 100000), func(*Settings) {}, []string{"1:69: syntax error: too many brackets"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := DefaultSettings()
			tt.want(&want)
			got := load([]byte(tt.file))
			if diff := cmp.Diff(want, got.settings); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
			if got.lossy != tt.lossy {
				t.Errorf("lossy = %v, want %v", got.lossy, tt.lossy)
			}
			if len(got.problems) != len(tt.probs) {
				t.Fatalf("problems = %v, want %v", got.problems, tt.probs)
			}
			for i, p := range got.problems {
				if text := fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p.Text); !strings.HasPrefix(text, tt.probs[i]) {
					t.Errorf("problem %d = %q, want %q", i, text, tt.probs[i])
				}
			}
		})
	}
}

// What this version does not know must survive being read and written.
func TestUnknownIsPreserved(t *testing.T) {
	const file = `future_root = [ 1,
  2 ] # why
[audio]
input = "mic"
reverb = { hall = true }

[[accounts]]
id = "a@b.c"
color = 'red'
[accounts.voicemail]
number = 5000
[[accounts]]
id = "d@e.f"
[theme.colors]
accent = "#123456"
`
	first := load([]byte(file))
	if first.lossy {
		t.Errorf("lossy = true, want false: %v", first.problems)
	}
	out := string(render(first.settings, first.extras))
	for _, want := range []string{
		"future_root = [ 1,\n  2 ] # why\n", "reverb = { hall = true }\n", "color = 'red'\n",
		"[accounts.voicemail]\nnumber = 5000\n", "[theme.colors]\naccent = \"#123456\"\n",
	} {
		if strings.Count(out, want) != 1 {
			t.Errorf("written file has %q %d times, want once:\n%s", want, strings.Count(out, want), out)
		}
	}
	second := load([]byte(out))
	if diff := cmp.Diff(first.settings, second.settings); diff != "" {
		t.Errorf("settings after writing (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(first.extras, second.extras); diff != "" {
		t.Errorf("unknown parts after writing (-want +got):\n%s", diff)
	}
}

func TestProblemsAreBounded(t *testing.T) {
	got := load([]byte(strings.Repeat("nonsense_key = 1\n", 20000)))
	if len(got.problems) != maxProblems+1 {
		t.Errorf("number of problems = %d, want %d", len(got.problems), maxProblems+1)
	}
}

// A future version renames a setting; files of today must follow.
func TestMigrate(t *testing.T) {
	rename := func(d *document) {
		for i, tb := range d.tables {
			for j, s := range tb.statements {
				if tb.name() == "audio" && s.name() == "microphone" {
					d.tables[i].statements[j].path = []string{"input"}
				}
			}
		}
	}
	for _, tt := range []struct{ file, want string }{
		{"version = 1\n[audio]\nmicrophone = \"mic\"\n", "mic"},
		{"version = 2\n[audio]\ninput = \"mic\"\n", "mic"},
		{"version = 2\n[audio]\nmicrophone = \"mic\"\n", DeviceDefault},
	} {
		l := &loader{loaded: loaded{settings: DefaultSettings(), extras: extras{}}, seen: map[string]int{}}
		l.doc, _ = parse([]byte(tt.file))
		l.migrate([]migration{rename})
		for _, tb := range l.doc.tables {
			l.table(tb)
		}
		if got := l.settings.Audio.Input; got != tt.want {
			t.Errorf("input of %q = %q, want %q", tt.file, got, tt.want)
		}
	}
}
