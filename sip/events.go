package sip

// An Event is something that happened to a [Call]. The types below are all
// there are.
type Event interface{ isEvent() }

// Provisional reports a 1xx response other than 100 to an outgoing call. There
// may be any number of them. A reliable one is reported once and acknowledged by
// itself (RFC 3262).
type Provisional struct {
	Code     int
	Reason   string
	Body     []byte // session description, nil if none
	Leg      string // To tag: tells the branches of a forked call apart
	Reliable bool   // Body is the answer, not just a preview of it
}

// Answered reports the 2xx response to an outgoing call. When the call was made
// without an offer, Body holds theirs and [Call.Ack] must be called.
type Answered struct {
	Code int
	Body []byte
	Leg  string // To tag of the branch that won
	// Early says that Body is not news: the leg's provisional responses, or an
	// UPDATE of theirs, have brought it and it was agreed upon.
	Early bool
}

// Failed reports that an outgoing call did not come about. It is a call's last
// event. After [Call.Cancel] Err is a [StatusError] with code 487.
type Failed struct{ Err error }

// Canceled reports that the caller gave up before an answer. It is a call's
// last event.
type Canceled struct {
	Reason    string // text of the Reason header field, if any
	Cause     int    // its SIP cause, 0 if none (RFC 3326)
	Q850      int    // its cause in the telephone network, 0 if none
	Elsewhere bool   // SIP cause 200: another phone took the call
}

// Confirmed reports the ACK to a 2xx response of ours.
type Confirmed struct {
	Body     []byte // their answer, when our 2xx held the offer
	Reinvite bool   // it belongs to a re-INVITE, not to the call's first INVITE
}

// EarlyConfirmed reports the PRACK to a session description that [Call.Ring] has
// sent reliably.
type EarlyConfirmed struct {
	Body []byte // their answer, when ours was the offer
}

// Reinvited reports a re-INVITE, or an UPDATE or PRACK with an offer. It must be
// answered with [Call.AnswerReinvite]. A nil Body asks for an offer of ours.
type Reinvited struct {
	Body  []byte
	Early bool   // the call itself is not answered yet (RFC 3311)
	Leg   string // then: the branch of a forked call of ours it belongs to
}

// RefreshDue asks for a [Call.Reinvite] that leaves the session as it is: the
// session timer is running out and the far end takes no UPDATE (RFC 4028). It comes
// again while that has not succeeded.
type RefreshDue struct{}

// ReinviteCanceled reports that a re-INVITE was withdrawn before an answer. It
// must not be answered any more.
type ReinviteCanceled struct{}

// ReinviteAnswered reports the 2xx response to [Call.Reinvite]. When that was
// made without an offer, [Call.Ack] must be called with the answer to Body.
type ReinviteAnswered struct {
	Code   int
	Reason string
	Body   []byte
}

// ReinviteFailed reports that a re-INVITE of ours was turned down; the session
// stays as it was (RFC 3261 section 14.1). For a 491 the [StatusError] holds in
// RetryAfter how long to wait before another attempt.
type ReinviteFailed struct{ Err error }

// Hungup reports a BYE from the far end. It is a call's last event.
type Hungup struct {
	Reason string // text of the Reason header field, if any
	Cause  int    // its SIP cause, 0 if none (RFC 3326)
	Q850   int    // its cause in the telephone network, 0 if none
}

// Ended reports that the call is over for reasons of ours: a BYE or a rejection
// of ours was carried out, or the dialog was lost. It is a call's last event.
// Err is nil when all went as asked.
type Ended struct{ Err error }

// InfoReceived reports an INFO request, already answered with 200.
type InfoReceived struct {
	ContentType string
	Body        []byte
}

func (Provisional) isEvent()      {}
func (Answered) isEvent()         {}
func (Failed) isEvent()           {}
func (Canceled) isEvent()         {}
func (Confirmed) isEvent()        {}
func (EarlyConfirmed) isEvent()   {}
func (Reinvited) isEvent()        {}
func (RefreshDue) isEvent()       {}
func (ReinviteCanceled) isEvent() {}
func (ReinviteAnswered) isEvent() {}
func (ReinviteFailed) isEvent()   {}
func (Hungup) isEvent()           {}
func (Ended) isEvent()            {}
func (InfoReceived) isEvent()     {}
