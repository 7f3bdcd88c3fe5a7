package scripting

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/middleware"
	"parley/scripting/protocol"
)

// joinConference joins a call with another one and with those that are joined
// already: ALTER CALL <id> JOIN_CONFERENCE <id>.
func joinConference(s *Server, _ context.Context, v callView, other string) error {
	to, err := s.otherCall(other)
	switch {
	case err != nil:
		return err
	case v.session == nil || to.session == nil:
		return protocol.Errorf(protocol.NoConference, "the call is over")
	case v.id == to.id:
		return protocol.Errorf(protocol.NoConference, "two calls are needed")
	}
	return refuse(protocol.NoConference, s.app.SessionManager().Join(to.snap.ID, v.snap.ID))
}

// leaveConference takes a call out and puts it on hold.
func leaveConference(s *Server, _ context.Context, v callView, _ string) error {
	return refuse(protocol.AlterFailed, s.app.SessionManager().Part(v.snap.ID))
}

// getConference reads a property: GET CONFERENCE <property>.
func (s *Server) getConference(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	name := cmd.Keyword()
	get, ok := conferenceProperties[name]
	if !ok {
		return "", protocol.Errorf(protocol.UnknownGet, "")
	}
	return join("CONFERENCE", name, get(s.hub, s.app.SessionManager().Conference())), cmd.Done()
}

// conferenceProperties are what GET CONFERENCE reads.
var conferenceProperties = map[string]func(*hub, middleware.ConferenceSnapshot) string{
	"CALLS":     (*hub).conferenceCalls,
	"STATUS":    func(_ *hub, c middleware.ConferenceSnapshot) string { return conferenceStatus(c) },
	"RECORDING": func(_ *hub, c middleware.ConferenceSnapshot) string { return c.RecordingFile },
	"ID":        func(_ *hub, c middleware.ConferenceSnapshot) string { return conferenceID(c) },
	"DURATION": func(_ *hub, c middleware.ConferenceSnapshot) string {
		return number(seconds(c.Started, time.Time{}, time.Now()))
	},
}

// alterConference acts on the conference: ALTER CONFERENCE <action> [<argument>].
func (s *Server) alterConference(_ context.Context, _ *conn, cmd *protocol.Command) (string, error) {
	action, argument := cmd.Keyword(), cmd.Rest()
	m := s.app.SessionManager()
	run, ok := map[string]func() error{
		"HOLD":        m.HoldConference,
		"RESUME":      m.UnholdConference,
		"HANGUP":      m.EndConference,
		"RECORD":      func() error { return m.StartConferenceRecording(argument) },
		"STOP_RECORD": m.StopConferenceRecording,
	}[action]
	switch {
	case action == "":
		return "", protocol.Errorf(protocol.AlterWithoutVerb, "")
	case !ok:
		return "", protocol.Errorf(protocol.AlterUnknownVerb, "")
	case argument != "" && action != "RECORD":
		return "", protocol.Errorf(protocol.AlterBadArguments, "")
	}
	return join("ALTER CONFERENCE", action, argument), refuse(protocol.AlterFailed, run())
}

// conferenceStatus says whether there is a conference and whether it is on hold.
func conferenceStatus(c middleware.ConferenceSnapshot) string {
	switch {
	case len(c.Members) == 0:
		return "NONE"
	case c.OnHold:
		return statusLocalHold
	}
	return statusInProgress
}

// conferenceID is the second in which the conference began; 0 is none.
func conferenceID(c middleware.ConferenceSnapshot) string { return unix(c.Started) }

// conferenceCalls lists the members by their numbers here.
func (h *hub) conferenceCalls(c middleware.ConferenceSnapshot) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.callsLocked(c.Members)
}

func (h *hub) callsLocked(members []middleware.SessionID) string {
	var ids []string
	for _, id := range members {
		if k := h.sessions[id]; k != nil {
			ids = append(ids, strconv.FormatInt(k.id, 10))
		}
	}
	return strings.Join(ids, ", ")
}

// gotConference tells what has changed of the conference and of its members.
func (h *hub) gotConference(n middleware.SIPConferenceDidChange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	old, now := h.conference, n.Now
	if now.Rev < old.Rev {
		return
	}
	h.conference = now
	for _, id := range slices.Concat(old.Members, now.Members) {
		k := h.sessions[id]
		if k == nil || old.Has(id) == now.Has(id) {
			continue
		}
		conf := "0"
		if now.Has(id) {
			conf = conferenceID(now)
		}
		h.tellLocked(callLine(k.id, "CONF_ID", conf))
	}
	if !slices.Equal(old.Members, now.Members) {
		h.tellLocked(join("CONFERENCE CALLS", h.callsLocked(now.Members)))
	}
	if is := conferenceStatus(now); is != conferenceStatus(old) {
		h.tellLocked(join("CONFERENCE STATUS", is))
	}
	if now.RecordingFile != old.RecordingFile {
		h.tellLocked(join("CONFERENCE RECORDING", now.RecordingFile))
	}
}

// conferenceOf is the conference that the call is a member of, or the zero one.
func (s *Server) conferenceOf(v callView) middleware.ConferenceSnapshot {
	if c := s.app.SessionManager().Conference(); v.session != nil && c.Has(v.snap.ID) {
		return c
	}
	return middleware.ConferenceSnapshot{}
}
