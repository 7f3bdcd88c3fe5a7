package middleware

import (
	"net/netip"
	"time"

	"parley/media"
	"parley/middleware/session"
)

// The attributes of a session, one by one. Each reads the present snapshot and
// never blocks; who needs several that fit together takes [Session.Snapshot].

// State returns the state.
func (s *Session) State() session.State { return s.Snapshot().State() }

// Account returns the account of the session: an [*Account], the
// [*BonjourAccount] for a call that goes through none, nil for the Echo Test.
func (s *Session) Account() SIPAccount {
	switch snap := s.Snapshot(); {
	case s.account != nil:
		return s.account
	case snap.Echo || s.m.app == nil:
		return nil
	}
	return s.m.app.accounts.BonjourAccount()
}

// Direction returns who called.
func (s *Session) Direction() Direction { return s.Snapshot().Direction }

// StartTime returns when the session was established, the zero time before.
func (s *Session) StartTime() time.Time { return s.Snapshot().Started }

// StopTime returns when the session ended, the zero time before.
func (s *Session) StopTime() time.Time { return s.Snapshot().Stopped }

// OnHoldByLocal reports whether we hold the call.
func (s *Session) OnHoldByLocal() bool { return s.Snapshot().OnHoldByLocal }

// OnHoldByRemote reports whether the peer holds the call.
func (s *Session) OnHoldByRemote() bool { return s.Snapshot().OnHoldByRemote }

// OnHold reports whether either side holds the call.
func (s *Session) OnHold() bool { return s.Snapshot().OnHold() }

// RemoteUserAgent returns the program of the peer, empty until it says.
func (s *Session) RemoteUserAgent() string { return s.Snapshot().RemoteUserAgent }

// LocalURI returns our address in the call.
func (s *Session) LocalURI() string { return s.Snapshot().LocalURI }

// RemoteURI returns the peer's address in the call.
func (s *Session) RemoteURI() string { return s.Snapshot().RemoteURI }

// CallerURI returns the address of the side that called.
func (s *Session) CallerURI() string { return s.Snapshot().Caller() }

// CalleeURI returns the address of the side that was called.
func (s *Session) CalleeURI() string { return s.Snapshot().Callee() }

// Credentials returns by what an outgoing call introduces itself; ok is false
// for an incoming one, and for the Echo Test.
func (s *Session) Credentials() (c Credentials, ok bool) {
	if s.Direction() != Outgoing {
		return Credentials{}, false
	}
	if a := s.Account(); a != nil {
		return a.Credentials(), true
	}
	return Credentials{}, false
}

// Route returns where requests of an outgoing call go, as "tls 192.0.2.1:5061";
// empty before the first one, and on incoming calls.
func (s *Session) Route() string { return s.Snapshot().Route }

// An AudioTransport is the audio stream of a session, for those who measure it.
// Its methods may be used from any goroutine, after the end of the stream too.
type AudioTransport struct{ stream *media.Stream }

// Stats returns what was measured so far.
func (t *AudioTransport) Stats() media.Stats { return t.stream.Stats() }

// LocalAddr returns where audio is received.
func (t *AudioTransport) LocalAddr() netip.AddrPort { return t.stream.LocalAddr() }

// AudioTransport returns the audio stream, nil if there is none.
func (s *Session) AudioTransport() *AudioTransport {
	if stream := s.audio.Load(); stream != nil {
		return &AudioTransport{stream}
	}
	return nil
}

// HasAudio reports whether the session has an active audio stream.
func (s *Session) HasAudio() bool { return s.Snapshot().Audio.Active }

// AudioSampleRate returns the rate of the codec in Hz, 0 before the audio started.
func (s *Session) AudioSampleRate() int { return s.Snapshot().Audio.SampleRate }

// AudioCodec returns the name of the codec, empty before the audio started.
func (s *Session) AudioCodec() string { return s.Snapshot().Audio.Codec }

// AudioSRTPActive reports whether the audio is encrypted.
func (s *Session) AudioSRTPActive() bool {
	a := s.Snapshot().Audio
	return a.Active && a.Suite != ""
}

// AudioLocalRTPAddress returns the address where audio is received; it is not
// valid before there is a socket.
func (s *Session) AudioLocalRTPAddress() netip.Addr { return s.Snapshot().Audio.LocalRTP.Addr() }

// AudioLocalRTPPort returns the port where audio is received, 0 before there is a
// socket.
func (s *Session) AudioLocalRTPPort() int { return int(s.Snapshot().Audio.LocalRTP.Port()) }

// AudioRemoteRTPAddressSDP returns the address where the peer says that it wants
// audio; it is not valid before the audio started.
func (s *Session) AudioRemoteRTPAddressSDP() netip.Addr { return s.Snapshot().Audio.RemoteRTP.Addr() }

// AudioRemoteRTPPortSDP returns the port where the peer says that it wants audio,
// 0 before the audio started.
func (s *Session) AudioRemoteRTPPortSDP() int { return int(s.Snapshot().Audio.RemoteRTP.Port()) }

// AudioRemoteRTPAddressReceived returns the address that audio really comes from;
// it is not valid before some came.
func (s *Session) AudioRemoteRTPAddressReceived() netip.Addr {
	return s.Snapshot().Audio.RemoteReceived.Addr()
}

// AudioRemoteRTPPortReceived returns the port that audio really comes from, 0
// before some came.
func (s *Session) AudioRemoteRTPPortReceived() int {
	return int(s.Snapshot().Audio.RemoteReceived.Port())
}

// AudioWasReceived reports whether any audio came.
func (s *Session) AudioWasReceived() bool { return s.Snapshot().Audio.WasReceived }

// AudioRecordingFileName returns the file that the call is recorded to, empty if
// it is not.
func (s *Session) AudioRecordingFileName() string { return s.Snapshot().Audio.RecordingFile }

// RingtoneConfig returns what rings in this session. It is the session's own copy:
// changing it changes nothing that rings already, nor any other session.
func (s *Session) RingtoneConfig() *RingtoneConfiguration { return s.config.ringtones }

// RTPConfig returns how the audio of this session is transported.
func (s *Session) RTPConfig() RTPConfiguration { return s.config.rtp }

// MSRPConfig returns how a chat of this session would be transported.
func (s *Session) MSRPConfig() MSRPConfiguration { return s.config.msrp }
