package interop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/scripting/client"
	"parley/storage"
)

// phoneConfig says how Parley is set up.
type phoneConfig struct {
	User      string   // "" is no account
	Password  string   // "" is the right one
	Transport string   // "udp" (the default), "tcp" or "tls"
	Settings  []string // of the account, KEY=VALUE
	Proxy     string   // "" is the registrar's
	NoProxy   bool     // the server is found by the domain's name
	Args      []string // further flags
	Under     []string // a program that starts it, and its arguments
	Host      *machine // where it runs and looks for neighbours; nil: on the loopback interface, without
	Name      string   // as neighbours see it; "" is that of the host
}

// who names the phone in what the tests say.
func (c phoneConfig) who() string {
	switch {
	case c.User != "":
		return c.User
	case c.Name != "":
		return c.Name
	case c.Host != nil:
		return c.Host.name
	}
	return "nobody"
}

// A phone is the real program, without its window.
type phone struct {
	*process
	*api
	config  phoneConfig
	binary  string
	dir     string // of everything
	profile string
	said    signal
	played  string // file with what comes out of the speaker
	trace   string // file with the SIP messages
	args    []string
}

// startPhone makes a profile with an account and starts the program.
func startPhone(t testing.TB, k *kamailio, c phoneConfig) *phone {
	t.Helper()
	p := newPhone(t, k, c)
	p.run(t)
	if c.User != "" && k != nil && c.Password == "" && c.Proxy == "" {
		p.awaitRegistered(t)
	}
	return p
}

// newPhone makes a profile with an account and starts nothing.
func newPhone(t testing.TB, k *kamailio, c phoneConfig) *phone {
	t.Helper()
	binary, err := buildPhone()
	if err != nil {
		t.Fatal(err)
	}
	dir := shortDir(t)
	p := &phone{
		config: c, binary: binary, dir: dir, profile: filepath.Join(dir, "profile"), said: signalOf(t, c.who()),
		played: filepath.Join(dir, "played.wav"), trace: filepath.Join(dir, "sip.txt"),
	}
	p.args = append([]string{
		"--profile", p.profile, "--headless", "--secrets", "file", "--sip-listen", loopback,
		"--audio-in", "file:" + p.said.file, "--audio-out", "file:" + p.played, "--audio-alert", "null",
		"--api", "unix:" + p.socket(), "--trace-sip", p.trace, "--log-level", "info",
	}, c.Args...)
	p.network(t)
	if ca, err := testAuthority(); err != nil {
		t.Fatal(err)
	} else if !slices.Contains(c.Args, "--tls-ca") {
		p.args = append(p.args, "--tls-ca", ca.file)
	}
	if c.User != "" {
		p.addAccount(t, k)
	}
	return p
}

// network chooses where the phone listens, and whether it has neighbours.
func (p *phone) network(t testing.TB) {
	t.Helper()
	h := p.config.Host
	if h == nil {
		p.args = append(p.args, "--no-bonjour")
		return
	}
	p.config.Under = append(p.config.Under, h.under()...)
	p.args = append(p.args, "--sip-listen", "") // every address; the last one of a flag counts
	p.change(t, func(s *storage.Settings) {
		s.General.FirstRunDone = true
		s.Bonjour.DisplayName = p.config.who()
	})
}

