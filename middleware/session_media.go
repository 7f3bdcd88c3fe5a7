package middleware

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/media"
	"parley/media/codec"
	"parley/middleware/session"
	"parley/sip/sdp"
)

var errNoMedia = errors.New("middleware: no socket for audio")

// noAudioAfter is how long after the start of a call its first audio packet may
// take before the person is told (SIPSessionGotNoAudio).
const noAudioAfter = 5 * time.Second

func (s *Session) startStreams() {
	if s.agreed == nil {
		return // our offer is out; its answer comes with the ACK
	}
	s.updateStreams()
}

// updateStreams makes media, hold flags and snapshot follow what was agreed.
func (s *Session) updateStreams() {
	s.reconnected()
	if s.agreed == nil {
		return
	}
	switch {
	case !s.agreed.Rejected && s.stream != nil:
		s.configureStream()
	case s.agreed.Rejected && s.voice && s.place.State != session.Proposing:
		s.dropStream() // the peer has ended the audio
	}
	s.noteHold()
}

// configureStream gives the stream what was agreed and tells when the audio
// starts by that.
func (s *Session) configureStream() {
	p := s.paramsOf(s.agreed)
	p.Another, s.heard = s.leg != s.heard, s.leg
	if err := s.stream.Configure(p); err != nil {
		s.log.Error("Audio could not be configured", "err", err)
		return
	}
	au := &s.now.Audio
	wasActive := au.Active
	au.Active = true
	au.Codec, au.SampleRate, au.PacketTime = p.Codec.Name, p.Codec.SampleRate, p.PacketTime
	au.RemoteRTP, au.Suite = p.Remote, p.Suite
	au.Encryption = s.encryption(p.Suite)
	if !wasActive {
		s.publish(SIPSessionGotStreamUpdate{About: s.about(), Streams: []string{"audio"}})
	}
}

// paramsOf makes the media's parameters of what was agreed.
func (s *Session) paramsOf(a *sdp.Agreed) media.Params {
	p := media.Params{
		Codec:      s.m.format(a.Codec),
		Formats:    make(map[uint8]codec.Format, len(a.Receive)),
		PacketTime: a.PacketTime, LowDelay: s.config.lowDelay,
		Remote: a.Remote, RemoteRTCP: a.RemoteRTCP, RTCPMux: a.RTCPMux,
		Send: a.CanSend, Receive: a.CanReceive,
	}
	if a.HasEvents {
		p.HasEvents, p.EventPT, p.EventRate = true, a.EventPT, a.EventRate
	}
	for _, c := range a.Receive {
		p.Formats[c.PayloadType] = s.m.format(c)
	}
	if a.LocalKey != nil && a.RemoteKey != nil {
		p.Suite = a.LocalKey.Suite
		p.LocalKey, p.LocalSalt = a.LocalKey.MasterKey, a.LocalKey.MasterSalt
		p.RemoteKey, p.RemoteSalt = a.RemoteKey.MasterKey, a.RemoteKey.MasterSalt
	}
	return p
}

// encryption tells what was negotiated (never what was wished).
func (s *Session) encryption(suite string) Encryption {
	switch {
	case suite == "":
		return NotEncrypted
	case s.call.Secure():
		return Encrypted
	}
	return KeyInClear
}

// noteHold compares the hold flags with what was agreed and tells of changes.
func (s *Session) noteHold() {
	byLocal, byRemote := s.now.OnHoldByLocal, s.now.OnHoldByRemote
	s.now.OnHoldByLocal, s.now.OnHoldByRemote = s.holdSent && s.voice, s.agreed.RemoteHold
	s.setHeld()
	if s.now.OnHoldByLocal != byLocal {
		s.tellHold(!byLocal, Local)
	}
	if s.now.OnHoldByRemote != byRemote {
		s.tellHold(!byRemote, Remote)
	}
}

// setHeld makes the audio silent while the call is on hold by us, or still to be
// held, and notes whether hold or resume is on its way.
func (s *Session) setHeld() {
	s.now.HoldPending = s.wish != s.now.OnHoldByLocal
	if s.stream != nil {
		s.stream.SetHeld(s.wish || s.now.OnHoldByLocal)
	}
}

func (s *Session) tellHold(on bool, by Originator) {
	s.update()
	if on {
		s.publish(SIPSessionGotHoldRequest{About: s.about(), Originator: by})
		return
	}
	s.publish(SIPSessionGotUnholdRequest{About: s.about(), Originator: by})
}

// stopStreams ends the audio. The stream is closed at the session's very end,
// so that its statistics can be read until then.
func (s *Session) stopStreams() {
	s.stopRecording(nil)
	if s.now.Audio.Active {
		s.now.Audio.Active = false
		s.publish(SIPSessionGotStreamUpdate{About: s.about(), Streams: []string{}})
	}
	s.closeStream()
}

