package viewmodel

import (
	"fmt"
	"time"

	"parley/gui/i18n"
	"parley/middleware"
	"parley/middleware/session"
)

// Call is all that a call's card, strip or window shows. Panels copy fields to
// widgets and decide nothing.
type Call struct {
	ID       middleware.SessionID
	Title    string // who
	Contact  int64  // who that is; 0 is nobody known
	Subtitle string // address and account
	Status   string // one word or a duration: "Ringing…", "On hold", "3:07"
	Tone     Tone
	Picture  Picture

	Lock     string // the padlock in words; empty while there is no sound
	LockTone Tone
	LockIcon Picture

	Lines     []string // what else is known of who calls and why
	Question  Question
	Countdown Countdown // until it is answered by itself

	Incoming  bool // rings here
	Answer    bool // may be answered
	Talking   bool // established and not on hold by us
	Held      bool // by us
	CanHold   bool // hold or resume
	CanKeys   bool
	CanRecord bool
	CanEnd    bool
	Recording bool
	// CanTransfer, CanMerge: it can be sent on, and can be joined with others.
	CanTransfer, CanMerge bool
	Conference            bool   // is one of the calls that are joined
	Sent                  string // "Sent: 12#", empty without
	Banners               []Banner
}

// NewCall returns the view of s at the time now. label names an account by id.
func NewCall(s middleware.SessionSnapshot, now time.Time, label func(id string) string) Call {
	c := Call{
		ID: s.ID, Title: callTitle(s), Contact: s.Peer.Contact, Subtitle: callSubtitle(s, label),
		Incoming: s.State() == session.Incoming, Answer: s.Accepts(session.Accept),
		Held: s.OnHoldByLocal, CanKeys: s.Accepts(session.SendDTMF),
		CanHold:   s.Accepts(session.Hold) && s.State() == session.Established,
		CanRecord: s.Accepts(session.StartRecording) && s.Audio.Active,
		CanEnd:    s.Accepts(session.End),
		Recording: s.Audio.RecordingFile != "",
		Talking:   s.State() == session.Established && !s.OnHoldByLocal,
		Question:  questionOf(s, now),
		CanMerge:  s.State() == session.Established && s.Audio.Active && !s.Echo,
		CanTransfer: s.Accepts(session.Transfer) && s.State() == session.Established && !s.Echo &&
			s.Transfer == (middleware.Transfer{}),
		Conference: s.Conference,
		Lines:      saidOf(s),
	}
	if line := neighbourLine(s); line != "" && c.Incoming {
		c.Lines = append(c.Lines, line)
	}
	if c.Incoming {
		c.Countdown = countdown(s, now)
	}
	c.Status, c.Tone, c.Picture = callStatus(s, now)
	if s.Audio.Active {
		c.Lock, c.LockTone, c.LockIcon = neighbourLock(s)
	}
	if s.Sent != "" {
		c.Sent = i18n.T("Sent: %s", s.Sent)
	}
	c.Banners = callBanners(s)
	return c
}

func callSubtitle(s middleware.SessionSnapshot, label func(string) string) string {
	switch {
	case s.Echo:
		return i18n.T("Inside Parley: says back what it hears")
	case s.Neighbour != "" && callTitle(s) == s.Peer.Address:
		return NetworkLabel()
	case s.Neighbour != "":
		return joined(s.Peer.Address, NetworkLabel())
	case s.Account == "":
		return i18n.T("%s · direct call", s.Peer.Address)
	}
	via := label(s.Account)
	if by := s.Diverted(); len(by) > 0 && s.Direction == middleware.Incoming {
		return i18n.T("%s · via %s · to %s", s.Peer.Address, PersonOf(by[0].Name, by[0].Address), via)
	}
	if s.Direction == middleware.Incoming {
		return i18n.T("%s · to %s", s.Peer.Address, via)
	}
	if to := s.RedirectedTo; to.Address != "" {
		return i18n.T("%s · sent on to %s · from %s", s.Peer.Address, PersonOf(to.Name, to.Address), via)
	}
	return i18n.T("%s · from %s", s.Peer.Address, via)
}

func callStatus(s middleware.SessionSnapshot, now time.Time) (string, Tone, Picture) {
	switch s.State() {
	case session.Incoming:
		return i18n.T("Incoming call"), Notice, PictureIncoming
	case session.Calling:
		return progress(s.Progress), Notice, PictureOutgoing
	case session.Accepting:
		return i18n.T("Connecting…"), Notice, PictureIncoming
	case session.Terminating:
		return i18n.T("Hanging up…"), Neutral, PictureHangUp
	case session.Terminated:
		return i18n.T("Ended"), Neutral, PictureHangUp
	}
	took := Duration(now.Sub(s.Started))
	switch {
	case s.OnHoldByLocal:
		return i18n.T("On hold %s", took), Notice, PictureHold
	case s.Started.IsZero():
		return i18n.T("Connecting…"), Notice, PictureCall
	}
	return took, Good, PictureCall
}

func progress(p middleware.Progress) string {
	switch {
	case p.Ringing:
		return i18n.T("Ringing…")
	case p.EarlyMedia:
		return i18n.T("Announcement…")
	case p.Code == 182:
		return i18n.T("Waiting in a queue…")
	case p.Code == 181:
		return i18n.T("Being forwarded…")
	case p.Inviting:
		return i18n.T("Calling…")
	}
	return i18n.T("Looking up…")
}

