package scripting

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/middleware"
	"parley/middleware/middlewaretest"
)

// A program is a client of the server under test, over a pipe in memory.
type program struct {
	t    *testing.T
	conn net.Conn

	mu      sync.Mutex
	replies chan string
	notes   []string
}

// newServer makes a server for app that does not listen.
func newServer(t *testing.T, p *middlewaretest.Phone, change ...func(*Config)) *Server {
	t.Helper()
	c := Config{Log: slog.New(slog.DiscardHandler), App: p.App, Version: "1.2-test"}
	for _, f := range change {
		f(&c)
	}
	s := New(c)
	s.follow()
	return s
}

// connect connects a program that has said nothing yet.
func connect(t *testing.T, s *Server, who Client) *program {
	t.Helper()
	ours, theirs := net.Pipe()
	s.serve(theirs, who)
	p := &program{t: t, conn: ours, replies: make(chan string, 100)}
	go func() {
		lines := bufio.NewScanner(ours)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			line := lines.Text()
			if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "ERROR") {
				p.replies <- line
				continue
			}
			p.mu.Lock()
			p.notes = append(p.notes, line)
			p.mu.Unlock()
		}
		close(p.replies)
	}()
	return p
}

// attach connects a program that was let in and speaks the newest protocol.
func attach(t *testing.T, s *Server) *program {
	t.Helper()
	p := connect(t, s, Client{PID: 7, Executable: "/usr/bin/test"})
	p.want("NAME test", "OK")
	p.want("PROTOCOL 8", "PROTOCOL 8")
	p.told()
	return p
}

// do sends a command and returns its reply without the id.
func (p *program) do(command string) string {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.conn, "#x1 %s\n", command); err != nil {
		p.t.Fatalf("%s: %v", command, err)
	}
	reply, ok := <-p.replies
	if !ok {
		p.t.Fatalf("%s: the connection has ended", command)
	}
	text, ok := strings.CutPrefix(reply, "#x1 ")
	if !ok {
		p.t.Errorf("%s = %q, the id is missing", command, reply)
	}
	return text
}

func (p *program) want(command, want string) {
	p.t.Helper()
	if got := p.do(command); got != want {
		p.t.Errorf("%s = %q, want %q", command, got, want)
	}
}

// told returns the notifications so far and forgets them.
func (p *program) told() []string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	notes := p.notes
	p.notes = nil
	return notes
}

// wantTold compares the notifications so far; calls' ids are written as N.
func (p *program) wantTold(want ...string) {
	p.t.Helper()
	got := p.told()
	for i := range got {
		got[i] = callNumber.ReplaceAllString(got[i], "CALL N")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		p.t.Errorf("notifications (-want +got):\n%s", diff)
	}
}

var callNumber = regexp.MustCompile(`^CALL \d+`)

// bubble runs f with two phones, of which alice has the API, in fake time.
func bubble(t *testing.T, f func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone), options ...middlewaretest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := middlewaretest.NewNet()
		alice := middlewaretest.NewPhone(t, n, "192.0.2.1", options...)
		bob := middlewaretest.NewPhone(t, n, "192.0.2.2", options...)
		s := newServer(t, alice)
		f(t, s, alice, bob)
		s.Close()
		alice.Stop()
		bob.Stop()
	})
}

// soon lets everything that takes less than a moment happen.
func soon() {
	time.Sleep(300 * time.Millisecond)
	synctest.Wait()
}

// place calls bob and returns the call's id.
func place(p *program, target string) string {
	p.t.Helper()
	reply := p.do("CALL " + target)
	words := strings.Fields(reply)
	if len(words) != 4 || words[0] != "CALL" || words[2] != "STATUS" || words[3] != "UNPLACED" {
		p.t.Fatalf("CALL %s = %q, want CALL <id> STATUS UNPLACED", target, reply)
	}
	return words[1]
}