func (s *Session) closeStream() {
	if s.stream != nil {
		s.stream.Close()
		s.stream = nil
	}
}

// checkAudio runs once, noAudioAfter the start.
func (s *Session) checkAudio() {
	if s.now.Audio.Active && !s.now.Audio.WasReceived && !s.now.OnHold() {
		s.now.Audio.NoAudio = true
		s.publish(SIPSessionGotNoAudio{About: s.about()})
		s.changed()
	}
}

// setNoAudio shows that nothing comes any more, or that it does again.
func (s *Session) setNoAudio(on bool) {
	if s.now.Audio.NoAudio != on {
		s.now.Audio.NoAudio = on
		s.changed()
	}
}

func (s *Session) gotStreamEvent(ev media.StreamEvent) {
	switch ev := ev.(type) {
	case media.FirstPacket:
		s.now.Audio.WasReceived, s.now.Audio.NoAudio = true, false
		s.now.Audio.RemoteReceived = ev.From
		s.changed()
	case media.AudioStopped:
		s.setNoAudio(!s.now.OnHold())
	case media.AudioResumed:
		s.setNoAudio(false)
	case media.DigitReceived:
		s.gotDigit(ev.Digit)
	case media.RecordingFailed:
		s.stopRecording(ev.Err)
		s.changed()
	}
}

// checkDigits accepts one or more DTMF digits (RFC 4733 section 3.2).
func checkDigits(digits string) error {
	if digits == "" || len(digits) > 64 {
		return fmt.Errorf("%w: between 1 and 64 are needed", ErrDigits)
	}
	for _, d := range digits {
		if !strings.ContainsRune("0123456789*#ABCDabcd", d) {
			return fmt.Errorf("%w: %q is none of 0-9, *, #, A-D", ErrDigits, d)
		}
	}
	return nil
}

// ErrDigits is matched by the error for text that cannot be sent as DTMF.
var ErrDigits = errors.New("middleware: not DTMF digits")

// How long a key is held when a digit is sent.
const digitTime = 120 * time.Millisecond

// sendNextDigit sends the first waiting digit away from the session's goroutine
// and comes back for the next.
func (s *Session) sendNextDigit() {
	if s.keying || len(s.digits) == 0 || s.stream == nil || s.agreed == nil {
		return
	}
	digit := s.digits[0]
	s.digits = slices.Delete(s.digits, 0, 1)
	s.keying = true
	stream, call := s.stream, s.call
	byInfo := s.config.dtmfInfo || !s.agreed.HasEvents && s.config.dtmfAuto
	s.m.engine.PlayDigit(digit)
	s.aside.Go(func() {
		var err error
		if byInfo {
			body := fmt.Sprintf("Signal=%c\r\nDuration=%d\r\n", digit, digitTime.Milliseconds())
			err = call.Info(s.ctx, "application/dtmf-relay", []byte(body))
		} else {
			err = stream.SendDigit(s.ctx, digit, digitTime)
		}
		s.post(event{run: func() { s.sentDigit(digit, err) }})
	})
}

func (s *Session) sentDigit(digit rune, err error) {
	s.keying = false
	if err != nil {
		lost := string(digit) + string(s.digits)
		s.digits = nil
		if !errors.Is(err, context.Canceled) { // else the call is over
			s.log.Warn("Digit not sent", "err", err)
			s.publish(SIPSessionDidNotSendDTMF{About: s.about(), Digits: lost, Failure: failureOf(err)})
		}
		return
	}
	s.now.Sent += string(digit)
	s.publish(SIPSessionDidSendDTMF{About: s.about(), Digit: digit})
	s.changed()
	s.sendNextDigit()
}

// codecsOf makes the offered codecs of their names, and telephone events beside
// them at every clock rate in use (RFC 4733 section 2.1).
func codecsOf(names []string, formats []codec.Format) []sdp.Codec {
	var list []sdp.Codec
	rates := map[int]bool{}
	for _, name := range names {
		for _, f := range formats {
			if strings.EqualFold(f.Name, name) {
				list = append(list, sdp.Codec{Name: f.Name, PayloadType: f.PayloadType, ClockRate: f.ClockRate, Channels: f.Channels, Fmtp: f.Fmtp})
				rates[f.ClockRate] = true
			}
		}
	}
	for i, rate := range []int{8000, 48000} {
		if rates[rate] {
			list = append(list, sdp.Codec{Name: "telephone-event", PayloadType: uint8(101 + i), ClockRate: rate, Channels: 1, Fmtp: "0-16"})
		}
	}
	return list
}
