package scripting

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"parley/middleware"
	"parley/middleware/middlewaretest"
)

// A person answers questions about programs.
type person struct {
	mu      sync.Mutex
	asked   []string // NAME EXECUTABLE
	answers map[string]Decision
	wait    bool // no answer comes until the program has gone
}

func (p *person) ask(ctx context.Context, c Client) Decision {
	p.mu.Lock()
	p.asked = append(p.asked, strings.TrimSpace(c.Name+" "+c.Executable))
	answer, wait := p.answers[c.Name], p.wait
	p.mu.Unlock()
	if wait {
		<-ctx.Done()
		return NotNow
	}
	return answer
}

func (p *person) wantAsked(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if got := strings.Join(p.asked, "; "); got != strings.Join(want, "; ") {
		t.Errorf("the person was asked about %q, want %q", got, strings.Join(want, "; "))
	}
	p.asked = nil
}

// guarded runs f with a server whose person is asked.
func guarded(t *testing.T, f func(t *testing.T, s *Server, who *person, alice *middlewaretest.Phone)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		alice := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1")
		who := &person{answers: map[string]Decision{"good": Allow, "bad": Deny}}
		s := newServer(t, alice, func(c *Config) { c.Ask = who.ask })
		f(t, s, who, alice)
		s.Close()
		alice.Stop()
	})
}

const refused = "ERROR 68 Access denied"

func TestPermissionIsAskedOnce(t *testing.T) {
	guarded(t, func(t *testing.T, s *Server, who *person, alice *middlewaretest.Phone) {
		exe := Client{Executable: "/bin/x"}
		connect(t, s, exe).want("NAME good", "OK")
		who.wantAsked(t, "good /bin/x")
		connect(t, s, exe).want("NAME good", "OK")
		who.wantAsked(t)
		p := connect(t, s, exe)
		p.want("NAME bad", refused)
		p.want("GET MUTE", refused)
		who.wantAsked(t, "bad /bin/x")
		connect(t, s, exe).want("NAME bad", refused)
		who.wantAsked(t)
		// Another program may claim the name, but not the executable.
		connect(t, s, Client{Executable: "/bin/y"}).want("NAME good", "OK")
		who.wantAsked(t, "good /bin/y")
		// No answer is none to remember.
		connect(t, s, exe).want("NAME unsure", refused)
		connect(t, s, exe).want("NAME unsure", refused)
		who.wantAsked(t, "unsure /bin/x", "unsure /bin/x")
		// A program that the system does not identify cannot be remembered.
		connect(t, s, Client{}).want("NAME good", "OK")
		connect(t, s, Client{}).want("NAME good", "OK")
		who.wantAsked(t, "good", "good")

		want := []string{"good /bin/x true", "bad /bin/x false", "good /bin/y true"}
		var got []string
		for _, g := range alice.App.Settings().API.Apps {
			got = append(got, g.Name+" "+g.Executable+" "+strings.ToLower(trueFalse(g.Allowed)))
		}
		if strings.Join(got, "; ") != strings.Join(want, "; ") {
			t.Errorf("answers kept = %q, want %q", got, want)
		}
	})
}

func TestPermissionIsTakenBack(t *testing.T) {
	guarded(t, func(t *testing.T, s *Server, who *person, alice *middlewaretest.Phone) {
		p := connect(t, s, Client{Executable: "/bin/x"})
		p.want("NAME good", "OK")
		p.want("NAME good under another name", "OK")
		p.want("GET MUTE", "MUTE OFF")
		if err := alice.App.ChangeSettings(func(set *middleware.Settings) error {
			set.API.Apps[0].Allowed = false
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		p.want("GET MUTE", refused)
		p.told()
		alice.App.Audio().SetMuted(true)
		p.wantTold()
	})
}

// Questions come one at a time, and one whose program has gone is dropped.
func TestQuestionsWait(t *testing.T) {
	guarded(t, func(t *testing.T, s *Server, who *person, alice *middlewaretest.Phone) {
		who.wait = true
		var programs []*program
		for range 3 {
			p := connect(t, s, Client{Executable: "/bin/x"})
			if _, err := p.conn.Write([]byte("NAME good\n")); err != nil {
				t.Fatal(err)
			}
			programs = append(programs, p)
		}
		who.wantAsked(t, "good /bin/x")
		programs[2].conn.Close()
		who.wantAsked(t)
		who.mu.Lock()
		who.wait = false
		who.mu.Unlock()
		programs[0].conn.Close()
		synctest.Wait()
		programs[1].conn.Close()
		synctest.Wait()
		if n := s.clients(); n != 0 {
			t.Errorf("%d programs are connected, want none", n)
		}
	})
}

func TestOpenNeedsNoPermission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice := middlewaretest.NewPhone(t, middlewaretest.NewNet(), "192.0.2.1")
		opened := make(chan string, 1)
		who := &person{}
		s := newServer(t, alice, func(c *Config) {
			c.Ask = who.ask
			c.Open = func(target string) { opened <- target }
		})
		p := connect(t, s, Client{})
		for command, want := range map[string]string{
			"OPEN": "", "OPEN sip:bob@example.org": "sip:bob@example.org", "open  +49 30 123 ": "+49 30 123",
		} {
			if got := p.do(command); got != join("OPEN", want) {
				t.Errorf("%s = %q", command, got)
			}
			if got := <-opened; got != want {
				t.Errorf("%s opened %q, want %q", command, got, want)
			}
		}
		p.want("OPEN "+strings.Repeat("x", maxTarget+1), "ERROR 69 Invalid open what: the address is too long")
		who.wantAsked(t)
		if n := len(alice.App.SessionManager().Sessions()); n != 0 {
			t.Errorf("OPEN has begun %d calls", n)
		}
		s.Close()
		alice.Stop()
	})
}
