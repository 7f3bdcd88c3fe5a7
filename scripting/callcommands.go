package scripting

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"parley/middleware"
	"parley/middleware/session"
	"parley/scripting/protocol"
)

// dial calls out: CALL <target> [FROM <account>]. The reply names the call.
func (s *Server) dial(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	target, account := cutFrom(cmd.Rest())
	switch {
	case strings.Trim(target, " \t,") == "":
		return "", protocol.Errorf(protocol.BadHandle, "")
	case strings.Contains(target, ","):
		// A list, unless it is a name.
		if _, err := s.bonjour().FindNeighbour(target); errors.Is(err, middleware.ErrNoNeighbour) {
			return "", protocol.Errorf(protocol.NoConference, "")
		}
	}
	return s.dialed(s.app.SessionManager().Dial(middleware.DialRequest{Target: target, Account: account}))
}

// cutFrom reads an account off the end: <target> [FROM <account>].
func cutFrom(text string) (target, account string) {
	if words := strings.Fields(text); len(words) > 1 && strings.EqualFold(words[len(words)-2], "FROM") {
		return strings.Join(words[:len(words)-2], " "), words[len(words)-1]
	}
	return text, ""
}

// dialed is the reply to what makes a call.
func (s *Server) dialed(session *middleware.Session, err error) (string, error) {
	if err != nil {
		return "", dialError(err)
	}
	k := s.hub.add(session)
	return callLine(k.id, "STATUS", statusUnplaced), nil
}

// dialError sorts the errors of dialing.
func dialError(err error) error {
	var cannot *middleware.NeighbourError
	switch {
	case errors.As(err, &cannot), errors.Is(err, middleware.ErrManyNeighbours):
		return refuse(protocol.NeighbourFailed, err)
	case errors.Is(err, middleware.ErrNoAccount), errors.Is(err, middleware.ErrAccountInactive):
		return refuse(protocol.NotOnline, err)
	case errors.Is(err, middleware.ErrNoSuchAccount):
		return protocol.Errorf(protocol.UnknownAccount, "")
	case errors.Is(err, middleware.ErrNoNeighbour):
		return protocol.Errorf(protocol.UnknownNeighbour, "")
	case errors.Is(err, middleware.ErrStopping):
		return refuse(protocol.InternalError, err)
	}
	return refuse(protocol.BadHandle, err)
}

// callErrors are the numbers with which a verb refuses a call's id.
type callErrors struct{ bad, unknown protocol.Number }

// find returns the call that the next word names: one going on, one that has
// just ended, or one of the history.
func (s *Server) find(ctx context.Context, cmd *protocol.Command, e callErrors) (callView, error) {
	word := cmd.Word()
	id, err := strconv.ParseInt(word, 10, 64)
	if err != nil || id < 0 {
		return callView{}, protocol.Errorf(e.bad, "")
	}
	v, known := s.hub.view(id)
	if !known || v.status == statusMissed {
		old, err := s.past(ctx, id)
		switch {
		case err != nil:
			return v, refuse(protocol.HistoryFailed, err)
		case !known && old.id == 0:
			return v, protocol.Errorf(e.unknown, "")
		case !known:
			v = old
		default:
			v.row, v.seen = old.row, old.seen // the window may have marked it
		}
	}
	v.word = word
	return v, nil
}

// getCall reads a property: GET CALL <id> <property>.
func (s *Server) getCall(ctx context.Context, c *conn, cmd *protocol.Command) (string, error) {
	v, err := s.find(ctx, cmd, callErrors{protocol.BadCallID, protocol.UnknownCall})
	if err != nil {
		return "", err
	}
	name := cmd.Keyword()
	get, ok := callProperties[name]
	if !ok {
		return "", protocol.Errorf(protocol.BadCallProperty, "")
	}
	v.protocol, v.conference = c.protocol.Load(), s.conferenceOf(v)
	return join("CALL", v.word, name, get(v)), cmd.Done()
}

// setCall is the older form of alterCall: SET CALL <id> STATUS|DTMF|SEEN <value>.
func (s *Server) setCall(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	v, err := s.find(ctx, cmd, callErrors{protocol.SetBadCallID, protocol.SetUnknownCall})
	if err != nil {
		return "", err
	}
	what := cmd.Keyword()
	switch what {
	case "STATUS":
		return s.setStatus(ctx, v, strings.ToUpper(cmd.Rest()))
	case "DTMF":
		digits := cmd.Rest()
		return join("SET CALL", v.word, "DTMF", digits), s.sendDigits(ctx, v, digits)
	case "SEEN":
		if value := cmd.Keyword(); value != "" && value != "TRUE" {
			return "", protocol.Errorf(protocol.SetBadProperty, "what was seen stays seen")
		}
		return join("CALL", v.word, "SEEN TRUE"), s.markSeen(ctx, v)
	case "":
		return "", protocol.Errorf(protocol.UnknownSetCall, "")
	}
	return "", protocol.Errorf(protocol.SetBadProperty, "")
}

