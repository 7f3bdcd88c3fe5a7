package scripting

import (
	"context"
	"slices"
	"time"

	"parley/middleware"
)

// maxEnded bounds how many calls are kept after their end, until they are read
// from the history.
const maxEnded = 100

// A call is one call as its clients know it.
type call struct {
	id       int64
	session  *middleware.Session // nil once it has ended, which may be before we hear of it
	snap     middleware.SessionSnapshot
	over     bool // its end was told
	status   string
	seconds  int
	recorded string // file of the last recording
	measured string // STATS at the end
}

// gotSession follows one session; fresh tells that it has just begun.
func (h *hub) gotSession(snap middleware.SessionSnapshot, fresh bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.sessions[snap.ID]
	if k == nil && fresh {
		s, _ := h.app.SessionManager().Session(snap.ID)
		k = h.addLocked(snap, s, "")
	}
	if k == nil || snap.Rev < k.snap.Rev {
		return
	}
	h.updateLocked(k, snap)
}

// add makes a call known that a client has just begun, before the bus tells.
func (h *hub) add(s *middleware.Session) *call {
	h.mu.Lock()
	defer h.mu.Unlock()
	snap := s.Snapshot()
	if k := h.sessions[snap.ID]; k != nil {
		return k
	}
	// The changes since the first snapshot are still to be told.
	snap = middleware.SessionSnapshot{ID: snap.ID, Direction: snap.Direction, Account: snap.Account, Peer: snap.Peer, Created: snap.Created}
	return h.addLocked(snap, s, statusUnplaced)
}

func (h *hub) addLocked(snap middleware.SessionSnapshot, s *middleware.Session, status string) *call {
	k := &call{id: callID(snap.Created, int64(snap.ID)), session: s, snap: snap, status: status}
	h.calls[k.id], h.sessions[snap.ID] = k, k
	if snap.Direction == middleware.Incoming {
		h.tellLocked(callLine(k.id, "CONF_ID", "0"))
	}
	if status == "" {
		h.statusLocked(k, snap)
	}
	h.countLocked()
	return k
}

// updateLocked tells what has changed of a call.
func (h *hub) updateLocked(k *call, snap middleware.SessionSnapshot) {
	old := k.snap
	k.snap = snap
	if file := snap.Audio.RecordingFile; file != "" {
		k.recorded = file
	}
	for _, p := range followed {
		if was, is := p.get(old), p.get(snap); was != is {
			h.tellLocked(callLine(k.id, p.name, is))
		}
	}
	if !snap.Stopped.IsZero() {
		h.endLocked(k)
	}
	h.statusLocked(k, snap)
	h.countLocked()
}

// followed are the properties of a call whose changes are told, besides STATUS
// and DURATION.
var followed = []struct {
	name string
	get  func(middleware.SessionSnapshot) string
}{
	{"CODEC", func(s middleware.SessionSnapshot) string { return s.Audio.Codec }},
	{"ENCRYPTION", encryptionOf},
	{"VERIFIED", func(s middleware.SessionSnapshot) string { return trueFalse(s.Verified) }},
	{"HOLD", holdOf},
	{"STREAMS", streamsOf},
	{"PROPOSAL", proposalOf},
	{"RECONNECTING", func(s middleware.SessionSnapshot) string { return trueFalse(s.Reconnecting) }},
	{"TRANSFERRED_TO", func(s middleware.SessionSnapshot) string { return s.Transfer.To.Address }},
	{"TRANSFER_STATUS", transferOf},
	{"REDIRECTED_TO", func(s middleware.SessionSnapshot) string { return handleOf(s.RedirectedTo.URI) }},
	{"AUTOANSWER", func(s middleware.SessionSnapshot) string { return unix(s.AutoAnswerAt) }},
	{"RECORDING", func(s middleware.SessionSnapshot) string { return s.Audio.RecordingFile }},
}

func (h *hub) statusLocked(k *call, snap middleware.SessionSnapshot) {
	status := statusOf(snap, k.status)
	if status == k.status || status == "" {
		return
	}
	k.status = status
	for c := range h.conns {
		c.put(reply(callLine(k.id, "STATUS", inProtocol(status, c.protocol.Load()))))
	}
}

// endLocked tells why a call has ended, before its last status.
func (h *hub) endLocked(k *call) {
	if k.over {
		return
	}
	k.over = true
	if k.session != nil {
		k.measured = statsOf(k.session)
		k.session = nil
	}
	delete(h.sessions, k.snap.ID)
	if n := seconds(k.snap.Started, k.snap.Stopped, k.snap.Stopped); n != k.seconds {
		h.tellLocked(callLine(k.id, "DURATION", number(n)))
	}
	if words := failureWords(k.snap.End.Failure); words != "" {
		h.tellLocked(callLine(k.id, "REASON", words))
	}
	status := endStatus(k.snap)
	if r := failureReason(status, k.snap.End.Code, k.snap.End.Kind); r != reasonNone {
		h.tellLocked(callLine(k.id, "FAILUREREASON", number(r)))
	}
	if k.snap.End.Kind == middleware.Elsewhere {
		h.tellLocked(callLine(k.id, "SEEN", "TRUE"))
	}
	h.ended = append(h.ended, k.id)
	if len(h.ended) > maxEnded {
		delete(h.calls, h.ended[0])
		h.ended = slices.Delete(h.ended, 0, 1)
	}
}

// countLocked begins or ends the counting of seconds.
func (h *hub) countLocked() {
	up := false
	for _, k := range h.sessions {
		up = up || !k.snap.Started.IsZero()
	}
	switch {
	case up && h.quiet == nil && h.s.ctx.Err() == nil:
		ctx, cancel := context.WithCancel(h.s.ctx)
		h.quiet = cancel
		h.s.running.Go(func() { h.count(ctx) })
	case !up && h.quiet != nil:
		h.quiet()
		h.quiet = nil
	}
}

// count tells how long calls have been up, every second, until ctx ends.
func (h *hub) count(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			h.seconds(now)
		case <-ctx.Done():
			return
		}
	}
}

func (h *hub) seconds(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range h.sessions {
		if n := seconds(k.snap.Started, k.snap.Stopped, now); n != k.seconds {
			k.seconds = n
			h.tellLocked(callLine(k.id, "DURATION", number(n)))
		}
	}
}

func (h *hub) gotDigit(n middleware.SIPSessionGotDTMF) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if k := h.sessions[n.Session]; k != nil {
		h.tellLocked(callLine(k.id, "DTMF", string(n.Digit)))
		h.tellLocked(callLine(k.id, "DTMF_RECEIVED", string(n.Digit)))
	}
}
