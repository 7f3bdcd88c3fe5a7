package scripting

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"parley/middleware"
	"parley/scripting/protocol"
)

// neighbourTable lists the commands about neighbours, in either spelling.
func (s *Server) neighbourTable() map[string]handler {
	return map[string]handler{
		"SEARCH NEIGHBOURS": {run: s.searchNeighbours},
		"SEARCH NEIGHBORS":  {run: s.searchNeighbours},
		"GET NEIGHBOUR":     {run: s.getNeighbour},
		"GET NEIGHBOR":      {run: s.getNeighbour},
		"ALTER NEIGHBOUR":   {run: s.alterNeighbour},
		"ALTER NEIGHBOR":    {run: s.alterNeighbour},
	}
}

// neighbourWord writes a neighbour's id, which may be any text, as one word of a
// line, without blanks and commas.
func neighbourWord(id string) string { return url.PathEscape(id) }

// neighbourOfWord takes neighbourWord back.
func neighbourOfWord(word string) string {
	if id, err := url.PathUnescape(word); err == nil {
		return id
	}
	return word
}

// neighbourProperties are the properties of a neighbour.
var neighbourProperties = map[string]func(middleware.Neighbour) string{
	"NAME":      func(n middleware.Neighbour) string { return n.Name },
	"HOST":      func(n middleware.Neighbour) string { return n.Host },
	"TITLE":     middleware.Neighbour.Title,
	"STATE":     func(n middleware.Neighbour) string { return string(n.State) },
	"NOTE":      func(n middleware.Neighbour) string { return n.Note },
	"HANDLE":    func(n middleware.Neighbour) string { return n.Target },
	"URI":       func(n middleware.Neighbour) string { return n.URI },
	"TRANSPORT": func(n middleware.Neighbour) string { return constant(n.Transport) },
	"TRUST":     func(n middleware.Neighbour) string { return constant(string(n.Trust)) },
	"KEY":       func(n middleware.Neighbour) string { return n.Key },
	"NAMESAKE":  func(n middleware.Neighbour) string { return trueFalse(n.Namesake) },
	"CALLABLE":  func(n middleware.Neighbour) string { return trueFalse(n.Callable()) },
	"PROBLEM":   func(n middleware.Neighbour) string { return constant(string(n.Problem)) },
	"SINCE":     func(n middleware.Neighbour) string { return unix(n.Since) },
}

// searchNeighbours lists those on the local network now by title: SEARCH
// NEIGHBOURS.
func (s *Server) searchNeighbours(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	var ids []string
	for _, n := range s.bonjour().Neighbours() {
		ids = append(ids, neighbourWord(n.ID))
	}
	return join("NEIGHBOURS", strings.Join(ids, ", ")), done(cmd, protocol.SearchWithTarget)
}

func (s *Server) bonjour() *middleware.BonjourAccount { return s.app.AccountManager().BonjourAccount() }

// getNeighbour reads a property: GET NEIGHBOUR <id> <property>.
func (s *Server) getNeighbour(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	word := cmd.Word()
	n, ok := s.bonjour().Neighbour(neighbourOfWord(word))
	if !ok {
		return "", protocol.Errorf(protocol.UnknownNeighbour, "")
	}
	name := cmd.Keyword()
	get, ok := neighbourProperties[name]
	if !ok {
		return "", protocol.Errorf(protocol.BadNeighbourProperty, "there are %s", sortedNames(neighbourProperties))
	}
	return join("NEIGHBOUR", word, name, get(n)), cmd.Done()
}

// alterNeighbour gives up the key that is remembered of somebody, who need not be
// there: ALTER NEIGHBOUR <id> FORGET.
func (s *Server) alterNeighbour(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	word, verb := cmd.Word(), cmd.Keyword()
	if verb != "FORGET" {
		return "", protocol.Errorf(protocol.NeighbourFailed, "the action is FORGET")
	}
	if err := cmd.Done(); err != nil {
		return "", err
	}
	err := s.bonjour().ForgetNeighbour(neighbourOfWord(word))
	if errors.Is(err, middleware.ErrNoNeighbour) {
		return "", protocol.Errorf(protocol.UnknownNeighbour, "")
	}
	return join("ALTER NEIGHBOUR", word, verb), refuse(protocol.NeighbourFailed, err)
}
