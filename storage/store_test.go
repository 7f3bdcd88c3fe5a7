package storage

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func newStore(t testing.TB, content string) *SettingsStore {
	t.Helper()
	path := filepath.Join(t.TempDir(), settingsName)
	if content != "" {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return openStore(t, path)
}

func openStore(t testing.TB, path string) *SettingsStore {
	t.Helper()
	s, err := openSettings(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func readText(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestNewSettingsFile(t *testing.T) {
	s := newStore(t, "")
	if diff := cmp.Diff(DefaultSettings(), s.Get()); diff != "" {
		t.Errorf("Get of a new file (-want +got):\n%s", diff)
	}
	text := readText(t, s.path)
	for _, want := range []string{"version = 1\n", "# Audio devices and codecs.\n[audio]\n", `codecs = ["opus", "G722", "PCMA", "PCMU"]`, "ring_timeout = 180\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("new file lacks %q:\n%s", want, text)
		}
	}
	info, err := os.Stat(s.path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the file = %o, want 600", info.Mode().Perm())
	}
}

func TestUpdate(t *testing.T) {
	s := newStore(t, "")
	list := []string{"PCMA"}
	before, after, err := s.Update(func(v *Settings) {
		v.Accounts = append(v.Accounts, NewAccount("a@b.c"))
		v.Accounts[0].Codecs = list
		v.DefaultAccount = "a@b.c"
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(before.Accounts) != 0 || len(after.Accounts) != 1 {
		t.Errorf("accounts before and after = %d, %d, want 0, 1", len(before.Accounts), len(after.Accounts))
	}
	want := after.Clone()
	// None of these may reach into the store.
	list[0], after.Accounts[0].Codecs[0], s.Get().Accounts[0].Codecs[0] = "opus", "opus", "opus"
	if diff := cmp.Diff(want, s.Get()); diff != "" {
		t.Errorf("Get (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, openStore(t, s.path).Get()); diff != "" {
		t.Errorf("Get after reopening (-want +got):\n%s", diff)
	}
}

func TestUpdateRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Settings)
		key    string
	}{
		{"theme", func(s *Settings) { s.General.Theme = "pink" }, "general.theme"},
		{"control character", func(s *Settings) { s.General.UserName = "a\nb" }, "general.user_name"},
		{"bad UTF-8", func(s *Settings) { s.General.UserName = "\xff" }, "general.user_name"},
		{"long text", func(s *Settings) { s.General.UserName = strings.Repeat("a", maxText+1) }, "general.user_name"},
		{"fraction of a second", func(s *Settings) { s.Calls.RingTimeout = 90*time.Second + 1 }, "calls.ring_timeout"},
		{"packet time", func(s *Settings) { s.Audio.PacketTime = 25 * time.Millisecond }, "audio.ptime"},
		{"no codec", func(s *Settings) { s.Audio.Codecs = nil }, "audio.codecs"},
		{"codec twice", func(s *Settings) { s.Audio.Codecs = []string{"opus", "opus"} }, "audio.codecs"},
		{"codec spelled otherwise", func(s *Settings) { s.Audio.Codecs = []string{"Opus"} }, "audio.codecs"},
		{"relative folder", func(s *Settings) { s.Calls.RecordingDir = "here" }, "calls.recording_dir"},
		{"ports", func(s *Settings) { s.Network.RTPPortMin = 5000 }, "network.rtp_port_min"},
		{"listen", func(s *Settings) { s.Network.Listen = "everywhere" }, "network.listen"},
		{"resolver", func(s *Settings) { s.Network.DNSServer = "ns:99999" }, "network.dns_server"},
		{"note", func(s *Settings) { s.Bonjour.Note = strings.Repeat("ä", maxNote/2+1) }, "bonjour.note"},
		{"callers", func(s *Settings) { s.Bonjour.CallsFrom = "nobody" }, "bonjour.calls_from"},
		{"packet time of neighbours", func(s *Settings) { s.Bonjour.PacketTime = 40 * time.Millisecond }, "bonjour.ptime"},
		{"pattern twice", func(s *Settings) { s.Calls.Reject = []string{"1", "1"} }, "calls.reject"},
		{"pattern with a comma", func(s *Settings) { s.Calls.Reject = []string{"1,2"} }, "calls.reject"},
		{"too many patterns", func(s *Settings) { s.Calls.Reject = make([]string, maxList+1) }, "calls.reject"},
		{"forwarding to nowhere", func(s *Settings) { s.Calls.Forwarding = true }, "calls.forwarding"},
		{"forwarding too late", func(s *Settings) { s.Calls.ForwardNoAnswerTo, s.Calls.ForwardAfter = "1", s.Calls.RingTimeout }, "calls.forward_after"},
		{"target with a line end", func(s *Settings) { s.Calls.ForwardTo = "bob@example.org\r\nVia: x" }, "calls.forward_to"},
		{"account address", func(s *Settings) { s.Accounts = []Account{NewAccount("a b@c.d")} }, "id"},
		{"account twice", func(s *Settings) { s.Accounts = []Account{NewAccount("a@b.c"), NewAccount("a@b.c")} }, "id"},
		{"account proxy", func(s *Settings) {
			s.Accounts = []Account{NewAccount("a@b.c")}
			s.Accounts[0].Proxy = "http://x y"
		}, "proxy"},
		{"default account", func(s *Settings) { s.DefaultAccount = "a@b.c" }, "general.default_account"},
		{"program without a name", func(s *Settings) { s.API.Apps = []AppGrant{{}} }, "name"},
		{"program twice", func(s *Settings) { s.API.Apps = []AppGrant{{Name: "x"}, {Name: "x"}} }, "api.apps"},
	}
	s := newStore(t, "")
	text := readText(t, s.path)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, after, err := s.Update(tt.change)
			var ve *ValueError
			if !errors.As(err, &ve) || ve.Key != tt.key {
				t.Fatalf("Update error = %v, want a ValueError for %s", err, tt.key)
			}
			if diff := cmp.Diff(DefaultSettings(), after); diff != "" {
				t.Errorf("after (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(DefaultSettings(), s.Get()); diff != "" {
				t.Errorf("Get (-want +got):\n%s", diff)
			}
		})
	}
	if got := readText(t, s.path); got != text {
		t.Errorf("the file changed:\n%s", got)
	}
}

func TestUpdatesDoNotGetLost(t *testing.T) {
	s := newStore(t, "")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, _, err := s.Update(func(v *Settings) { v.General.WindowWidth++ }); err != nil {
				t.Error(err)
			}
			s.Get()
		})
	}
	wg.Wait()
	if got := openStore(t, s.path).Get().General.WindowWidth; got != 20 {
		t.Errorf("width after 20 updates = %d, want 20", got)
	}
}

