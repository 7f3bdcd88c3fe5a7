package middleware

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/mailbox"
	"parley/media"
	"parley/middleware/session"
	"parley/sip"
	"parley/sip/sdp"
)

// ErrSessionOver is returned for a command to a session that has ended.
var ErrSessionOver = errors.New("middleware: the call is over")

// endTime is how long an end waits for the peer to confirm it. After that the
// session is over for everybody here; the request is repeated by itself.
const endTime = 4 * time.Second

// A Session is a call with one other party. Its methods may be used from any
// goroutine; none blocks but [Session.DoWait].
//
// One goroutine owns the session: it takes inputs from a queue, asks the rules
// of package session where they lead, and carries out the effects.
type Session struct {
	id    SessionID
	m     *SessionManager
	log   *slog.Logger
	queue *mailbox.Queue[event]
	snap  atomic.Pointer[SessionSnapshot]
	audio atomic.Pointer[media.Stream] // for statistics only; nil without a stream
	final atomic.Pointer[media.Stats]  // of a session that is over
	ctx   context.Context              // ends with the session
	stop  context.CancelFunc
	done  chan struct{}
	aside sync.WaitGroup // preparations and digits under way

	// The rest belongs to the session's goroutine.
	timers   map[*time.Timer]bool // that are still to go off
	now      SessionSnapshot      // what the next snapshot will say
	place    session.Place
	account  *Account // nil: direct, or Echo Test
	config   sessionConfig
	call     *sip.Call
	offer    []byte // of an incoming INVITE; nil when it had none
	target   target
	other    another
	plan     plan // outcome of Prepare
	neg      *sdp.Negotiation
	agreed   *sdp.Agreed
	leg      string    // the branch of a forked call that agreed is of
	heard    string    // and the one that is heard
	others   redirects // other addresses of who is called
	secured  bool      // media was started before the answer
	stream   *media.Stream
	wish     bool // hold as last asked for
	voice    bool // the session has audio, or shall have it
	addLater bool // audio is to be proposed when the open exchange is over
	moved    bool // our address changed; media must follow
	moving   bool // the peer is being told
	rescue   rescue
	turn     int64 // when this call was last made the one that is spoken to
	holdSent bool  // hold as in our last session description
	asked    asked // of the peer, by our last offer in a re-INVITE
	glare    time.Duration
	again    *time.Timer // the wait after a 491
	decision *time.Timer // how long a person has for a proposal
	refusal  refusal
	transfer transferState
	digits   []rune // waiting to be sent
	keying   bool   // a digit is being sent
	next     *event // what an effect found out at once; taken up before the queue
	ending   bool   // NotifyDidEnd was carried out
}

// refusal is how an incoming call, or a change, is to be turned away.
type refusal struct {
	code    int
	reason  string
	headers []sip.Header
}

// An event is an input with what belongs to it. run, if set, is something that
// the rules need not know of; it runs in place of an input. An event that comes
// after the end is dropped, and the stream of its plan closed.
type event struct {
	in     session.Input
	run    func()
	err    error
	body   []byte
	plan   plan
	by     Originator
	busy   bool    // of Reject
	quiet  bool    // of End: leave, and do not decline for the person's other phones
	again  bool    // a wish that is carried out late
	target string  // of Redirect and Transfer
	text   string  // digits, file name
	reason string  // of a BYE or a Redirect
	turn   int64   // of a command: its place in the order of all
	onward *onward // of Transfer to another call
	sip    sip.Event
	reply  chan error
}

// ID returns the session's name.
func (s *Session) ID() SessionID { return s.id }

// Snapshot returns the present state. It never blocks.
func (s *Session) Snapshot() SessionSnapshot { return *s.snap.Load() }

// Done is closed when the session has ended and left nothing behind.
func (s *Session) Done() <-chan struct{} { return s.done }

// Stats returns what was measured on the audio stream so far; the zero value
// without one.
func (s *Session) Stats() media.Stats {
	if st := s.audio.Load(); st != nil {
		return st.Stats()
	}
	if last := s.final.Load(); last != nil {
		return *last
	}
	return media.Stats{}
}

