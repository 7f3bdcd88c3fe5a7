package archtest

import (
	"maps"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// An edge says what the packages in and below a folder may import of this
// module. The longest folder that fits a package counts. Folders stand for
// themselves alone, unless they end in "/...", which adds everything below.
type edge struct {
	from string
	to   []string
}

// allowed is the import table. It is the drawing of docs/ARCHITECTURE.md; change
// both, with a record in docs/decisions.
var allowed = []edge{
	{"cmd/phone", []string{"..."}},
	{"gui", []string{"gui/...", "icons", "middleware", "middleware/bus", "middleware/registration", "middleware/session"}},
	{"gui/i18n", nil},
	{"gui/bridge", []string{"middleware/bus"}},
	{"gui/viewmodel", []string{"gui/i18n", "middleware", "middleware/registration", "middleware/session"}},
	{"gui/widgets", []string{"gui/i18n", "gui/theme", "icons"}},
	{"gui/theme", []string{"icons"}},
	{"gui/native", nil},
	{"scripting", []string{"icons", "middleware", "middleware/bus", "middleware/registration", "middleware/session", "scripting/..."}},
	{"middleware", []string{
		"bonjour", "internal/dialplan", "internal/mailbox", "media", "media/codec", "media/tone", "media/wav", "middleware/...", "msrp", "presence", "sip", "sip/sdp", "storage",
	}},
	{"middleware/bus", []string{"internal/mailbox"}},
	{"middleware/session", nil},
	{"middleware/registration", nil},
	{"sip", []string{"internal/mailbox", "sip/..."}},
	{"sip/sdp", nil},
	// Neither the sound hardware nor a codec in C: the program hands them over.
	{"media", []string{
		"internal/mailbox", "media", "media/codec", "media/dsp", "media/jitter", "media/mix", "media/ring",
		"media/rtp", "media/tone", "media/virtual", "media/wav",
	}},
	{"media/codec/opus", []string{"media/..."}},
	{"media/device", []string{"media/..."}},
	{"media/mediatest", []string{"media/..."}},
	{"msrp", []string{"internal/mailbox", "msrp/..."}},
	{"presence", []string{"presence/..."}},
	{"bonjour", []string{"bonjour/...", "internal/mailbox"}},
	{"storage", []string{"internal/dialplan", "internal/mailbox", "storage/..."}},
	{"icons", nil},
	{"internal", nil},
	{"packaging", nil},
	{"test", []string{"..."}},
}

// allowedInTests reports whether the test files of from, or from itself if it is
// a package for tests, may import the package in dir whatever the table says: because it is test support, or belongs to the
// same top folder. A test of the engine may well use the real Opus codec.
func allowedInTests(from, dir string) bool {
	return isSupport(dir) || from != "." && strings.Split(from, "/")[0] == strings.Split(dir, "/")[0]
}

// isSupport reports whether dir holds a package for tests, as siptest.
func isSupport(dir string) bool {
	base := path.Base(dir)
	return strings.HasSuffix(base, "test") && base != "archtest" && base != "test"
}

// rowFor returns the row of the table that counts for the package in dir.
func rowFor(dir string) (edge, bool) {
	var best edge
	found := false
	for _, e := range allowed {
		if under(dir, e.from) && (!found || len(e.from) > len(best.from)) {
			best, found = e, true
		}
	}
	return best, found
}

// permits reports whether e lets a package import the one in dir.
func (e edge) permits(dir string) bool {
	return slices.ContainsFunc(e.to, func(to string) bool {
		if to == "..." || to == dir {
			return true
		}
		parent, deep := strings.CutSuffix(to, "/...")
		return deep && under(dir, parent)
	})
}

func importFindings(files []*file) []finding {
	var found []finding
	for _, f := range files {
		row, ok := rowFor(f.dir)
		if !ok {
			found = append(found, finding{f.dir, f.path, "the package has no row in the import table"})
			continue
		}
		for _, imported := range f.imports() {
			dir := own(imported)
			if dir == "" || dir == f.dir || row.permits(dir) || (f.test || isSupport(f.dir)) && allowedInTests(f.dir, dir) {
				continue
			}
			found = append(found, finding{f.path, f.path, row.from + " may not import " + imported})
		}
	}
	return found
}

// importExceptions names files that need what their package may not have.
var importExceptions = map[string]string{}

func TestImportTable(t *testing.T) {
	report(t, importFindings(tree(t)), importExceptions)
}

// only names the packages that alone may import something from outside.
var only = []struct {
	prefix  string   // import path, or what it begins with
	folders []string // where it may be imported
	reason  string
}{
	{"github.com/emiago/sipgo", []string{"sip"}, "the SIP stack stays behind our own port"},
	{"github.com/gen2brain/malgo", []string{"media/device"}, "one door to the sound hardware"},
	{"github.com/hraban/opus", []string{"media/codec/opus"}, "one door to libopus"},
	{"github.com/pion/", []string{"media/rtp", "sip/sdp"}, "RTP stays in media/rtp; pion/sdp is the oracle of sdp's tests"},
	{"github.com/zalando/go-keyring", []string{"storage"}, "secrets belong to storage"},
	{"modernc.org/sqlite", []string{"storage"}, "the database belongs to storage"},
	{"github.com/pelletier/go-toml", []string{"storage"}, "the settings file belongs to storage"},
	{"github.com/miekg/dns", []string{"sip", "bonjour", "middleware/middlewaretest"}, "only routes and neighbors are looked up"},
	{"fyne.io/fyne/v2/app", []string{"cmd/phone"}, "pulls in OpenGL; the program makes the app and hands it over"},
	{"fyne.io/", []string{"cmd/phone", "gui", "icons"}, "what is below the window knows nothing of it"},
	{"C", []string{"media/device", "media/codec/opus", "gui/native"}, "everything else compiles for every system from anywhere"},
	{"github.com/stretchr/testify", nil, "one way to write a test"},
}

func onlyFindings(files []*file) []finding {
	var found []finding
	for _, f := range files {
		if f.in("test") {
			continue // whole programs against real peers
		}
		for _, imported := range f.imports() {
			for _, o := range only {
				fits := imported == o.prefix || strings.HasPrefix(imported, strings.TrimSuffix(o.prefix, "/")+"/")
				if fits && !f.in(o.folders...) {
					found = append(found, finding{f.path, f.path, "imports " + imported + ": " + o.reason})
				}
			}
		}
	}
	return found
}

func TestOutsideImportsStayBehindTheirDoor(t *testing.T) {
	report(t, onlyFindings(tree(t)), nil)
}

// pure packages may import these and nothing else.
var (
	pure    = []string{"middleware/session", "middleware/registration"}
	pureStd = []string{"cmp", "errors", "fmt", "slices", "strconv", "strings", "time"}
)

func TestPurePackages(t *testing.T) {
	var found []finding
	for _, f := range tree(t) {
		if f.test || !f.in(pure...) {
			continue
		}
		for _, imported := range f.imports() {
			if !slices.Contains(pureStd, imported) {
				found = append(found, finding{f.path, f.path, "a pure package imports " + imported})
			}
		}
	}
	report(t, found, nil)
}

// banned lists what packages must not reach even through others, and why.
var banned = []struct {
	folder, target, reason string
}{
	{"middleware", "fyne.io/fyne/v2", "front ends observe the middleware, not the other way round"},
	{"middleware", module + "/media/device", "the program hands the sound hardware over"},
	{"middleware", module + "/media/codec/opus", "the program hands the codecs over"},
	{"scripting", "fyne.io/fyne/v2", "runs without a window"},
	{"gui/viewmodel", "fyne.io/fyne/v2", "must be testable without a toolkit"},
	{"gui", "fyne.io/fyne/v2/app", "pulls in OpenGL; only cmd/phone makes a real app"},
	{"gui", module + "/media/device", "the window hears of devices through the middleware"},
	{"sip", module + "/media", "signaling and media meet in the middleware"},
	{"media", module + "/sip", "signaling and media meet in the middleware"},
	{"storage", module + "/middleware", "imports point down"},
}

// TestBannedReaches asks the go command what each package reaches on this system.
func TestBannedReaches(t *testing.T) {
	out, err := exec.Command("go", "list", "-tags=nolibopusfile", "-e", "-f", `{{.ImportPath}} {{join .Deps " "}}`, module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	reaches := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		reaches[words[0]] = words[1:]
	}
	if len(reaches) == 0 {
		t.Fatal("go list named no package")
	}
	for _, name := range slices.Sorted(maps.Keys(reaches)) {
		for _, b := range banned {
			if under(own(name), b.folder) && slices.Contains(reaches[name], b.target) {
				t.Errorf("%s reaches %s: %s", name, b.target, b.reason)
			}
		}
	}
}

func TestImportRulesCatchBreaches(t *testing.T) {
	tests := []struct {
		path, src string
		want      int // findings of both tables
	}{
		{"middleware/a.go", `package middleware; import _ "parley/sip"`, 0},
		{"middleware/a.go", `package middleware; import _ "parley/gui"`, 1},
		{"middleware/a.go", `package middleware; import _ "parley/media/device"`, 1},
		{"middleware/a.go", `package middleware; import _ "fyne.io/fyne/v2/widget"`, 1},
		{"middleware/bus/a.go", `package bus; import _ "parley/sip"`, 1},
		{"media/a.go", `package media; import _ "parley/media/codec/opus"`, 1},
		{"media/a_test.go", `package media; import _ "parley/media/codec/opus"`, 0},
		{"middleware/bus/a_test.go", `package bus; import _ "parley/internal/leaktest"`, 0},
		{"middleware/bus/a.go", `package bus; import _ "parley/internal/leaktest"`, 1},
		{"middleware/middlewaretest/a.go", `package middlewaretest; import _ "parley/sip/siptest"`, 0},
		{"middleware/middlewaretest/a.go", `package middlewaretest; import _ "parley/gui"`, 1},
		{"gui/calls/a.go", `package calls; import _ "parley/gui/widgets"`, 0},
		{"gui/calls/a.go", `package calls; import _ "parley/sip"`, 1},
		{"gui/calls/a.go", `package calls; import _ "fyne.io/fyne/v2/app"`, 1},
		{"gui/widgets/a.go", `package widgets; import _ "parley/middleware"`, 1},
		{"storage/a.go", `package storage; import _ "github.com/emiago/sipgo/sip"`, 1},
		{"sip/a.go", `package sip; import _ "github.com/emiago/sipgo/sip"`, 0},
		{"sip/a.go", `package sip; import "C"`, 1},
		{"media/rtp/a.go", `package rtp; import _ "github.com/pion/rtp"`, 0},
		{"cmd/phone/a.go", `package main; import _ "parley/media/device"`, 0},
		{"elsewhere/a.go", `package elsewhere`, 1},
	}
	for _, tt := range tests {
		files := []*file{sample(t, tt.path, tt.src)}
		if got := len(importFindings(files)) + len(onlyFindings(files)); got != tt.want {
			t.Errorf("%s: %s: %d findings, want %d", tt.path, tt.src, got, tt.want)
		}
	}
}