// lock says what protects the sound, never more than is true.
func lock(e middleware.Encryption) (string, Tone, Picture) {
	switch e {
	case middleware.Encrypted:
		return i18n.T("Encrypted"), Good, PictureLocked
	case middleware.KeyInClear:
		return i18n.T("Encrypted, key sent in clear"), Notice, PictureLocked
	}
	return i18n.T("Not encrypted"), Neutral, PictureUnlocked
}

func callBanners(s middleware.SessionSnapshot) []Banner {
	var list []Banner
	add := func(t Tone, text string) { list = append(list, Banner{t, text}) }
	switch silent := s.Audio.NoAudio && !s.OnHold() && !s.Reconnecting; {
	case silent && s.Audio.WasReceived:
		add(Bad, i18n.T("Nothing has come from the other side for some seconds."))
	case silent:
		add(Bad, i18n.T("Nothing is heard from the other side. A firewall or router may block the sound."))
	}
	if s.Audio.RecordingFile != "" {
		add(Bad, i18n.T("Recording both sides."))
	}
	if s.OnHoldByRemote {
		add(Notice, i18n.T("The other side has put you on hold."))
	}
	if s.Reconnecting {
		add(Notice, i18n.T("Network changed, reconnecting…"))
	}
	if s.HoldFailed {
		add(Bad, i18n.T("The other side refused the change of hold."))
	}
	return list
}

// A Quality is what is measured on a call's sound. It mirrors the middleware's
// statistics so that tests can be written as literals.
type Quality struct {
	Codec         string
	Received      uint64
	Lost          int64
	Jitter        time.Duration
	RTT           time.Duration // 0: unknown
	Buffer        time.Duration
	RemotePercent float64 // of our packets lost, as the other side reports
}

// CallDetails lists what stands behind "details".
func CallDetails(s middleware.SessionSnapshot, q Quality) []Pair {
	list := []Pair{{i18n.T("Sound"), codecText(s.Audio)}}
	if s.Audio.Active {
		list = append(list,
			Pair{i18n.T("Loss"), i18n.T("%.1f %% here, %.1f %% there", lossPercent(q), q.RemotePercent)},
			Pair{i18n.T("Jitter"), milliseconds(q.Jitter)},
			Pair{i18n.T("Round trip"), milliseconds(q.RTT)},
			Pair{i18n.T("Buffer"), milliseconds(q.Buffer)},
		)
	}
	if s.Audio.Suite != "" {
		list = append(list, Pair{i18n.T("Cipher"), s.Audio.Suite})
	}
	if s.RemoteUserAgent != "" {
		list = append(list, Pair{i18n.T("Their phone"), s.RemoteUserAgent})
	}
	if s.Route != "" {
		list = append(list, Pair{i18n.T("Route"), s.Route})
	}
	if at := s.Audio.RemoteReceived; at.IsValid() {
		list = append(list, Pair{i18n.T("Sound from"), at.String()})
	}
	if s.CallID != "" {
		list = append(list, Pair{i18n.T("Call-ID"), s.CallID})
	}
	return list
}

func codecText(a middleware.Audio) string {
	if !a.Active || a.Codec == "" {
		return i18n.T("none yet")
	}
	return i18n.T("%s, %d kHz, %d ms packets", a.Codec, a.SampleRate/1000, a.PacketTime.Milliseconds())
}

func lossPercent(q Quality) float64 {
	expected := float64(q.Received) + float64(max(q.Lost, 0))
	if expected == 0 {
		return 0
	}
	return 100 * float64(max(q.Lost, 0)) / expected
}

func milliseconds(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return i18n.T("%d ms", d.Round(time.Millisecond).Milliseconds())
}

// Ended is the card that stays for a moment after a call.
type Ended struct {
	ID     middleware.SessionID
	Title  string
	Text   string // how long, or why not
	Tone   Tone
	Target string // to call again; empty if that makes no sense
	Facts  string // for the clipboard
}

// NewEnded returns the card of a session that is over.
func NewEnded(s middleware.SessionSnapshot) Ended {
	e := Ended{ID: s.ID, Title: callTitle(s), Target: s.Peer.URI}
	e.Text = ExplainEnd(s)
	switch to := s.Transfer.To; {
	case s.Transfer.Done && to.Address != "":
		e.Text = i18n.T("Transferred to %s.", PersonOf(to.Name, to.Address))
	case s.Transfer.Done:
		e.Text = i18n.T("Transferred.")
	}
	if !s.Started.IsZero() {
		e.Text = i18n.T("%s %s talked.", e.Text, Duration(s.Stopped.Sub(s.Started)))
	}
	switch {
	case s.Direction == middleware.Incoming && s.Started.IsZero() &&
		(s.End.Kind == middleware.Canceled || s.End.Kind == middleware.NoAnswer):
		e.Text, e.Tone = i18n.T("Missed call"), Bad
	case s.End.Kind != middleware.NoFailure && s.End.By != middleware.Local:
		e.Tone = Bad
	}
	e.Facts = fmt.Sprintf("%s %s %s -> %s\nCall-ID: %s\n%s", Exactly(s.Created), s.Direction,
		s.Caller(), s.Callee(), s.CallID, Facts(s.End.Failure))
	return e
}
