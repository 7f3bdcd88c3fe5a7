package media

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"parley/internal/mailbox"
	"parley/media/codec"
	"parley/media/dsp"
	"parley/media/mix"
	"parley/media/rtp"
	"parley/media/tone"
)

// ErrClosed is returned after Close of the engine or the stream.
var ErrClosed = errors.New("media: closed")

// A Network opens the sockets of streams.
type Network interface {
	ListenPacket(netip.AddrPort) (net.PacketConn, error)
}

// Config is what an engine is made of.
type Config struct {
	Log      *slog.Logger  // nil: no log
	Hardware Driver        // nil: no sound devices but null and files; closed by the engine
	Codecs   []codec.Codec // all that streams may use
	Network  Network       // nil: the system's
	Country  string        // ISO 3166 code in lower case: how the tones sound

	// OnEvent is called on a goroutine of the engine, one call at a time, and
	// must not call Close.
	OnEvent func(Event)
}

// A DeviceChoice says which devices to use, each as "default" (or empty), "null",
// "file:PATH", or the name or id of a device. An empty Alert is the output device.
type DeviceChoice struct{ Input, Output, Alert string }

// Tones says what is to be heard just now, apart from voices. Everything in it
// repeats until another Tones says otherwise.
type Tones struct {
	Ring     bool   // an incoming call, on the alert device
	RingFile string // a WAV file to ring with; empty: the built-in ring

	// In the ear, on the output device.
	RingBack     bool   // the far end is being alerted
	RingBackFile string // a WAV file to hear meanwhile; empty: the tone of the country
	CallWaiting  bool   // somebody calls while we talk
	Busy         bool
	HoldBeep     bool // somebody is on hold
}

// Engine is the voice engine. Its methods may be called from any goroutine; none
// but Close, Devices and NewStream waits for a device or the network.
type Engine struct {
	conf  Config
	log   *slog.Logger
	tones tone.Region
	ring  []float32 // the built-in one

	toning   sync.Mutex // held by SetTones; guards the two that follow
	ringFile ringtone
	backFile ringtone

	mu      sync.Mutex // guards what follows, down to closed
	choice  DeviceChoice
	started bool
	closed  bool
	monitor bool
	asked   Tones
	piece   []float32 // to ring with now; nil: no ring

	backPiece []float32 // in place of the ring-back tone; nil: the tone

	streams atomic.Pointer[[]*Stream] // those that have been configured; copied on write
	all     []*Stream                 // guarded by mu
	plan    atomic.Pointer[plan]
	digits  chan rune // for local feedback
	feeding atomic.Int32

	mic            *dsp.Gain
	muted          atomic.Bool
	inLevel        dsp.Meter
	outLevel       dsp.Meter
	board, bells   board // of the playback and the alert loop
	voices, alerts *mix.Mixer
	voice          []float32 // of the playback loop
	conference     *conference

	input, output, alert *role
	events               *mailbox.Queue[func()]
	closing              chan struct{}
	running              sync.WaitGroup
	telling              sync.WaitGroup
}

// New returns an engine that does nothing until [Engine.Start].
func New(conf Config) *Engine {
	if conf.Network == nil {
		conf.Network = rtp.System{}
	}
	log := conf.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{
		conf: conf, log: log.With("sub", "media"),
		tones: tone.RegionOf(conf.Country), ring: tone.Ring(),
		digits: make(chan rune, 32),
		mic:    dsp.NewGain(1),
		voices: mix.New(FrameSamples), alerts: mix.New(FrameSamples),
		voice: make([]float32, FrameSamples), conference: newConference(),
		events:  mailbox.New[func()](),
		closing: make(chan struct{}),
	}
	e.streams.Store(&[]*Stream{})
	e.plan.Store(&plan{})
	e.input = newRole(e, Input, e.captureLoop)
	e.output = newRole(e, Output, e.playbackLoop)
	e.alert = newRole(e, Alert, e.alertLoop)
	return e
}

// Start makes the engine ready with the chosen devices. It opens none of them but
// playback to a file, which keeps the time from here on. Only the first call has
// an effect.
func (e *Engine) Start(choice DeviceChoice) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.started || e.closed {
		return
	}
	e.started, e.choice = true, choice
	e.telling.Go(e.tellLoop)
	e.updateLocked()
	for _, r := range []*role{e.input, e.output, e.alert} {
		e.running.Go(r.run)
	}
}

// SetDevices changes the devices, in the middle of calls too.
func (e *Engine) SetDevices(choice DeviceChoice) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.choice = choice
	e.updateLocked()
}