// Accept answers an incoming call. Other calls are put on hold.
func (s *Session) Accept() { s.command(event{in: session.Accept}) }

// Reject declines an incoming call with 603, or with 486 when busy, in which
// case other phones of the person may go on ringing.
func (s *Session) Reject(busy bool) { s.command(event{in: session.Reject, busy: busy}) }

// Silence stops the ringing here; the caller goes on waiting.
func (s *Session) Silence() { s.command(event{in: session.Silence}) }

// End hangs up, gives up or declines, whatever ends the call now.
func (s *Session) End() { s.command(event{in: session.End}) }

// leave ends the call as End does, but does not decline one that rings: the
// person's other phones may go on ringing (RFC 3261 section 21.6.2).
func (s *Session) leave() { s.command(event{in: session.End, quiet: true}) }

// Hold puts the call on hold. During another change it waits for its turn.
func (s *Session) Hold() { s.command(event{in: session.Hold}) }

// Unhold takes the call out of hold and holds the others.
func (s *Session) Unhold() { s.command(event{in: session.Unhold}) }

// SendDTMF sends digits (0-9, *, #, A-D), one after the other.
func (s *Session) SendDTMF(digits string) { s.command(event{in: session.SendDTMF, text: digits}) }

// StartRecordingAudio records both sides to a stereo WAV file, ours on the
// left. An empty name makes one of the peer and the time in the recordings
// folder. The file is playable at every moment.
func (s *Session) StartRecordingAudio(fileName string) {
	s.command(event{in: session.StartRecording, text: fileName})
}

// StopRecordingAudio ends the recording.
func (s *Session) StopRecordingAudio() { s.command(event{in: session.StopRecording}) }

// Do carries out a command without argument. A refused command posts
// SIPSessionCommandRefused.
func (s *Session) Do(in session.Input) { s.command(event{in: in}) }

// DoWait is Do for callers that need an answer. It blocks until the session has
// taken or refused the command: a *session.InputError names state and command.
// Digits go with SendDTMF, a file name with StartRecording.
func (s *Session) DoWait(ctx context.Context, in session.Input, text string) error {
	reply := make(chan error, 1)
	s.command(event{in: in, text: text, reply: reply})
	select {
	case err := <-reply:
		return err
	case <-s.done:
		select {
		case err := <-reply:
			return err
		default:
			return overError(in)
		}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// command posts a command with its place in the order of all commands. Every
// command is carried out or refused, also that to a session which is over.
func (s *Session) command(e event) {
	e.turn = s.m.turn.Add(1)
	switch {
	case !e.in.Command(): // what the network says is not for others to say
		s.refuse(e, &session.InputError{Place: s.Snapshot().Place, Input: e.in})
	case !s.queue.Put(e):
		s.refuse(e, overError(e.in))
	}
}

// refuse tells that a command was not carried out. It may be called from any
// goroutine.
func (s *Session) refuse(e event, err error) {
	s.answer(e, err)
	if !e.quiet {
		s.m.bus.Publish(SIPSessionCommandRefused{About: About{Session: s.id, At: time.Now(), Now: s.Snapshot()}, Command: e.in, Err: err})
	}
}

// overError is the error for a command to a session that has ended.
func overError(in session.Input) error {
	return fmt.Errorf("%w: %w", ErrSessionOver, &session.InputError{Place: session.Place{State: session.Terminated}, Input: in})
}

func (s *Session) post(e event) { s.queue.Put(e) }

// later takes up e after d, unless the session has ended by then or the timer was
// given to disarm. It is called on the session's goroutine.
func (s *Session) later(d time.Duration, e event) *time.Timer {
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		s.post(event{run: func() {
			switch {
			case !s.timers[t]:
				return
			case e.run != nil:
				e.run()
			default:
				s.step(e)
			}
			delete(s.timers, t)
		}})
	})
	s.timers[t] = true
	return t
}

// disarm stops a timer of later; nil is fine.
func (s *Session) disarm(t *time.Timer) {
	if t != nil {
		t.Stop()
		delete(s.timers, t)
	}
}

