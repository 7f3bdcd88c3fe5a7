package scripting

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"parley/middleware"
	"parley/middleware/session"
)

// The statuses of a call, with Skype's names.
const (
	statusUnplaced   = "UNPLACED"
	statusRouting    = "ROUTING"
	statusRinging    = "RINGING"
	statusEarlyMedia = "EARLYMEDIA"
	statusInProgress = "INPROGRESS"
	statusOnHold     = "ONHOLD" // either hold, in protocol 1
	statusLocalHold  = "LOCALHOLD"
	statusRemoteHold = "REMOTEHOLD"
	statusFinished   = "FINISHED"
	statusMissed     = "MISSED"
	statusRefused    = "REFUSED"
	statusBusy       = "BUSY"
	statusCanceled   = "CANCELLED"
	statusFailed     = "FAILED"
)

// callID names a call for ever: the second in which it began, and two more
// digits of its session's number, which tell calls of one second apart. Both
// stand in the history, so the id needs no table and survives a restart.
func callID(start time.Time, session int64) int64 {
	return start.Unix()*callsPerSecond + session%callsPerSecond
}

const callsPerSecond = 100

// statusOf returns a call's status; before is the one so far, which stays while
// the call is being ended.
func statusOf(s middleware.SessionSnapshot, before string) string {
	if !s.Stopped.IsZero() {
		return endStatus(s)
	}
	switch s.State() {
	case session.Calling:
		switch {
		case s.Progress.EarlyMedia:
			return statusEarlyMedia
		case s.Progress.Ringing:
			return statusRinging
		}
		return statusRouting
	case session.Incoming, session.Accepting:
		return statusRinging
	case session.Established, session.Proposing, session.Proposed:
		switch {
		case s.OnHoldByLocal:
			return statusLocalHold
		case s.OnHoldByRemote:
			return statusRemoteHold
		}
		return statusInProgress
	}
	return before
}

// endStatus returns the status of a call that is over.
func endStatus(s middleware.SessionSnapshot) string {
	incoming := s.Direction == middleware.Incoming
	byUs := s.End.By == middleware.Local
	switch kind := s.End.Kind; {
	case !s.Started.IsZero():
		return statusFinished
	case kind == middleware.Elsewhere:
		return statusCanceled
	case incoming && byUs && (kind == middleware.Declined || kind == middleware.Busy || kind == middleware.Forwarded || kind == middleware.Blocked):
		return statusRefused
	case incoming && (kind == middleware.Canceled || kind == middleware.NoAnswer):
		return statusMissed
	case kind == middleware.Declined:
		return statusRefused
	case kind == middleware.Busy:
		return statusBusy
	case !incoming && (kind == middleware.Canceled || byUs && kind == middleware.NoFailure):
		return statusCanceled
	}
	return statusFailed
}

// pastStatus is endStatus for a call of the history.
func pastStatus(e middleware.HistoryEntry) string {
	switch e.Outcome {
	case middleware.OutcomeAnswered:
		return statusFinished
	case middleware.OutcomeMissed:
		return statusMissed
	case middleware.OutcomeDeclined, middleware.OutcomeForwarded, middleware.OutcomeBlocked:
		return statusRefused
	case middleware.OutcomeBusy:
		return statusBusy
	case middleware.OutcomeCanceled, middleware.OutcomeElsewhere:
		return statusCanceled
	case "": // the program was killed during the call
		if !e.Answered.IsZero() {
			return statusFinished
		}
	}
	return statusFailed
}

// inProtocol returns a status in the words of a program's protocol.
func inProtocol(status string, version int32) string {
	if version < 2 && (status == statusLocalHold || status == statusRemoteHold) {
		return statusOnHold
	}
	return status
}

// Skype's reasons of failure.
const (
	reasonNone        = 0
	reasonOther       = 1
	reasonNotFound    = 2
	reasonOffline     = 3
	reasonNoWay       = 4
	reasonEnded       = 5
	reasonNoCodec     = 6
	reasonSound       = 7
	reasonForbidden   = 9
	reasonUnauthorize = 11
)

