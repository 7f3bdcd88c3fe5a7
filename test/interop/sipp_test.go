package interop

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startSipp runs a scenario of testdata/sipp once. For callers, to is where the
// phone is, and contact whom it has registered. extra are further arguments.
func startSipp(t testing.TB, scenario, transport, to, contact string, extra ...string) (*process, int) {
	t.Helper()
	need(t, "sipp")
	file, err := filepath.Abs(filepath.Join("testdata", "sipp", scenario+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	dir, port := t.TempDir(), freePorts(t, 1)
	args := []string{
		"-sf", file, "-i", loopback, "-p", strconv.Itoa(port), "-mi", loopback, "-mp", strconv.Itoa(freePorts(t, 4)),
		"-t", map[string]string{"udp": "u1", "tcp": "t1"}[transport], "-m", "1", "-nostdin", "-timeout_error",
		"-trace_err", "-error_file", filepath.Join(dir, "errors"), "-trace_msg", "-message_file", filepath.Join(dir, "messages"),
		"-key", "contact", contact,
	}
	if !slices.Contains(extra, "-timeout") {
		args = append(args, "-timeout", "40")
	}
	args = append(args, extra...)
	if to != "" {
		args = append(args, to)
	}
	p, err := start("sipp-"+scenario, dir, "sipp", args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			errors, _ := filepath.Glob(filepath.Join(dir, "errors"))
			for _, name := range errors {
				text, _ := output(time.Second, "tail", "-n", "40", name)
				t.Logf("%s, errors:\n%s", p.name, text)
			}
		}
	})
	if to == "" {
		eventually(t, 5*time.Second, "sipp listens", func() bool { return !allFree(port, 1) || !p.running() })
	}
	return p, port
}

// mustPass waits until the scenario is over and was played as written.
func (p *process) mustPass(t testing.TB) {
	t.Helper()
	if err := p.wait(45 * time.Second); err != nil {
		t.Errorf("%s: %v", p.name, err)
	}
}

// TestScenariosOfCallers lets sipp call the phone in ways that are rare.
func TestScenariosOfCallers(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	for _, scenario := range []string{"uac_long", "uac_spaces", "uac_late_offer"} {
		for _, transport := range []string{"udp", "tcp"} {
			name := scenario + "-" + transport
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				user := strings.ReplaceAll(name, "_", "-")
				a := startPhone(t, k, phoneConfig{User: user})
				contact, to := contactOf(t, k, user)
				p, _ := startSipp(t, scenario, transport, to.String(), contact)
				id := a.ringing(t)
				a.do(t, "ALTER CALL %s ANSWER", id)
				a.awaitStatus(t, id, "INPROGRESS")
				p.mustPass(t)
				a.is(t, id, "FINISHED")
			})
		}
	}
}

// TestScenariosOfCallees calls sipp, which answers in ways that are rare.
func TestScenariosOfCallees(t *testing.T) {
	t.Parallel()
	for _, scenario := range []string{"uas_provisionals", "uas_long", "uas_forked", "uas_crossing", "uas_challenges"} {
		for _, transport := range []string{"udp", "tcp"} {
			t.Run(scenario+"-"+transport, func(t *testing.T) {
				t.Parallel()
				p, port := startSipp(t, scenario, transport, "", "")
				a := startPhone(t, nil, phoneConfig{
					User: "dialer", Transport: transport, Settings: []string{"registration=false"},
					Proxy: fmt.Sprintf("sip:%s;transport=%s", address(port), transport),
				})
				a.awaitActive(t)
				id := a.dial(t, "sip:sipp@"+testDomain)
				if scenario == "uas_crossing" {
					a.awaitStatus(t, id, "RINGING")
					a.do(t, "ALTER CALL %s HANGUP", id)
					p.mustPass(t)
					a.is(t, id, "CANCELLED")
					return
				}
				a.awaitStatus(t, id, "INPROGRESS")
				talk(time.Second)
				a.finish(t, id)
				p.mustPass(t)
			})
		}
	}
}

// TestHoldStyles is held and resumed by sipp in three styles: sendonly, inactive
// and an address of zeros.
func TestHoldStyles(t *testing.T) {
	t.Parallel()
	k := registrar(t)
	a := startPhone(t, k, phoneConfig{User: "styles"})
	contact, to := contactOf(t, k, "styles")
	p, _ := startSipp(t, "uac_holds", "udp", to.String(), contact)
	id := a.ringing(t)
	a.do(t, "ALTER CALL %s ANSWER", id)
	a.awaitStatus(t, id, "INPROGRESS")
	p.mustPass(t)
	a.is(t, id, "FINISHED")
	var told []string
	for _, note := range a.notifications("CALL " + id + " HOLD .*") {
		told = append(told, strings.TrimPrefix(note, "CALL "+id+" HOLD "))
	}
	if want := []string{"REMOTE", "NONE", "REMOTE", "NONE", "REMOTE", "NONE"}; !slices.Equal(told, want) {
		t.Errorf("HOLD was told as %q, want %q", told, want)
	}
}
