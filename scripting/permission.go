package scripting

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"parley/middleware"
	"parley/scripting/protocol"
)

// maxName bounds the name of a program, in characters.
const maxName = 64

// name lets a program introduce itself: NAME <name>.
func (s *Server) name(c *conn, cmd *protocol.Command) (string, error) {
	name := cleanName(cmd.Rest())
	if name == "" {
		return "", protocol.Errorf(protocol.SyntaxError, "NAME needs a name")
	}
	if c.attached.Load() {
		return "OK", nil // the same program, by whatever name
	}
	c.who.Name = name
	if !s.permit(c) {
		c.log.Info("Program refused", "name", name)
		return "", protocol.Errorf(protocol.AccessDenied, "")
	}
	c.log.Info("Program let in", "name", name)
	s.hub.attach(c)
	return "OK", nil
}

// cleanName makes a name safe to show: without characters that cannot be seen
// or turn the direction of text.
func cleanName(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxName {
		text = string(runes[:maxName])
	}
	return strings.TrimSpace(text)
}

// permit finds out whether a program may use Parley. It asks the person unless
// they have answered before, and blocks for the answer.
func (s *Server) permit(c *conn) bool {
	if s.config.Ask == nil {
		return true
	}
	if allowed, known := s.grant(c.who); known {
		c.granted = allowed
		return allowed
	}
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-c.gone.Done():
		return false
	}
	// The person may have answered for another connection of the program.
	if allowed, known := s.grant(c.who); known {
		c.granted = allowed
		return allowed
	}
	answer := s.config.Ask(c.gone, c.who)
	if answer == NotNow || c.who.Executable == "" {
		return answer == Allow
	}
	if err := s.remember(c.who, answer == Allow); err != nil {
		s.log.Warn("Answer about a program not kept", "err", err)
		return answer == Allow
	}
	c.granted = answer == Allow
	return answer == Allow
}

// grant returns the person's remembered answer. A program that the system does
// not identify has none: any program can claim any name.
func (s *Server) grant(who Client) (allowed, known bool) {
	if who.Executable == "" {
		return false, false
	}
	set := s.app.Settings()
	g := set.API.Grant(who.Name, who.Executable)
	return g != nil && g.Allowed, g != nil
}

func (s *Server) remember(who Client, allowed bool) error {
	return s.app.ChangeSettings(func(set *middleware.Settings) error {
		if g := set.API.Grant(who.Name, who.Executable); g != nil {
			g.Allowed = allowed
			return nil
		}
		n := len(set.API.Apps)
		set.API.Apps = slices.Grow(set.API.Apps, 1)[:n+1]
		g := &set.API.Apps[n]
		g.Name, g.Executable, g.Allowed = who.Name, who.Executable, allowed
		return nil
	})
}

// revoked reports whether the person has taken a remembered answer back since.
func (s *Server) revoked(c *conn) bool {
	if !c.granted {
		return false
	}
	allowed, _ := s.grant(c.who)
	return !allowed
}

// admitted returns an error unless the program may use the command.
func (s *Server) admitted(ctx context.Context, c *conn) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if c.attached.Load() && s.revoked(c) {
		s.hub.detach(c)
		c.granted = false
		c.log.Info("Program is no longer allowed", "name", c.who.Name)
	}
	if !c.attached.Load() {
		return protocol.Errorf(protocol.AccessDenied, "")
	}
	return nil
}