func TestOutgoingCall(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		p := attach(t, s)
		p.want("SEARCH ACTIVECALLS", "CALLS")
		id := place(p, bob.URI())
		p.want("SEARCH ACTIVECALLS", "CALLS "+id)
		soon()
		p.wantTold("CALL N STATUS ROUTING", "CALL N STATUS RINGING")
		p.want("GET CALL "+id+" STATUS", "CALL "+id+" STATUS RINGING")
		p.want("GET CALL "+id+" REASON", "CALL "+id+" REASON 180 Ringing")
		bob.Session().Accept()
		soon()
		p.wantTold("CALL N STATUS INPROGRESS", "CALL N CODEC G722", "CALL N ENCRYPTION NONE")
		time.Sleep(2 * time.Second)
		p.wantTold("CALL N DURATION 1", "CALL N DURATION 2")

		p.want("ALTER CALL "+id+" HOLD", "ALTER CALL "+id+" HOLD")
		soon()
		p.wantTold("CALL N HOLD LOCAL", "CALL N STATUS LOCALHOLD")
		p.want("ALTER CALL "+id+" HOLD", "ERROR 103 Cannot hold: it is on hold")
		p.want("SET CALL "+id+" STATUS INPROGRESS", "CALL "+id+" STATUS INPROGRESS")
		soon()
		p.wantTold("CALL N HOLD NONE", "CALL N STATUS INPROGRESS")
		p.want("ALTER CALL "+id+" RESUME", "ERROR 104 Cannot resume")
		bob.Session().Hold()
		soon()
		p.wantTold("CALL N HOLD REMOTE", "CALL N STATUS REMOTEHOLD", "CALL N DURATION 3")
		bob.Session().Unhold()
		soon()
		p.told()

		p.want("ALTER CALL "+id+" END HANGUP", "ALTER CALL "+id+" END HANGUP")
		soon()
		p.wantTold("CALL N STATUS FINISHED")
		p.want("GET CALL "+id+" STATUS", "CALL "+id+" STATUS FINISHED")
		p.want("GET CALL "+id+" DURATION", "CALL "+id+" DURATION 3")
		p.want("GET CALL "+id+" FAILUREREASON", "CALL "+id+" FAILUREREASON 0")
		p.want("GET CALL "+id+" CODEC", "CALL "+id+" CODEC G722")
		p.want("SEARCH ACTIVECALLS", "CALLS")
		p.want("SEARCH CALLS", "CALLS "+id)
		p.want("SEARCH CALLS bob@192.0.2.2", "CALLS "+id)
		p.want("SEARCH CALLS eve@192.0.2.2", "CALLS")
		time.Sleep(3 * time.Second)
		p.wantTold()

		// A Parley that was started again knows the call by the same id.
		s.hub.forget()
		p.want("GET CALL "+id+" STATUS", "CALL "+id+" STATUS FINISHED")
		p.want("GET CALL "+id+" PARTNER_HANDLE", "CALL "+id+" PARTNER_HANDLE bob@192.0.2.2")
		p.want("GET CALL "+id+" DURATION", "CALL "+id+" DURATION 3")
		p.want("GET CALL "+id+" CODEC", "CALL "+id+" CODEC G722")
		p.want("GET CALL "+id+" ENCRYPTION", "CALL "+id+" ENCRYPTION NONE")
		p.want("ALTER CALL "+id+" HANGUP", "ERROR 24 Cannot hangup inactive call: the call is over")
		p.want("CLEAR CALLHISTORY ALL", "CLEAR CALLHISTORY ALL")
		p.want("GET CALL "+id+" STATUS", "ERROR 12 Unknown call")
	})
}

func TestIncomingCalls(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		p := attach(t, s)
		incoming := func() string {
			t.Helper()
			bob.Dial("sip:alice@192.0.2.1:5060")
			soon()
			id := strings.TrimPrefix(p.do("SEARCH ACTIVECALLS"), "CALLS ")
			p.wantTold("CALL N CONF_ID 0", "CALL N STATUS RINGING")
			p.want("GET CALL "+id+" TYPE", "CALL "+id+" TYPE INCOMING_P2P")
			return id
		}
		for _, tt := range []struct {
			answer string // ID stands for the call's id
			reply  string
			want   []string
		}{
			{"ALTER CALL ID DECLINE", "ALTER CALL ID DECLINE", []string{"CALL N REASON 603 declined", "CALL N STATUS REFUSED"}},
			{"ALTER CALL ID BUSY", "ALTER CALL ID BUSY", []string{"CALL N REASON 486 busy", "CALL N STATUS REFUSED"}},
			{"SET CALL ID STATUS FINISHED", "CALL ID STATUS FINISHED", []string{"CALL N REASON 603 declined", "CALL N STATUS REFUSED"}},
			{"ALTER CALL ID ANSWER", "ALTER CALL ID ANSWER", []string{"CALL N CODEC G722", "CALL N ENCRYPTION NONE", "CALL N STATUS INPROGRESS"}},
			{"SET CALL ID STATUS INPROGRESS", "CALL ID STATUS INPROGRESS", []string{"CALL N CODEC G722", "CALL N ENCRYPTION NONE", "CALL N STATUS INPROGRESS"}},
		} {
			id := incoming()
			p.want(strings.ReplaceAll(tt.answer, "ID", id), strings.ReplaceAll(tt.reply, "ID", id))
			soon()
			p.wantTold(tt.want...)
			for _, session := range alice.App.SessionManager().Sessions() {
				session.End()
			}
			soon()
			p.told()
			time.Sleep(time.Second)
		}
		id := incoming()
		bob.Session().End()
		soon()
		p.wantTold("CALL N REASON 487 canceled", "CALL N STATUS MISSED")
		p.want("GET CALL "+id+" SEEN", "CALL "+id+" SEEN FALSE")
		p.want("SEARCH MISSEDCALLS", "CALLS "+id)
		s.hub.forget()
		p.want("SEARCH MISSEDCALLS", "CALLS "+id)
		p.want("GET CALL "+id+" STATUS", "CALL "+id+" STATUS MISSED")
		p.want("GET CALL "+id+" SEEN", "CALL "+id+" SEEN FALSE")
	})
}

