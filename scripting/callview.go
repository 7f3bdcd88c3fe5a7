package scripting

import (
	"context"
	"slices"
	"strconv"
	"time"

	"parley/middleware"
)

// A callView is a call as one command sees it, be it going on or long over.
type callView struct {
	id       int64
	word     string              // the id as the program wrote it
	session  *middleware.Session // nil once the call has ended
	snap     middleware.SessionSnapshot
	status   string
	recorded string
	measured string
	secure   string // ENCRYPTION
	seen     bool
	row      int64  // in the history; 0 if it was not asked
	note     string // of the history: where a transfer went or came from
	protocol int32  // version that the program speaks

	conference middleware.ConferenceSnapshot // that it is a member of; set by getCall
}

func (v callView) handle() string {
	if v.snap.Echo {
		return middleware.EchoTarget
	}
	return handleOf(v.snap.Peer.URI)
}

// view returns a call that is going on or has just ended.
func (h *hub) view(id int64) (callView, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.calls[id]
	if k == nil {
		return callView{}, false
	}
	return k.view(), true
}

// view reads the newest snapshot, which the bus may not have told of yet.
func (k *call) view() callView {
	v := callView{
		id: k.id, session: k.session, snap: k.snap, status: k.status,
		recorded: k.recorded, measured: k.measured, seen: k.status != statusMissed,
	}
	if k.session != nil {
		v.snap = k.session.Snapshot()
		v.status = statusOf(v.snap, k.status)
		v.measured = statsOf(k.session)
		if file := v.snap.Audio.RecordingFile; file != "" {
			v.recorded = file
		}
	}
	v.secure = encryptionOf(v.snap)
	return v
}

// all returns the calls going on and those that have just ended.
func (h *hub) all() []callView {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]callView, 0, len(h.calls))
	for _, k := range h.calls {
		list = append(list, k.view())
	}
	return list
}

// live returns the calls that are going on.
func (h *hub) live() []callView {
	return slices.DeleteFunc(h.all(), func(v callView) bool { return v.session == nil })
}

// forget drops the calls that have ended.
func (h *hub) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range h.ended {
		delete(h.calls, id)
	}
	h.ended = nil
	h.tellLocked("CALLHISTORYCHANGED")
}

// past looks a call up in the history. The zero view means that it is not
// there.
func (s *Server) past(ctx context.Context, id int64) (callView, error) {
	second := time.Unix(id/callsPerSecond, 0)
	before := middleware.HistoryQuery{Limit: 2 * callsPerSecond}
	before.Before.Start = second.Add(time.Second)
	entries, err := s.app.History().Search(ctx, before)
	if err != nil {
		return callView{}, err
	}
	for _, e := range entries {
		if e.Start.Before(second) {
			break
		}
		if v := viewOf(e); v.id == id {
			return v, nil
		}
	}
	return callView{}, nil
}

// viewOf makes a call of the history look like one that has just ended.
func viewOf(e middleware.HistoryEntry) callView {
	n, _ := strconv.ParseInt(e.SessionID, 10, 64) // rows from elsewhere count as 0
	snap := middleware.SessionSnapshot{
		ID: middleware.SessionID(n), Direction: middleware.Outgoing, Account: e.Account,
		Peer:    middleware.Peer{Name: e.PeerName, URI: e.PeerURI, Via: e.Via},
		Created: e.Start, Started: e.Answered, Stopped: e.End,
		Echo: e.PeerURI == middleware.EchoTarget,
	}
	if e.Direction == "in" {
		snap.Direction = middleware.Incoming
	}
	snap.Audio.Codec = e.Codec
	snap.End.Code, snap.End.Reason = e.Code, e.Reason
	v := callView{
		id: callID(e.Start, n), snap: snap, status: pastStatus(e),
		recorded: e.Recording, seen: e.Seen, row: e.ID, secure: constant(e.Secure), note: e.Note,
	}
	if v.secure == "" && e.Codec != "" {
		v.secure = constant(middleware.NotEncrypted.String())
	}
	return v
}