// run is the session's goroutine.
func (s *Session) run() {
	defer close(s.done)
	for !s.ending {
		batch, err := s.queue.Take(context.Background())
		if err != nil {
			return
		}
		for _, e := range batch {
			if s.ending {
				s.drop(e)
				continue
			}
			s.handle(e)
		}
	}
	s.release()
	s.aside.Wait()
	s.queue.Close()
	for _, e := range s.queue.TryTake() {
		s.drop(e)
	}
}

// drop lets go of an event that came after the end, and of what it brought.
func (s *Session) drop(e event) {
	if e.plan.stream != nil {
		e.plan.stream.Close()
	}
	if e.run == nil && e.in.Command() {
		s.refuse(e, overError(e.in))
	}
}

// handle works on one event and on what follows from it at once. A panic is a
// defect of ours: it is logged and costs this call, not the others.
func (s *Session) handle(e event) {
	defer s.recovered()
	if e.run != nil {
		e.run()
	} else {
		s.step(e)
	}
	for s.next != nil && !s.ending {
		next := *s.next
		s.next = nil
		s.step(next)
	}
}

// recovered ends the session after a panic. It is called by defer.
func (s *Session) recovered() {
	r := recover()
	if r == nil {
		return
	}
	s.log.Error("Session failed", "place", s.place, "panic", r, "stack", string(debug.Stack()))
	if s.ending {
		return
	}
	s.ending = true // whatever comes, DidEnd is told once
	from := s.place.State
	s.place = session.Place{State: session.Terminated}
	s.now.Place = s.place
	s.now.Audio.Active, s.now.Audio.RecordingFile = false, ""
	s.end(Local, Failure{Kind: OtherFailure, Detail: fmt.Sprint(r)})
	if s.now.Stopped.IsZero() {
		s.tellState(from)
	}
	s.publish(SIPSessionDidFail{About: s.about(), Originator: s.now.End.By, Failure: s.now.End.Failure})
	s.publish(SIPSessionDidEnd{About: s.about(), Originator: s.now.End.By})
}

// step is the only other place where the session's place changes.
func (s *Session) step(e event) {
	to, effects, err := session.Next(s.place, e.in)
	if err == nil {
		err = s.check(e)
	}
	if err != nil {
		s.log.Debug("Input refused", "input", e.in, "place", s.place)
		if e.in.Command() {
			s.refuse(e, err)
		}
		return
	}
	s.answer(e, nil)
	from := s.place.State
	s.place, s.now.Place = to, to
	s.foretell(effects, e)
	told := from == to.State
	for _, effect := range effects {
		if !told && stateDue(to.State, effect) {
			s.tellState(from)
			told = true
		}
		s.carryOut(effect, e)
	}
	s.goOnTransfer()
	if s.ending {
		return
	}
	s.update()
	s.publish(SIPSessionDidChange{About: s.about()})
}

func (s *Session) answer(e event, err error) {
	if e.reply != nil {
		e.reply <- err
	}
}

// update makes the working copy the snapshot that others see.
func (s *Session) update() {
	s.now.Rev++
	snap := s.now
	s.snap.Store(&snap)
}

// about returns the common part of a notification. What it says of the session
// is the snapshot that others see from now on.
func (s *Session) about() About {
	if s.now != *s.snap.Load() {
		s.update()
	}
	return About{Session: s.id, At: time.Now(), Now: s.now}
}

// changed shows a change that came without an input of the rules.
func (s *Session) changed() {
	s.update()
	s.publish(SIPSessionDidChange{About: s.about()})
}

// release frees all that the session holds, at its end.
func (s *Session) release() {
	s.stop()
	for t := range s.timers {
		t.Stop()
	}
	s.closeStream()
	if st := s.audio.Load(); st != nil { // what holds the session need not hold its buffers
		last := st.Stats()
		s.final.Store(&last)
		s.audio.Store(nil)
		s.plan.stream = nil
	}
	if s.call != nil {
		s.call.Close()
	}
	s.unpin()
	s.m.remove(s)
}