func TestSeen(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		p := attach(t, s)
		for range 3 {
			bob.Dial("sip:alice@192.0.2.1:5060")
			soon()
			bob.Session().End()
			time.Sleep(time.Second)
		}
		ids := strings.Split(strings.TrimPrefix(p.do("SEARCH MISSEDCALLS"), "CALLS "), ", ")
		if len(ids) != 3 {
			t.Fatalf("missed calls = %q, want 3", ids)
		}
		p.told()
		p.want("SET CALL "+ids[1]+" SEEN maybe", "ERROR 21 Unknown/disallowed call prop: what was seen stays seen")
		p.want("SET CALL "+ids[1]+" SEEN", "CALL "+ids[1]+" SEEN TRUE")
		p.wantTold("CALL N SEEN TRUE")
		for i, want := range []string{"FALSE", "TRUE", "FALSE"} {
			p.want("GET CALL "+ids[i]+" SEEN", "CALL "+ids[i]+" SEEN "+want)
		}
		s.hub.forget()
		p.want("SET CALL "+ids[0]+" SEEN TRUE", "CALL "+ids[0]+" SEEN TRUE")
		if err := alice.App.History().MarkSeen(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.want("GET CALL "+ids[2]+" SEEN", "CALL "+ids[2]+" SEEN TRUE")
		if got := alice.App.History().Unseen(); got != 0 {
			t.Errorf("unseen calls = %d, want none", got)
		}
	})
}

// Calls that are turned away at once are over before anybody hears of them.
func TestDoNotDisturb(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		p := attach(t, s)
		p.do("SET USERSTATUS DND")
		p.told()
		bob.Dial("sip:alice@192.0.2.1:5060")
		soon()
		p.wantTold("CALL N CONF_ID 0", "CALL N REASON 486 no answer", "CALL N STATUS MISSED")
		p.want("SEARCH ACTIVECALLS", "CALLS")
		id := strings.TrimPrefix(p.do("SEARCH MISSEDCALLS"), "CALLS ")
		p.want("GET CALL "+id+" STATUS", "CALL "+id+" STATUS MISSED")
	})
}

func TestRefusedCall(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		p := attach(t, s)
		tests := []struct {
			refuse func()
			want   []string
		}{
			{func() { bob.Session().Reject(true) }, []string{"CALL N REASON 486 Busy Here", "CALL N STATUS BUSY"}},
			{func() { bob.Session().Reject(false) }, []string{"CALL N REASON 603 Decline", "CALL N STATUS REFUSED"}},
			{func() { alice.Session().End() }, []string{"CALL N REASON 487 canceled", "CALL N STATUS CANCELLED"}},
			{func() { time.Sleep(3 * time.Minute) }, []string{"CALL N REASON 480 Temporarily Unavailable", "CALL N FAILUREREASON 3", "CALL N STATUS FAILED"}},
		}
		for _, tt := range tests {
			place(p, bob.URI())
			soon()
			p.told()
			tt.refuse()
			soon()
			p.wantTold(tt.want...)
			time.Sleep(time.Minute)
		}
	}, func(_ *middleware.Config, set *middleware.Settings) { set.Calls.RingTimeout = 2 * time.Minute })
}