// callProperties are the properties that GET CALL reads.
var callProperties = map[string]func(callView) string{
	"STATUS":           func(v callView) string { return inProtocol(v.status, v.protocol) },
	"TIMESTAMP":        func(v callView) string { return unix(v.snap.Created) },
	"PARTNER_HANDLE":   callView.handle,
	"PARTNER_DISPNAME": partnerName,
	"TARGET_IDENTITY":  func(v callView) string { return handleOf(v.snap.LocalURI) },
	"TYPE":             callType,
	"FAILUREREASON": func(v callView) string {
		return number(failureReason(v.status, v.snap.End.Code, v.snap.End.Kind))
	},
	"SUBJECT":     func(v callView) string { return v.snap.Subject() },
	"PSTN_NUMBER": func(v callView) string { return numberOf(v.handle()) },
	"PSTN_STATUS": func(v callView) string {
		if v.snap.End.Code == 0 {
			return ""
		}
		return join(number(10000+v.snap.End.Code), v.snap.End.Reason)
	},
	"DURATION": func(v callView) string {
		return number(seconds(v.snap.Started, v.snap.Stopped, time.Now()))
	},
	"CONF_ID":                 func(v callView) string { return conferenceID(v.conference) },
	"CONF_PARTICIPANTS_COUNT": func(v callView) string { return number(len(v.conference.Members)) },
	"SEEN":                    func(v callView) string { return trueFalse(v.seen) },
	"VIDEO_STATUS":            func(callView) string { return "VIDEO_NONE" },
	"VIDEO_SEND_STATUS":       func(callView) string { return "NOT_AVAILABLE" },
	"VIDEO_RECEIVE_STATUS":    func(callView) string { return "NOT_AVAILABLE" },

	"ACCOUNT":         func(v callView) string { return v.snap.Account },
	"PARTNER_URI":     func(v callView) string { return v.snap.Peer.URI },
	"CODEC":           func(v callView) string { return v.snap.Audio.Codec },
	"ENCRYPTION":      func(v callView) string { return v.secure },
	"NEIGHBOUR":       func(v callView) string { return neighbourWord(v.snap.Neighbour) },
	"VERIFIED":        func(v callView) string { return trueFalse(v.snap.Verified) },
	"HOLD":            func(v callView) string { return holdOf(v.snap) },
	"STREAMS":         func(v callView) string { return streamsOf(v.snap) },
	"PROPOSAL":        func(v callView) string { return proposalOf(v.snap) },
	"RECONNECTING":    func(v callView) string { return trueFalse(v.snap.Reconnecting) },
	"TRANSFER_STATUS": func(v callView) string { return transferOf(v.snap) },
	"TRANSFERRED_TO":  func(v callView) string { return v.snap.Transfer.To.Address },
	"TRANSFERRED_BY":  func(v callView) string { return v.snap.ReferredBy },
	"REDIRECTED_TO":   func(v callView) string { return handleOf(v.snap.RedirectedTo.URI) },
	"VIA":             func(v callView) string { return v.snap.Peer.Via },
	"NOTE":            func(v callView) string { return v.note },
	"DIVERTED_BY":     divertedBy,
	"DIVERTED_REASON": divertedReason,

	"ASSERTED_IDENTITY": identityText(func(i *middleware.Identity) string { return i.Asserted.Address }),
	"CLAIMED_IDENTITY":  identityText(func(i *middleware.Identity) string { return i.From.Address }),
	"ALERT_INFO":        identityText(func(i *middleware.Identity) string { return i.AlertInfo }),

	"AUTOANSWER": func(v callView) string { return unix(v.snap.AutoAnswerAt) },
	"RECORDING":  func(v callView) string { return v.recorded },
	"STATS":      func(v callView) string { return v.measured },
	"DTMF_SENT":  func(v callView) string { return v.snap.Sent },
	"REASON":     func(v callView) string { return callReason(v.snap) },
	"FAILURE":    func(v callView) string { return constant(v.snap.End.Kind.String()) },
	"SIP_CALLID": func(v callView) string { return v.snap.CallID },
	"USER_AGENT": func(v callView) string { return v.snap.RemoteUserAgent },
	"ROUTE":      func(v callView) string { return v.snap.Route },
}

// partnerName is the name that the partner goes by, of a neighbour the title by
// which lists know it.
func partnerName(v callView) string {
	if v.snap.Neighbour != "" {
		return v.snap.Peer.Address
	}
	return v.snap.Peer.Name
}

// callReason says why a call has ended, or how far one that is not answered has
// come.
func callReason(s middleware.SessionSnapshot) string {
	if s.End.Kind == middleware.NoFailure && s.End.Code != 0 {
		return join(number(s.End.Code), s.End.Reason) // of the history
	}
	if words := failureWords(s.End.Failure); words != "" || s.Progress.Code == 0 || !s.Started.IsZero() {
		return words
	}
	return join(number(s.Progress.Code), s.Progress.Reason)
}

func callType(v callView) string {
	direction, network := "OUTGOING", "P2P"
	if v.snap.Direction == middleware.Incoming {
		direction = "INCOMING"
	}
	if isNumber(v.handle()) {
		network = "PSTN"
	}
	return direction + "_" + network
}

// numberOf returns the telephone number in a handle; empty if there is none.
func numberOf(handle string) string {
	if !isNumber(handle) {
		return ""
	}
	user, _, _ := cutLast(handle, "@")
	return user
}