// change changes the settings of a phone that does not run.
func (p *phone) change(t testing.TB, f func(*storage.Settings)) {
	t.Helper()
	profile, err := storage.Open(p.profile, storage.Options{Secrets: storage.SecretsFile, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = profile.Settings().Update(f)
	if err := errors.Join(err, profile.Close()); err != nil {
		t.Fatal(err)
	}
}

// addAccount does what a person does at the command line.
func (p *phone) addAccount(t testing.TB, k *kamailio) {
	t.Helper()
	c := p.config
	if c.Transport == "" {
		c.Transport = "udp"
	}
	if c.Password == "" {
		c.Password = c.User + "pw"
	}
	args := []string{"account", "add", "--profile", p.profile, "--secrets", "file", "--password-stdin"}
	if c.Proxy == "" && k != nil && !c.NoProxy {
		c.Proxy = k.proxy(c.Transport)
	}
	if c.Proxy != "" {
		args = append(args, "--proxy", c.Proxy)
	}
	args = append(args, p.account(), "transport="+c.Transport)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if out, err := command(ctx, c.Password+"\n", p.binary, append(args, c.Settings...)...); err != nil {
		t.Fatalf("phone account add: %v\n%s", err, out)
	}
}

func (p *phone) socket() string { return filepath.Join(p.dir, "api") }

// account is the address of the only account.
func (p *phone) account() string { return "sip:" + p.address() }

// address is account without the scheme: its id.
func (p *phone) address() string { return p.config.User + "@" + testDomain }

// run starts the program, again if it has ended, and connects to its API.
func (p *phone) run(t testing.TB) {
	t.Helper()
	line := append(append(slices.Clone(p.config.Under), p.binary), p.args...)
	proc, err := start("phone-"+p.config.who(), p.dir, line[0], line[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	p.process = proc
	t.Cleanup(func() {
		proc.stop()
		if proc.err != nil {
			t.Errorf("%s ended with %v", proc.name, proc.err)
		}
		if text := proc.output(); strings.Contains(text, "panic:") || strings.Contains(text, "DATA RACE") {
			t.Errorf("%s has written:\n%s", proc.name, text)
		}
		if t.Failed() {
			t.Logf("%s, last lines:\n%s", proc.name, tail(proc.output(), 30))
			t.Logf("%s, SIP:\n%s", proc.name, tail(p.messages(), 150))
		}
	})
	p.api = dialAPI(t, proc, p.socket())
}

// messages is the trace of the SIP messages so far.
func (p *phone) messages() string {
	b, _ := os.ReadFile(p.trace)
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

// awaitRegistered waits until the account is registered.
func (p *phone) awaitRegistered(t testing.TB) {
	t.Helper()
	eventually(t, 10*time.Second, p.address()+" registered", func() bool {
		return p.get(t, "ACCOUNT "+p.address()+" REGSTATUS") == "REGISTERED"
	})
}

// awaitActive waits until an account that does not register can call.
func (p *phone) awaitActive(t testing.TB) {
	t.Helper()
	eventually(t, 5*time.Second, p.address()+" active", func() bool {
		return strings.Contains(p.output(), "SIPAccountDidActivate account="+p.address())
	})
}

// An api is a connection to the desktop API of a running program.
type api struct {
	client *client.Client

	mu    sync.Mutex
	notes []string    // notifications so far
	at    []time.Time // when each of them came
}

// dialAPI waits until the program listens, and connects.
func dialAPI(t testing.TB, p *process, path string) *api {
	t.Helper()
	var c *client.Client
	var err error
	up := poll(20*time.Second, func() bool {
		if !p.running() {
			return true
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		c, err = client.Dial(ctx, path, "interop")
		return err == nil
	})
	if !up || c == nil {
		t.Fatalf("no desktop API at %s: %v\n%s", path, err, tail(p.output(), 20))
	}
	return follow(t, c)
}

// follow keeps the notifications of a client, which it closes with the test.
func follow(t testing.TB, c *client.Client) *api {
	a := &api{client: c}
	t.Cleanup(c.Close)
	go func() {
		for line := range c.Notifications() {
			a.mu.Lock()
			a.notes, a.at = append(a.notes, line), append(a.at, time.Now())
			a.mu.Unlock()
		}
	}()
	return a
}

// try gives a command.
func (a *api) try(t testing.TB, format string, args ...any) (string, error) {
	t.Helper()
	// Cleanups give commands too: the test's own context has ended by then.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return a.client.Do(ctx, fmt.Sprintf(format, args...))
}

// do gives a command that must be accepted.
func (a *api) do(t testing.TB, format string, args ...any) string {
	t.Helper()
	reply, err := a.try(t, format, args...)
	if err != nil {
		t.Fatalf("%s: %v", fmt.Sprintf(format, args...), err)
	}
	return reply
}

// get reads a property: of "CALL 1 STATUS" what follows these words.
func (a *api) get(t testing.TB, what string) string {
	t.Helper()
	reply := a.do(t, "GET %s", what)
	return strings.TrimSpace(strings.TrimPrefix(reply, what))
}

// notifications returns those so far that match a pattern.
func (a *api) notifications(pattern string) []string {
	re := regexp.MustCompile("^(?:" + pattern + ")$")
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(a.notes), func(line string) bool { return !re.MatchString(line) })
}

// awaitNth waits for the nth notification that matches a pattern, from 1, and
// returns when it came.
func (a *api) awaitNth(t testing.TB, within time.Duration, pattern string, n int) time.Time {
	t.Helper()
	re := regexp.MustCompile("^(?:" + pattern + ")$")
	var came time.Time
	eventually(t, within, fmt.Sprintf("%d times %s", n, pattern), func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		left := n
		for i, line := range a.notes {
			if re.MatchString(line) {
				came = a.at[i]
				left--
			}
			if left == 0 {
				return true
			}
		}
		return false
	})
	return came
}

// awaitNote waits for a notification that matches a pattern.
func (a *api) awaitNote(t testing.TB, within time.Duration, pattern string) string {
	t.Helper()
	if !poll(within, func() bool { return len(a.notifications(pattern)) > 0 }) {
		t.Fatalf("no notification %q within %v, only:\n%s", pattern, within, strings.Join(a.notifications(".*"), "\n"))
	}
	return a.notifications(pattern)[0]
}

// dial calls a target and returns the call's id.
func (a *api) dial(t testing.TB, target string) string {
	t.Helper()
	reply := a.do(t, "CALL %s", target)
	fields := strings.Fields(reply)
	if len(fields) < 4 || fields[0] != "CALL" || fields[2] != "STATUS" {
		t.Fatalf("CALL %s = %q, want CALL <id> STATUS <status>", target, reply)
	}
	return fields[1]
}

// awaitStatus waits until a call has or had one of the statuses, given as a
// pattern.
func (a *api) awaitStatus(t testing.TB, id, status string) {
	t.Helper()
	a.awaitNote(t, 10*time.Second, "CALL "+id+" STATUS (?:"+status+")")
}

// is waits until a call has the status now.
func (a *api) is(t testing.TB, id, status string) {
	t.Helper()
	now := ""
	if !poll(5*time.Second, func() bool { now = a.get(t, "CALL "+id+" STATUS"); return now == status }) {
		t.Fatalf("CALL %s STATUS = %s, want %s", id, now, status)
	}
}

// finish hangs up and waits for the end.
func (a *api) finish(t testing.TB, id string) {
	t.Helper()
	a.do(t, "ALTER CALL %s HANGUP", id)
	a.awaitStatus(t, id, "FINISHED")
}