func (s *Server) setStatus(ctx context.Context, v callView, status string) (string, error) {
	var err error
	switch status {
	case statusInProgress:
		err = v.resume(ctx, protocol.CannotResume)
	case statusOnHold, statusLocalHold:
		err = v.do(ctx, session.Hold, "", protocol.CannotHold)
	case statusFinished:
		err = v.do(ctx, session.End, "", protocol.CannotHangUp)
	default:
		err = protocol.Errorf(protocol.SetBadProperty, "the statuses are INPROGRESS, ONHOLD, FINISHED")
	}
	return join("CALL", v.word, "STATUS", status), err
}

// markSeen notes that the person knows of a missed call.
func (s *Server) markSeen(ctx context.Context, v callView) error {
	if !v.seen {
		if v.row == 0 {
			return protocol.Errorf(protocol.HistoryFailed, "the call is not in it yet")
		}
		if err := s.app.History().MarkSeen(ctx, v.row); err != nil {
			return refuse(protocol.HistoryFailed, err)
		}
	}
	s.hub.tell(callLine(v.id, "SEEN", "TRUE"))
	return nil
}

// alterCall acts on a call: ALTER CALL <id> <action> [<argument>].
func (s *Server) alterCall(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	v, err := s.find(ctx, cmd, callErrors{protocol.AlterBadCallID, protocol.AlterUnknownCall})
	if err != nil {
		return "", err
	}
	action, argument := cmd.Keyword(), cmd.Rest()
	if action == "END" {
		action, argument = join("END", strings.ToUpper(argument)), ""
	}
	run, ok := actions[action]
	switch {
	case action == "":
		return "", protocol.Errorf(protocol.AlterWithoutVerb, "")
	case !ok:
		return "", protocol.Errorf(protocol.AlterUnknownVerb, "")
	case argument != "" && !slices.Contains(withArgument, action):
		return "", protocol.Errorf(protocol.AlterBadArguments, "")
	}
	return join("ALTER CALL", v.word, action, argument), run(s, ctx, v, argument)
}

// withArgument are the actions that take one.
var withArgument = []string{"DTMF", "RECORD", "REDIRECT", "PARK", "TRANSFER", "TRANSFER_TO", "JOIN_CONFERENCE"}

// otherCall returns the call whose id is the argument of an action.
func (s *Server) otherCall(word string) (callView, error) {
	id, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		return callView{}, protocol.Errorf(protocol.AlterBadArguments, "")
	}
	v, known := s.hub.view(id)
	if !known {
		return callView{}, protocol.Errorf(protocol.AlterUnknownCall, "")
	}
	return v, nil
}

// actions are what ALTER CALL can do.
var actions = map[string]func(s *Server, ctx context.Context, v callView, argument string) error{
	"ANSWER": command(session.Accept, protocol.AlterFailed),
	"HOLD":   command(session.Hold, protocol.HoldFailed),
	"RESUME": func(_ *Server, ctx context.Context, v callView, _ string) error {
		return v.resume(ctx, protocol.ResumeFailed)
	},
	"HANGUP":     command(session.End, protocol.CannotHangUp),
	"END HANGUP": command(session.End, protocol.CannotHangUp),
	"DECLINE":    command(session.Reject, protocol.AlterFailed),
	"BUSY": func(_ *Server, _ context.Context, v callView, _ string) error {
		if v.session == nil || !v.snap.Accepts(session.Reject) {
			return protocol.Errorf(protocol.AlterFailed, "")
		}
		v.session.Reject(true)
		return nil
	},
	"SILENCE": func(_ *Server, _ context.Context, v callView, _ string) error {
		if v.session == nil || !v.snap.Accepts(session.Accept) {
			return protocol.Errorf(protocol.AlterFailed, "")
		}
		v.session.Silence()
		return nil
	},
	"DTMF": (*Server).sendDigitsTo,
	"RECORD": func(_ *Server, ctx context.Context, v callView, path string) error {
		return v.do(ctx, session.StartRecording, path, protocol.AlterFailed)
	},
	"REDIRECT":          redirect,
	"PARK":              park,
	"CANCEL_AUTOANSWER": cancelAutoAnswer,
	"TRANSFER":          transfer,
	"TRANSFER_TO":       transferTo,
	"ACCEPT_TRANSFER":   command(session.AcceptTransfer, protocol.AlterFailed),
	"REJECT_TRANSFER":   command(session.RejectTransfer, protocol.AlterFailed),
	"JOIN_CONFERENCE":   joinConference,
	"LEAVE_CONFERENCE":  leaveConference,
	"STOP_RECORD":       command(session.StopRecording, protocol.AlterFailed),
	"ADD_AUDIO":         command(session.AddAudio, protocol.AlterFailed),
	"REMOVE_AUDIO":      command(session.RemoveAudio, protocol.AlterFailed),
	"ACCEPT_PROPOSAL":   command(session.AcceptProposal, protocol.AlterFailed),
	"REJECT_PROPOSAL":   command(session.RejectProposal, protocol.AlterFailed),
	"CANCEL_PROPOSAL":   command(session.CancelProposal, protocol.AlterFailed),
}