func TestBrokenFileIsKeptAside(t *testing.T) {
	const broken = "[audio]\ninput = mic\noutput = \"spk\"\n"
	s := newStore(t, broken)
	problems := s.Problems()
	if len(problems) != 1 || problems[0].Line != 2 || problems[0].File != s.path {
		t.Fatalf("Problems = %v, want one in line 2", problems)
	}
	if got := readText(t, problems[0].Kept); got != broken {
		t.Errorf("content kept aside = %q, want %q", got, broken)
	}
	if got := readText(t, s.path); got != broken {
		t.Errorf("the file itself changed before anything was saved: %q", got)
	}
	again := openStore(t, s.path).Problems()
	if diff := cmp.Diff(problems, again); diff != "" {
		t.Errorf("Problems of a second start (-want +got):\n%s", diff)
	}
	if _, _, err := s.Update(func(v *Settings) { v.General.FirstRunDone = true }); err != nil {
		t.Fatal(err)
	}
	mended := openStore(t, s.path)
	if got := mended.Problems(); len(got) != 0 {
		t.Errorf("Problems after saving = %v, want none", got)
	}
	if got := mended.Get(); got.Audio.Output != "spk" || !got.General.FirstRunDone {
		t.Errorf("settings after saving = %+v, want output spk and the first run done", got)
	}
	if got := readText(t, problems[0].Kept); got != broken {
		t.Errorf("content kept aside after saving = %q, want %q", got, broken)
	}
}

