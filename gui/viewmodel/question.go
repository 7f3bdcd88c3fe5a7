package viewmodel

import (
	"time"

	"parley/gui/i18n"
	"parley/middleware"
	"parley/middleware/session"
)

// A QuestionKind says what a question in a call's card is about.
type QuestionKind uint8

// The kinds of questions.
const (
	NoQuestion      QuestionKind = iota
	AskProposal                  // the other side wants to add streams
	AwaitProposal                // we do, and wait
	OfferAudio                   // there is no sound
	AskTransfer                  // the other side sends us on
	AwaitTransfer                // a transfer is under way
	AskConsultation              // this call was made to ask whether another may be sent on to it
)

// A Question is a line in a call's card with buttons, or one that tells of
// something under way.
type Question struct {
	Kind    QuestionKind
	Text    string
	Yes, No string // words of the buttons; empty: there is none
	CanYes  bool
}

// soundTime is how long the sound of a call may take to begin before that is
// worth a word.
const soundTime = time.Second

// questionOf returns what a call asks of the person at the time now.
func questionOf(s middleware.SessionSnapshot, now time.Time) Question {
	if s.Transfer != (middleware.Transfer{}) {
		return transferQuestion(s)
	}
	who := PersonOf(s.Peer.Name, s.Peer.Address)
	switch p := s.Proposal; {
	case p.By == middleware.Remote && p.Audio:
		return Question{AskProposal, i18n.T("%s wants to talk.", who), i18n.T("Accept"), i18n.T("Decline"), true}
	case p.By == middleware.Local:
		return Question{AwaitProposal, i18n.T("Waiting for %s to agree to talk…", who), "", i18n.T("Cancel"), false}
	case s.State() == session.Established && !s.Audio.Active && now.Sub(s.Started) > soundTime && s.Accepts(session.AddAudio):
		return Question{OfferAudio, i18n.T("This call has no sound."), i18n.T("Add audio"), "", true}
	}
	return Question{}
}

func transferQuestion(s middleware.SessionSnapshot) Question {
	t := s.Transfer
	who, to := PersonOf(s.Peer.Name, s.Peer.Address), PersonOf(t.To.Name, t.To.Address)
	switch {
	case t.Waiting:
		return Question{AskTransfer, i18n.T("%s sends you on to %s.", who, to), i18n.T("Call"), i18n.T("Stay"), true}
	case t.By == middleware.Remote && t.Done:
		return Question{Kind: AwaitTransfer, Text: i18n.T("%s has sent you on to %s.", who, to)}
	case t.By == middleware.Remote:
		return Question{Kind: AwaitTransfer, Text: i18n.T("%s sends you on. Calling %s…", who, to)}
	case t.Done:
		return Question{Kind: AwaitTransfer, Text: i18n.T("Transferred to %s.", to)}
	}
	switch t.Code {
	case 180, 183:
		return Question{Kind: AwaitTransfer, Text: i18n.T("Transferring to %s: ringing…", to)}
	case 182:
		return Question{Kind: AwaitTransfer, Text: i18n.T("Transferring to %s: waiting in a queue…", to)}
	}
	return Question{Kind: AwaitTransfer, Text: i18n.T("Transferring to %s…", to)}
}

// Consulting is the question of a call that was made to ask whether the call with
// first may be sent on to it.
func Consulting(c Call, first string) Question {
	return Question{
		Kind: AskConsultation, Text: i18n.T("Connect %s with %s?", first, c.Title),
		Yes: i18n.T("Complete transfer"), No: i18n.T("Back to %s", Short(first)), CanYes: c.Talking || c.Held,
	}
}

// maxShort is how many letters of a name a button has room for.
const maxShort = 20

// maxTitle is how many letters of a neighbour's name and machine a button shows.
const maxTitle = 30

// Short cuts a name, or an address, to what a button has room for.
func Short(name string) string {
	return shortened(userOf(name), maxShort)
}

// shortened cuts a text to most letters.
func shortened(text string, most int) string {
	r := []rune(text)
	if len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

// TransferFailed says that a call was not transferred and goes on.
func TransferFailed(f middleware.Failure) Banner {
	why := Explain(f)
	if why == "" {
		return Banner{Bad, i18n.T("The transfer failed. The call was kept.")}
	}
	return Banner{Bad, i18n.T("The transfer failed. %s The call was kept.", why)}
}

// ForwardFailed says that a call rings that was to be forwarded to somebody, named
// as people do.
func ForwardFailed(target string, f middleware.Failure) Banner {
	return Banner{Bad, i18n.T("A call could not be forwarded to %s and rings here. %s", target, Explain(f))}
}

// DigitsNotSent says that digits did not get through.
func DigitsNotSent(digits string, f middleware.Failure) Banner {
	if why := Explain(f); why != "" && f.Kind != middleware.OtherFailure {
		return Banner{Bad, i18n.T("“%s” was not sent. %s", digits, why)}
	}
	return Banner{Bad, i18n.T("“%s” was not sent.", digits)}
}

// ProposalRefused says what became of our wish to add sound; it is empty where
// that was our own doing.
func ProposalRefused(by middleware.Originator, reason string) Banner {
	switch {
	case by != middleware.Local || reason == "canceled":
		return Banner{}
	case reason == "timeout":
		return Banner{Bad, i18n.T("The other side did not say whether it wants to talk.")}
	}
	return Banner{Bad, i18n.T("The other side does not want to talk.")}
}