// command makes an action of a command of sessions.
func command(in session.Input, n protocol.Number) func(*Server, context.Context, callView, string) error {
	return func(_ *Server, ctx context.Context, v callView, _ string) error { return v.do(ctx, in, "", n) }
}

// do carries out a session's command and waits until it is taken or refused.
func (v callView) do(ctx context.Context, in session.Input, text string, n protocol.Number) error {
	switch {
	case v.session == nil:
		return protocol.Errorf(n, "the call is over")
	case in == session.Hold && v.snap.OnHoldByLocal && !v.snap.HoldPending:
		return protocol.Errorf(n, "it is on hold")
	}
	err := v.session.DoWait(ctx, in, text)
	var refused *session.InputError
	switch {
	case errors.Is(err, middleware.ErrSessionOver):
		err = middleware.ErrSessionOver
	case errors.As(err, &refused) && refused.Why == nil:
		return protocol.Errorf(n, "")
	case refused != nil:
		err = refused.Why
	}
	return refuse(n, err)
}

// resume takes a call out of hold; a ringing one is answered.
func (v callView) resume(ctx context.Context, n protocol.Number) error {
	if v.session != nil && n == protocol.CannotResume && v.snap.Accepts(session.Accept) {
		return v.do(ctx, session.Accept, "", n)
	}
	if v.session == nil || !v.snap.OnHoldByLocal && !v.snap.HoldPending {
		return protocol.Errorf(n, "")
	}
	return v.do(ctx, session.Unhold, "", n)
}

func (s *Server) sendDigits(ctx context.Context, v callView, digits string) error {
	if v.session == nil || !v.snap.Accepts(session.SendDTMF) {
		return protocol.Errorf(protocol.CallNotActive, "")
	}
	return v.do(ctx, session.SendDTMF, digits, protocol.BadDTMF)
}

func (s *Server) sendDigitsTo(ctx context.Context, v callView, digits string) error {
	return s.sendDigits(ctx, v, digits)
}

// maxListed bounds how many calls a search lists.
const maxListed = 1000

// searchCalls lists calls, the newest first: SEARCH CALLS [<handle>], or SEARCH
// CALLS filter=value ….
func (s *Server) searchCalls(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	handle := cmd.Rest()
	if isFilter(handle) {
		return s.filterCalls(ctx, handle)
	}
	list, err := s.pastCalls(ctx, middleware.HistoryQuery{Text: handle, Limit: maxListed})
	if err != nil {
		return "", err
	}
	return callList(append(s.hub.all(), list...), handle), nil
}

// searchActiveCalls lists the calls that are going on.
func (s *Server) searchActiveCalls(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	return callList(s.hub.live(), ""), done(cmd, protocol.SearchWithTarget)
}

// searchMissedCalls lists missed calls, seen or not, the newest first.
func (s *Server) searchMissedCalls(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	if err := done(cmd, protocol.MissedWithTarget); err != nil {
		return "", err
	}
	list, err := s.pastCalls(ctx, middleware.HistoryQuery{Missed: true, Limit: maxListed})
	if err != nil {
		return "", err
	}
	// The history may not have written the newest one yet.
	recent := slices.DeleteFunc(s.hub.all(), func(v callView) bool { return v.status != statusMissed })
	return callList(append(recent, list...), ""), nil
}

func (s *Server) pastCalls(ctx context.Context, q middleware.HistoryQuery) ([]callView, error) {
	entries, err := s.app.History().Search(ctx, q)
	if err != nil {
		return nil, refuse(protocol.HistoryFailed, err)
	}
	list := make([]callView, len(entries))
	for i, e := range entries {
		list[i] = viewOf(e)
	}
	return list, nil
}

// callList lists each call once, the newest first, and with a handle only those
// with that partner.
func callList(list []callView, handle string) string {
	known := map[int64]bool{}
	for _, v := range list {
		if handle == "" || strings.EqualFold(v.handle(), handle) || strings.EqualFold(v.handle(), handleOf(handle)) {
			known[v.id] = true
		}
	}
	ids := slices.SortedFunc(maps.Keys(known), func(a, b int64) int { return int(max(-1, min(1, b-a))) })
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.FormatInt(id, 10)
	}
	return join("CALLS", strings.Join(words, ", "))
}

// clearCalls forgets all past calls: CLEAR CALLHISTORY ALL.
func (s *Server) clearCalls(ctx context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	switch what := cmd.Rest(); {
	case what == "":
		return "", protocol.Errorf(protocol.ClearCallsWithout, "")
	case !strings.EqualFold(what, "ALL"):
		return "", protocol.Errorf(protocol.BadClearCalls, "")
	}
	if err := s.app.History().Clear(ctx); err != nil {
		return "", refuse(protocol.HistoryFailed, err)
	}
	s.hub.forget()
	return "CLEAR CALLHISTORY ALL", nil
}