// Somebody edits the file while Parley runs: that must not vanish silently.
func TestForeignChangeIsKeptAside(t *testing.T) {
	s := newStore(t, "")
	const edited = "[audio]\ninput = \"edited\"\n"
	if err := os.WriteFile(s.path, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Update(func(v *Settings) { v.General.FirstRunDone = true }); err != nil {
		t.Fatal(err)
	}
	problems := s.Problems()
	if len(problems) != 1 {
		t.Fatalf("Problems = %v, want one", problems)
	}
	if got := readText(t, problems[0].Kept); got != edited {
		t.Errorf("content kept aside = %q, want %q", got, edited)
	}
}

func TestUnwritableFolder(t *testing.T) {
	s := newStore(t, "")
	dir := filepath.Dir(s.path)
	if err := os.Rename(dir, dir+"-gone"); err != nil { // works for root too, unlike a mode
		t.Fatal(err)
	}
	_, _, err := s.Update(func(v *Settings) { v.General.FirstRunDone = true })
	var pe *ProfileError
	if !errors.As(err, &pe) || pe.Path != s.path || pe.Fix == "" {
		t.Errorf("Update = %v, want a ProfileError about %s that says what to do", err, s.path)
	}
	if s.Get().General.FirstRunDone {
		t.Errorf("Get shows a change that was not written")
	}
}

// forgetNewer gives the settings that old files do not have their defaults.
func forgetNewer(s *Settings) {
	def := DefaultSettings().Calls
	def.RingTimeout, def.CallWaiting, def.DirectCalls = s.Calls.RingTimeout, s.Calls.CallWaiting, s.Calls.DirectCalls
	def.RecordingDir, def.Ringtone = s.Calls.RecordingDir, s.Calls.Ringtone
	s.Calls = def
	s.Network.KeepAlive = DefaultSettings().Network.KeepAlive
	s.Bonjour = DefaultSettings().Bonjour
	for i := range s.Accounts {
		a, def := &s.Accounts[i], NewAccount("")
		a.DialRules, a.PickupCode, a.ParkCode, a.UnparkCode = def.DialRules, def.PickupCode, def.ParkCode, def.UnparkCode
		a.Outbound, a.Reliable, a.SessionTimer = def.Outbound, def.Reliable, def.SessionTimer
	}
}

// Every settings file that was ever released must load without a problem.
func TestOldSettings(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the paths in the files are not absolute on Windows")
	}
	files, err := filepath.Glob("testdata/v*/settings.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no old files: %v", err)
	}
	want := full()
	want.Audio.Alert, want.Calls.RecordingDir = DeviceDefault, ""
	forgetNewer(&want)
	for _, file := range files {
		l := load([]byte(readText(t, file)))
		if diff := cmp.Diff(want, l.settings); diff != "" {
			t.Errorf("settings of %s (-want +got):\n%s", file, diff)
		}
		if l.lossy || len(l.problems) != 1 { // audio.future
			t.Errorf("problems of %s = %v, want one about audio.future", file, l.problems)
		}
		if diff := cmp.Diff(extras{"audio": {"future = 1"}}, l.extras); diff != "" {
			t.Errorf("unknown parts of %s (-want +got):\n%s", file, diff)
		}
	}
}

func FuzzSettings(f *testing.F) {
	files, err := filepath.Glob("testdata/v*/settings.toml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, s := range []string{
		"", "version = 9", "[audio\ninput = 1", "[[accounts]]\nid=\"a@b\"\nx=\"\"\"\n[y]\n\"\"\"\n", "a.b.c = {d = [1, {e = 2}]}",
		"accounts = [{id = 'a@b.c', codecs = ['opus'], q = 1}]", "[accounts.x]\ny=1", "[[accounts]]\nid='a@b'\n[accounts.x]\ny=1",
		"\"audio.input\" = \"x\"", "[\"a b\".\"c\"]\nd = 1 # e\n", "[[api.apps]]\nname='n'\nz=1\n", "x = 1979-05-27T07:32:00Z\n[general]\r\ntheme = 'dark'\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		first := load(data)
		if err := first.settings.Validate(); err != nil {
			t.Fatalf("load gave settings that are not valid: %v", err)
		}
		if len(first.problems) > maxProblems+1 {
			t.Fatalf("number of problems = %d, want at most %d", len(first.problems), maxProblems+1)
		}
		saved := render(first.settings, first.extras)
		second := load(saved)
		if diff := cmp.Diff(first.settings, second.settings); diff != "" {
			t.Fatalf("load(save(load(x))) (-want +got):\n%s\nsaved:\n%s", diff, saved)
		}
		if again := render(second.settings, second.extras); string(again) != string(saved) {
			t.Fatalf("save(load(save(load(x)))) = %s\nwant %s", again, saved)
		}
	})
}