func TestDigitsAndRecording(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		p := attach(t, s)
		id := place(p, bob.URI())
		p.want("ALTER CALL "+id+" RECORD", "ERROR 559 CALL: Action failed")
		p.want("SET CALL "+id+" DTMF 5", "ERROR 41 Call not active")
		soon()
		bob.Session().Accept()
		soon()
		p.told()
		p.want("ALTER CALL "+id+" DTMF 4z", `ERROR 42 Invalid DTMF code: not DTMF digits: 'z' is none of 0-9, *, #, A-D`)
		p.want("ALTER CALL "+id+" DTMF 42#", "ALTER CALL "+id+" DTMF 42#")
		bob.Session().SendDTMF("7")
		time.Sleep(950 * time.Millisecond)
		p.wantTold("CALL N DTMF 7", "CALL N DTMF_RECEIVED 7", "CALL N DURATION 1")
		p.want("GET CALL "+id+" DTMF_SENT", "CALL "+id+" DTMF_SENT 42#")
		if got := bob.App.SessionManager(); len(got.Sessions()) != 1 {
			t.Errorf("bob has %d sessions, want 1", len(got.Sessions()))
		}

		file := t.TempDir() + "/with blanks.wav"
		p.want("ALTER CALL "+id+" RECORD here.wav", `ERROR 559 CALL: Action failed: the recording's name "here.wav" is not an absolute path`)
		p.want("ALTER CALL "+id+" RECORD "+file, "ALTER CALL "+id+" RECORD "+file)
		p.wantTold("CALL N RECORDING " + file)
		p.want("ALTER CALL "+id+" RECORD", "ERROR 559 CALL: Action failed: the call is being recorded already")
		p.want("ALTER CALL "+id+" STOP_RECORD", "ALTER CALL "+id+" STOP_RECORD")
		p.wantTold("CALL N RECORDING")
		p.want("ALTER CALL "+id+" STOP_RECORD", "ERROR 559 CALL: Action failed: the call is not being recorded")
		stats := p.do("GET CALL " + id + " STATS")
		if !regexp.MustCompile(`^CALL \d+ STATS PACKETS_SENT [1-9]\d* PACKETS_RECEIVED [1-9]\d* LOST 0 LATE 0 JITTER \d`).MatchString(stats) {
			t.Errorf("STATS = %q", stats)
		}
		p.want("ALTER CALL "+id+" HANGUP", "ALTER CALL "+id+" HANGUP")
		soon()
		p.want("GET CALL "+id+" RECORDING", "CALL "+id+" RECORDING "+file)
		if again := p.do("GET CALL " + id + " STATS"); !strings.HasPrefix(again, "CALL "+id+" STATS PACKETS_SENT ") {
			t.Errorf("STATS after the end = %q", again)
		}
	})
}

// Programs of the oldest protocol know one word for all holds.
func TestOldProtocol(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		old := connect(t, s, Client{})
		old.want("NAME old", "OK")
		id := place(old, bob.URI())
		soon()
		bob.Session().Accept()
		soon()
		old.told()
		old.want("ALTER CALL "+id+" HOLD", "ALTER CALL "+id+" HOLD")
		soon()
		old.wantTold("CALL N HOLD LOCAL", "CALL N STATUS ONHOLD")
		old.want("GET CALL "+id+" STATUS", "CALL "+id+" STATUS ONHOLD")
		old.want("PROTOCOL 99", "PROTOCOL 8")
		old.want("GET CALL "+id+" STATUS", "CALL "+id+" STATUS LOCALHOLD")
		old.want("PROTOCOL 0", "ERROR 27 Invalid version number")
		old.want("PROTOCOL", "PROTOCOL 8")
	})
}

// The API comes late, or is asked in the middle of a call.
func TestCallsBeforeTheServer(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		alice.Dial(bob.URI())
		soon()
		bob.Session().Accept()
		soon()
		late := newServer(t, alice)
		p := attach(t, late)
		id := strings.TrimPrefix(p.do("SEARCH ACTIVECALLS"), "CALLS ")
		p.want("GET CALL "+id+" STATUS", "CALL "+id+" STATUS INPROGRESS")
		time.Sleep(time.Second)
		if got := p.told(); len(got) != 1 || !strings.Contains(got[0], " DURATION ") {
			t.Errorf("notifications in a second = %q, want one DURATION", got)
		}
		late.Close()
		if _, ok := <-p.replies; ok {
			t.Error("a reply came at the end of the server")
		}
	})
}

func TestGreeting(t *testing.T) {
	bubble(t, func(t *testing.T, s *Server, alice, bob *middlewaretest.Phone) {
		p := connect(t, s, Client{})
		for _, command := range []string{"GET USERSTATUS", "CALL bob", "NONSENSE", "SHUTDOWN", "SEARCH"} {
			p.want(command, "ERROR 68 Access denied")
		}
		p.want("PING", "PONG")
		p.want("PROTOCOL 5", "PROTOCOL 5")
		p.want("NAME", "ERROR 1 General syntax error: NAME needs a name")
		p.want("NAME \u202e", "ERROR 1 General syntax error: NAME needs a name")
		p.want("NAME my program", "OK")
		p.wantTold("CONNSTATUS OFFLINE", "USERSTATUS ONLINE")
		p.want("NAME another", "OK")
		p.wantTold()
	})
}

// Quit is called when the reply is on its way.
func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1")
		ctx, quit := context.WithCancel(t.Context())
		s := newServer(t, alice, func(c *Config) { c.Quit = quit })
		p := attach(t, s)
		p.want("SHUTDOWN now", `ERROR 1 General syntax error: "now" is too much`)
		if ctx.Err() != nil {
			t.Error("a refused SHUTDOWN has ended the program")
		}
		p.want("SHUTDOWN", "SHUTDOWN")
		<-ctx.Done()
		s.Close()
		alice.Stop()
	})
}