// Devices lists the sound devices of the machine. It may block for as long as the
// system takes.
func (e *Engine) Devices() ([]DeviceInfo, error) {
	if e.conf.Hardware == nil {
		return nil, nil
	}
	return e.conf.Hardware.Devices()
}

// SetMuted stops or lets through the microphone, for all streams.
func (e *Engine) SetMuted(muted bool) {
	e.muted.Store(muted)
	if muted {
		e.mic.Set(0)
	} else {
		e.mic.Set(1)
	}
}

// Muted reports what [Engine.SetMuted] set.
func (e *Engine) Muted() bool { return e.muted.Load() }

// Levels returns the present peaks, 0 to 1, of what is sent and of what is heard.
// They fall slowly. It is meant to be polled.
func (e *Engine) Levels() (in, out float32) { return e.inLevel.Peak(), e.outLevel.Peak() }

// SetMonitor opens the microphone without a call, to show its level.
func (e *Engine) SetMonitor(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.monitor = on
	e.updateLocked()
}

// SetTones makes exactly those tones sound that t says. What sounded before and
// still shall is not interrupted. A ringtone that was not read before is read
// here.
func (e *Engine) SetTones(t Tones) {
	e.toning.Lock()
	defer e.toning.Unlock()
	var ring, back []float32
	if t.Ring {
		ring = e.load(&e.ringFile, t.RingFile, e.ring)
	}
	if t.RingBack {
		back = e.load(&e.backFile, t.RingBackFile, nil)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked, e.piece, e.backPiece = t, ring, back
	e.updateLocked()
}

// load returns what the file at path holds, read anew only if the last one was
// another; without a path, or if it cannot be read, it returns what stands in
// for it. It is called with e.toning held.
func (e *Engine) load(r *ringtone, path string, instead []float32) []float32 {
	if path == "" {
		return instead
	}
	if path != r.path {
		pcm, err := loadRing(path)
		if err != nil {
			e.tell(RingFileFailed{Path: path, Err: err})
			pcm = instead
		}
		*r = ringtone{path, pcm}
	}
	return r.pcm
}

// PlayDigit lets the user hear a DTMF key on the output device. It says nothing
// to the far end. What is no key is ignored.
func (e *Engine) PlayDigit(digit rune) {
	if _, ok := tone.Digit(digit, feedback); !ok {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case e.digits <- digit:
		e.feeding.Add(1)
		e.updateLocked()
	default: // more keys than anybody types
	}
}

// updateLocked works out the plan of tones and which devices are needed.
func (e *Engine) updateLocked() {
	shared := alertSpec(e.choice) == outputSpec(e.choice)
	old := e.plan.Load()
	next := plan{tones: e.asked, ring: e.piece, ringBack: e.backPiece, shared: shared}
	if !old.same(&next) {
		e.plan.Store(&next)
	}
	calls := len(*e.streams.Load()) > 0
	t := e.asked
	ear := t.RingBack || t.CallWaiting || t.Busy || t.HoldBeep || e.feeding.Load() > 0
	open := e.started && !e.closed
	e.input.want(open && (calls || e.monitor), e.choice.Input)
	e.output.want(open && (calls || ear || t.Ring && shared), outputSpec(e.choice))
	alert := alertSpec(e.choice)
	if shared {
		alert = specNull // rings on the output
	}
	e.alert.want(open && t.Ring && !shared, alert)
}

// update is updateLocked for the loops.
func (e *Engine) update() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.updateLocked()
}

// tell queues an event for OnEvent.
func (e *Engine) tell(ev Event) {
	if e.conf.OnEvent != nil {
		e.events.Put(func() { e.conf.OnEvent(ev) })
	}
}

// tellLoop hands events over, in order, until the queue is closed.
func (e *Engine) tellLoop() {
	for {
		batch, err := e.events.Take(context.Background())
		if err != nil {
			return
		}
		for _, f := range batch {
			f()
		}
	}
}

// Close ends all streams, closes all devices and the driver, and waits for
// everything. It is idempotent.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		e.telling.Wait()
		return nil
	}
	e.closed = true
	all := slices.Clone(e.all)
	e.mu.Unlock()
	for _, s := range all {
		s.Close()
	}
	close(e.closing)
	e.running.Wait()
	err := e.StopConferenceRecording()
	if e.conf.Hardware != nil {
		err = errors.Join(err, e.conf.Hardware.Close())
	}
	e.events.Close()
	e.telling.Wait()
	return err
}
