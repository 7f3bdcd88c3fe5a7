package scripting

import (
	"context"
	"strconv"
	"strings"
	"time"

	"parley/middleware"
	"parley/scripting/protocol"
)

// callFilters read what SEARCH CALLS may be narrowed by.
var callFilters = map[string]func(q *middleware.HistoryQuery, value string) bool{
	"text":    func(q *middleware.HistoryQuery, v string) bool { q.Text = v; return true },
	"account": func(q *middleware.HistoryQuery, v string) bool { q.Account = v; return true },
	"outcome": func(q *middleware.HistoryQuery, v string) bool {
		q.Outcome = middleware.Outcome(strings.ToLower(v))
		return v != ""
	},
	"direction": func(q *middleware.HistoryQuery, v string) bool {
		switch strings.ToLower(v) {
		case "in", "incoming":
			q.Direction = middleware.HistoryIncoming
		case "out", "outgoing":
			q.Direction = middleware.HistoryOutgoing
		default:
			return false
		}
		return true
	},
	"recorded": func(q *middleware.HistoryQuery, v string) bool { return readFlag(v, &q.Recorded) },
	"missed":   func(q *middleware.HistoryQuery, v string) bool { return readFlag(v, &q.Missed) },
	"from":     func(q *middleware.HistoryQuery, v string) bool { return readMoment(v, &q.From) },
	"to":       func(q *middleware.HistoryQuery, v string) bool { return readMoment(v, &q.To) },
	"limit": func(q *middleware.HistoryQuery, v string) bool {
		n, err := strconv.Atoi(v)
		q.Limit = n
		return err == nil && n > 0 && n <= maxListed
	},
}

func readFlag(text string, to *bool) bool {
	on, err := strconv.ParseBool(text)
	*to = on
	return err == nil
}

// readMoment reads seconds since 1970 or a time as in RFC 3339.
func readMoment(text string, to *time.Time) bool {
	if n, err := strconv.ParseInt(text, 10, 40); err == nil {
		*to = time.Unix(n, 0)
		return true
	}
	at, err := time.Parse(time.RFC3339, text)
	*to = at
	return err == nil
}

// isFilter reports whether text begins with a filter, so that it is no handle.
func isFilter(text string) bool {
	name, _, ok := strings.Cut(text, "=")
	return ok && callFilters[strings.ToLower(name)] != nil
}

// callQuery reads filters, filter=value ….
func callQuery(text string) (middleware.HistoryQuery, error) {
	q := middleware.HistoryQuery{Limit: maxListed}
	cmd, err := protocol.Parse([]byte(text))
	if err != nil {
		return q, err
	}
	pairs, err := cmd.Pairs()
	if err != nil {
		return q, err
	}
	for _, p := range pairs {
		read := callFilters[strings.ToLower(p[0])]
		if read == nil || !read(&q, p[1]) {
			return q, protocol.Errorf(protocol.BadValue, "%s=%s; filters are %s", p[0], p[1], sortedNames(callFilters))
		}
	}
	return q, nil
}

// filterCalls lists the calls of the history that the filters let through, the
// newest first.
func (s *Server) filterCalls(ctx context.Context, filters string) (string, error) {
	q, err := callQuery(filters)
	if err != nil {
		return "", err
	}
	list, err := s.pastCalls(ctx, q)
	if err != nil {
		return "", err
	}
	return callList(list, ""), nil
}

// exportCalls writes the history as CSV: EXPORT CALLS [OVERWRITE] <path>.
func (s *Server) exportCalls(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	path, overwrite, err := filePath(cmd.Rest(), true)
	if err != nil {
		return "", err
	}
	n, err := s.app.History().Export(ctx, path, middleware.HistoryQuery{}, overwrite)
	return join("EXPORT CALLS", number(n), path), refuse(protocol.HistoryFailed, err)
}

// awaitTime bounds how long a line waits for the disk.
const awaitTime = 2 * time.Second

// await waits until the history knows what is about to be told of a session, so
// that nothing told is lost if the program is killed.
func (h *hub) await(snap middleware.SessionSnapshot) {
	ctx, cancel := context.WithTimeout(h.s.ctx, awaitTime)
	defer cancel()
	if err := h.app.History().Await(ctx, snap); err != nil && h.s.ctx.Err() == nil {
		h.s.log.Warn("The history is late", "session", snap.ID)
	}
}