// reasonsByCode sorts SIP status codes.
var reasonsByCode = map[int]int{
	404: reasonNotFound, 410: reasonNotFound, 484: reasonNotFound, 485: reasonNotFound, 604: reasonNotFound,
	480: reasonOffline, 408: reasonOffline,
	502: reasonNoWay, 503: reasonNoWay,
	415: reasonNoCodec, 488: reasonNoCodec, 606: reasonNoCodec,
	403: reasonForbidden,
	401: reasonUnauthorize, 407: reasonUnauthorize,
}

// reasonsByKind sorts failures without a SIP status.
var reasonsByKind = map[middleware.FailureKind]int{
	middleware.NotFound: reasonNotFound, middleware.NoAnswer: reasonOffline, middleware.ServerTimeout: reasonOffline,
	middleware.HostNotFound: reasonNoWay, middleware.Unreachable: reasonNoWay, middleware.BadCertificate: reasonNoWay,
	middleware.LostPeer: reasonEnded, middleware.NoMedia: reasonSound,
	middleware.NoCommonCodec: reasonNoCodec, middleware.NeedsEncryption: reasonNoCodec,
	middleware.Forbidden: reasonForbidden, middleware.BadPassword: reasonUnauthorize,
	middleware.Unsupported: reasonUnauthorize, middleware.NoKeyring: reasonUnauthorize,
}

// failureReason returns Skype's number for why a call failed; 0 for one that
// did not.
func failureReason(status string, code int, kind middleware.FailureKind) int {
	if status != statusFailed {
		return reasonNone
	}
	if r, ok := reasonsByCode[code]; ok {
		return r
	}
	if r, ok := reasonsByKind[kind]; ok {
		return r
	}
	return reasonOther
}

// failureWords says what happened in one line: the SIP status, and the far
// end's words or ours.
func failureWords(f middleware.Failure) string {
	if f.Kind == middleware.NoFailure && f.Code == 0 {
		return f.Reason
	}
	words := f.Reason
	if words == "" {
		words = strings.ReplaceAll(f.Kind.String(), "-", " ")
	}
	if f.Kind == middleware.Moved && f.Detail != "" {
		words += ": " + f.Detail
	}
	if c := f.Certificate; c != nil {
		words += " (" + c.Check + ", " + c.Subject + ")"
	}
	if f.Code != 0 {
		return strconv.Itoa(f.Code) + " " + words
	}
	if f.Host != "" {
		words += " (" + f.Host + ")"
	}
	return words
}

// constant writes a name in the form that values have here: KEY_IN_CLEAR.
func constant(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// neighbourScheme begins what neighbours are called by.
const neighbourScheme = "bonjour:"

// handleOf returns the bare address of a SIP URI, user@host: without scheme,
// port and parameters, the host in lower case, and what is not ASCII escaped,
// since that is what programs take for a name. A neighbour's is what it is called
// by.
func handleOf(uri string) string {
	if strings.HasPrefix(uri, neighbourScheme) {
		return escapeHandle(uri)
	}
	for _, scheme := range []string{"sip:", "sips:", "tel:"} {
		if len(uri) > len(scheme) && strings.EqualFold(uri[:len(scheme)], scheme) {
			uri = uri[len(scheme):]
			break
		}
	}
	user, host, found := cutLast(uri, "@")
	if !found {
		user, host = "", uri
	}
	if i := strings.IndexAny(host, ";?>"); i >= 0 {
		host = host[:i]
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	host = strings.ToLower(host)
	if found {
		host = user + "@" + host
	}
	return escapeHandle(host)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// escapeHandle escapes what would end a word or an item of a list.
func escapeHandle(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r > ' ' && r < utf8.RuneSelf && r != ',' && r != 0x7f {
			b.WriteRune(r)
		} else {
			b.WriteString(url.PathEscape(string(r)))
		}
	}
	return strings.ReplaceAll(b.String(), ",", "%2C")
}

// isNumber reports whether a handle is a telephone number in international
// form.
func isNumber(handle string) bool {
	user, _, _ := strings.Cut(handle, "@")
	digits, ok := strings.CutPrefix(user, "+")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}
